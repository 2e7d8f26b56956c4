"""Choices of a client that count from a moment of the audio on, though the work comes to that moment later."""

from collections import deque
from typing import Final, Generic, TypeVar

T = TypeVar("T")

KEPT: Final = 64
"""Changes that are remembered; of more within what is not worked on yet, the first ones are passed over."""


class Changing(Generic[T]):
    """A value that changes in the course of a stream."""

    def __init__(self, first: T) -> None:
        self._changes: Final = deque([(0.0, first)], maxlen=KEPT)
        """Second of the stream from which on it counts, and the value."""

    @property
    def latest(self) -> T:
        """As it was set last."""
        return self._changes[-1][1]

    def change(self, second: float, value: T) -> None:
        """From this second of the stream on, which is no earlier than that of the last change, it is another one."""
        if value != self.latest:
            self._changes.append((second, value))

    def at(self, second: float) -> T:
        """What counts for that which ends at this second of the stream."""
        return next((value for since, value in reversed(self._changes) if since < second), self._changes[0][1])
