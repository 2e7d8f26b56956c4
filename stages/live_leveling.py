"""The level of one channel of a live call, as the file door has it, for what is wanted before 0.6 s more were heard."""

from copy import deepcopy
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.audio import Samples
from stages.leveling import Leveler


class LiveLevel:
    """Follows a channel with the leveler of recordings; what that has not let go of yet is levelled as at the end."""

    def __init__(self) -> None:
        self._leveler: Final = Leveler()
        self._ready: Samples = np.zeros(0, np.float32)
        """What the leveler let go of."""
        self._origin = 0
        """Sample of the stream that `_ready[0]` is."""

    def take(self, samples: npt.NDArray[np.float32]) -> None:
        """Hear more of the channel."""
        self._ready = np.concatenate([self._ready, self._leveler.take(samples.astype(np.float64))])

    def stretch(self, start: int, stop: int) -> Samples:
        """The levelled samples from `start` to `stop`, counted from the start of the stream: float32 (samples,).

        As far as they were heard and not forgotten.
        """
        known = self._ready
        if stop > self._origin + len(known):
            known = np.concatenate([known, deepcopy(self._leveler).finish()])
        return known[max(0, start - self._origin) : max(0, stop - self._origin)].copy()

    def forget(self, sample: int) -> None:
        """Let go of what is before a sample of the stream."""
        gone = min(sample - self._origin, len(self._ready))
        if gone > 0:
            self._ready, self._origin = self._ready[gone:], self._origin + gone
