"""Recordings from the disk, in blocks."""

import os
from collections.abc import AsyncIterator
from typing import Final

from anyio import CapacityLimiter, to_thread

from web.answers import FileSpan

BLOCK: Final = 256 * 1024
"""Bytes that are read at a time."""
READERS: Final = 4
"""Reads at once, over all clients."""
_limiter: CapacityLimiter | None = None


async def file_blocks(span: FileSpan, block: int = BLOCK) -> AsyncIterator[bytes]:
    """The bytes of a part of a file, in blocks of at most `block` bytes; fewer where the file was cut meanwhile."""
    limiter = _readers()
    descriptor = await to_thread.run_sync(os.open, span.path, os.O_RDONLY | os.O_CLOEXEC, limiter=limiter)
    try:
        at = span.start
        while at < span.stop:
            data = await to_thread.run_sync(os.pread, descriptor, min(block, span.stop - at), at, limiter=limiter)
            if not data:
                return
            at += len(data)
            yield data
    finally:
        os.close(descriptor)


def _readers() -> CapacityLimiter:
    global _limiter  # noqa: PLW0603 - one for the process, made in its event loop
    if _limiter is None:
        _limiter = CapacityLimiter(READERS)
    return _limiter
