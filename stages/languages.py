"""Which language is spoken in each part of a call, from what Whisper says of each part alone.

A short part alone is often misheard, but a call has few languages and a speaker keeps to one. The parts of a channel
are taken as a hidden Markov model: its states are the languages, its stationary distribution the channel's own (found
by expectation and maximisation with a sparse prior), and the chance of a switch depends on how likely somebody else
speaks. Viterbi's path through it is what is spoken.
"""

from collections.abc import Sequence
from copy import copy
from typing import Final

import numpy as np
import numpy.typing as npt

HEARD: Final = 3.0
"""Seconds of a part that count at most as evidence for the languages of the channel."""
SPARSE: Final = 0.5
"""Seconds of evidence that a language needs more than; rumours of a language do not survive."""
SHARPNESS: Final = 0.7
"""Exponent of Whisper's probabilities, which are surer than they are right."""
FLOOR: Final = 1e-4
"""Share of a channel's speech that any language may have."""
ROUNDS: Final = 20
"""Of expectation and maximisation."""


class Languages:
    """Of one channel, in progress: remembers what was heard, so that later parts are known better."""

    def __init__(self, count: int) -> None:
        self._seen: npt.NDArray[np.float64] = np.zeros(count)
        """Seconds of evidence for each language so far."""
        self._path: npt.NDArray[np.float64] = np.zeros(count)
        """Log-probability of the best path that ends in each language."""

    def copy(self) -> "Languages":
        """What is known now, untouched by what is heard later."""
        return copy(self)

    def choose(
        self, probabilities: npt.NDArray[np.float64], durations: Sequence[float], changes: Sequence[float]
    ) -> list[int]:
        """Index of the language of each of the channel's next parts, in the order of time.

        `probabilities` are Whisper's, float64 (parts, languages); durations in s; `changes` the chances, above 0,
        that somebody else speaks than before.
        """
        evidence = SHARPNESS * np.log(np.maximum(probabilities, 1e-9))
        share = self._learn(evidence, np.minimum(durations, HEARD))
        origins = np.zeros((len(evidence), len(share)), np.int64)
        path = self._path
        for n, change in enumerate(changes):
            stay = path + np.log(1 - change + change * share)
            best = int(path.argmax())
            move = path[best] + np.log(change * share)
            origins[n] = np.where(stay >= move, np.arange(len(share)), best)
            path = np.maximum(stay, move) + evidence[n]
        self._path = path - path.max()
        state = int(path.argmax())
        chosen = [state]
        for origin in origins[:0:-1]:
            state = int(origin[state])
            chosen.append(state)
        return chosen[::-1]

    def alone(self, probabilities: npt.NDArray[np.float64]) -> list[int]:
        """Index of the language of each part for itself, by Whisper's probabilities and the languages heard so far.

        `probabilities` are float64 (parts, languages).
        """
        evidence = SHARPNESS * np.log(np.maximum(probabilities, 1e-9))
        return [int(n) for n in (evidence + np.log(_shares(self._seen))).argmax(axis=1)]

    def _learn(self, evidence: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Share of each language in the channel, float64 (languages,), from the parts so far and these."""
        share = np.full(len(self._seen), 1 / len(self._seen))
        likelihood = np.exp(evidence)
        heard = np.zeros_like(share)
        for _ in range(ROUNDS):
            belief = likelihood * share
            heard = weights @ (belief / belief.sum(axis=1, keepdims=True))
            share = _shares(self._seen + heard)
        self._seen = self._seen + heard
        return share


def _shares(heard: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share of each language, from the seconds of evidence for it; none is without a chance."""
    kept = np.maximum(heard - SPARSE, 0)
    share = (kept / kept.sum() if kept.any() else np.full(len(kept), 1 / len(kept))) + FLOOR
    normed: npt.NDArray[np.float64] = share / share.sum()
    return normed
