"""The work of one live session: what the client says is done in order, what is heard is told, clocks are watched."""

import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import structlog
from anyio import CancelScope, Event, create_task_group, move_on_after
from anyio.abc import ObjectReceiveStream

from contracts.annotation import AnnotatedSpeech, Annotation, Notice
from contracts.errors import IDLE, INTERNAL, CallAnnotateError
from contracts.live import (
    AudioEnd,
    ConfigUpdated,
    Finalize,
    Finalized,
    Pause,
    Paused,
    Resume,
    Resumed,
    SessionConfig,
    SessionEnded,
    SessionTotals,
)
from contracts.live_audio import AudioFormat
from contracts.live_errors import SESSION_EXPIRED, SESSION_TOO_LONG
from contracts.live_speech import Degraded, Flushed, FlushReason, LiveEvent, LiveOptions, Partial
from contracts.live_speech import Final as FinalText
from runtime.job_views import renamed
from runtime.live_changes import Changing
from runtime.live_config import options_of
from runtime.live_inbox import Reconfigure, Task
from runtime.live_messages import Make, message_of
from runtime.live_session import LiveSession
from runtime.metrics import Metrics
from runtime.running import StageFailed
from runtime.settings import Settings
from runtime.spool import NAME
from runtime.volume import room_needed

ACK: Final = 1.0
"""Seconds from one acknowledgement of audio to the next."""
FAREWELL: Final = 60.0
"""Seconds before the end of the longest session at which its client is told."""

log: Final = structlog.get_logger()


class Call(Protocol):
    """See runtime.live_call.LiveCall."""

    @property
    def events(self) -> ObjectReceiveStream[LiveEvent]: ...
    @property
    def progress(self) -> float: ...
    @property
    def notices(self) -> tuple[Notice, ...]: ...
    async def feed(self, data: bytes) -> None: ...
    async def flush(self, reason: FlushReason) -> None: ...
    def update(self, options: LiveOptions) -> None: ...
    async def finish(self) -> AnnotatedSpeech: ...


OpenCall = Callable[[Path, AudioFormat, LiveOptions], AbstractAsyncContextManager[Call]]


