"""A client of `/v1/ws/transcribe` that loses nothing when the network blinks.

`callannotate live` and the benchmark use it. Audio that the server has not acknowledged is kept, and sent again from
where the server says; messages are asked for from the last one that arrived.
"""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, Literal, cast
from urllib.parse import urlsplit, urlunsplit

import msgspec
from anyio import Condition, create_task_group, current_time, move_on_after, sleep
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from contracts.errors import (
    INVALID_OPTION,
    LIVE_ENDED,
    LIVE_LOST,
    LIVE_UNREACHABLE,
    SHUTTING_DOWN,
    CallAnnotateError,
)
from contracts.jobs import ErrorBody
from contracts.live import (
    AudioAck,
    AudioEnd,
    Keepalive,
    LiveClientMessage,
    LiveError,
    LiveServerMessage,
    SessionEnded,
    SessionResume,
    SessionResumed,
    SessionStart,
    SessionStarted,
)

PATH: Final = "/v1/ws/transcribe"
KEPT: Final = 90.0
"""Seconds of audio that are kept while the server does not acknowledge them."""
PATIENCE: Final = 60.0
"""Seconds without a connection after which a session counts as lost, as servers count by default."""
BACK_OFF: Final = (0.2, 5.0)
"""Seconds before the first and at most before any further attempt to connect again; doubled from one to the next."""
PING: Final = 10.0
"""Seconds from one protocol ping to the next, and until one without an answer means that the connection is lost."""
WINDOW: Final = 0.8
"""Share of `max_unacked_ms` that is on its way at most, acknowledgements coming about once a second."""
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
GONE: Final = frozenset({"UNKNOWN_SESSION", "SESSION_EXPIRED", "REPLAY_GONE"})
"""Errors that say that a session cannot be gone on with."""
_MESSAGE: Final = msgspec.json.Decoder(LiveServerMessage)


