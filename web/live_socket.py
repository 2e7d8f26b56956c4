"""`/v1/ws/transcribe`: audio in, words and speakers out. The session lives in the runtime and outlives a connection."""

from time import monotonic
from typing import Final

import msgspec
import structlog
from anyio import fail_after, move_on_after, sleep
from msgspec.structs import replace
from quart import Response, Websocket, g

from contracts.errors import (
    CATALOGUE,
    INTERNAL,
    INVALID_MESSAGE,
    SHUTTING_DOWN,
    SLOW_READER,
    CallAnnotateError,
    Language,
)
from contracts.live import (
    LiveClientMessage,
    LiveError,
    LiveServerMessage,
    LiveWarning,
    SessionClosing,
    SessionResume,
    SessionStart,
    decode_client_message,
)
from contracts.live_audio import FRAME_BYTES_LIMIT
from contracts.live_errors import FRAME_TOO_LARGE, INVALID_CONFIG, SESSION_EXPECTED, START_TIMEOUT
from contracts.live_notices import LIVE_WARNINGS, live_error
from runtime.access import Holder
from runtime.live_session import LiveConnection, LiveSession
from web.answers import wanted_language
from web.connections import (
    INTERNAL_ERROR,
    Connection,
    Connections,
    Ending,
    check_text,
    object_of,
    refused_handshake,
    text_of,
)
from web.websocket_stream import LINGER, Liveness

LOG: Final = structlog.get_logger("callannotate.web")
ALLOWED: Final = "the messages of a client in docs/live.md"
OPENINGS: Final = ("session.start", "session.resume")
OPENING: Final = "the fields of session.start and session.resume in docs/live.md"


async def transcribe_live(connections: Connections, socket: Websocket, holder: Holder) -> Response | None:
    """Serve one connection; a Response refuses the handshake."""
    language = wanted_language(socket.headers.get("Accept-Language"))
    try:
        connections.service.live.admit()
    except CallAnnotateError as error:
        return refused_handshake(error, language, g.request_id)
    connection = LiveSocket(connections, socket, language, g.request_id, holder)
    await connections.serve(connection, socket.remote_addr or "", connection.talk)
    return None


