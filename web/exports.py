"""An annotation in the formats that other programs read."""

from collections.abc import Iterator

import msgspec

from contracts.annotation import Annotation, Segment, Speaker
from contracts.options import Format
from web.cues import SHORTEST, Cue, clean, columns, cues


def render(annotation: Annotation, transcript_format: Format, name: str) -> str:
    """The annotation as the text of a file, which is valid for an empty call as well.

    - `json`: the annotation itself, indented.
    - `srt`: SubRip subtitles with the speaker in front of the text.
    - `vtt`: WebVTT subtitles (https://www.w3.org/TR/webvtt1/) with a voice tag for the speaker.
    - `txt`: one line for each segment, in time order.
    - `rttm`: one line for each turn, as NIST's Rich Transcription evaluations define it (RT-09 plan, appendix A).

    :param name: of the recording, without folder and extension; RTTM names the recording on every line
    """
    match transcript_format:
        case "json":
            return msgspec.json.format(msgspec.json.encode(annotation), indent=2).decode() + "\n"
        case "srt":
            return _srt(annotation)
        case "vtt":
            return _vtt(annotation)
        case "txt":
            return "".join(f"{line}\n" for line in _txt(annotation))
        case "rttm":
            return "".join(f"{line}\n" for line in _rttm(annotation, name))


def _label(speaker: Speaker) -> str:
    """The name of a speaker where one is known, or else the number."""
    known = speaker.identified_as is not None and speaker.identified_as != "unknown"
    return clean(speaker.identified_as or "") if known else speaker.speaker_id


def _segments(annotation: Annotation) -> list[tuple[str, Segment]]:
    """All segments with the label of their speaker, in time order."""
    said = [(_label(speaker), segment) for speaker in annotation.speakers for segment in speaker.segments]
    return sorted(said, key=lambda item: (item[1].start_time, item[1].end_time))


def _cues(annotation: Annotation, *, labelled: bool) -> list[tuple[str, Cue, int, int]]:
    """Subtitles in time order, with their speaker's label and their start and end in milliseconds.

    One that would flash by stays until SHORTEST has passed or the next one comes.

    :param labelled: whether the label takes room on the first line
    """
    found = [
        (label, cue)
        for label, segment in _segments(annotation)
        for cue in cues(segment, indent=columns(label) + 2 if labelled else 0)
    ]
    found.sort(key=lambda item: item[1].start_time)
    starts = [cue.start_time for _, cue in found] + [annotation.metadata.total_duration]
    timed = []
    for (label, cue), following in zip(found, starts[1:], strict=True):
        end_time = max(cue.end_time, min(cue.start_time + SHORTEST, following))
        start = round(cue.start_time * 1000)
        timed.append((label, cue, start, max(round(end_time * 1000), start + 1)))
    return timed


def _srt(annotation: Annotation) -> str:
    blocks = []
    for number, (label, cue, start, end) in enumerate(_cues(annotation, labelled=True), 1):
        # SubRip has no escapes; an arrow is the one thing that would break the file.
        text = "\n".join((f"{label}: {cue.lines[0]}", *cue.lines[1:])).replace("-->", "->")
        blocks.append(f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{text}\n")
    return "\n".join(blocks)


def _vtt(annotation: Annotation) -> str:
    blocks = ["WEBVTT\n"]
    for label, cue, start, end in _cues(annotation, labelled=False):
        text = "\n".join(_escaped(line) for line in cue.lines)
        blocks.append(f"{_clock(start, '.')} --> {_clock(end, '.')}\n<v {_escaped(label)}>{text}</v>\n")
    return "\n".join(blocks)


def _escaped(text: str) -> str:
    """The text with WebVTT's markup characters escaped."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _txt(annotation: Annotation) -> Iterator[str]:
    for label, segment in _segments(annotation):
        start, end = (_clock(round(time * 1000), ".") for time in (segment.start_time, segment.end_time))
        yield f"[{start} - {end}] {label} ({segment.language}): {clean(segment.text)}"


def _rttm(annotation: Annotation, name: str) -> Iterator[str]:
    """Turns carry the speaker's number even where a name is known: scoring needs labels without spaces.

    The channel is always 1, since speakers are told apart over the whole recording and references are written so.
    """
    recording = "_".join(clean(name).split()) or "call"
    for turn in annotation.turns:
        duration = turn.end_time - turn.start_time
        yield f"SPEAKER {recording} 1 {turn.start_time:.3f} {duration:.3f} <NA> <NA> {turn.speaker_id} <NA> <NA>"


def _clock(milliseconds: int, point: str) -> str:
    """Such as 00:01:02.345."""
    seconds, fraction = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{fraction:03d}"
