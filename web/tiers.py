"""An annotation in tiers, for programs that linguists look at speech with: ELAN and Praat.

Each speaker has a tier of segments, and below it a tier of words.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from pympi import Eaf, TextGrid
from pympi.Elan import to_string

from contracts.annotation import Annotation, Speaker
from web.cues import clean
from web.labels import label

WORDS: Final = "words"


class Interval(NamedTuple):
    """Something that is said; milliseconds from the start of the call."""

    start: int
    end: int
    text: str


def eaf(annotation: Annotation) -> bytes:
    """An ELAN document (format 2.8): the tier of a speaker's words is included in the tier of the segments."""
    document = Eaf(author="CallAnnotate")
    document.add_linguistic_type(WORDS, constraints="Included_In", timealignable=True)
    for speaker, name in _named(annotation):
        said, words = _said(speaker)
        document.add_tier(name, part=name, ann="CallAnnotate")
        document.add_tier(_words_of(name), ling=WORDS, parent=name, part=name, ann="CallAnnotate")
        for interval in said:
            document.add_annotation(name, *interval)
        for interval in words:
            document.add_annotation(_words_of(name), *interval)
    if annotation.speakers:
        document.remove_tier("default")
    text: str = to_string(document)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode()


def textgrid(annotation: Annotation) -> bytes:
    """A Praat TextGrid in its long text form, as long as the call; between what is said its tiers are empty."""
    said = {name: _said(speaker) for speaker, name in _named(annotation)}
    ends = [interval.end for own in said.values() for interval in chain(*own)]
    grid = TextGrid(xmax=max([*ends, round(annotation.metadata.total_duration * 1000), 1]) / 1000)
    for name, (segments, words) in said.items():
        for tier_name, intervals in ((name, segments), (_words_of(name), words)):
            tier = grid.add_tier(tier_name.replace('"', '""'))
            for interval in intervals:
                tier.add_interval(interval.start / 1000, interval.end / 1000, interval.text, check=False)
    with tempfile.NamedTemporaryFile(suffix=".TextGrid") as file:  # the library writes to a path only
        grid.to_file(file.name)
        return Path(file.name).read_bytes()


def _named(annotation: Annotation) -> list[tuple[Speaker, str]]:
    """Every speaker with a name that no other tier has."""
    labels = [label(speaker) for speaker in annotation.speakers]
    shared = {name for name, count in Counter(labels).items() if count > 1}
    return [
        (speaker, f"{name} ({speaker.speaker_id})" if name in shared else name)
        for speaker, name in zip(annotation.speakers, labels, strict=True)
    ]


def _words_of(name: str) -> str:
    return f"{name} {WORDS}"


def _said(speaker: Speaker) -> tuple[list[Interval], list[Interval]]:
    """Segments and words of a speaker."""
    segments = ((own.start_time, own.end_time, own.text) for own in speaker.segments)
    words = ((word.start_time, word.end_time, word.word) for own in speaker.segments for word in own.words)
    return _apart(segments), _apart(words)


def _apart(timed: Iterable[tuple[float, float, str]]) -> list[Interval]:
    """Intervals that do not overlap, since those of a tier may not; what has no time of its own goes with the last."""
    intervals: list[Interval] = []
    for start_time, end_time, text in sorted(timed):
        last = intervals[-1].end if intervals else 0
        start, end = max(round(start_time * 1000), last), round(end_time * 1000)
        if end > start:
            intervals.append(Interval(start, end, clean(text)))
        elif intervals:
            intervals[-1] = intervals[-1]._replace(text=f"{intervals[-1].text} {clean(text)}")
        else:
            intervals.append(Interval(start, start + 1, clean(text)))
    return intervals
