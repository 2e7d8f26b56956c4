"""A recording as the body of a request: multipart/form-data that is read while it is sent, as often as it takes."""

import uuid
from collections.abc import AsyncIterator, Callable
from functools import partial
from io import SEEK_END
from os import PathLike
from pathlib import Path
from typing import IO, Final, TypeVar

import msgspec
from anyio import CapacityLimiter, to_thread

File = str | PathLike[str] | bytes | IO[bytes]
"""A path, the bytes themselves, or an open file that can be read from its present position more than once."""
Progress = Callable[[int, int], None]
"""Is told the bytes that were sent and how many there are."""
BLOCK: Final = 256 * 1024
"""Bytes that are read at once."""
T = TypeVar("T")


class Upload:
    """One part `metadata` and one part `file`."""

    def __init__(
        self, file: File, filename: str | None, metadata: object, progress: Progress | None, limiter: CapacityLimiter
    ) -> None:
        self._file: Final = Path(file) if isinstance(file, str | PathLike) else file
        self._progress: Final = progress
        self._limiter: Final = limiter
        self._origin: Final = 0 if isinstance(self._file, Path | bytes) else self._file.tell()
        named = "audio" if isinstance(self._file, bytes) else str(getattr(self._file, "name", "audio"))
        self.filename: Final = filename or Path(named).name
        boundary = uuid.uuid4().hex
        quoted = self.filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        self._head: Final = (
            b'--%s\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n%s\r\n'
            b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n"
        ) % (boundary.encode(), msgspec.json.encode(metadata), boundary.encode(), quoted.encode(errors="replace"))
        self._tail: Final = b"\r\n--%s--\r\n" % boundary.encode()
        self._boundary: Final = boundary

    async def headers(self) -> dict[str, str]:
        """What goes before the body. Raises OSError where the file cannot be read."""
        length = len(self._head) + await self._run(self._size) + len(self._tail)
        return {"Content-Type": f"multipart/form-data; boundary={self._boundary}", "Content-Length": str(length)}

    async def body(self) -> AsyncIterator[bytes]:
        """From its beginning, each time. Raises OSError."""
        size, sent = await self._run(self._size), 0
        yield self._head
        file = await self._run(self._open)
        try:
            while block := await self._run(partial(self._read, file, sent)):
                yield block
                sent += len(block)
                if self._progress is not None:
                    self._progress(sent, size)
        finally:
            if isinstance(self._file, Path) and not isinstance(file, bytes):
                file.close()
        yield self._tail

    async def _run(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)

    def _size(self) -> int:
        if isinstance(self._file, Path):
            return self._file.stat().st_size
        if isinstance(self._file, bytes):
            return len(self._file)
        return self._file.seek(0, SEEK_END) - self._origin

    def _open(self) -> IO[bytes] | bytes:
        if isinstance(self._file, Path):
            return self._file.open("rb")
        if not isinstance(self._file, bytes):
            self._file.seek(self._origin)
        return self._file

    @staticmethod
    def _read(file: IO[bytes] | bytes, sent: int) -> bytes:
        return file[sent : sent + BLOCK] if isinstance(file, bytes) else file.read(BLOCK)
