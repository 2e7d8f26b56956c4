"""Who is let in: a live session is accepted only where the machine keeps up with it and with those that run."""

from typing import Final, Protocol

from contracts.errors import CallAnnotateError
from contracts.live_errors import LIVE_OVERLOADED, TOO_MANY_SESSIONS
from runtime.engine import available_cores
from runtime.settings import Settings
from runtime.speed import Speed

COST: Final = 4.9
"""Times that a live session computes as much as a job with the same audio, its partials with four of them at once
included: 0.43 of a core (`python -m benchmarks.live streams`) beside a job's real-time factor of 0.0435 on two."""
SHARE: Final = 0.9
"""Of the time that the machine may be at work for live sessions."""
PER_CORE: Final = 2
"""Sessions that every core is trusted with, whatever was measured, which may have been while the machine was busy."""
LATE: Final = 1.0
"""Seconds that finals wait for their turn, from which on nobody more is let in."""
BUSY: Final = 0.5
"""Load of the live lane below which what finals waited for is over."""
RETRY_AFTER: Final = 10
"""Seconds after which it is worth while to ask again."""


class Busy(Protocol):
    """See runtime.lane.Lane."""

    @property
    def load(self) -> float:
        """Calls at work on average."""

    @property
    def wait(self) -> float:
        """Seconds."""


class Admission:
    """The limit of sessions, and whether the machine keeps up."""

    def __init__(self, settings: Settings, lane: Busy, speed: Speed) -> None:
        self._settings: Final = settings
        self._lane: Final = lane
        self._speed: Final = speed

    @property
    def limit(self) -> int:
        """Sessions at once: the setting, or what the measured speed allows."""
        if self._settings.live_sessions is not None:
            return self._settings.live_sessions
        takes = self._speed.best(self._settings.model)
        trusted = PER_CORE * available_cores()
        return trusted if not takes else max(trusted, int(SHARE / (COST * takes)))

    def check(self, running: int) -> None:
        """Raises TOO_MANY_SESSIONS or LIVE_OVERLOADED; `running`: the sessions that there are."""
        if running >= self.limit:
            raise CallAnnotateError(TOO_MANY_SESSIONS, limit=self.limit, retry_after=RETRY_AFTER)
        if running and self._lane.wait > LATE and self._lane.load > BUSY:
            cause = f"finals wait {self._lane.wait:.1f} s for their turn"
            raise CallAnnotateError(LIVE_OVERLOADED, cause=cause, retry_after=RETRY_AFTER)
