"""From the alignment of tokens and frames to words with times that a reader can rely on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.audio import SAMPLE_RATE, Samples
from models.whisper_tokens import TokenWord

FRAME: Final = 0.02
"""Seconds of one frame of the encoder's output."""
SHORTEST_WORD: Final = 0.04
"""Seconds that a word lasts at least."""
BLOCK: Final = SAMPLE_RATE // 100
"""Samples of one value of the level: 10 ms."""
PAUSE: Final = 20
"""Blocks (0.2 s) of silence that are no part of a word; the closure before a plosive is shorter."""


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
    words: Sequence[TokenWord], starts: npt.NDArray[np.float64], probabilities: Sequence[float], samples: Samples
) -> list[HeardWord]:
    """Give each word its time within the samples, and its probability."""
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), 1e-10))
    aligned = [(float(starts[word.first]), float(starts[word.last])) for word in words]
    quiet = pauses(samples)
    spans = orderly([without_pause(span, quiet) for span in aligned], 0.0, len(samples) / SAMPLE_RATE)
    return [
        HeardWord(word.text, start, end, float(np.exp(logs[word.first : word.last].mean())))
        for word, (start, end) in zip(words, spans, strict=True)
    ]


def pauses(samples: Samples) -> list[tuple[float, float]]:
    """Where the level stays low for PAUSE blocks or more: starts and ends in seconds."""
    blocks = len(samples) // BLOCK
    if not blocks:
        return []
    power = np.square(samples[: blocks * BLOCK], dtype=np.float64).reshape(blocks, BLOCK).mean(axis=1)
    level = 10 * np.log10(np.maximum(power, 1e-10))
    high = np.percentile(level, 90)
    low = max(np.percentile(level, 5), high - 40)  # between parts there may be no sound at all
    edges = np.flatnonzero(np.diff(np.concatenate([[0], level < low + 0.3 * (high - low), [0]])))
    seconds = edges.reshape(-1, 2) * (BLOCK / SAMPLE_RATE)
    return [(float(start), float(end)) for start, end in seconds if end - start >= PAUSE * BLOCK / SAMPLE_RATE]


def without_pause(span: tuple[float, float], quiet: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Take the pauses off a word, in seconds: the alignment counts a pause to the word after it.

    Where there is sound on both sides of a pause, the word is the longer one. A word that is all pause stays.
    """
    start, end = span
    for begin, finish in quiet:
        before, after = begin - start, end - finish
        if finish > start and begin < end and max(before, after) > SHORTEST_WORD:
            start, end = (finish, end) if after >= before else (start, begin)
    return start, end


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
