"""Compares a speaker with every known voice: open-set identification with a calibrated probability."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.recognition import KnownVoice

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
    """How much better the best voice matches than the second, in normalised scores; infinite where there is one."""
    source: str | None = None
    """`KnownVoice.source`."""


class KnownVoices:
    """An immutable snapshot of all enrolled voices; one may serve any number of calls at once."""

    def __init__(self, voices: tuple[KnownVoice, ...], means: Vectors) -> None:
        """As `of` makes it: `means` float32 (n, 192), of unit length."""
        self._voices = voices
        self._means = means

    @classmethod
    def of(cls, voices: Sequence[KnownVoice]) -> "KnownVoices":
        """The snapshot of these voices."""
        means = np.stack([_mean(voice.vectors) for voice in voices]) if voices else np.zeros((0, 192), np.float32)
        return cls(tuple(voices), means)

    def __len__(self) -> int:
        return len(self._voices)

    def match(self, vectors: Vectors, seconds: npt.NDArray[np.float64]) -> Match:
        """Who a speaker with these voiceprints is: float32 (windows, 192), each standing for `seconds` of speech."""
        if not len(self) or not len(vectors):
            return Match(None, None, 0.0, np.inf)
        own = np.float32(seconds) @ vectors
        scores = self._means @ (own / max(float(np.linalg.norm(own)), 1e-12))
        best = int(scores.argmax())
        others = np.delete(scores, best)
        margin = float(scores[best] - others.max()) if len(others) else np.inf
        if scores[best] < 0.5:
            return Match(None, None, max(0.0, float(scores[best])), margin)
        voice = self._voices[best]
        return Match(voice.voice_id, voice.name, float(min(1.0, scores[best])), margin, voice.source)


def _mean(vectors: Vectors) -> Vectors:
    """float32 (192,): the mean direction of voiceprints (n, 192)."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-12))
    total = unit.sum(axis=0)
    mean: Vectors = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
    return mean
