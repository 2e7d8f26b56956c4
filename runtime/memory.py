"""Gives memory back to the system while the server works."""

from collections.abc import Callable
from time import process_time
from typing import Final

import psutil
from anyio import CapacityLimiter, sleep, to_thread

from models.allocator import give_back

INTERVAL: Final = 5.0
"""Seconds between two times; what is given back is mapped again where it is needed again."""
WORK: Final = 0.2
"""Seconds of processor time in between without which there is nothing to give back."""
GROWTH: Final = 96 * 2**20
"""Bytes by which memory may have grown meanwhile where a live call is heard. Its windows and finals then find the same
room each time, and an hour takes what its first minutes took; a job alone would take 5 % longer."""
LOOK: Final = 0.2
"""Seconds from one look at that to the next."""


_process: Final = psutil.Process()


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(_process.memory_info().rss)


class MemoryRelease:
    """Gives back again and again what the networks no longer use; a server that rests does nothing."""

    def __init__(
        self,
        live: Callable[[], bool],
        release: Callable[[], None] = give_back,
        worked: Callable[[], float] = process_time,
        memory: Callable[[], int] = resident,
        interval: float = INTERVAL,
        look: float = LOOK,
    ) -> None:
        """`live`: whether a live call is heard; `worked`: seconds of processor time so far; `memory`: bytes."""
        self._live: Final = live
        self._release: Final = release
        self._worked: Final = worked
        self._memory: Final = memory
        self._interval: Final = interval
        self._look: Final = look
        self._limiter: Final = CapacityLimiter(1)

    async def run(self) -> None:
        """Go on until cancelled."""
        before, least = 0.0, self._memory()
        while True:
            if self._worked() - before > WORK:
                await to_thread.run_sync(self._release, limiter=self._limiter)
                before, least = self._worked(), self._memory()
            await self._wait(least + GROWTH)

    async def _wait(self, most: int) -> None:
        """Wait for the next time, or during a live call until there is more memory than that."""
        left = self._interval
        while left > 0:
            pause = self._look if self._live() else left
            await sleep(pause)
            left -= pause
            if self._memory() > most:
                break
