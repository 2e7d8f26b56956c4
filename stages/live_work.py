"""What the stages of the live lane ask of whoever runs their networks."""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol, TypeVar

T = TypeVar("T")


class Priority(IntEnum):
    """Kinds of work of the live lane, the most urgent first."""

    FINAL = 0
    ACTIVITY = 1
    """Short and wanted often: it may go on beside the others."""
    DRAFT = 2
    """A final on the chance that the speaker has stopped."""
    VOICEPRINT = 3
    """Likewise short and beside the others: a final cannot be told before it."""
    PARTIAL = 4


class Worker(Protocol):
    """See runtime.lane.Lane."""

    @property
    def wait(self) -> float:
        """Seconds that finals waited for their turn of late."""

    @property
    def load(self) -> float:
        """Calls of the networks for live calls that were at work of late on average, those beside not counted."""

    async def run(self, kind: Priority, work: Callable[[], T], alone: Callable[[], T] | None = None) -> T:
        """Do the work in a thread as soon as nothing more urgent waits; work that has not begun can be cancelled.

        `alone`: the same with all the threads, for when nothing else is at work.
        """
