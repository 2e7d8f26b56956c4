"""Recordings that arrive in binary frames of `/v1/ws`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Final

import msgspec
from anyio import (
    BrokenResourceError,
    ClosedResourceError,
    EndOfStream,
    create_memory_object_stream,
    fail_after,
)

from contracts.errors import MALFORMED_UPLOAD, UPLOAD_STALLED, CallAnnotateError
from contracts.job_messages import Request, UploadProgress, UploadReady
from runtime.service import JobService
from web.answers import Submission
from web.connections import Connection

MAX_FRAME: Final = 256 * 1024
"""Bytes of a binary frame that clients are asked to keep to; larger ones are taken up to WS_MAX_MESSAGE."""
WAITING: Final = 4
"""Frames that wait to be written; then the connection is not read from."""
PROGRESS_INTERVAL: Final = 1.0
"""Seconds from one upload.progress to the next."""


class FrameForm:
    """The recording of one createJob, frame by frame."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.request: Final = request
        self._connection: Final = connection
        self._send, self._receive = create_memory_object_stream[bytes](WAITING)
        self._announced: int | None = None
        """Bytes that were sent, by the client's own account."""
        self.closed: bool = False
        """Whether the operation is over: frames that still arrive are thrown away."""

    async def put(self, data: bytes) -> None:
        """Wait until there is room."""
        with suppress(BrokenResourceError, ClosedResourceError):
            await self._send.send(data)

    def finish(self, size: int) -> None:
        """The client has sent all of it."""
        self._announced = size
        self._send.close()

    def close(self) -> None:
        """The operation is over."""
        self.closed = True
        self._send.close()
        self._receive.close()

    @asynccontextmanager
    async def receive(self, service: JobService) -> AsyncIterator[Submission]:
        """Ask for the recording and read it to its end.

        Raises UPLOAD_STALLED, FILE_TOO_LARGE, STORAGE_FULL or MALFORMED_UPLOAD.
        """
        async with service.upload(self.request.filename or "recording") as upload:
            frame = min(MAX_FRAME, service.settings.ws_max_message)
            await self._connection.send(UploadReady(id=self.request.id, max_frame_bytes=frame))
            received = 0
            told = monotonic()
            while True:
                try:
                    with fail_after(service.settings.upload_stall_timeout):
                        data = await self._receive.receive()
                except TimeoutError as error:
                    stalled = service.settings.upload_stall_timeout
                    raise CallAnnotateError(UPLOAD_STALLED, seconds=stalled) from error
                except EndOfStream:
                    break
                await upload.write(data)
                received += len(data)
                if monotonic() - told >= PROGRESS_INTERVAL:
                    told = monotonic()
                    await self._connection.send(UploadProgress(id=self.request.id, bytes_received=received))
            if received != self._announced:
                cause = f"{received} bytes have arrived and {self._announced} were sent"
                raise CallAnnotateError(MALFORMED_UPLOAD, cause=cause)
            yield Submission(upload, msgspec.json.encode(self.request.metadata))
