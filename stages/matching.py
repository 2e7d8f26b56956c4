"""Compares a speaker with every known voice: open-set identification with a calibrated probability.

1. The direction in which the telephone band moves voiceprints is taken out of all of them (nuisance attribute
   projection: Solomonoff, Campbell and Boardman, ICASSP 2005), so that a voice enrolled at 16 kHz is known at 8 kHz.
2. The score is the cosine similarity, with the mean similarity of either side to its nearest strangers in a cohort held
   against it (adaptive score normalisation: Matejka et al., Interspeech 2017; its weight is fitted, because a cohort
   from other lines than the call's takes off too much).
3. Logistic regression over the score and the seconds of speech gives a log-likelihood ratio (Brummer and du Preez,
   Computer Speech and Language 2006), and all ratios together the probability of each voice and of "nobody known".

`docs/voices.md` says what was tried, and on which voices the figures were taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.recognition import KnownVoice
from models.cohort import Cohort, cohort

THRESHOLD: Final = 0.6
"""Probability from which on a speaker is named: of the strangers fitted on, fewer than 1 % are taken for a voice."""
MARGIN: Final = 1.1
"""Least difference of the log-likelihood ratios of the best voice and the second: the best is three times as likely."""
NEAREST: Final = 10
"""Strangers of the cohort that a score is held against."""
LONGEST: Final = 10.0
"""Seconds of speech beyond which more of it changes nothing: the longest that the calibration has seen."""
USUAL: Final = 5.0
"""Seconds of speech that the calibration counts from."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Match:
    """The verdict on one speaker."""

    voice_id: str | None
    """None: nobody that is known."""
    name: str | None
    probability: float
    """0 to 1: that the speaker is the best of the voices, also where that is too little to say so."""
    margin: float
    """By how much the log-likelihood ratio of the best voice is above that of the second; infinite where there is
    none."""
    source: str | None = None
    """`KnownVoice.source`."""


NOBODY: Final = Match(None, None, 0.0, float("inf"))


class KnownVoices:
    """An immutable snapshot of all enrolled voices; one may serve any number of calls at once."""

    def __init__(self, voices: Sequence[KnownVoice], strangers: Cohort) -> None:
        """`of` is the way to make one."""
        self._voices: Final = tuple(voices)
        self._cohort: Final = strangers
        rows = [mean_of(voice.vectors, np.ones(len(voice.vectors)), strangers) for voice in voices]
        self._means: Final = np.stack(rows) if rows else np.zeros((0, strangers.band.size), np.float32)
        """float32 (n, 192): unit length."""
        self._strangeness: Final = strangeness(self._means, strangers)
        """float32 (n,)"""

    @classmethod
    def of(cls, voices: Sequence[KnownVoice]) -> "KnownVoices":
        """The snapshot of these voices."""
        return cls(voices, cohort())

    def __len__(self) -> int:
        return len(self._voices)

    def match(self, vectors: Vectors, seconds: npt.NDArray[np.float64]) -> Match:
        """Who a speaker with these voiceprints is: float32 (windows, 192), each standing for `seconds` of speech."""
        if not len(self) or not len(vectors):
            return NOBODY
        ratios = self.ratios(vectors, seconds)
        best = int(ratios.argmax())
        above = np.exp(ratios - ratios[best])
        probability = float(1 / (above.sum() + np.exp(-ratios[best])))
        margin = float(ratios[best] - np.partition(ratios, -2)[-2]) if len(ratios) > 1 else float("inf")
        if probability < THRESHOLD or margin < MARGIN:
            return Match(None, None, probability, margin)
        voice = self._voices[best]
        return Match(voice.voice_id, voice.name, probability, margin, voice.source)

    def ratios(self, vectors: Vectors, seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Log-likelihood ratio of each voice against a stranger: float64 (n,)."""
        own = mean_of(vectors, seconds, self._cohort)
        strange = self._strangeness + strangeness(own[None], self._cohort)[0]
        # einsum stays on this thread: BLAS waits for a second one while the networks have the cores (8 ms for 0.3).
        scores = np.einsum("ij,j->i", self._means, own)
        return features_of(scores, strange, float(seconds.sum())) @ self._cohort.weights


def features_of(
    scores: npt.NDArray[np.floating], strange: npt.NDArray[np.floating], seconds: npt.NDArray[np.floating] | float
) -> npt.NDArray[np.float64]:
    """What the calibration weighs, for cosine similarities (n,): float64 (n, 4).

    One, the score, the strangeness of both sides added up (n,), and the logarithm of the seconds of speech: two voices
    resemble each other more, the longer they are heard.
    """
    length = np.log(np.minimum(seconds, LONGEST) / USUAL)
    ones = np.ones(len(scores))
    features: npt.NDArray[np.float64] = np.stack([ones, scores, strange, length * ones], axis=1)
    return features


def mean_of(vectors: Vectors, weights: npt.NDArray[np.float64], strangers: Cohort) -> Vectors:
    """The mean of voiceprints (n, 192), free of what the telephone band does: float32 (192,), unit length."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
    total = weights.astype(np.float32) @ unit
    free = total - (total @ strangers.band) * strangers.band
    mean: Vectors = (free / max(float(np.linalg.norm(free)), 1e-12)).astype(np.float32)
    return mean


def strangeness(means: Vectors, strangers: Cohort) -> Vectors:
    """Mean similarity to the nearest strangers: float32 (n, 192) -> (n,)."""
    if not len(means):
        return np.zeros(0, np.float32)
    scores = means @ strangers.strangers.T
    nearest: Vectors = np.partition(scores, -NEAREST, axis=1)[:, -NEAREST:].mean(axis=1)
    return nearest
