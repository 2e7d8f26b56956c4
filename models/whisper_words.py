"""From the alignment of tokens and frames to words with times that a reader can rely on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from models.whisper_tokens import TokenWord

FRAME: Final = 0.02
"""Seconds of one frame of the encoder's output."""
SHORTEST_WORD: Final = 0.04
"""Seconds that a word lasts at least."""


@dataclass(frozen=True)
class HeardWord:
    """One word with its place in the utterance."""

    text: str
    """With its punctuation and without surrounding space."""
    start: float
    """Seconds from the start of the utterance."""
    end: float
    """Seconds from the start of the utterance; above start."""
    probability: float
    """0 to 1: geometric mean of the probabilities of the word's tokens; marks of punctuation do not count."""


def token_starts(alignment: Sequence[tuple[int, int]], tokens: int) -> npt.NDArray[np.float64]:
    """Seconds at which each token begins, and last the one at which the last token ends: float64 (tokens + 1,).

    `alignment` is the path of dynamic time warping as (token, frame) steps; after the last token comes the end of text.
    """
    starts = np.zeros(tokens + 1)
    for token, frame in reversed(alignment):
        starts[min(token, tokens)] = frame * FRAME
    return starts


def timed_words(
    words: Sequence[TokenWord], starts: npt.NDArray[np.float64], probabilities: Sequence[float], duration: float
) -> list[HeardWord]:
    """Give each word its time within `duration` seconds, and its probability."""
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-10))
    spans = orderly([(float(starts[word.first]), float(starts[word.last])) for word in words], 0.0, duration)
    return [
        HeardWord(word.text, start, end, float(np.exp(logs[word.first : word.last].mean())))
        for word, (start, end) in zip(words, spans, strict=True)
    ]


def orderly(spans: Sequence[tuple[float, float]], earliest: float, latest: float) -> list[tuple[float, float]]:
    """Move starts and ends so that they never go back, lie within bounds and are SHORTEST_WORD apart.

    All in seconds. They are closer only where so many words do not fit between the bounds.
    """
    shortest = min(SHORTEST_WORD, (latest - earliest) / max(1, len(spans)))
    moved: list[tuple[float, float]] = []
    for n, (start, end) in enumerate(spans):
        limit = latest - shortest * (len(spans) - n - 1)
        begin = min(max(start, earliest), limit - shortest)
        finish = min(max(end, begin + shortest), limit)
        moved.append((begin, finish))
        earliest = finish
    return moved
