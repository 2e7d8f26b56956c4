"""What was said in a channel of a live call before what is heard next: its sound and its text."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.audio import SAMPLE_RATE, Samples
from contracts.speech import TimedWord
from models.whisper import Before
from stages.windows import LONGEST, LONGEST_PAUSE, SHORTEST_PAUSE

BEFORE: Final = 9 * SAMPLE_RATE
"""Samples of what was said before, with the silence between, that an utterance is heard with at most."""
TOLD: Final = 12 * SAMPLE_RATE
"""The same whose text the decoder is told at most: it takes next to no time."""
PART: Final = 2 * SAMPLE_RATE
"""Samples of a part of an utterance at least: shorter ones are heard worse."""

Tokens = Callable[[str], Sequence[int]]
"""A text in the tokens of the model."""


@dataclass(frozen=True, eq=False)
class Said:
    """The text of an utterance or of a part of it, and what it was understood of."""

    start: int
    """First sample, counted from the start of the stream."""
    samples: Samples
    """Levelled."""
    tokens: tuple[int, ...]
    """Of the text, as Whisper writes it."""
    language: str

    @property
    def end(self) -> int:
        """Sample of the stream behind it."""
        return self.start + len(self.samples)


def spoken(start: int, samples: Samples, words: Iterable[str], language: str, tokens: Tokens) -> Said:
    """What was said in some samples, by its words."""
    return Said(start, samples, tuple(tokens(" ".join(words))), language)


def divided(said: Said, words: Sequence[TimedWord], tokens: Tokens) -> list[Said]:
    """The same in parts that begin with a word, so that its end can be heard where all of it is too long.

    `words`: those of the text, on the stream's clock.
    """
    parts: list[Said] = []
    stop, last = len(said.samples), len(words)
    for index in reversed(range(len(words))):
        start = round(words[index].start_time * SAMPLE_RATE) - said.start if index else 0
        if index == 0 or PART <= start <= stop - PART:
            text = (word.text for word in words[index:last])
            parts.append(spoken(said.start + start, said.samples[start:stop], text, said.language, tokens))
            stop, last = start, index
    return parts[::-1] if len(parts) > 1 else [said]


def preceding(said: Sequence[Said], start: int, length: int, language: str, most: int = BEFORE) -> Before | None:
    """What was said right before so many samples from sample `start` on, in their language.

    As much to be heard as fits into `most` samples and, with what follows, into what Whisper hears at once; None for
    nothing. The text of TOLD.
    """
    pieces: list[Samples] = []
    tokens: tuple[int, ...] = ()
    earlier: tuple[int, ...] = ()
    room, told = min(most, LONGEST - length), TOLD
    for own in reversed(said):
        gap = start - own.end
        silence = 0 if gap <= 0 else min(max(gap, SHORTEST_PAUSE), LONGEST_PAUSE)
        room, told = (left - len(own.samples) - silence for left in (room, told))
        if own.language != language or told < 0:
            break
        if room >= 0:
            pieces += [np.zeros(silence, np.float32), own.samples]
            tokens = own.tokens + tokens
        else:
            earlier = own.tokens + earlier
        start = own.start
    return Before(np.concatenate(pieces[::-1]), tokens, earlier) if pieces else None