class LiveSocket(Connection):
    """One connection. Whatever it sends has a `seq`, the message that goes before a close included."""

    def __init__(
        self, connections: Connections, socket: Websocket, language: Language, request_id: str, holder: Holder
    ) -> None:
        super().__init__(connections, socket, language, request_id, holder)
        self._liveness: Final[Liveness] = socket.scope["state"]["liveness"]
        self._last_seq: int = 0
        """Of what was sent on this connection."""
        self._told: str | None = None
        """Code of the fatal error, or reason of the closing, that was sent last."""
        self._reply_to: str | None = None
        """Id of the client's first message until it is answered."""
        self._closed: bool = False

    async def talk(self, connection: Connection) -> None:  # noqa: ARG002 - it is this one
        """Open or find the session, then carry messages both ways until it has said its last one."""
        session, last_seq = await self._greeted()
        async with session.attach(last_seq, self._reply_to) as attached:
            self._reply_to = None
            try:
                self.start(self._listen, attached)
                await self._end(await self._speak(attached))
            finally:
                # Everything has arrived: nobody will come back for the last messages.
                if self._liveness.closed.is_set():
                    attached.confirm()

    async def close(self, ending: Ending) -> None:
        """Only the first call counts."""
        if not self._closed:
            self._closed = True
            await super().close(ending)

    def failure(self, error: CallAnnotateError) -> Ending:
        """How an error ends the connection: without a message where the session has sent it already."""
        code = error.fault.close_code or INTERNAL_ERROR
        if error.fault is SLOW_READER or self._told == error.fault.code:
            return Ending(code, error.fault.code)
        return Ending(code, error.fault.code, self.error_message(error, self._reply_to))

    def error_message(self, error: CallAnnotateError, in_reply_to: str | None = None) -> LiveError:
        """The error as a message of this connection alone; a session that there is does not keep it."""
        message = live_error(error, self._last_seq + 1, in_reply_to=in_reply_to, language=self.language)
        return replace(message, fatal=True)

    async def watch_over(self) -> None:
        """End a connection that has no session yet when the server stops; the others are ended by their sessions."""
        await self.service.stopping.wait()
        if self._last_seq == 0:
            closing = SessionClosing(seq=1, reason=SHUTTING_DOWN.code, deadline_ms=round(1000 * LINGER))
            self.end(Ending(SHUTTING_DOWN.close_code or INTERNAL_ERROR, SHUTTING_DOWN.code, closing))

    async def heartbeat(self) -> None:
        """Cut off who does not read: no answer to a protocol ping comes, though audio may.

        Who says nothing at all is the session's business, which may be resumed or ends as idle.
        """
        patience = self.service.settings.heartbeat_timeout
        while (left := self._liveness.answered + patience - monotonic()) > 0:  # noqa: ASYNC110 - a clock, no event
            await sleep(left)
        raise CallAnnotateError(SLOW_READER)

    async def _greeted(self) -> tuple[LiveSession, int | None]:
        """The session that the first message opens or goes on with, and where its messages are to go on.

        Raises START_TIMEOUT, SESSION_EXPECTED, INVALID_CONFIG and what else is wrong with the message or the session.
        """
        patience = self.service.settings.live_start_timeout_s
        try:
            with fail_after(patience):
                frame = await anext(self.frames())
        except TimeoutError as error:
            raise CallAnnotateError(START_TIMEOUT, seconds=patience) from error
        message = self._opening(text_of(frame, advice="Send session.start or session.resume first"))
        self._reply_to = message.id
        if isinstance(message, SessionStart):
            return await self.service.live.start(message), None
        return await self.service.live.resume(message), message.last_seq

    def _opening(self, text: str) -> SessionStart | SessionResume:
        """Raises SESSION_EXPECTED, INVALID_CONFIG, INVALID_JSON or FRAME_TOO_LARGE."""
        try:
            message = decoded(text)
        except CallAnnotateError as error:
            if error.fault is not INVALID_MESSAGE:
                raise
            self._reply_to, kind = usable_id(text), object_of(text).get("type")
            if kind not in OPENINGS:
                raise CallAnnotateError(SESSION_EXPECTED, cause=f"its type is {str(kind)[:100]}") from error
            problem, _, field = str(error.details["cause"]).partition(" - at `$.")
            raise CallAnnotateError(
                INVALID_CONFIG, field=field.rstrip("`") or str(kind), problem=problem, allowed=OPENING
            ) from error
        if not isinstance(message, (SessionStart, SessionResume)):
            self._reply_to = message.id
            raise CallAnnotateError(SESSION_EXPECTED, cause="it comes after them")
        return message

    async def _speak(self, attached: LiveConnection) -> Ending:
        """Send what the session says, up to its end."""
        try:
            async for message in attached:
                await self.send(told_in(self.language, message))
                self._last_seq = message.seq
                if isinstance(message, LiveError) and message.fatal:
                    self._told = message.code
                elif isinstance(message, SessionClosing):
                    self._told = message.reason
        except CallAnnotateError as error:
            return self.failure(error)
        return Ending(1000)

    async def _end(self, ending: Ending) -> None:
        """Close, and wait a moment for the client's answer; with it, this task is cancelled."""
        await self.close(ending)
        with move_on_after(LINGER):
            await self._liveness.closed.wait()
        self.end(ending)

    async def _listen(self, attached: LiveConnection) -> None:
        """Take every frame, until one that ends the session: it says so itself, then its messages end."""
        frames = self.frames()
        while True:
            reply_to = None
            try:
                frame = await anext(frames)
                if isinstance(frame, bytes):
                    check_size(len(frame))
                    await attached.audio(frame)
                    continue
                reply_to = usable_id(frame)
                await attached.handle(decoded(frame))
            except CallAnnotateError as error:
                await attached.fault(error, reply_to)
                if error.fault.close_code is not None:
                    break
            except Exception:
                LOG.exception("websocket_failed", path=self.socket.path)
                await attached.fault(CallAnnotateError(INTERNAL, stage="websocket", cause="an unexpected error"))
                break
        while True:  # what still comes is thrown away, up to the answer to our close frame
            await self.socket.receive()


def decoded(text: str) -> LiveClientMessage:
    """Raises INVALID_JSON, INVALID_MESSAGE for JSON that is no message of a client, or FRAME_TOO_LARGE."""
    check_size(len(text.encode()))
    try:
        return check_text(decode_client_message(text))
    except msgspec.MsgspecError as error:
        object_of(text)
        raise CallAnnotateError(INVALID_MESSAGE, cause=str(error), allowed=ALLOWED) from error


def check_size(size: int) -> None:
    """Raises FRAME_TOO_LARGE for a frame of so many bytes."""
    if size > FRAME_BYTES_LIMIT:
        raise CallAnnotateError(FRAME_TOO_LARGE, size=size, max_allowed=FRAME_BYTES_LIMIT)


def usable_id(text: str) -> str | None:
    """The `id` of a message that may be wrong otherwise."""
    try:
        found = object_of(text).get("id")
    except CallAnnotateError:
        return None
    return found if isinstance(found, str) and 1 <= len(found) <= 64 else None


def told_in(language: Language, message: LiveServerMessage) -> LiveServerMessage:
    """The message in the language of whoever listens; the session keeps it in English."""
    if language == "en":
        return message
    if isinstance(message, LiveWarning):
        told, advice = LIVE_WARNINGS[message.code].russian
        return replace(message, message=told.format(**message.details), advice=advice.format(**message.details))
    if isinstance(message, LiveError) and message.code in CATALOGUE:
        error = CallAnnotateError(CATALOGUE[message.code], **message.details)
        return replace(message, message=error.message_in(language), advice=error.advice_in(language))
    return message
