"""A live session as its client sees it: what it may say when, what is refused, and the connections that come and go."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np
from anyio import Event

from contracts.errors import CallAnnotateError
from contracts.live import (
    AudioAck,
    AudioEnd,
    ConfigUpdate,
    Finalize,
    Keepalive,
    KeepaliveAck,
    LiveClientMessage,
    LiveServerMessage,
    Pause,
    Resume,
    SessionConfig,
    SessionLimits,
    SessionResumed,
    SessionStart,
    SessionStarted,
    WarningCode,
)
from contracts.live_audio import LONGEST_FRAME_MS, SHORTEST_FRAME_MS
from contracts.live_errors import (
    AUDIO_AFTER_END,
    AUDIO_WHILE_PAUSED,
    EMPTY_FRAME,
    FRAME_NOT_FINITE,
    FRAME_TOO_LONG,
    INVALID_CONFIG,
    ODD_FRAME,
    REPLAY_GONE,
    SESSION_EXPIRED,
    SESSION_TOO_LONG,
    TAKEN_OVER,
    TOO_MANY_ERRORS,
    WRONG_ORDER,
)
from contracts.live_notices import live_error, live_warning
from runtime.engine import Engine
from runtime.live_config import limits_of, updated
from runtime.live_inbox import Inbox, Item, Reconfigure
from runtime.live_outbox import Outbox, Reader
from runtime.live_pace import Pace
from runtime.settings import Settings

ERRORS: Final = 100
"""Messages and frames of a session that may be wrong."""
MARGIN: Final = 1000
"""Milliseconds of audio that may wait beyond what may be ahead of real time."""
State = Literal["open", "paused", "ending", "over"]


class LiveSession:
    """One live call. It belongs to no connection; `runtime.live_run` does its work."""

    def __init__(self, session_id: str, config: SessionConfig, engine: Engine, settings: Settings) -> None:
        self.id: Final = session_id
        self.config = config
        """As the client has set it, which the work may not have come to yet."""
        self.one_language = True
        """Whether `config.language` has never changed."""
        self.limits: Final[SessionLimits] = limits_of(config, settings)
        self.created_at: Final = time.time()
        """Seconds since 1970."""
        self.expires_at: Final = time.monotonic() + settings.live_max_session_s
        # Room for more than may come ahead of real time: who sends too fast is told so, however slow the work is.
        self.inbox: Final = Inbox((settings.live_max_unacked_ms + MARGIN) * config.audio.bytes_per_second // 1000)
        self.outbox: Final = Outbox(settings.live_replay_messages)
        self.pace: Final = Pace(settings.live_max_unacked_ms, settings.live_speed_limit)
        self.state: State = "open"
        """As of the last thing that the client said. "ending" from the end of the audio on, "over" after the last
        message."""
        self.over: Final = Event()
        """Set when nothing follows any more."""
        self.forgotten: Final = Event()
        """Set when the client has got everything, so that nobody will come back."""
        self.moved = Event()
        """Set, and made anew, when a connection came or went, or the state changed."""
        self.bytes_received: int = 0
        """Of the audio that was taken; a frame is taken as a whole or not at all."""
        self.heard_at: float = time.monotonic()
        """When the client gave the last sign of life."""
        self.detached_at: float | None = time.monotonic()
        """When the last connection went; None while there is one."""
        self.errors: int = 0
        self.warnings: int = 0
        self.resumes: int = 0
        self.promised: int = 0
        """Bytes that the last connection was told it need not send again."""
        self._short_frames: int = 0
        self._stopped = False
        """Whether it was us who ended the audio."""
        self._longest: Final = settings.live_max_session_s
        self._engine: Final = engine
        self.token: Final = secrets.token_urlsafe(24)
        """Secret: who has it may go on with the session."""

    def begin(self, in_reply_to: str | None, *, unrecognised: bool) -> None:
        """Say the first messages; `unrecognised`: known voices were to be named, and there are none."""
        left = self.expires_at - time.monotonic()
        self.outbox.put(
            lambda seq: SessionStarted(
                seq=seq,
                in_reply_to=in_reply_to,
                session_id=self.id,
                resume_token=self.token,
                config=self.config,
                limits=self.limits,
                expires_at=datetime.fromtimestamp(round(time.time() + left, 3), UTC),
            )
        )
        if unrecognised:
            self.warn("recognise_unavailable", in_reply_to)

    @asynccontextmanager
    async def attach(
        self, last_seq: int | None = None, in_reply_to: str | None = None
    ) -> AsyncIterator["LiveConnection"]:
        """A connection: the messages after `last_seq` (None: of a session that was just started), then what comes.

        A connection that is there already is given up with TAKEN_OVER. When the body is left, the session waits for
        the next one. Raises INVALID_CONFIG for a number that was never given, REPLAY_GONE for one whose successors are
        no longer kept.
        """
        connection = LiveConnection(self, self._first(last_seq))
        if last_seq is not None:
            self._hand_over(connection, in_reply_to)
        self.outbox.reader = connection
        self.heard_at, self.detached_at = time.monotonic(), None
        self._stir()
        try:
            yield connection
        finally:
            if self.outbox.reader is connection:
                self.outbox.reader, self.detached_at = None, time.monotonic()
                self._stir()

    def _first(self, last_seq: int | None) -> int:
        """The number after which a connection reads."""
        if last_seq is not None and last_seq > self.outbox.last_seq:
            problem = f"{last_seq} was never given"
            raise CallAnnotateError(
                INVALID_CONFIG, field="last_seq", problem=problem, allowed=f"0 to {self.outbox.last_seq}"
            )
        if not self.outbox.keeps(last_seq or 0):
            raise CallAnnotateError(REPLAY_GONE, last_seq=last_seq or 0, first=self.outbox.first_seq)
        return last_seq or 0

    def _hand_over(self, connection: "LiveConnection", in_reply_to: str | None) -> None:
        """Give up the connection of before, and tell the new one where the audio goes on, once the replay is over."""
        before = self.outbox.reader
        if before is not None:
            told = live_error(CallAnnotateError(TAKEN_OVER), self.outbox.last_seq + 1)
            before.cut(CallAnnotateError(TAKEN_OVER), told)
        self.outbox.reader = connection
        if self.outbox.closed:
            return
        self.resumes, self.promised = self.resumes + 1, self.bytes_received
        # A client goes back to `bytes_received` when it is told; it may not be told twice on one connection.
        self.outbox.rewrite(self._without_resumed)
        self.outbox.put(
            lambda seq: SessionResumed(
                seq=seq, in_reply_to=in_reply_to, session_id=self.id, bytes_received=self.bytes_received
            )
        )

    def _without_resumed(self, message: LiveServerMessage) -> LiveServerMessage:
        """The message as it is replayed: how much audio there was remains true."""
        if not isinstance(message, SessionResumed):
            return message
        return self.ack(message.seq, message.bytes_received)

    def ack(self, seq: int, size: int, progress: int | None = None) -> AudioAck:
        """How much audio there is."""
        return AudioAck(
            seq=seq,
            bytes_received=size,
            ms_received=self.config.audio.milliseconds(size),
            result_progress=progress,
        )

    async def take(self, frame: bytes, connection: "LiveConnection") -> None:
        """See LiveConnection.audio."""
        self._check(connection)
        if self._stopped:
            return
        self._check_frame(frame)
        arrived = self.config.audio.milliseconds(self.bytes_received + len(frame))
        if arrived > 1000 * self._longest:
            self.stop_audio()
            raise CallAnnotateError(SESSION_TOO_LONG, max_allowed=self.limits.max_session_s)
        self.pace.check(arrived)
        await self.inbox.room()
        self._check(connection)
        if self._stopped:
            return
        self._check_turn()
        self.inbox.add(frame)
        self.bytes_received += len(frame)
        self.pace.arrived(arrived)
        self.heard_at = time.monotonic()
        self._note_short(frame)

    def _check(self, connection: "LiveConnection") -> None:
        """Raises where a connection is not the session's any more, or the session is over."""
        if connection.stale:
            raise CallAnnotateError(TAKEN_OVER)
        self.heard_at = time.monotonic()
        if self.state == "over":
            raise self.outbox.failure or CallAnnotateError(SESSION_EXPIRED, session_id=self.id)

    def _check_turn(self) -> None:
        if self.state == "ending":
            raise CallAnnotateError(AUDIO_AFTER_END)
        if self.state == "paused":
            raise CallAnnotateError(AUDIO_WHILE_PAUSED)

    def _check_frame(self, frame: bytes) -> None:
        """Raises what is wrong with a frame."""
        self._check_turn()
        audio = self.config.audio
        if not frame:
            raise CallAnnotateError(EMPTY_FRAME)
        if len(frame) % audio.bytes_per_frame:
            raise CallAnnotateError(ODD_FRAME, size=len(frame), multiple=audio.bytes_per_frame)
        duration = audio.milliseconds(len(frame))
        if duration > LONGEST_FRAME_MS or len(frame) > self.limits.max_frame_bytes:
            raise CallAnnotateError(FRAME_TOO_LONG, duration_ms=duration, max_allowed=self.limits.max_frame_bytes)
        if audio.encoding == "pcm_f32le" and not np.isfinite(np.frombuffer(frame, "<f4")).all():
            raise CallAnnotateError(FRAME_NOT_FINITE)

    def _note_short(self, frame: bytes) -> None:
        """Warn once of short frames, when another one follows two of them: the last one of a stream may be short."""
        short = len(frame) * 1000 < SHORTEST_FRAME_MS * self.config.audio.bytes_per_second
        if self._short_frames == 2:
            self.warn("frames_short")
        if self._short_frames == 2 or (short and self._short_frames < 2):
            self._short_frames += 1

    async def handle(self, message: LiveClientMessage, connection: "LiveConnection") -> None:
        """See LiveConnection.handle."""
        try:
            self._check(connection)
            if isinstance(message, Keepalive):
                self.outbox.put(lambda seq: KeepaliveAck(seq=seq, in_reply_to=message.id))
                return
            self._check_order(message)
            await self.inbox.room()
            self._check(connection)
            self._check_order(message)
            self.inbox.add(self._taken(message))
            self._stir()
        except CallAnnotateError as error:
            self.fault(error, message.id, connection)

    def _check_order(self, message: LiveClientMessage) -> None:
        """Raises WRONG_ORDER."""
        name = str(message.__struct_config__.tag)
        if isinstance(message, SessionStart) or name == "session.resume":
            allowed = "audio and every other message of a client"
            raise CallAnnotateError(WRONG_ORDER, message=name, place="within a session", allowed=allowed)
        if self.state == "ending":
            raise CallAnnotateError(WRONG_ORDER, message=name, place="after audio.end", allowed="keepalive")

    def _taken(self, message: LiveClientMessage) -> Item:
        """What there is to do for a message, from here on in force; raises FIXED_FIELD or INVALID_FIELD."""
        match message:
            case Finalize():
                return message
            case Pause():
                self.state = "paused"
                self.pace.pause()
                return message
            case Resume():
                self.state = "open"
                self.pace.resume()
                return message
            case ConfigUpdate():
                changed = updated(self.config, message, self._engine)
                self.one_language = self.one_language and changed.language == self.config.language
                self.config = changed
                return Reconfigure(self.config, message.id)
            case AudioEnd():
                self.state = "ending"
                if message.bytes_sent != self.bytes_received:
                    self.warn(
                        "bytes_mismatch", message.id, bytes_sent=message.bytes_sent, bytes_received=self.bytes_received
                    )
                return message
            case _:
                raise AssertionError(message)  # _check_order has refused it

    def stop_audio(self) -> None:
        """Take no more audio: the result follows, as after audio.end. What still comes is passed over."""
        self.state, self._stopped = "ending", True
        self.inbox.add(AudioEnd(bytes_sent=self.bytes_received))

    def fault(
        self, error: CallAnnotateError, in_reply_to: str | None = None, connection: "LiveConnection | None" = None
    ) -> None:
        """Say what is wrong; a fatal error ends the session. What a connection of before did counts no more."""
        if self.outbox.closed or (connection is not None and connection.stale):
            return
        self.errors += 1
        self.outbox.put(lambda seq: live_error(error, seq, in_reply_to=in_reply_to))
        if error.fault.close_code is not None:
            self.end(error)
        elif self.errors > ERRORS:
            self.fault(CallAnnotateError(TOO_MANY_ERRORS, count=self.errors))

    def warn(self, code: WarningCode, in_reply_to: str | None = None, **details: str | float) -> None:
        """Say something that the client should know."""
        self.warnings += 1
        self.outbox.put(lambda seq: live_warning(code, seq, in_reply_to=in_reply_to, language="en", **details))

    def end(self, failure: CallAnnotateError | None = None) -> None:
        """Nothing follows; only the first call counts."""
        self.outbox.close(failure)
        self.state = "over"
        self.over.set()
        self._stir()

    def _stir(self) -> None:
        self.moved.set()
        self.moved = Event()


