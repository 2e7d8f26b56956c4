"""Live sessions: who is let in, who finds a session again, and what is left of each when it ends."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from hmac import compare_digest
from typing import Final
from uuid import uuid4

import structlog
from anyio import CancelScope, Event, create_task_group, move_on_after, sleep_forever
from anyio.abc import TaskGroup
from msgspec.structs import replace

from contracts.annotation import AnnotatedSpeech, Annotation
from contracts.errors import INTERNAL, SHUTTING_DOWN, CallAnnotateError
from contracts.live import SessionClosing, SessionResume, SessionStart
from contracts.live_errors import SESSION_EXPIRED, UNKNOWN_SESSION
from runtime.call import metadata
from runtime.contact_lookup import lookup_of
from runtime.contacts import Contacts
from runtime.engine import Engine
from runtime.job_views import renamed
from runtime.lane import Lane
from runtime.live_admission import Admission
from runtime.live_archive import LiveArchive
from runtime.live_call import open_live_call
from runtime.live_config import config_of, job_options
from runtime.live_run import Call, LiveRun, OpenCall
from runtime.live_session import LiveSession
from runtime.metrics import Metrics
from runtime.settings import Settings
from runtime.speed import Speed
from runtime.voices import Voices

LINGERING: Final = 16
"""Sessions that are over and whose last messages are still kept, at most."""
REMEMBERED: Final = 1000
"""Sessions of before of which it is known that there were some."""
FAREWELL: Final = 1.0
"""Seconds that clients have left when the server stops."""

SILENT: Final = 2.0
"""Seconds without audio or a message after which a client may have lost its connection before we know of it."""

log: Final = structlog.get_logger()


class LiveService:
    """All live sessions of a server."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        archive: LiveArchive,
        speed: Speed,
        metrics: Metrics,
        stopping: Event,
        voices: Voices,
        contacts: Contacts,
        open_call: Callable[..., AbstractAsyncContextManager[Call]] | None = None,
    ) -> None:
        """`open_call`: in the place of `open_live_call` on the engine."""
        self._settings: Final = settings
        self._engine: Final = engine
        self._archive: Final = archive
        self._metrics: Final = metrics
        self._stopping: Final = stopping
        self._lane: Final = Lane(engine)
        self._voices: Final = voices
        self._contacts: Final = contacts
        self._open_call: Final = open_call or partial(open_live_call, engine, self._lane)
        self._admission: Final = Admission(settings, self._lane, speed)
        self._tasks: TaskGroup | None = None
        self._ready: Final = Event()
        self._running: Final[dict[str, LiveSession]] = {}
        self._lingering: Final[OrderedDict[str, LiveSession]] = OrderedDict()
        self._past: Final[OrderedDict[str, str]] = OrderedDict()
        """Tokens of sessions that nothing is left of, by their ids."""
        metrics.live_sessions.set_function(lambda: len(self._running))

    @property
    def sessions(self) -> Mapping[str, LiveSession]:
        """Those that have not ended, by id; of others no task, thread, file or audio is left."""
        return self._running

    @property
    def limit(self) -> int:
        """Sessions at once."""
        return self._admission.limit

    def admit(self) -> None:
        """Raises SHUTTING_DOWN, TOO_MANY_SESSIONS or LIVE_OVERLOADED where nobody needs to connect.

        While a session has not heard from its client, whoever connects may be that client.
        """
        now = time.monotonic()
        if not any(now > session.heard_at + SILENT or session.detached_at for session in self._running.values()):
            self._admit()
        elif self._stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)

    def _admit(self) -> None:
        """The same for a new session."""
        if self._stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)
        try:
            self._admission.check(len(self._running))
        except CallAnnotateError as error:
            self._metrics.live_refused.labels(error.fault.code).inc()
            raise

    async def start(self, message: SessionStart) -> LiveSession:
        """A new session, to be attached to with None.

        Raises INVALID_CONFIG, STORAGE_FULL, SHUTTING_DOWN, TOO_MANY_SESSIONS or LIVE_OVERLOADED.
        """
        await self._ready.wait()
        self._admit()
        known = await self._voices.known()
        config = config_of(message, self._engine, voices=len(known))
        session = LiveSession(str(uuid4()), config, self._engine, self._settings)
        try:
            spool = await self._archive.prepare(session.id, config)
            self._admit()
        except BaseException:
            with CancelScope(shield=True):
                await self._archive.forget(session.id)
            raise
        assert self._tasks is not None
        session.begin(message.id, unrecognised=message.recognise and not config.recognise)
        self._running[session.id] = session
        open_call: OpenCall = partial(self._open_call, known=known) if config.recognise else self._open_call
        run = LiveRun(session, self._settings, self._metrics, spool)
        self._tasks.start_soon(self._serve, run, open_call, name=session.id)
        return session

    async def resume(self, message: SessionResume) -> LiveSession:
        """A session of before, to be attached to with `last_seq`. Raises UNKNOWN_SESSION or SESSION_EXPIRED."""
        session = self._running.get(message.session_id) or self._lingering.get(message.session_id)
        token = session.token if session is not None else self._past.get(message.session_id)
        sent = message.resume_token.encode("utf-8", "surrogatepass")  # as JSON may spell what UTF-8 cannot
        if token is None or not compare_digest(token.encode(), sent):
            raise CallAnnotateError(UNKNOWN_SESSION, session_id=message.session_id)
        if session is None:
            raise CallAnnotateError(SESSION_EXPIRED, session_id=message.session_id)
        self._metrics.live_resumes.inc()
        return session

    async def run(self) -> None:
        """Have sessions until it is cancelled; once the server is to stop, their clients are told."""
        async with create_task_group() as tasks:
            self._tasks = tasks
            self._ready.set()
            await self._stopping.wait()
            await self._say_goodbye()
            await sleep_forever()

    async def _say_goodbye(self) -> None:
        """Tell all clients that the server goes away, and end the sessions that have not ended a moment later."""
        for session in self._running.values():
            session.outbox.put(
                lambda seq: SessionClosing(seq=seq, reason=SHUTTING_DOWN.code, deadline_ms=round(1000 * FAREWELL))
            )
        with move_on_after(FAREWELL):
            for session in list(self._running.values()):
                await session.over.wait()
        for session in list(self._running.values()):
            session.fault(CallAnnotateError(SHUTTING_DOWN))

    async def _serve(self, run: LiveRun, open_call: OpenCall) -> None:
        """One session from its start until nothing is left of it."""
        session = run.session
        with structlog.contextvars.bound_contextvars(session_id=session.id):
            async with self._registered(session):
                log.info("session_started", audio=str(session.config.audio), save=session.config.save)
                speech = None
                try:
                    speech = await run.run(open_call)
                finally:
                    with CancelScope(shield=True):
                        await self._settle(run, speech)
            if session.outbox.failure is None or session.outbox.failure.fault is not SESSION_EXPIRED:
                await self._linger(session)

    @asynccontextmanager
    async def _registered(self, session: LiveSession) -> AsyncIterator[None]:
        """What goes wrong within ends this session and no other."""
        try:
            yield
        except Exception as error:
            log.exception("session_failed")
            session.fault(CallAnnotateError(INTERNAL, stage="live", cause=type(error).__name__))
        finally:
            session.end(CallAnnotateError(SHUTTING_DOWN))  # where it has not ended
            del self._running[session.id]
            self._past[session.id] = session.token
            while len(self._past) > REMEMBERED:
                self._past.popitem(last=False)
            failure = session.outbox.failure
            reason = "done" if failure is None else failure.fault.code
            self._metrics.live_ended.labels(reason).inc()
            self._metrics.live_audio.inc(session.bytes_received / session.config.audio.bytes_per_second)
            log.info("session_ended", reason=reason, bytes_received=session.bytes_received)

    async def _settle(self, run: LiveRun, speech: AnnotatedSpeech | None) -> None:
        """Keep or remove the audio, and tell the result where there is one."""
        session = run.session
        annotation = None
        if speech is not None:
            speech = await lookup_of(self._contacts, self._settings).look_up(speech)
            annotation = self._annotation(run, speech)
            with suppress(CallAnnotateError):  # of a database that cannot be read: nothing is known to be deleted
                annotation = await self._voices.as_known_now(annotation)
        kept = False
        if session.config.save:
            kept = await self._keep(session, annotation)
        else:
            await self._archive.forget(session.id)
        if annotation is not None:
            run.conclude(annotation, session.id if kept else None)

    async def _keep(self, session: LiveSession, annotation: Annotation | None) -> bool:
        """Make a job of the session; False where that cannot be, of which the client is told."""
        config = session.config if session.one_language else replace(session.config, language=None)
        try:
            await self._archive.keep(session.id, session.created_at, config, annotation)
        except CallAnnotateError as error:
            told = renamed(error, f"session {session.id}")
            log.warning("session_not_kept", code=told.fault.code, problem=told.message)
            session.warn("not_saved", cause=told.message)
            return False
        return True

    def _annotation(self, run: LiveRun, speech: AnnotatedSpeech) -> Annotation:
        """The result as the file door gives it for the same audio."""
        config = run.session.config
        return Annotation(
            speakers=speech.speakers,
            turns=speech.turns,
            metadata=metadata(
                self._engine,
                "two-sided" if config.audio.channels == 2 else "mono",
                job_options(config, self._settings),
                speech,
                duration=run.fed / config.audio.bytes_per_second,
                elapsed=time.monotonic() - run.began,
                notices=run.notices,
            ),
        )

    async def _linger(self, session: LiveSession) -> None:
        """Keep the last messages for a client that has not got them."""
        self._lingering[session.id] = session
        while len(self._lingering) > LINGERING:
            self._lingering.popitem(last=False)[1].forgotten.set()
        try:
            with move_on_after(self._settings.live_resume_window_s):
                await session.forgotten.wait()
        finally:
            self._lingering.pop(session.id, None)
