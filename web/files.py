"""Recordings from the disk, in blocks."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter, to_thread

BLOCK: Final = 256 * 1024
"""Bytes that are read at a time."""
READERS: Final = 4
"""Reads at once, over all clients."""
_LIMITER: Final = CapacityLimiter(READERS)


class FileSpan:
    """Bytes of an open file, as the body of an answer: a job moves its recording from folder to folder meanwhile."""

    def __init__(self, descriptor: int, start: int, stop: int) -> None:
        """From the byte `start` up to the one before `stop`."""
        self._descriptor: int | None = descriptor
        self._start: Final = start
        self.size: Final = stop - start
        """Bytes."""

    def part(self, start: int, stop: int) -> "FileSpan":
        """Only these bytes of the file; takes the file over."""
        descriptor, self._descriptor = self._descriptor, None
        assert descriptor is not None  # it was opened for one answer
        return FileSpan(descriptor, start, stop)

    async def blocks(self, block: int = BLOCK) -> AsyncIterator[bytes]:
        """All of it, in blocks of at most `block` bytes; less where the file was cut meanwhile. Closes it."""
        try:
            done = 0
            while done < self.size and self._descriptor is not None:
                data = await to_thread.run_sync(
                    os.pread, self._descriptor, min(block, self.size - done), self._start + done, limiter=_LIMITER
                )
                if not data:
                    return
                done += len(data)
                yield data
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        """Of an answer that was never sent, because its client went away."""
        self.close()


async def open_file(path: Path) -> int:
    """A descriptor for reading. Raises FileNotFoundError."""
    return await to_thread.run_sync(os.open, path, os.O_RDONLY | os.O_CLOEXEC, limiter=_LIMITER)
