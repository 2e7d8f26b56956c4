"""A live session that loses nothing when the network blinks.

Audio that the server has not acknowledged is kept, and sent again from where the server says; messages are asked for
from the last one that arrived.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Final, Generic, Protocol, TypeVar

import msgspec
from anyio import Condition, create_task_group, current_time, move_on_after, sleep
from msgspec import Struct
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from callannotate_client.connection import (
    BACK_OFF,
    HANDSHAKE_ERRORS,
    PATIENCE,
    Delays,
    connecting,
    live_address,
    refusal,
)
from callannotate_client.errors import SESSION_LOST, CallAnnotateError, live_ended, unexpected, unreachable
from callannotate_client.tape import Tape
from callannotate_client.types import (
    BYTES_PER_SAMPLE,
    SHORTEST_FRAME_MS,
    AudioEnd,
    Keepalive,
    LiveError,
    SessionLimits,
    SessionResume,
)

PATH: Final = "/v1/ws/transcribe"
KEPT: Final = 90.0
"""Seconds of audio that are kept while the server does not acknowledge them."""
WINDOW: Final = 0.8
"""Share of `max_unacked_ms` that is on its way at most, acknowledgements coming about once a second, and by which audio
is ahead of real time at most."""
ANSWER: Final = 30.0
"""Seconds that a server has for its first message."""
GONE: Final = frozenset({"UNKNOWN_SESSION", "SESSION_EXPIRED", "REPLAY_GONE"})
"""Errors that say that a session cannot be gone on with."""
FULL: Final = frozenset({"TOO_MANY_SESSIONS", "LIVE_OVERLOADED"})
"""Refusals of new sessions. A server lets in who comes back as soon as it misses them, which takes it two seconds."""
Message = TypeVar("Message")


class Heard(Struct, frozen=True):
    """What a session needs to know of any message of the server, also of one that is newer than this code."""

    type: str
    seq: int = 0
    session_id: str = ""
    resume_token: str = ""
    limits: SessionLimits | None = None
    bytes_received: int = 0
    fatal: bool = False


class Audio(Protocol):
    """How the samples are written."""

    @property
    def encoding(self) -> str:
        """A key of BYTES_PER_SAMPLE."""

    @property
    def sample_rate(self) -> int:
        """Hertz."""

    @property
    def channels(self) -> int:
        """1, or 2 that are interleaved."""


class Start(Protocol):
    """`session.start`, of this package or of another one."""

    @property
    def audio(self) -> Audio:
        """Of the binary frames."""


class Broken(Struct, frozen=True):
    """How a connection ended that did not end the session."""

    cause: str
    wait: float = 0.0
    """Seconds that the server asks for."""


_HEARD: Final = msgspec.json.Decoder(Heard)
_ERROR: Final = msgspec.json.Decoder(LiveError)


def heard_in(text: str | bytes, url: str) -> Heard:
    """What a message of the server says. Raises UNEXPECTED_ANSWER where it is none of a live session."""
    try:
        heard = _HEARD.decode(text)
    except msgspec.MsgspecError as error:
        raise unexpected(url, error) from error
    if heard.seq < 1:
        raise unexpected(url, "it is no message of a live session")
    return heard


class LiveSession(Generic[Message]):
    """One session, over as many connections as it takes."""

    def __init__(
        self,
        url: str,
        start: Start,
        decode: Callable[[str | bytes], Message | None],
        show: Callable[[Message], Awaitable[None]],
        notice: Callable[[str], None] = lambda _text: None,
        *,
        headers: dict[str, str] | None = None,
        speed: float | None = 1.0,
        patience: float = PATIENCE,
        back_off: tuple[float, float] = BACK_OFF,
        answer: float = ANSWER,
    ) -> None:
        """`show` gets every message that `decode` understands once, in order; `notice` is told of lost and new
        connections.

        :param speed: times real time that audio is sent at most, but for the first seconds; None: as fast as the server
            acknowledges it, where it allows that
        :param patience: seconds without a connection after which the session counts as lost
        :param back_off: seconds before the first and at most before any further attempt to connect again
        :param answer: seconds that a server has for its first message
        """
        self.url: Final = live_address(url, PATH)
        self.ended: Message | None = None
        """The last message."""
        self.resumes: int = 0
        """How often the session went on over a new connection."""
        self._start: Final = start
        self._decode: Final = decode
        self._show: Final = show
        self._notice: Final = notice
        self._headers: Final = headers or {}
        self._speed: Final = speed
        self._patience: Final = patience
        self._back_off: Final = back_off
        self._answer: Final = answer
        audio = start.audio
        self._unit: Final = BYTES_PER_SAMPLE[audio.encoding] * audio.channels
        self._bytes_per_second: Final = self._unit * audio.sample_rate
        self._tape: Final = Tape(round(KEPT * self._bytes_per_second), self._unit)
        self._session: Heard | None = None
        self._began: float = 0.0
        self._last_seq: int = 0
        self._acked: int = 0
        """Bytes that have arrived, as the server says."""
        self._moved: Final = Condition()
        self._position: int = 0
        """Bytes that were sent; goes back when the server asks for some again."""
        self._socket: ClientConnection | None = None
        self._lost_at: float | None = None

    async def run(self, audio: AsyncIterator[bytes]) -> Message:
        """Send the audio to its end and return the last message.

        Raises CallAnnotateError: why no session was opened, what it was ended with, or SESSION_LOST; and whatever the
        audio raises.
        """
        try:
            async with create_task_group() as tasks:
                tasks.start_soon(self._record, audio)
                ended = await self._until_ended()
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            first: BaseException = group
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None
        return ended

    async def say(self, message: Struct) -> None:
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

    async def _until_ended(self) -> Message:
        delays = Delays(*self._back_off)
        while True:
            before = self._last_seq
            broken = await self._connection()
            if self.ended is not None:
                return self.ended
            if self._last_seq > before:
                self._lost_at = None
                delays.reset()
            self._lost_at = self._lost_at or current_time()
            if current_time() - self._lost_at > self._patience:
                raise self._lost(broken.cause)
            self._notice(f"connection lost ({broken.cause}); connecting again")
            await sleep(delays.after(broken.wait))

    async def _connection(self) -> Broken:
        """Connect and go on until the connection or the session ends."""
        try:
            async with connecting(self.url, self._headers) as socket:
                self._socket = socket
                return await self._converse(socket)
        except HANDSHAKE_ERRORS as error:
            told = refusal(self.url, error)
            if self._session is None or (told.status is not None and not told.retryable):
                # Nothing was opened, or there is no coming back, such as with a key that was revoked.
                raise told from error
            if told.status is None:
                return Broken(str(error))
            return Broken(f"{told.code}: {told.message}", 0.0 if told.code in FULL else told.retry_after or 0.0)
        finally:
            self._socket = None

    async def _converse(self, socket: ClientConnection) -> Broken:
        """Open the session or go on with it; returns when the connection ends."""
        await self._say_hello(socket)
        fatal: str | bytes | None = None
        wrong: CallAnnotateError | None = None
        opened = False
        with move_on_after(self._answer) as waiting:
            async with create_task_group() as tasks:
                with suppress(ConnectionClosed):
                    async for text in socket:
                        waiting.deadline = math.inf
                        try:
                            heard = heard_in(text, self.url)
                        except CallAnnotateError as error:
                            wrong = error
                            break
                        await self._received(heard, text)
                        if heard.type == "error" and heard.fatal:
                            fatal = text
                            break
                        if heard.type in {"session.started", "session.resumed"} and not opened:
                            opened = True
                            tasks.start_soon(self._send_audio, socket)
                        elif heard.type == "audio.ack":
                            await self._acknowledged(heard.bytes_received)
                tasks.cancel_scope.cancel()
        if wrong is not None:
            raise wrong
        if fatal is not None:
            return self._failed(_ERROR.decode(fatal), opened)
        if waiting.cancelled_caught:
            return self._cut_off(f"it says nothing for {self._answer:.0f} s")
        await socket.wait_closed()
        return self._cut_off(f"code {socket.close_code} {socket.close_reason or ''}".strip())

    def _cut_off(self, cause: str) -> Broken:
        """What a connection means that ended without a word about it. Raises where no session was opened."""
        if self._session is None:
            raise unreachable(self.url, cause)
        return Broken(cause)

    async def _say_hello(self, socket: ClientConnection) -> None:
        hello: object = self._start
        if self._session is not None:
            hello = SessionResume(
                session_id=self._session.session_id,
                resume_token=self._session.resume_token,
                last_seq=self._last_seq,
            )
        with suppress(ConnectionClosed):
            await socket.send(msgspec.json.encode(hello).decode())

    async def _received(self, heard: Heard, text: str | bytes) -> None:
        if heard.type == "session.started":
            self._session, self._began = heard, current_time()
        elif heard.type == "session.resumed":
            self._position = self._acked = heard.bytes_received
            self.resumes += 1
            self._notice("connected again")
        # What a connection says before it has found the session counts from 1 by itself.
        if heard.seq > self._last_seq:
            self._last_seq = heard.seq
            message = self._decode(text)
            if heard.type == "session.ended":
                self.ended = message
            if message is not None:
                await self._show(message)

    async def _acknowledged(self, received: int) -> None:
        async with self._moved:
            self._acked = max(self._acked, received)
            self._moved.notify_all()
        await self._tape.forget(received)

    async def _send_audio(self, socket: ClientConnection) -> None:
        """Send audio as it is recorded and as the server takes it, then its end; keepalives where there is none."""
        assert self._session is not None  # it has just been opened
        assert self._session.limits is not None
        limits = self._session.limits
        largest = limits.max_frame_bytes // self._unit * self._unit
        least = min(largest, -(-SHORTEST_FRAME_MS * self._bytes_per_second // 1000 // self._unit) * self._unit)
        ahead = WINDOW * limits.max_unacked_ms / 1000
        quiet = max(0.1, limits.idle_timeout_s / 3)
        with suppress(ConnectionClosed):
            while True:
                data: bytes | None = None
                with move_on_after(quiet):
                    await self._room(round(ahead * self._bytes_per_second))
                    await self._in_time(ahead)
                    data = await self._tape.read(self._position, largest, least)
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

    async def _in_time(self, ahead: float) -> None:
        """Wait until the audio is no more than so many seconds ahead of real time."""
        if self._speed is not None:
            due = self._position / self._bytes_per_second / self._speed - ahead
            await sleep(max(0.0, self._began + due - current_time()))

    def _failed(self, error: LiveError, opened: bool) -> Broken:
        """What a fatal error means. Raises what the session ended with, or SESSION_LOST, where that is the end."""
        if error.code == "SHUTTING_DOWN":
            return Broken(error.code, 1.0)
        if self._session is not None and not opened:
            if error.code in GONE:
                raise self._lost(error.message)
            if error.retryable:
                return Broken(error.code, (error.retry_after_ms or 0) / 1000)
        raise live_ended(error)

    def _lost(self, cause: str) -> CallAnnotateError:
        return CallAnnotateError(
            SESSION_LOST,
            f"{self.url}: the connection was lost and the session cannot be gone on with ({cause})",
            "What was told stays; start a new session for what follows.",
            details={"cause": cause},
        )