@dataclass(eq=False)
class LiveRun:
    """A session at work, from its first byte to its result."""

    session: LiveSession
    settings: Settings
    metrics: Metrics
    spool: Path
    """Where its audio lies."""
    fed: int = 0
    """Bytes that the call has taken."""
    began: float = field(default_factory=time.monotonic)
    notices: tuple[Notice, ...] = ()
    _config: SessionConfig = field(init=False)
    """As the session began."""
    _words: Changing[bool] = field(init=False)
    """Whether finals list theirs."""
    _scope: CancelScope = field(default_factory=CancelScope)
    _replies: deque[tuple[bool, Make]] = field(default_factory=deque)
    """What is to be answered once the flush before it has been told, in order; whether it is the answer to a flush."""
    _reply_to: str | None = None
    """Id of audio.end."""
    _told: Event = field(default_factory=Event)
    """Set when every event of the call has been told."""
    _partials: int = 0
    _finals: int = 0
    _word_count: int = 0
    _acked: int = 0
    _acked_at: float = field(default_factory=time.monotonic)
    _warned: bool = False
    """That the session is about to have lasted as long as it may."""

    def __post_init__(self) -> None:
        self._config = self.session.config
        self._words = Changing(self._config.words)

    async def run(self, open_call: OpenCall) -> AnnotatedSpeech | None:
        """What was said, once the audio has ended; None where the session ended otherwise, of which it is told."""
        with self._scope:
            async with create_task_group() as tasks:
                tasks.start_soon(self._watch)
                speech = await self._call(open_call)
                tasks.cancel_scope.cancel()
            return speech
        return None

    async def _call(self, open_call: OpenCall) -> AnnotatedSpeech | None:
        """The call from its start to its end; a failure of it ends the session."""
        try:
            with room_needed():
                opened = open_call(self.spool, self._config.audio, options_of(self._config))
                async with AsyncExitStack() as last, opened as call:
                    # Closed last: the call must not find its reader gone before it is told to stop.
                    last.push_async_callback(call.events.aclose)
                    return await self._go_through(call)
        except CallAnnotateError as error:
            self._fail(error)
        except Exception as error:
            log.exception("session_failed")
            self._fail(CallAnnotateError(INTERNAL, stage="live", cause=type(error).__name__))
        return None

    def _fail(self, error: CallAnnotateError) -> None:
        """Something that the client can do nothing about."""
        if isinstance(error, StageFailed):
            log.error("session_failed", problem=error.message, exc_info=error)
            error = CallAnnotateError(INTERNAL, stage=error.stage, cause=str(error.details["cause"]))
        elif error.fault.close_code is None:
            log.error("session_failed", problem=error.message, exc_info=error)
            error = CallAnnotateError(INTERNAL, stage="live", cause=renamed(error, NAME).message)
        self.session.fault(error)

    async def _go_through(self, call: Call) -> AnnotatedSpeech:
        """Do what the client says, until its audio has ended."""
        failure: Exception | None = None
        async with create_task_group() as tasks:
            tasks.start_soon(self._tell, call.events)
            try:
                await self._do_all(call)
                tasks.start_soon(self._tell_progress, call)
                speech = await call.finish()
                await self._told.wait()
            except Exception as error:  # raised again below, outside the group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        self.notices = call.notices
        return speech

    async def _do_all(self, call: Call) -> None:
        """One thing after the other, up to the end of the audio."""
        while not isinstance(item := await self.session.inbox.next(), AudioEnd):
            await self._do(call, item)
        self._reply_to = item.id

    async def _do(self, call: Call, item: Task) -> None:
        """One thing."""
        match item:
            case bytes():
                await call.feed(item)
                self.fed += len(item)
            case Finalize(id=reply):
                self._replies.append((True, lambda seq: Finalized(seq=seq, in_reply_to=reply)))
                await call.flush("finalize")
            case Pause(id=reply):
                self._replies.append((True, lambda seq: Paused(seq=seq, in_reply_to=reply)))
                await call.flush("pause")
            case Reconfigure(config=config, in_reply_to=reply):
                call.update(options_of(config))
                self._words.change(self.fed / config.audio.bytes_per_second, config.words)
                self._reply(lambda seq: ConfigUpdated(seq=seq, in_reply_to=reply, config=config))
            case Resume(id=reply):
                self._reply(lambda seq: Resumed(seq=seq, in_reply_to=reply))

    async def _tell(self, events: ObjectReceiveStream[LiveEvent]) -> None:
        """Tell the client what is heard."""
        async for event in events:
            if isinstance(event, Flushed):
                self._flushed(event.reason)
            else:
                self._count(event)
                listed = isinstance(event, FinalText) and self._words.at(event.end_time)
                self.session.outbox.put(message_of(event, words=listed))
        self._told.set()

    def _flushed(self, reason: FlushReason) -> None:
        """Answer what asked for the flush, and what came after it."""
        answered = reason == "end"
        while self._replies and not (answered and self._replies[0][0]):
            answered = True
            self.session.outbox.put(self._replies.popleft()[1])

    def _reply(self, make: Make) -> None:
        """Answer at once, or after the flush that is not answered yet."""
        if self._replies:
            self._replies.append((False, make))
        else:
            self.session.outbox.put(make)

    def _count(self, event: LiveEvent) -> None:
        if isinstance(event, Partial):
            self._partials += 1
            delay = self.session.pace.since(round(1000 * event.start_time)) if event.revision == 1 else None
            if delay is not None:
                self.metrics.live_partial_delay.observe(delay)
        elif isinstance(event, FinalText):
            self._finals += 1
            self._word_count += len(event.words)
            delay = self.session.pace.since(round(1000 * event.end_time))
            if delay is not None:
                self.metrics.live_final_delay.observe(delay)
        elif isinstance(event, Degraded):
            self.session.warnings += 1
            self.metrics.live_degraded.labels(str(event.level)).inc()

    async def _tell_progress(self, call: Call) -> None:
        """While the result is being made, say that it is."""
        while True:
            with move_on_after(ACK):
                await self._told.wait()
                return
            self._ack(min(100, round(100 * call.progress)))

    def _ack(self, progress: int | None = None) -> None:
        self._acked, self._acked_at = max(self.fed, self.session.promised), time.monotonic()
        self.session.outbox.put(lambda seq: self.session.ack(seq, self._acked, progress))

    async def _watch(self) -> None:
        """Watch the clocks of the session."""
        while not self.session.over.is_set():
            moved, now = self.session.moved, time.monotonic()
            if self.session.state != "ending":
                if self.fed > self._acked and now >= self._acked_at + ACK:
                    self._ack()
                self._check_clocks(now)
            if self.session.over.is_set():
                break
            with move_on_after(max(0.001, min(ACK, self._due() - time.monotonic()))):
                await moved.wait()
        self._scope.cancel()

    def _due(self) -> float:
        """When a clock runs out next."""
        session = self.session
        if session.state == "ending":
            return float("inf")
        if session.detached_at is not None:
            return session.detached_at + self.settings.live_resume_window_s
        return min(session.heard_at + self.settings.live_idle_timeout_s, session.expires_at)

    def _check_clocks(self, now: float) -> None:
        """End a session whose client is gone or says nothing, and the audio of one that has lasted too long."""
        session, left = self.session, self.session.expires_at - now
        if left <= FAREWELL and not self._warned:
            self._warned = True
            session.warn("session_expires", seconds=max(0, round(left)))
        if left <= 0:
            session.fault(CallAnnotateError(SESSION_TOO_LONG, max_allowed=self.settings.live_max_session_s))
            session.stop_audio()
        elif session.detached_at is not None:
            if now >= session.detached_at + self.settings.live_resume_window_s:
                session.end(CallAnnotateError(SESSION_EXPIRED, session_id=session.id))
        elif not session.inbox.idle:
            session.heard_at = now  # it waits for us
        elif now >= session.heard_at + self.settings.live_idle_timeout_s:
            session.fault(CallAnnotateError(IDLE, seconds=self.settings.live_idle_timeout_s))

    def conclude(self, annotation: Annotation, job_id: str | None) -> None:
        """Tell the last message."""
        self._ack(100)
        session = self.session
        totals = SessionTotals(
            bytes_received=self.fed,
            ms_received=session.config.audio.milliseconds(self.fed),
            partials=self._partials,
            finals=self._finals,
            words=self._word_count,
            speakers=len(annotation.speakers),
            warnings=session.warnings,
            errors=session.errors,
            resumes=session.resumes,
        )
        session.outbox.put(
            lambda seq: SessionEnded(
                seq=seq, in_reply_to=self._reply_to, totals=totals, result=annotation, job_id=job_id
            )
        )
        session.end()