class LiveConnection(Reader):
    """A connection to a session: its messages, up to the last one, and what the client says.

    Iterating ends after the last message of a session that ended well. Otherwise it raises, after the `error` message:
    the session's fatal error, or TAKEN_OVER; or SLOW_READER, without a message, where nobody read.
    """

    def __init__(self, session: LiveSession, read: int) -> None:
        super().__init__(session.outbox, read)
        self._session: Final = session

    async def audio(self, frame: bytes) -> None:
        """Take a binary frame; waits while the session is behind. Cancelled, it has taken all of the frame or nothing.

        Raises what is wrong with it, to be given to `fault`: EMPTY_FRAME, ODD_FRAME, FRAME_TOO_LONG, FRAME_NOT_FINITE,
        AUDIO_WHILE_PAUSED, AUDIO_AFTER_END, TOO_FAST.
        """
        await self._session.take(frame, self)

    async def handle(self, message: LiveClientMessage) -> None:
        """Take a message; what it is answered with, errors too, comes with the messages of the session."""
        await self._session.handle(message, self)

    async def fault(self, error: CallAnnotateError, in_reply_to: str | None = None) -> None:
        """Have an `error` message told; one with a close code ends the session."""
        self._session.heard_at = time.monotonic()
        self._session.fault(error, in_reply_to, self)

    def confirm(self) -> None:
        """The client has got all messages: a session that is over can be forgotten."""
        if self._session.outbox.closed and not self.stale:
            self._session.forgotten.set()