class Tape:
    """Audio that was recorded and may have to be sent again; bounded."""

    def __init__(self, capacity: int) -> None:
        """`capacity` in bytes."""
        self.finished: bool = False
        self._capacity: Final = capacity
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

    async def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on, as soon as there are any; none at the end."""
        async with self._changed:
            while self.end <= offset and not self.finished:
                await self._changed.wait()
            first = offset - self._start
            return bytes(self._kept[first : first + size])

    async def forget(self, offset: int) -> None:
        """All before `offset` has arrived."""
        async with self._changed:
            if offset > self._start:
                del self._kept[: offset - self._start]
                self._start = offset
                self._changed.notify_all()


class Broken(Struct, frozen=True):
    """How a connection ended that did not end the session."""

    cause: str
    wait: float = 0.0
    """Seconds that the server asks for."""


class LiveClient:
    """One session, over as many connections as it takes."""

    def __init__(
        self,
        url: str,
        start: SessionStart,
        show: Callable[[LiveServerMessage], None],
        notice: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """`show` gets every message once, in order; `notice` is told of lost and new connections."""
        self.url: Final = address(url)
        self.ended: SessionEnded | None = None
        self.resumes: int = 0
        """How often the session went on over a new connection."""
        self._start: Final = start
        self._show: Final = show
        self._notice: Final = notice
        self._tape: Final = Tape(round(KEPT * start.audio.bytes_per_second))
        self._session: SessionStarted | None = None
        self._last_seq: int = 0
        self._acked: int = 0
        """Bytes that have arrived, as the server says."""
        self._moved: Final = Condition()
        self._position: int = 0
        """Bytes that were sent; goes back when the server asks for some again."""
        self._socket: ClientConnection | None = None
        self._lost_at: float | None = None

    async def run(self, audio: AsyncIterator[bytes]) -> SessionEnded:
        """Send the audio to its end and return the last message.

        Raises LIVE_UNREACHABLE, LIVE_ENDED where the server ends the session, or LIVE_LOST where it cannot be gone on
        with, and whatever the audio raises.
        """
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(self._record, audio)
                ended = await self._until_ended()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return ended

    async def say(self, message: LiveClientMessage) -> None:
        """Send a message beside the audio; it is lost where there is no connection."""
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(msgspec.json.encode(message).decode())

    def cut(self) -> bool:
        """Tear the connection as a network that fails would, and say whether there was one; for tests."""
        socket, self._socket = self._socket, None
        if socket is not None:
            socket.transport.abort()
        return socket is not None

    async def _record(self, audio: AsyncIterator[bytes]) -> None:
        async for block in audio:
            await self._tape.write(block)
        await self._tape.finish()

    async def _until_ended(self) -> SessionEnded:
        wait = BACK_OFF[0]
        while True:
            before = self._last_seq
            broken = await self._connection()
            if self.ended is not None:
                return self.ended
            assert broken is not None  # or else all was said
            if self._last_seq > before:
                self._lost_at, wait = None, BACK_OFF[0]
            self._lost_at = self._lost_at or current_time()
            if current_time() - self._lost_at > PATIENCE:
                raise CallAnnotateError(LIVE_LOST, url=self.url, cause=broken.cause)
            self._notice(f"connection lost ({broken.cause}); connecting again")
            await sleep(max(broken.wait, wait * random.uniform(0.5, 1.0)))
            wait = min(2 * wait, BACK_OFF[1])

    async def _connection(self) -> Broken | None:
        """Connect and go on until the connection or the session ends."""
        proxy: Literal[True] | None = None if urlsplit(self.url).hostname in LOOPBACK else True
        try:
            async with connect(
                self.url, proxy=proxy, max_size=None, compression=None, ping_interval=PING, ping_timeout=PING
            ) as socket:
                self._socket = socket
                return await self._converse(socket)
        except InvalidURI as error:
            raise CallAnnotateError(LIVE_UNREACHABLE, url=self.url, cause=str(error)) from error
        except (OSError, TimeoutError, InvalidHandshake) as error:
            cause, wait = _refusal(error)
            if self._session is None:
                raise CallAnnotateError(LIVE_UNREACHABLE, url=self.url, cause=cause) from error
            return Broken(cause, wait)
        finally:
            self._socket = None

    async def _converse(self, socket: ClientConnection) -> Broken | None:
        """Open the session or go on with it; returns when the connection ends."""
        await self._say_hello(socket)
        fatal: LiveError | None = None
        opened = False
        async with create_task_group() as tasks:
            with suppress(ConnectionClosed):
                async for text in socket:
                    message = self._received(text)
                    if isinstance(message, LiveError) and message.fatal:
                        fatal = message
                        break
                    if isinstance(message, (SessionStarted, SessionResumed)) and not opened:
                        opened = True
                        tasks.start_soon(self._send_audio, socket)
                    elif isinstance(message, AudioAck):
                        await self._acknowledged(message.bytes_received)
            tasks.cancel_scope.cancel()
        if fatal is not None:
            return self._failed(fatal, opened)
        await socket.wait_closed()
        return Broken(f"code {socket.close_code} {socket.close_reason or ''}".strip())

    async def _say_hello(self, socket: ClientConnection) -> None:
        hello: SessionStart | SessionResume = self._start
        if self._session is not None:
            hello = SessionResume(
                session_id=self._session.session_id,
                resume_token=self._session.resume_token,
                last_seq=self._last_seq,
            )
        with suppress(ConnectionClosed):
            await socket.send(msgspec.json.encode(hello).decode())

    def _received(self, text: str | bytes) -> LiveServerMessage:
        message = cast(LiveServerMessage, _MESSAGE.decode(text))
        if isinstance(message, SessionStarted):
            self._session = message
        elif isinstance(message, SessionResumed):
            self._position = self._acked = message.bytes_received
            self.resumes += 1
            self._notice("connected again")
        elif isinstance(message, SessionEnded):
            self.ended = message
        # What a connection says before it has found the session counts from 1 by itself.
        if message.seq > self._last_seq:
            self._last_seq = message.seq
            self._show(message)
        return message

    async def _acknowledged(self, received: int) -> None:
        async with self._moved:
            self._acked = max(self._acked, received)
            self._moved.notify_all()
        await self._tape.forget(received)

    async def _send_audio(self, socket: ClientConnection) -> None:
        """Send audio as it is recorded and as the server takes it, then its end; keepalives where there is none."""
        assert self._session is not None  # it has just been opened
        limits, audio = self._session.limits, self._start.audio
        largest = min(limits.max_frame_bytes, audio.max_frame_bytes)
        window = round(WINDOW * limits.max_unacked_ms / 1000 * audio.bytes_per_second)
        quiet = max(0.1, limits.idle_timeout_s / 3)
        with suppress(ConnectionClosed):
            while True:
                data: bytes | None = None
                with move_on_after(quiet):
                    await self._room(window)
                    data = await self._tape.read(self._position, largest)
                if data:
                    await socket.send(data)
                    self._position += len(data)
                elif data is None:
                    await self.say(Keepalive())
                else:
                    break
            await self.say(AudioEnd(bytes_sent=self._position))
            while True:
                await sleep(quiet)
                await self.say(Keepalive())

    async def _room(self, window: int) -> None:
        """Wait until no more than so many bytes are on their way."""
        async with self._moved:
            while self._position - self._acked > window:
                await self._moved.wait()

    def _failed(self, error: LiveError, opened: bool) -> Broken:
        """What a fatal error means. Raises LIVE_LOST or LIVE_ENDED where that is the end."""
        if error.code == SHUTTING_DOWN.code:
            return Broken(error.code, 1.0)
        if self._session is not None and not opened:
            if error.code in GONE:
                raise CallAnnotateError(LIVE_LOST, url=self.url, cause=error.message)
            if error.retryable:
                return Broken(error.code, (error.retry_after_ms or 0) / 1000)
        remedy = error.advice.rstrip(".") or "What was shown stays"
        raise CallAnnotateError(LIVE_ENDED, code=error.code, reason=error.message, remedy=remedy)


def address(url: str) -> str:
    """The URL of the path for live sessions, of whatever a user names the server by. Raises INVALID_OPTION."""
    parts = urlsplit(url if "//" in url else f"//{url}", scheme="ws")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"ws", "wss"} or not parts.hostname:
        raise CallAnnotateError(
            INVALID_OPTION, option="--url", problem=f"{url} is no address of a server",
            allowed="such as ws://127.0.0.1:8000",
        )  # fmt: skip
    path = parts.path if parts.path.strip("/") else PATH
    return urlunsplit((scheme, parts.netloc, path, parts.query, ""))


def _refusal(error: Exception) -> tuple[str, float]:
    """Why there is no connection, and the seconds that the server asks to wait."""
    if not isinstance(error, InvalidStatus):
        return str(error) or type(error).__name__, 0.0
    answer = error.response
    wait = answer.headers.get("Retry-After", "0")
    cause = f"HTTP {answer.status_code}"
    with suppress(msgspec.MsgspecError):
        told = msgspec.json.decode(answer.body or b"", type=ErrorBody).error
        cause = f"{told.code}: {told.message}"
    return cause, float(wait) if wait.isdigit() else 0.0
