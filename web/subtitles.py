"""An annotation as subtitles: SubRip and WebVTT, over the same cues."""

from contracts.annotation import Annotation
from web.cues import READING, SHORTEST, Cue, columns, cues
from web.labels import clock, labelled_segments


def _cues(annotation: Annotation, *, labelled: bool) -> list[tuple[str, Cue, int, int]]:
    """Subtitles in time order, with their speaker's label and their start and end in milliseconds.

    One that would flash by stays until SHORTEST has passed and it can be read, or until the next one comes.

    :param labelled: whether the label takes room on the first line
    """
    found = [
        (label, cue)
        for label, segment in labelled_segments(annotation)
        for cue in cues(segment, indent=columns(label) + 2 if labelled else 0)
    ]
    found.sort(key=lambda item: item[1].start_time)
    starts = [cue.start_time for _, cue in found] + [annotation.metadata.total_duration]
    timed = []
    for (label, cue), following in zip(found, starts[1:], strict=True):
        text = sum(map(columns, cue.lines)) + (columns(label) + 2 if labelled else 0)
        end_time = max(cue.end_time, min(cue.start_time + max(SHORTEST, text / READING), following))
        start = round(cue.start_time * 1000)
        timed.append((label, cue, start, max(round(end_time * 1000), start + 1)))
    return timed


def srt(annotation: Annotation, *, labelled: bool = True) -> str:
    """SubRip, with the speaker in front of the text or without."""
    blocks = []
    for number, (label, cue, start, end) in enumerate(_cues(annotation, labelled=labelled), 1):
        # SubRip has no escapes; an arrow is the one thing that would break the file.
        first = f"{label}: {cue.lines[0]}" if labelled else cue.lines[0]
        text = "\n".join((first, *cue.lines[1:])).replace("-->", "->")
        blocks.append(f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{text}\n")
    return "\n".join(blocks)


def vtt(annotation: Annotation, *, labelled: bool = True) -> str:
    """WebVTT (https://www.w3.org/TR/webvtt1/), with a voice tag for the speaker or without."""
    blocks = ["WEBVTT\n"]
    for label, cue, start, end in _cues(annotation, labelled=False):
        text = "\n".join(_escaped(line) for line in cue.lines)
        voiced = f"<v {_escaped(label)}>{text}</v>" if labelled else text
        blocks.append(f"{clock(start, '.')} --> {clock(end, '.')}\n{voiced}\n")
    return "\n".join(blocks)


def _escaped(text: str) -> str:
    """The text with WebVTT's markup characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
