"""Cuts what a speaker says into subtitles: short enough to read, broken where speech and grammar break.

The limits are the usual ones (BBC subtitle guidelines, Netflix timed text style guide): two lines of 42 columns, at
most seven seconds. The best cut is found over the whole segment by dynamic programming, as Knuth and Plass break lines.
"""

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

from contracts.annotation import Segment

LINE: Final = 42
"""Columns of one line; a wide (East Asian) character takes two."""
LONGEST: Final = 7.0
"""Seconds that a subtitle of several words may last."""
SHORTEST: Final = 1.0
"""Seconds that a subtitle stays if the next one leaves it the time."""
READING: Final = 17.0
"""Columns that are read in a second."""
PAUSE: Final = 0.5
"""Seconds of silence between words that are as good a place to break as the end of a sentence."""
SILENCE: Final = 1.5
"""Seconds of silence that a subtitle never spans."""
SENTENCE_END: Final = (".", "?", "!", "…", "。", "？", "！")
CLAUSE_END: Final = (",", ";", ":", "—", "–", "、", "，", "；")

# What a cut costs; only the ratios matter.
PER_CUE: Final = 1.0
INSIDE_SENTENCE: Final = 4.0
AFTER_CLAUSE: Final = 1.0
TOO_SHORT: Final = 2.0
UNBALANCED: Final = 2.0


@dataclass(frozen=True)
class Cue:
    """One subtitle."""

    start_time: float
    """Seconds from the start of the call."""
    end_time: float
    """Seconds from the start of the call."""
    lines: tuple[str, ...]
    """One or two, without markup or speaker."""


@dataclass(frozen=True)
class _Piece:
    """A word as it stands on a line."""

    text: str
    space: str
    """What separates it from the word before: a space, or nothing in a language without spaces."""
    start_time: float
    end_time: float


def cues(segment: Segment, indent: int = 0) -> list[Cue]:
    """The subtitles of one segment.

    :param indent: columns to keep free at the start of the first line, for the name of the speaker
    """
    speech = _Speech(_pieces(segment), indent)
    best: list[tuple[float, int]] = [(0.0, 0)]
    """For each number of words: the least cost of their cues, and where the last of these cues begins."""
    for end in range(1, len(speech.pieces) + 1):
        options = [(best[end - 1][0] + speech.cost(end - 1, end), end - 1)]
        for begin in range(end - 2, -1, -1):
            if not speech.fits(begin, end):
                break
            options.append((best[begin][0] + speech.cost(begin, end), begin))
        best.append(min(options))
    found: list[Cue] = []
    end = len(speech.pieces)
    while end:
        begin = best[end][1]
        found.append(speech.cue(begin, end))
        end = begin
    return found[::-1]


def columns(text: str) -> int:
    """Columns that a text takes on a line."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def clean(text: str) -> str:
    """The text on one line: control characters and line breaks would change the meaning of what is written next."""
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())


def _pieces(segment: Segment) -> list[_Piece]:
    """The words of a segment, separated as its text separates them."""
    pieces: list[_Piece] = []
    position = 0
    for word in segment.words:
        text = clean(word.word)
        if not text:
            continue
        found = segment.text.find(word.word, position)
        joined = found == position and found > 0
        position = found + len(word.word) if found >= 0 else position
        pieces.append(_Piece(text, "" if joined else " ", word.start_time, word.end_time))
    return pieces


class _Speech:
    """The words of one segment, measured once; a range of words is given by its first and one past its last."""

    def __init__(self, pieces: list[_Piece], indent: int) -> None:
        self.pieces = pieces
        self.indent = indent
        widths = (len(piece.space) + columns(piece.text) for piece in pieces)
        self.reach = list(accumulate(widths, initial=0))
        """Columns up to each word, were all on one line."""
        gaps = [later.start_time - earlier.end_time for earlier, later in pairwise(pieces)]
        self.breaks = [0.0, *map(_break_cost, pieces, gaps), 0.0]
        """What it costs to break before each word, and behind the last."""
        self.silences = [0, *accumulate(gap >= SILENCE for gap in gaps)]
        """How many long silences there are before each word."""

    def width(self, begin: int, end: int) -> int:
        """Columns of a range on one line."""
        return self.reach[end] - self.reach[begin] - len(self.pieces[begin].space)

    def fits(self, begin: int, end: int) -> bool:
        """Whether several words may share a subtitle."""
        if self.pieces[end - 1].end_time - self.pieces[begin].start_time > LONGEST:
            return False
        if self.silences[end - 1] != self.silences[begin]:
            return False
        # As many words on the first line as it takes; then the second has to take the rest.
        room = self.reach[begin] + len(self.pieces[begin].space) + LINE - self.indent
        split = bisect_right(self.reach, room) - 1
        return split >= end or (split > begin and self.width(split, end) <= LINE)

    def cost(self, begin: int, end: int) -> float:
        """What a subtitle costs the reader, the break behind it included."""
        fill = min((self.indent + self.width(begin, end)) / (2 * LINE), 1.0)
        short = self.pieces[end - 1].end_time - self.pieces[begin].start_time < SHORTEST
        return PER_CUE + self.breaks[end] + UNBALANCED * (1.0 - fill) ** 2 + (TOO_SHORT if short else 0.0)

    def cue(self, begin: int, end: int) -> Cue:
        """The subtitle of a range: one line if it is enough, or else the two that look best."""
        splits = []
        if self.indent + self.width(begin, end) > LINE:
            for split in range(begin + 1, end):
                first, second = self.indent + self.width(begin, split), self.width(split, end)
                if max(first, second) <= LINE:
                    splits.append((self.breaks[split] + UNBALANCED * abs(first - second) / LINE, split))
        bounds = (begin, min(splits)[1], end) if splits else (begin, end)
        return Cue(
            self.pieces[begin].start_time,
            max(piece.end_time for piece in self.pieces[begin:end]),
            tuple(self.text(first, last) for first, last in pairwise(bounds)),
        )

    def text(self, begin: int, end: int) -> str:
        """A range as it is written."""
        first, *others = self.pieces[begin:end]
        return first.text + "".join(piece.space + piece.text for piece in others)


def _break_cost(piece: _Piece, gap: float) -> float:
    """What it costs the reader that a line or a subtitle ends after a word that `gap` seconds of silence follow."""
    text = piece.text.rstrip("\"')]»”’")
    if gap >= PAUSE or text.endswith(SENTENCE_END):
        return 0.0
    return AFTER_CLAUSE if text.endswith(CLAUSE_END) else INSIDE_SENTENCE
