"""What the formats of a transcript call a speaker and a moment."""

from contracts.annotation import Annotation, Segment, Speaker
from web.cues import clean


def label(speaker: Speaker) -> str:
    """The name of a speaker where one is known, or else the number."""
    known = speaker.identified_as is not None and speaker.identified_as != "unknown"
    return clean(speaker.identified_as or "") if known else speaker.speaker_id


def labelled_segments(annotation: Annotation) -> list[tuple[str, Segment]]:
    """All segments with the label of their speaker, in time order."""
    said = [(label(speaker), segment) for speaker in annotation.speakers for segment in speaker.segments]
    return sorted(said, key=lambda item: (item[1].start_time, item[1].end_time))


def clock(milliseconds: int, point: str) -> str:
    """Such as 00:01:02.345."""
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{fraction:03d}"
