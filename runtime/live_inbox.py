"""What a client has said and its session has not done yet, in order: audio, and messages about it."""

from collections import deque
from typing import Final

from anyio import Event
from msgspec import Struct

from contracts.live import AudioEnd, Finalize, Pause, Resume, SessionConfig

THINGS: Final = 2048
"""Frames and messages that wait at most."""


class Reconfigure(Struct, frozen=True):
    """The configuration changes here."""

    config: SessionConfig
    in_reply_to: str | None


Task = bytes | Finalize | Pause | Resume | Reconfigure
Item = Task | AudioEnd
"""Nothing comes after the end of the audio."""


class Inbox:
    """Bounded, by the bytes of the audio and by the number of things.

    Who adds waits for room first and then adds at once, so that being cancelled never leaves a half.
    """

    def __init__(self, room: int) -> None:
        """`room`: bytes of audio that may wait."""
        self._room: Final = room
        self._size = 0
        self._items: Final[deque[Item]] = deque()
        self._changed = Event()
        self.idle = False
        """Whether all has been done."""

    async def room(self) -> None:
        """Wait until there is room for one more."""
        while self.full:
            await self._changed.wait()

    @property
    def full(self) -> bool:
        """Whether the session is behind."""
        return self._size >= self._room or len(self._items) >= THINGS

    def add(self, item: Item) -> None:
        """Add one more."""
        self._items.append(item)
        self._size += len(item) if isinstance(item, bytes) else 0
        self.idle = False
        self._stir()

    async def next(self) -> Item:
        """The next thing to do."""
        while not self._items:
            self.idle = True
            await self._changed.wait()
        self.idle = False
        item = self._items.popleft()
        self._size -= len(item) if isinstance(item, bytes) else 0
        self._stir()
        return item

    def _stir(self) -> None:
        self._changed.set()
        self._changed = Event()
