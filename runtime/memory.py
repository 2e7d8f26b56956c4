"""Gives memory back to the system while the server works."""

from collections.abc import Callable
from time import process_time
from typing import Final

from anyio import CapacityLimiter, sleep, to_thread

from models.allocator import give_back

INTERVAL: Final = 5.0
"""Seconds between two times: what is given back and mapped again costs 2 % of a core, and what is needed in between is
what memory varies by."""
WORK: Final = 0.2
"""Seconds of processor time in between without which there is nothing to give back."""


class MemoryRelease:
    """Gives back again and again what the networks no longer use; a server that rests does nothing."""

    def __init__(
        self,
        release: Callable[[], None] = give_back,
        worked: Callable[[], float] = process_time,
        interval: float = INTERVAL,
    ) -> None:
        """`worked`: seconds of processor time so far; `interval`: seconds."""
        self._release: Final = release
        self._worked: Final = worked
        self._interval: Final = interval
        self._limiter: Final = CapacityLimiter(1)

    async def run(self) -> None:
        """Go on until cancelled."""
        before = 0.0
        while True:
            if self._worked() - before > WORK:
                await to_thread.run_sync(self._release, limiter=self._limiter)
                before = self._worked()
            await sleep(self._interval)
