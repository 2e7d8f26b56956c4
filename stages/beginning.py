"""The beginning of an utterance that goes on, as far as its partials agree about it: the next goes on from there.

As "Turning Whisper into Real-Time Transcription System" (Macháček et al., 2023) does at the ends of sentences,
but at any word that leaves enough before it, so that a partial takes as long late in an utterance as early.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.audio import SAMPLE_RATE
from contracts.live_stages import Utterance
from models.whisper_words import HeardWord
from stages.agreement import bare
from stages.said import PART, Said, Tokens, spoken

LEFT: Final = SAMPLE_RATE
"""Samples at least that are heard anew."""


@dataclass(frozen=True, eq=False)
class Glanced:
    """What a partial made of an utterance that goes on."""

    language: str
    text: tuple[str, ...]
    """Words, with those of the beginning."""
    words: tuple[HeardWord, ...]
    """Of what was heard anew, counted from there; none where that is short."""


class Beginning:
    """Of one utterance; its partials come one after the other."""

    def __init__(self) -> None:
        self.words: tuple[str, ...] = ()
        """Words that are not heard anew."""
        self.parts: tuple[Said, ...] = ()

    def within(self, item: Utterance) -> int:
        """Samples of the utterance that are not heard anew."""
        return self.parts[-1].end - item.start if self.parts else 0

    def grow(self, item: Utterance, glanced: Glanced, shown: Sequence[str], tokens: Tokens) -> None:
        """Take what is agreed about, but for its last word, up to where a word begins."""
        heard, agreed = glanced.words, shown[len(self.words) : -1]
        count = min(len(agreed), len(heard) - 1)
        if count < 1 or any(bare(one) != bare(word.text) for one, word in zip(agreed, heard[:count], strict=False)):
            return
        skipped, cut = self.within(item), round(heard[count].start * SAMPLE_RATE)
        samples = item.levelled[skipped:]
        if PART <= cut <= len(samples) - LEFT:
            text = [word.text for word in heard[:count]]
            part = spoken(item.start + skipped, samples[:cut], text, glanced.language, tokens)
            self.words, self.parts = (*self.words, *text), (*self.parts, part)
