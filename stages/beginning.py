"""The beginning of an utterance that goes on, as far as its partials agree about it: the next goes on from there.

As "Turning Whisper into Real-Time Transcription System" (Macháček et al., 2023) does at the ends of sentences,
but at any word that leaves enough before it, so that a partial takes as long late in an utterance as early.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.audio import SAMPLE_RATE
from contracts.live_stages import Utterance
from models.whisper_words import HeardWord
from stages.agreement import bare
from stages.said import Said

PART: Final = 2 * SAMPLE_RATE
"""Samples of a part at least: shorter ones are heard worse."""
LEFT: Final = SAMPLE_RATE
"""Samples at least that are heard anew."""


@dataclass(frozen=True, eq=False)
class Glanced:
    """What a partial made of an utterance that goes on, from some sample of it on."""

    item: Utterance
    skipped: int
    """Samples of the utterance that were not heard anew."""
    language: str
    text: tuple[str, ...]
    """Words, with those of the beginning."""
    words: tuple[HeardWord, ...]
    """Of what was heard anew, counted from there; none where that is short."""


class Beginning:
    """Of one utterance."""

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ()
        """Words that are not heard anew."""
        self.parts: tuple[Said, ...] = ()

    def within(self, item: Utterance) -> int:
        """Samples of the utterance that need not be heard anew."""
        return min(len(item.levelled), max(0, self.parts[-1].end - item.start)) if self.parts else 0

    def grow(self, glanced: Glanced, shown: Sequence[str], tokens: Callable[[str], Sequence[int]]) -> None:
        """Take what is agreed about, but for its last word, up to where a word begins. `tokens`: of a text."""
        heard, known = glanced.words, len(self.words)
        count = min(len(shown) - 1 - known, len(heard) - 1)
        samples = glanced.item.levelled[glanced.skipped :]
        if count < 1 or glanced.skipped != self.within(glanced.item):
            return
        cut = round(heard[count].start * SAMPLE_RATE)
        agreed = [word.text for word in heard[:count]]
        if not PART <= cut <= len(samples) - LEFT:
            return
        if [bare(word) for word in agreed] != [bare(word) for word in shown[known : known + count]]:
            return
        start = glanced.item.start + glanced.skipped
        part = Said(start, samples[:cut], tuple(tokens(" ".join(agreed))), glanced.language)
        self.words, self.parts = (*self.words, *agreed), (*self.parts, part)
