"""How live calls make do with a machine that falls behind: partials become rarer, and then there are none."""

from dataclasses import dataclass, field
from typing import Final, Literal

from contracts.live_speech import Degraded
from stages.live_work import Worker

RARER: Final = 0.3
"""Seconds that finals wait for the networks from which on partials are rarer."""
NONE: Final = 1.0
"""The same from which on there are none."""
RESTORED: Final = 0.2
"""The same below which the level falls again."""
BUSY: Final = 1.0
"""Calls of the networks at work on average from which on partials are rarer: finals will wait soon."""
FULL: Final = 1.1
"""The same from which on there are none, where they are rare already."""
FREE: Final = {1: 0.5, 2: 0.6}
"""By level: the same below which it falls again."""
RARE: Final = 3
"""Partials of which one remains where they are rarer."""
RECOVERY: Final = 10.0
"""Seconds of the stream from one change of the level to its fall by one: so long the load takes to answer."""


@dataclass(eq=False)
class Degradation:
    """Of one call: 0 as usual, 1 partials are rarer, 2 there are none."""

    worker: Worker = field(repr=False)
    level: Literal[0, 1, 2] = 0
    changed: float = 0.0
    """Seconds of the stream when the level changed last."""

    def settle(self, now: float) -> Degraded | None:
        """Choose the level by how long finals wait and how busy the networks are, and return a change."""
        wait, load, level = self.worker.wait, self.worker.load, self.level
        if wait > NONE or (level > 0 and load > FULL and now >= self.changed + RECOVERY):
            level = 2
        elif wait > RARER or load > BUSY:
            level = max(level, 1)
        elif level and wait < RESTORED and load < FREE[level] and now >= self.changed + RECOVERY:
            level = 1 if level == 2 else 0
        if level == self.level:
            return None
        self.level, self.changed = level, now
        return Degraded(level)

    def allows(self, number: int) -> bool:
        """Whether there is to be the partial of this number of an utterance, counted from 1."""
        return self.level == 0 or (self.level == 1 and number % RARE == 0)
