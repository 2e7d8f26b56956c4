"""How fast the audio of a live session comes, and how long after it what was said in it is told."""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from contracts.errors import CallAnnotateError
from contracts.live_errors import TOO_FAST

STEP: Final = 50
"""Milliseconds of audio from one remembered arrival to the next."""
REMEMBERED: Final = 1200
"""Arrivals that are remembered: a minute."""


class Pace:
    """The clock of one session's audio: it runs from the start and stands still during pauses."""

    def __init__(self, ahead: int, speed: float, now: Callable[[], float] = time.monotonic) -> None:
        """Audio may come `speed` times as fast as real time, and be `ahead` milliseconds before that."""
        self._ahead: Final = ahead
        self._speed: Final = speed
        self._now: Final = now
        self._began = now()
        self._paused_at: float | None = None
        self._arrivals: Final[deque[tuple[int, float]]] = deque(maxlen=REMEMBERED)
        """Milliseconds of audio, and when so much was there."""

    def pause(self) -> None:
        """Stop the clock."""
        if self._paused_at is None:
            self._paused_at = self._now()

    def resume(self) -> None:
        """Let the clock go on."""
        if self._paused_at is not None:
            self._began += self._now() - self._paused_at
            self._paused_at = None

    def check(self, milliseconds: int) -> None:
        """Raises TOO_FAST where so much audio cannot be there yet."""
        ahead = milliseconds - 1000 * self._speed * (self._now() - self._began)
        if ahead > self._ahead:
            raise CallAnnotateError(TOO_FAST, ahead_ms=round(ahead), max_allowed=self._ahead)

    def arrived(self, milliseconds: int) -> None:
        """Note that so much audio is there, over all."""
        if not self._arrivals or milliseconds - self._arrivals[-1][0] >= STEP:
            self._arrivals.append((milliseconds, self._now()))

    def since(self, milliseconds: int) -> float | None:
        """Seconds since the audio of this moment came; None where that is not remembered."""
        earlier = None
        for at, when in reversed(self._arrivals):
            if at < milliseconds:
                break
            earlier = when
        else:
            return None
        return None if earlier is None else self._now() - earlier
