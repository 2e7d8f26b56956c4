"""Recordings that arrive as multipart/form-data: to the disk as they come, with bounded memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec
from anyio import fail_after, move_on_after
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from contracts.errors import (
    FILE_TOO_LARGE,
    INVALID_FIELD,
    MALFORMED_UPLOAD,
    MISSING_FILE,
    SEVERAL_FILES,
    SHUTTING_DOWN,
    UNSUPPORTED_MEDIA_TYPE,
    UPLOAD_STALLED,
    CallAnnotateError,
)
from runtime.service import JobService
from runtime.upload import Upload
from web.answers import Submission
from web.asgi import BoundedRequest

METADATA_BYTES: Final = 64 * 1024
"""Bytes of the field `metadata` at most."""
DECODER_BYTES: Final = 1024 * 1024
"""Bytes that the decoder may hold, such as the headers of a part."""
OVERHEAD: Final = METADATA_BYTES + 64 * 1024
"""Bytes of a form beside its recording at most, as far as an announced length is concerned."""
DRAIN_WHILE_STOPPING: Final = 1.0
"""Seconds, as DRAIN, when the server itself has little time left."""
DRAIN: Final = 10.0
"""Seconds that a client which is refused may go on sending: before its request has been read to the end, an answer
over a closed socket would reach it as a connection reset."""


class Parts:
    """The parts of a form as far as they have come."""

    def __init__(self, stack: AsyncExitStack, service: JobService) -> None:
        self._stack: Final = stack
        self._service: Final = service
        self._recording: Upload | None = None
        self._metadata: bytearray | None = None
        self._files: int = 0
        self._target: Upload | bytearray | None = None
        """Where the bytes of the part go that is being read; None for a part that nobody asked for."""

    async def begin(self, part: File | Field) -> None:
        """Another part begins. Raises SEVERAL_FILES or INVALID_FIELD."""
        self._target = None
        if part.name == "metadata":
            if self._metadata is not None:
                raise CallAnnotateError(
                    INVALID_FIELD, field="metadata", problem="is there twice", allowed="one JSON object"
                )
            self._target = self._metadata = bytearray()
        elif part.name == "file" or isinstance(part, File):
            self._files += 1
            if self._files > 1:
                raise CallAnnotateError(SEVERAL_FILES)
            if part.name == "file":
                filename = part.filename if isinstance(part, File) else ""
                upload = await self._stack.enter_async_context(self._service.upload(filename or "recording"))
                self._target = self._recording = upload

    async def take(self, data: Data) -> None:
        """Bytes of the part. Raises FILE_TOO_LARGE, STORAGE_FULL or INVALID_FIELD."""
        if isinstance(self._target, Upload):
            await self._target.write(data.data)
        elif self._target is not None:
            self._target.extend(data.data)
            if len(self._target) > METADATA_BYTES:
                raise CallAnnotateError(
                    INVALID_FIELD, field="metadata", problem="is too long", allowed=f"up to {METADATA_BYTES} bytes"
                )

    def finish(self) -> Submission:
        """The form has ended. Raises MISSING_FILE."""
        if self._recording is None:
            raise CallAnnotateError(MISSING_FILE)
        return Submission(self._recording, b"{}" if self._metadata is None else bytes(self._metadata))


class FieldParts(Parts):
    """The parts of a form with a field for each value."""

    def __init__(self, stack: AsyncExitStack, service: JobService) -> None:
        super().__init__(stack, service)
        self._fields: Final[list[tuple[str, bytearray]]] = []

    async def begin(self, part: File | Field) -> None:
        """Another part begins. Raises SEVERAL_FILES."""
        if isinstance(part, File) or part.name == "file":
            await super().begin(part)
        else:
            self._target = bytearray()
            self._fields.append((part.name, self._target))

    async def take(self, data: Data) -> None:
        """Bytes of the part. Raises FILE_TOO_LARGE, STORAGE_FULL or INVALID_FIELD."""
        if isinstance(self._target, Upload):
            await super().take(data)
        elif self._target is not None:
            self._target.extend(data.data)
            # What has no end is not worth more: names of fields as well as texts are checked when all are there.
            if len(self._target) > METADATA_BYTES:
                name = self._fields[-1][0]
                raise CallAnnotateError(
                    INVALID_FIELD, field=name[:100], problem="is too long", allowed=f"up to {METADATA_BYTES} bytes"
                )

    def finish(self) -> Submission:
        """The form has ended. Raises MISSING_FILE or INVALID_FIELD."""
        found: dict[str, tuple[str, ...]] = {}
        for name, content in self._fields:
            try:
                found[name] = (*found.get(name, ()), content.decode())
            except UnicodeDecodeError:
                raise CallAnnotateError(
                    INVALID_FIELD, field=name[:100], problem="is no text in UTF-8", allowed="UTF-8"
                ) from None
        return msgspec.structs.replace(super().finish(), fields=found)


class MultipartForm:
    """The form of a request over HTTP."""

    def __init__(self, request: BoundedRequest, kind: "type[Parts | FieldParts]") -> None:
        self._request: Final = request
        self._kind: Final = kind

    @asynccontextmanager
    async def receive(self, service: JobService) -> AsyncIterator[Submission]:
        """Read it to its end.

        Raises UNSUPPORTED_MEDIA_TYPE, FILE_TOO_LARGE, MALFORMED_UPLOAD, MISSING_FILE, SEVERAL_FILES, INVALID_FIELD,
        UPLOAD_STALLED or STORAGE_FULL.
        """
        boundary = self._boundary()
        length = self._request.content_length
        if length is not None and length > service.settings.max_file_size + OVERHEAD:
            raise CallAnnotateError(FILE_TOO_LARGE, max_allowed=service.settings.max_file_size)
        async with AsyncExitStack() as stack:
            parts = self._kind(stack, service)
            async for event in self._events(boundary, service.settings.upload_stall_timeout):
                if isinstance(event, (File, Field)):
                    await parts.begin(event)
                elif isinstance(event, Data):
                    await parts.take(event)
                if service.stopping.is_set():
                    raise CallAnnotateError(SHUTTING_DOWN)
            yield parts.finish()

    def _boundary(self) -> bytes:
        found, options = parse_options_header(self._request.headers.get("Content-Type", ""))
        if found.lower() != "multipart/form-data":
            raise CallAnnotateError(UNSUPPORTED_MEDIA_TYPE, found=found[:100] or "none", allowed="multipart/form-data")
        boundary = options.get("boundary", "")
        if not 1 <= len(boundary) <= 200 or not boundary.isascii():
            raise CallAnnotateError(MALFORMED_UPLOAD, cause="the content type names no usable boundary")
        return boundary.encode()

    async def _events(self, boundary: bytes, stall_timeout: float) -> AsyncIterator[Event]:
        """What the decoder finds, up to the end of the form; what follows it is not looked at."""
        decoder = MultipartDecoder(boundary, DECODER_BYTES, max_parts=100)
        chunks = aiter(self._request.body)
        while True:
            try:
                with fail_after(stall_timeout):
                    chunk = await anext(chunks, None)
            except TimeoutError as error:
                raise CallAnnotateError(UPLOAD_STALLED, seconds=stall_timeout) from error
            try:
                decoder.receive_data(chunk)
                while not isinstance(event := decoder.next_event(), NeedData):
                    if isinstance(event, Epilogue):
                        return
                    yield event
                    if isinstance(event, Data) and event.more_data:
                        break
            except (ValueError, AttributeError) as error:
                raise CallAnnotateError(MALFORMED_UPLOAD, cause=_cause(chunk)) from error
            except RequestEntityTooLarge as error:
                raise CallAnnotateError(MALFORMED_UPLOAD, cause="its parts or their headers are too large") from error


def _cause(chunk: bytes | None) -> str:
    return "it breaks off before its end" if chunk is None else "the headers of a part are damaged"


async def drain(request: BoundedRequest, *, stopping: bool) -> None:
    """Let a client that has been refused finish what it is sending, for a bounded time."""
    with move_on_after(DRAIN_WHILE_STOPPING if stopping else DRAIN):
        async for _ in request.body:
            pass
