"""An annotation in the formats that other programs read."""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from contracts.annotation import Annotation
from contracts.options import Format
from web import printed, subtitles, tiers
from web.cues import clean
from web.labels import clock, labelled_segments


def render(annotation: Annotation, transcript_format: Format, name: str) -> bytes:
    """The annotation as a file, which is valid for an empty call as well; text is UTF-8.

    - `json`: the annotation itself, indented.
    - `srt`, `vtt`: subtitles (web/subtitles.py).
    - `txt`: one line for each segment, in time order.
    - `tsv`: one line for each segment behind a line of headings, times in milliseconds as in Whisper's own.
    - `rttm`: one line for each turn, as NIST's Rich Transcription evaluations define it (RT-09 plan, appendix A).
    - `eaf`, `textgrid`: tiers of segments and words for ELAN and Praat (web/tiers.py).
    - `docx`: a document to read and to print (web/printed.py).

    :param name: of the recording, without folder and extension; RTTM names the recording on every line
    """
    return WRITERS[transcript_format](annotation, name)


def _lines(lines: Iterator[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _txt(annotation: Annotation) -> Iterator[str]:
    for speaker, segment in labelled_segments(annotation):
        start, end = (clock(round(time * 1000), ".") for time in (segment.start_time, segment.end_time))
        yield f"[{start} - {end}] {speaker} ({segment.language}): {clean(segment.text)}"


def _tsv(annotation: Annotation) -> Iterator[str]:
    """No text has a tab or a line break in it, so nothing needs to be quoted."""
    yield "start\tend\tspeaker\tlanguage\ttext"
    for speaker, segment in labelled_segments(annotation):
        start, end = (round(time * 1000) for time in (segment.start_time, segment.end_time))
        yield f"{start}\t{end}\t{speaker}\t{segment.language}\t{clean(segment.text)}"


def _rttm(annotation: Annotation, name: str) -> Iterator[str]:
    """Turns carry the speaker's number even where a name is known: scoring needs labels without spaces.

    The channel is always 1, since speakers are told apart over the whole recording and references are written so.
    """
    recording = "_".join(clean(name).split()) or "call"
    for turn in annotation.turns:
        duration = turn.end_time - turn.start_time
        yield f"SPEAKER {recording} 1 {turn.start_time:.3f} {duration:.3f} <NA> <NA> {turn.speaker_id} <NA> <NA>"


WRITERS: Final[dict[Format, Callable[[Annotation, str], bytes]]] = {
    "json": lambda annotation, _: msgspec.json.format(msgspec.json.encode(annotation), indent=2) + b"\n",
    "srt": lambda annotation, _: subtitles.srt(annotation).encode(),
    "vtt": lambda annotation, _: subtitles.vtt(annotation).encode(),
    "txt": lambda annotation, _: _lines(_txt(annotation)),
    "tsv": lambda annotation, _: _lines(_tsv(annotation)),
    "rttm": lambda annotation, name: _lines(_rttm(annotation, name)),
    "eaf": lambda annotation, _: tiers.eaf(annotation),
    "textgrid": lambda annotation, _: tiers.textgrid(annotation),
    "docx": printed.docx,
}
