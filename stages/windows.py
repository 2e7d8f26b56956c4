"""Windows: parts of one language, put one after the other to fill what Whisper hears at once.

Whisper writes better with more to go by, and a full window takes less time than several that are mostly silence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.audio import SAMPLE_RATE, Samples
from contracts.speech import TimedWord
from models.whisper_words import HeardWord, orderly
from stages.parts import Part

LONGEST: Final = 27 * SAMPLE_RATE
"""Samples of a window at most: with the silence after it all that Whisper takes, as it was trained. Windows of 17 s
take three quarters of the time and cost 0.3 points of WER in English and 0.4 in Russian (docs/transcription.md)."""
SHORTEST_PAUSE: Final = SAMPLE_RATE * 6 // 10
"""Samples of silence at least between parts that do not follow each other in the call."""
LONGEST_PAUSE: Final = SAMPLE_RATE
"""Samples of silence at most; longer pauses are shortened to this."""


@dataclass(frozen=True, eq=False)
class Window:
    """Parts of one channel and one language in the order of time, with silence between them."""

    language: str
    parts: tuple[Part, ...]

    def offsets(self) -> list[int]:
        """The first sample of each part within the window."""
        offsets = [0]
        for before, after in pairwise(self.parts):
            offsets.append(offsets[-1] + len(before.samples) + pause(before, after))
        return offsets

    def __len__(self) -> int:
        """Samples."""
        return self.offsets()[-1] + len(self.parts[-1].samples)

    def samples(self) -> Samples:
        """What Whisper is given."""
        joined = np.zeros(len(self), np.float32)
        for offset, part in zip(self.offsets(), self.parts, strict=True):
            joined[offset : offset + len(part.samples)] = part.samples
        return joined

    def each(self) -> "Iterator[Window]":
        """Every part in a window of its own."""
        return (Window(self.language, (part,)) for part in self.parts)


def pause(before: Part, after: Part) -> int:
    """Samples of silence between two parts of a window."""
    gap = after.start - before.end
    return 0 if gap <= 0 else min(max(gap, SHORTEST_PAUSE), LONGEST_PAUSE)


def pack(parts: Sequence[Part], languages: Sequence[str]) -> list[Window]:
    """Fill windows with the parts of one channel, given in the order of time with the language of each."""
    windows: list[Window] = []
    filling: dict[str, int] = {}
    for part, language in zip(parts, languages, strict=True):
        if language in filling:
            open_window = windows[filling[language]]
            longer = Window(language, (*open_window.parts, part))
            if len(longer) <= LONGEST:
                windows[filling[language]] = longer
                continue
        filling[language] = len(windows)
        windows.append(Window(language, (part,)))
    return windows


def place(window: Window, words: Sequence[HeardWord]) -> list[list[TimedWord]]:
    """Give each word to the part that it was heard in, and put it on the stream's clock, within that part."""
    begins = np.array(window.offsets()) / SAMPLE_RATE
    ends = begins + np.array([len(part.samples) for part in window.parts]) / SAMPLE_RATE
    owned: list[list[HeardWord]] = [[] for _ in window.parts]
    for word in words:
        # The largest share of the word's time; a negative one is the distance of a word that lies in a pause.
        owned[int(np.argmax(np.minimum(ends, word.end) - np.maximum(begins, word.start)))].append(word)
    placed: list[list[TimedWord]] = []
    for part, begin, own in zip(window.parts, begins.tolist(), owned, strict=True):
        shift = part.start / SAMPLE_RATE - begin
        spans = [(word.start + shift, word.end + shift) for word in own]
        times = orderly(spans, part.start / SAMPLE_RATE, part.end / SAMPLE_RATE)
        placed.append([TimedWord(word.text, *time, word.probability) for word, time in zip(own, times, strict=True)])
    return placed
