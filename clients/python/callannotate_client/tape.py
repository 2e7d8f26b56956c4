"""Audio that was recorded and may have to be sent again."""

from typing import Final

from anyio import Condition


class Tape:
    """Bytes from the first that may be asked for again to the last that were written; bounded."""

    def __init__(self, capacity: int, unit: int = 1) -> None:
        """`capacity` in bytes; `unit`: bytes of a sample of all channels, which is never cut in two."""
        self.finished: bool = False
        self._capacity: Final = capacity
        self._unit: Final = unit
        self._kept: Final = bytearray()
        self._start: int = 0
        """Offset in the stream of the first byte that is kept."""
        self._changed: Final = Condition()

    @property
    def end(self) -> int:
        """Bytes that were written."""
        return self._start + len(self._kept)

    async def write(self, data: bytes) -> None:
        """Wait until there is room."""
        async with self._changed:
            while self._kept and len(self._kept) + len(data) > self._capacity:
                await self._changed.wait()
            self._kept.extend(data)
            self._changed.notify_all()

    async def finish(self) -> None:
        """Nothing more will be written."""
        async with self._changed:
            self.finished = True
            self._changed.notify_all()

    async def read(self, offset: int, most: int, least: int = 1) -> bytes:
        """Whole samples from `offset` on, `most` bytes or fewer, as soon as there are `least`; at the end what is left,
        and none after that."""
        async with self._changed:
            while self.end - offset < max(least, self._unit) and not self.finished:
                await self._changed.wait()
            first = offset - self._start
            size = min(most, len(self._kept) - first)
            return bytes(self._kept[first : first + (size // self._unit * self._unit)])

    async def forget(self, offset: int) -> None:
        """All before `offset` has arrived."""
        async with self._changed:
            if offset > self._start:
                del self._kept[: offset - self._start]
                self._start = offset
                self._changed.notify_all()
