"""How fast this machine annotates, by the jobs that it has completed; before the first, by a trial of the networks."""

from collections import deque
from statistics import fmean
from time import perf_counter
from typing import Final

import numpy as np

from contracts.audio import SAMPLE_RATE
from runtime.engine import Engine

REMEMBERED: Final = 20
"""Jobs of each model that count."""
OVERHEAD: Final = 1.0
"""Seconds of audio that every job counts more than it has: very short ones take relatively longer."""


TRIAL: Final = 10 * SAMPLE_RATE
"""Samples of noise that the networks are tried with before there was any job."""
SILENCE: Final = 3 * SAMPLE_RATE
"""Samples of silence after it, as the transcription adds them."""
SPEECH: Final = 2.0
"""Times that real speech takes longer than the noise, in which there is little to write down."""


def trial(engine: Engine) -> tuple[float, float]:
    """Seconds of audio and about how long a job with so much takes, before there was one; blocks for a second."""
    noise = np.random.default_rng(0).normal(0, 0.05, TRIAL).astype(np.float32)
    began = perf_counter()
    engine.segmentation.scores(noise[None])
    engine.whisper.detect([noise])
    engine.whisper.hear([noise], engine.whisper.languages[:1], SILENCE)
    return TRIAL / SAMPLE_RATE, SPEECH * (perf_counter() - began)


class Speed:
    """The last jobs of each model."""

    def __init__(self) -> None:
        self._jobs: Final[dict[str, deque[tuple[float, float]]]] = {}
        self._times: Final[deque[float]] = deque(maxlen=REMEMBERED)
        self._guess: tuple[float, float] | None = None

    def guess(self, duration: float, elapsed: float) -> None:
        """Take in a trial, which counts until the first job: seconds of audio, and seconds that they would take."""
        self._guess = (duration, elapsed)

    def learn(self, model: str, duration: float, elapsed: float) -> None:
        """Take in a job: seconds of audio, and seconds that it took."""
        self._jobs.setdefault(model, deque(maxlen=REMEMBERED)).append((duration, elapsed))
        self._times.append(elapsed)

    def estimate(self, model: str, duration: float | None) -> float | None:
        """Seconds that a job of `duration` s will take; None where nothing was measured or the length is unknown."""
        jobs = list(self._jobs.get(model) or [job for known in self._jobs.values() for job in known])
        if not jobs and self._guess is not None:
            jobs = [self._guess]
        if not jobs or duration is None:
            return None
        audio = sum(length + OVERHEAD for length, _ in jobs)
        return (duration + OVERHEAD) * sum(elapsed for _, elapsed in jobs) / audio

    def best(self, model: str) -> float | None:
        """Seconds that a second of audio took when the machine had little else to do; None where nothing was measured.

        Other jobs and live sessions slow a job down, and that says nothing of the machine: the fastest one counts.
        """
        jobs = self._jobs.get(model) or [job for known in self._jobs.values() for job in known]
        speeds = [elapsed / (length + OVERHEAD) for length, elapsed in jobs]
        if self._guess is not None:
            speeds.append(self._guess[1] / SPEECH / self._guess[0])
        return min(speeds, default=None)

    @property
    def known(self) -> bool:
        """Whether there was any job."""
        return bool(self._jobs)

    @property
    def average(self) -> float:
        """Seconds that the last jobs took; 0 before the first."""
        return fmean(self._times) if self._times else 0.0
