"""What every WebSocket of ours has: bounded sends, heartbeats, a limit on frames, an end that is told."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Final, TypeVar, cast

import msgspec
import structlog
from anyio import CancelScope, Lock, create_task_group, current_time, move_on_after, sleep
from anyio.abc import TaskGroup
from msgspec import Struct
from quart import Response
from quart.wrappers import Websocket

from contracts.access_errors import KEY_REQUIRED
from contracts.errors import (
    IDLE,
    INTERNAL,
    INVALID_ENCODING,
    INVALID_JSON,
    MESSAGE_TOO_BIG,
    PROTOCOL_ERROR,
    SHUTTING_DOWN,
    SLOW_READER,
    TOO_MANY_CONNECTIONS,
    WRONG_FRAME,
    CallAnnotateError,
)
from contracts.job_messages import Closing, ConnectionErrorMessage, JobMessage, Ping
from runtime.access import Holder
from runtime.service import JobService
from web.answers import Language, error_answer, error_detail
from web.rate_limits import RateLimits
from web.websocket_stream import LINGER, Liveness, Unreadable

LOG: Final = structlog.get_logger("callannotate.web")
SEND_TIMEOUT: Final = 10.0
"""Seconds that one message may take to be read before its reader counts as too slow."""
GOODBYE_TIMEOUT: Final = 1.0
"""Seconds for the last message and the close frame, which a reader that is stuck will not take either."""
INTERNAL_ERROR: Final = 1011
POLICY_VIOLATION: Final = 1008
T = TypeVar("T")


class Ending(Struct, frozen=True):
    """How a connection ends."""

    code: int
    reason: str = ""
    message: Struct | None = None
    """What is said before the close frame."""


class Encoder:
    """Messages as JSON; one that many watchers get is written once."""

    def __init__(self) -> None:
        self._recent: Final = deque[tuple[Struct, str]](maxlen=8)

    def encode(self, message: Struct) -> str:
        """The text of a frame."""
        if not isinstance(message, JobMessage):
            return msgspec.json.encode(message).decode()
        for known, text in self._recent:
            if known is message:
                return text
        text = msgspec.json.encode(message).decode()
        self._recent.append((message, text))
        return text


class Connections:
    """All WebSockets of a server."""

    def __init__(self, service: JobService, limits: RateLimits) -> None:
        self.service: Final = service
        self.limits: Final = limits
        self.encoder: Final = Encoder()
        self.open: int = 0

    async def serve(
        self, connection: "Connection", client: str, talk: Callable[["Connection"], Awaitable[None]]
    ) -> None:
        """Have a connection talk until it ends, and close it with the code that says why."""
        await connection.socket.accept()
        self.open += 1
        try:
            self.service.websockets(self.open)
            if self.open > self.service.settings.max_connections:
                refused = CallAnnotateError(TOO_MANY_CONNECTIONS, limit=self.service.settings.max_connections)
                await connection.close(connection.failure(refused))
                return
            await connection.run(client, talk)
        except Exception:
            # Quart would close with 1000, as if all had been said.
            LOG.exception("websocket_failed", path=connection.socket.path)
            await connection.socket.close(INTERNAL_ERROR, INTERNAL.code)
        finally:
            self.open -= 1
            self.service.websockets(self.open)


class Connection:
    """One WebSocket."""

    def __init__(
        self, connections: Connections, socket: Websocket, language: Language, request_id: str, holder: Holder
    ) -> None:
        self.holder: Final = holder
        """Who has connected."""
        self.socket: Final = socket
        self.language: Final = language
        self.request_id: Final = request_id
        self.service: Final = connections.service
        self._limits: Final = connections.limits
        self._encoder: Final = connections.encoder
        self._sending: Final = Lock()
        self._ending: Ending | None = None
        self._send_scope: CancelScope | None = None
        """Of the message that is being sent."""
        self._stuck: bool = False
        """Whether a message was given up in the middle: only a close frame may follow it."""
        self._tasks: TaskGroup | None = None

    async def run(self, client: str, talk: Callable[["Connection"], Awaitable[None]]) -> None:
        """Talk beside the heartbeat until one of them ends the connection, then close it."""
        async with create_task_group() as tasks:
            self._tasks = tasks
            self.start(self.watch_over)
            self.start(self._watch_holder)
            self.start(self.heartbeat)
            self.start(self._talk, client, talk)
        await self.close(self._ending or Ending(1000))

    def start(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Start a task of the connection; its failure ends the connection with the code that says why."""
        assert self._tasks is not None  # run() has opened it
        self._tasks.start_soon(self._guarded, work, *arguments)

    def end(self, ending: Ending) -> None:
        """End the connection; only the first call counts."""
        self._ending = self._ending or ending
        assert self._tasks is not None  # run() has opened it
        self._tasks.cancel_scope.cancel()
        if self._send_scope is not None:
            self._send_scope.deadline = min(self._send_scope.deadline, current_time() + GOODBYE_TIMEOUT)

    def failure(self, error: CallAnnotateError) -> Ending:
        """How an error ends the connection."""
        code = error.fault.close_code or INTERNAL_ERROR
        # A reader that is stuck has no room for a message either.
        message = None if error.fault is SLOW_READER else self.error_message(error)
        return Ending(code, error.fault.code, message)

    def error_message(self, error: CallAnnotateError, in_reply_to: str | None = None) -> Struct:
        """The error as a message."""
        return ConnectionErrorMessage(
            error=error_detail(error, self.language, self.request_id), in_reply_to=in_reply_to
        )

    async def send(self, message: Struct) -> None:
        """Send a text frame. Raises SLOW_READER where the client does not read it in time."""
        await self._send(self._encoder.encode(message))

    async def send_bytes(self, data: bytes) -> None:
        """Send a binary frame. Raises SLOW_READER."""
        await self._send(data)

    async def _send(self, data: str | bytes) -> None:
        async with self._sending:
            # Shielded: whoever ends a subscription must not cut a message into which others' frames would then fall.
            with CancelScope(deadline=current_time() + SEND_TIMEOUT, shield=True) as scope:
                self._send_scope = scope
                await self.socket.send(data)
            self._send_scope = None
            if scope.cancelled_caught:
                self._stuck = True
                raise CallAnnotateError(SLOW_READER)

    async def frames(self) -> AsyncIterator[str | bytes]:
        """What the client sends, until it goes away.

        Raises RATE_LIMITED where it sends too much text, and INVALID_ENCODING, MESSAGE_TOO_BIG or PROTOCOL_ERROR where
        it sends what cannot be read.
        """
        while True:
            frame: str | bytes | Unreadable = await self.socket.receive()
            if isinstance(frame, Unreadable):
                raise unreadable(frame, self.service.settings.ws_max_message)
            if isinstance(frame, str):
                await self._limits.frame(self.request_id)
            yield frame

    async def close(self, ending: Ending) -> None:
        """Say why, then send the close frame; neither may take long."""
        if ending.message is not None and not self._stuck:
            with move_on_after(GOODBYE_TIMEOUT):
                await self.socket.send(self._encoder.encode(ending.message))
        with move_on_after(GOODBYE_TIMEOUT):
            await self.socket.close(ending.code, ending.reason)
        LOG.info("websocket_closed", path=self.socket.path, code=ending.code, reason=ending.reason)

    async def _guarded(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        try:
            await work(*arguments)
        except CallAnnotateError as error:
            self.end(self.failure(error))
        except Exception:
            LOG.exception("websocket_failed", path=self.socket.path)
            unexpected = CallAnnotateError(INTERNAL, stage="websocket", cause="an unexpected error")
            self.end(self.failure(unexpected))

    async def _talk(self, client: str, talk: Callable[["Connection"], Awaitable[None]]) -> None:
        await self._limits.request(client, upload=False)
        await talk(self)

    async def watch_over(self) -> None:
        """End the connection when the server stops."""
        await self.service.stopping.wait()
        closing = Closing(reason=SHUTTING_DOWN.code, deadline_ms=round(1000 * LINGER))
        self.end(Ending(SHUTTING_DOWN.close_code or INTERNAL_ERROR, SHUTTING_DOWN.code, closing))

    async def _watch_holder(self) -> None:
        """End the connection once whoever has connected would not be let in any more."""
        await self.service.access.ended(self.holder)
        raise CallAnnotateError(KEY_REQUIRED, cause="that of the connection is not valid any more")

    async def heartbeat(self) -> None:
        """Ping now and then; end the connection where nothing is heard, not even the answer to a protocol ping."""
        settings = self.service.settings
        liveness: Liveness = self.socket.scope["state"]["liveness"]
        next_ping = monotonic() + settings.heartbeat_interval
        while True:
            silent_until = liveness.heard + settings.heartbeat_timeout
            await sleep(max(0.0, min(next_ping, silent_until) - monotonic()))
            if monotonic() >= liveness.heard + settings.heartbeat_timeout:
                raise CallAnnotateError(IDLE, seconds=settings.heartbeat_timeout)
            if monotonic() >= next_ping:
                await self.send(Ping(timestamp=datetime.now(UTC)))
                next_ping += settings.heartbeat_interval


def refused_handshake(error: CallAnnotateError, language: Language, request_id: str) -> Response:
    """What is answered over HTTP instead of the handshake."""
    answer = error_answer(error, language, request_id)
    headers = {**answer.headers, "Content-Type": answer.media_type, "X-Request-ID": request_id}
    return Response(cast(bytes, answer.body), answer.status, headers)


def unreadable(frame: Unreadable, longest: int) -> CallAnnotateError:
    """What is wrong with a frame that could not be read."""
    match frame.code:
        case 1007:
            return CallAnnotateError(INVALID_ENCODING)
        case 1009:
            return CallAnnotateError(MESSAGE_TOO_BIG, max_allowed=longest)
        case _:
            return CallAnnotateError(PROTOCOL_ERROR, cause=frame.cause)


def text_of(frame: str | bytes, advice: str) -> str:
    """The frame, which has to be a text frame. Raises WRONG_FRAME."""
    if isinstance(frame, bytes):
        raise CallAnnotateError(WRONG_FRAME, advice=advice)
    return frame


def object_of(text: str) -> dict[str, object]:
    """A text frame as a JSON object, whatever it says. Raises INVALID_JSON."""
    try:
        found = msgspec.json.decode(text, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise CallAnnotateError(INVALID_JSON, field="message", cause=str(error)) from error
    return check_text(found)


def check_text(decoded: T) -> T:
    """What was decoded. Raises INVALID_JSON where there is half a surrogate pair in it: no answer could repeat it."""
    try:
        msgspec.json.encode(decoded)
    except UnicodeEncodeError as error:
        raise CallAnnotateError(INVALID_JSON, field="message", cause=str(error)) from error
    return decoded
