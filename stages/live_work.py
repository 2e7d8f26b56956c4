"""What the stages of the live lane ask of whoever runs their networks."""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol, TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """Kinds of work of the live lane, the most urgent first."""

    FINAL = 0
    ACTIVITY = 1
    VOICEPRINT = 2
    PARTIAL = 3


class Worker(Protocol):
    """See runtime.lane.Lane."""

    async def run(self, kind: Priority, work: Callable[[], T]) -> T:
        """Do the work in a thread as soon as nothing more urgent waits; work that has not begun can be cancelled."""
