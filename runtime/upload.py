"""A recording on its way to the volume: counted, hashed and written, with little of it in memory."""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from anyio import CancelScope, CapacityLimiter, to_thread

from contracts.errors import FILE_TOO_LARGE, STORAGE_FULL, CallAnnotateError
from runtime.job_request import safe_name
from runtime.settings import Settings
from runtime.volume import Volume, room_needed, sync

BUFFER: Final = 1 << 20
"""Bytes that are gathered before they are written."""
FLUSHED: Final = 32 << 20
"""Bytes after which they are brought to the disk: much that waits there would hold up the database's commits."""
AT_ONCE: Final = 8
"""Threads that write uploads."""


@dataclass(eq=False)
class Upload:
    """One recording that is coming in. It is removed in the end unless a job has taken it."""

    job_id: str
    """Of the job that it may become; also its name in the folder of uploads."""
    filename: str
    """As the client named it, made safe to show."""
    path: Path
    size: int = 0
    """Bytes so far."""
    _volume: Volume = field(kw_only=True)
    _settings: Settings = field(kw_only=True)
    _limiter: CapacityLimiter = field(kw_only=True)
    _descriptor: int = field(kw_only=True)
    _digest: "hashlib._Hash" = field(init=False, default_factory=hashlib.sha256)
    _buffer: bytearray = field(init=False, default_factory=bytearray)
    _unflushed: int = field(init=False, default=0)

    async def write(self, data: bytes) -> None:
        """Take the next bytes; raises FILE_TOO_LARGE or STORAGE_FULL."""
        self.size += len(data)
        if self.size > self._settings.max_file_size:
            raise CallAnnotateError(FILE_TOO_LARGE, max_allowed=self._settings.max_file_size)
        self._buffer += data
        if len(self._buffer) >= BUFFER:
            await to_thread.run_sync(self._write, limiter=self._limiter)

    async def finish(self) -> str:
        """Bring everything to the disk; returns the hash of the content. Raises STORAGE_FULL."""
        await to_thread.run_sync(self._finish, limiter=self._limiter)
        return self._digest.hexdigest()

    def _write(self) -> None:
        block, self._buffer = self._buffer, bytearray()
        if self._volume.free() - len(block) < self._settings.min_free_space:
            raise CallAnnotateError(STORAGE_FULL)
        self._digest.update(block)
        with room_needed():
            view = memoryview(block)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._unflushed += len(block)
            if self._unflushed >= FLUSHED:
                os.fdatasync(self._descriptor)
                self._unflushed = 0

    def _finish(self) -> None:
        if self._buffer:
            self._write()
        with room_needed():
            os.fsync(self._descriptor)
            sync(self.path.parent)


class Uploads:
    """The folder of uploads that are coming in."""

    def __init__(self, volume: Volume, settings: Settings) -> None:
        self._volume: Final = volume
        self._settings: Final = settings
        self._limiter: Final = CapacityLimiter(AT_ONCE)

    @asynccontextmanager
    async def open(self, filename: str) -> AsyncIterator[Upload]:
        """A place for a recording; what no job has taken is removed when the body is left."""
        job_id = str(uuid4())
        path = self._volume.uploads / job_id
        with room_needed():
            descriptor = await to_thread.run_sync(_create, path, limiter=self._limiter)
        try:
            yield Upload(
                job_id, safe_name(filename), path, _volume=self._volume, _settings=self._settings,
                _limiter=self._limiter, _descriptor=descriptor,
            )  # fmt: skip
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(_remove, path, descriptor, limiter=self._limiter)


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _remove(path: Path, descriptor: int) -> None:
    os.close(descriptor)
    path.unlink(missing_ok=True)
