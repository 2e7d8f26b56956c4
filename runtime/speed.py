"""How fast this machine annotates, by the jobs that it has completed: seconds of work for a second of audio."""

from collections import deque
from statistics import fmean
from typing import Final

REMEMBERED: Final = 20
"""Jobs of each model that count."""
OVERHEAD: Final = 1.0
"""Seconds of audio that every job counts more than it has: very short ones take relatively longer."""


class Speed:
    """The last jobs of each model."""

    def __init__(self) -> None:
        self._jobs: Final[dict[str, deque[tuple[float, float]]]] = {}
        self._times: Final[deque[float]] = deque(maxlen=REMEMBERED)

    def learn(self, model: str, duration: float, elapsed: float) -> None:
        """Take in a job: seconds of audio, and seconds that it took."""
        self._jobs.setdefault(model, deque(maxlen=REMEMBERED)).append((duration, elapsed))
        self._times.append(elapsed)

    def estimate(self, model: str, duration: float | None) -> float | None:
        """Seconds that a job of `duration` s will take; None where nothing was measured or the length is unknown."""
        jobs = self._jobs.get(model) or [job for known in self._jobs.values() for job in known]
        if not jobs or duration is None:
            return None
        audio = sum(length + OVERHEAD for length, _ in jobs)
        return (duration + OVERHEAD) * sum(elapsed for _, elapsed in jobs) / audio

    @property
    def average(self) -> float:
        """Seconds that the last jobs took; 0 before the first."""
        return fmean(self._times) if self._times else 0.0
