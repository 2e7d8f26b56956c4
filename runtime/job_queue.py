"""The workers: they take jobs in the order of the queue, run them through the graph and write down how they ended."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import structlog
from anyio import CancelScope, CapacityLimiter, Event, create_task_group, sleep, to_thread
from anyio.lowlevel import checkpoint
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.errors import AUDIO_TOO_LONG, PROCESSING_FAILED, CallAnnotateError
from contracts.job_messages import JobMessage, StatusUpdate
from contracts.jobs import JobProgress
from contracts.options import AnnotateOptions
from contracts.speech import Transcript
from runtime.call import annotate_call
from runtime.contact_lookup import lookup_of
from runtime.contacts import Contacts
from runtime.engine import Engine
from runtime.engines import Engines
from runtime.job_feed import JobFeeds
from runtime.job_progress import VALIDATING, job_progress
from runtime.job_store import JobRow, JobStore
from runtime.job_views import error_message, failure_of, in_seconds, moment, result_message, result_of
from runtime.journal import Journal
from runtime.journaled import journaled
from runtime.metrics import Metrics
from runtime.progress import Progress
from runtime.running import StageFailed
from runtime.settings import Settings
from runtime.speed import Speed
from runtime.voices import Voices
from runtime.volume import Volume, room_needed, write_whole
from stages.audio_file import AudioFile
from stages.decode import open_audio
from stages.matching import KnownVoices
from stages.sound import shown

NEWS: Final = 0.5
"""Seconds from one message about progress to the next."""
SYNC: Final = 5.0
"""Seconds from one time that the journal is brought to the disk to the next: what a power cut may cost. A process that
is killed loses nothing."""
STARTS: Final = 10
"""Times that a job may begin without coming further than the time before, and yet be gone on with."""
STUCK: Final = 600.0
"""Seconds for which it may do so more often: after that it is what takes the server down."""

T = TypeVar("T")

log: Final = structlog.get_logger()


@dataclass(eq=False)
class RunningJob:
    """A job in a worker's hands."""

    row: JobRow
    scope: CancelScope = field(default_factory=CancelScope)
    ended: Event = field(default_factory=Event)
    """Set when no worker has the job any more."""
    progress: JobProgress = VALIDATING
    changed: Event = field(default_factory=Event)
    """Set when there is progress that watchers were not told."""
    moved: float = field(default_factory=time.monotonic)
    """When there was progress last."""
    journal: Journal | None = None
    """Of the networks; None before they are at work."""

    @property
    def resumed(self) -> bool:
        """Whether another run has done a part of the work."""
        return self.journal is not None and self.journal.found > 0

    def note(self, progress: JobProgress) -> None:
        """Take in how far the job is."""
        if progress != self.progress:
            self.progress, self.moved = progress, time.monotonic()
            self.changed.set()


class JobQueue:
    """Jobs that wait and jobs that run."""

    def __init__(
        self, settings: Settings, volume: Volume, store: JobStore, feeds: JobFeeds, engines: Engines, speed: Speed,
        metrics: Metrics, voices: Voices, contacts: Contacts,
    ) -> None:  # fmt: skip
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._feeds: Final = feeds
        self._engines: Final = engines
        self.speed: Final = speed
        self._metrics: Final = metrics
        self._voices: Final = voices
        self._contacts: Final = contacts
        self._files: Final = CapacityLimiter(settings.jobs_at_once)
        self._taken: Final[set[str]] = set()
        """Jobs that a worker has or is about to get; filled in the writer's thread, where jobs are claimed."""
        self._news = Event()
        self.readers: Final[dict[str, Callable[[Transcript], None]]] = {}
        """Who reads along what is written down of a job."""
        self.running: Final[dict[str, RunningJob]] = {}
        """By job_id, the one that began first at the front."""
        self.workers = 0
        """Workers that are alive."""

    def wake(self) -> None:
        """Tell the workers that there may be something to do."""
        self._news.set()
        self._news = Event()

    async def work(self) -> None:
        """One worker: job after job, until it is cancelled."""
        self.workers += 1
        try:
            while True:
                news = self._news
                try:
                    row = await self._store.claim(self._taken, time.time(), self._begin)
                except CallAnnotateError as error:
                    await self._wait_for_disk(error)
                    continue
                if row is None:
                    await news.wait()
                else:
                    await self._run(row)
        finally:
            self.workers -= 1

    async def cancel(self, job_id: str) -> None:
        """Stop a job that runs; returns when its worker has let go of it."""
        while job_id in self._taken:
            running = self.running.get(job_id)
            if running is None:
                await checkpoint()  # it has been claimed this very moment
            else:
                running.scope.cancel()
                await running.ended.wait()

    def _begin(self, row: JobRow) -> None:
        """In the writer's thread, before any other job is claimed."""
        self._taken.add(row.job_id)
        self._volume.settle(row.job_id, row.format, row.status)

    async def _run(self, row: JobRow) -> None:
        """Run a job to its end; one that is cancelled stays as it is, to be gone on with or to be deleted."""
        running = self.running[row.job_id] = RunningJob(row)
        before = self._feeds.last(row.job_id)
        if isinstance(before, StatusUpdate):
            running.progress = replace(VALIDATING, percentage=before.progress.percentage)
        try:
            named = structlog.contextvars.bound_contextvars(job_id=row.job_id, request_id=row.request_id)
            with named, running.scope:
                file_info = {"filename": row.filename, "size": row.size}
                log.info("job_started", file_info=file_info, starts=row.starts)
                try:
                    annotation = await self._annotated(running)
                except Exception as error:
                    await self._fail(running, error)
                else:
                    await self._complete(running, annotation)
        finally:
            self._taken.discard(row.job_id)
            del self.running[row.job_id]
            running.ended.set()

    async def _annotated(self, running: RunningJob) -> Annotation:
        row = running.row
        options = msgspec.json.decode(row.options, type=AnnotateOptions)
        await self._tell(running)
        path = self._volume.recording(row.job_id, row.format, "processing")
        file = await to_thread.run_sync(open_audio, path, options.channels, limiter=self._files)
        async with self._engines.use(options) as engine, self._journal(running) as journal:
            known = await self._surely(self._voices.known) if options.recognise else None
            annotation = await self._through_graph(running, journaled(engine, journal), file, options, known)
        return await self._surely(lambda: self._voices.as_known_now(annotation))

    @asynccontextmanager
    async def _journal(self, running: RunningJob) -> AsyncIterator[Journal]:
        """The journal of a job; what is in it when the body is left is on the disk."""
        job_id = running.row.job_id
        path = self._volume.journal(job_id)
        running.journal = journal = await self._surely(
            lambda: to_thread.run_sync(_open_journal, path, limiter=self._files)
        )
        try:
            starts, since = await self._surely(lambda: self._store.began(job_id, journal.found, time.time()))
            if starts > STARTS and time.time() - since > STUCK:
                cause = f"the server stopped {starts - 1} times at the same place of it"
                raise CallAnnotateError(PROCESSING_FAILED, stage="validation", cause=cause)
            yield journal
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(journal.close, limiter=self._files)
            answered, computed = dict(journal.answered), dict(journal.computed)
            log.info("journal_closed", found=journal.found, answered=answered, computed=computed)
            self._metrics.computed(journal.seconds)
            self._metrics.answered("journal", answered)
            self._metrics.answered("computed", computed)

    async def _through_graph(
        self, running: RunningJob, engine: Engine, file: AudioFile, options: AnnotateOptions, known: KnownVoices | None
    ) -> Annotation:
        """The result; watchers are told how far it is meanwhile."""
        failure: Exception | None = None
        lookup = lookup_of(self._contacts, self._settings, running.row.metadata, running.row.filename)
        async with create_task_group() as tasks:
            tasks.start_soon(self._tell_on, running)
            tasks.start_soon(self._sync_on, running)
            try:
                annotation = await annotate_call(
                    engine,
                    file,
                    options,
                    self._report(running),
                    known=known,
                    lookup=lookup,
                    heard=self.readers.get(running.row.job_id),
                )
            except Exception as error:  # raised again below, outside the group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        return result_of(annotation, shown(file.path), running.row.filename)

    def _report(self, running: RunningJob) -> Callable[[Progress], None]:
        """What the graph calls with its progress."""
        longest = self._settings.max_duration
        expected = self.speed.estimate(running.row.model, running.row.duration)

        def report(progress: Progress) -> None:
            if progress.stages[0].done > longest:
                raise CallAnnotateError(AUDIO_TOO_LONG, duration=progress.stages[0].done, max_allowed=longest)
            told = job_progress(progress, running.progress.percentage)
            left = None if expected is None else expected * (1 - told.percentage / 100)
            running.note(replace(told, estimated_completion=in_seconds(left)))

        return report

    async def _tell_on(self, running: RunningJob) -> None:
        """Tell watchers of progress, not too often."""
        while True:
            await running.changed.wait()
            running.changed = Event()
            await self._tell(running)
            await sleep(NEWS)

    async def _sync_on(self, running: RunningJob) -> None:
        """Bring the journal to the disk now and then: a power cut costs what was computed since."""
        assert running.journal is not None
        while True:
            await sleep(SYNC)
            await to_thread.run_sync(running.journal.sync, limiter=self._files)

    async def _tell(self, running: RunningJob) -> None:
        job_id, progress = running.row.job_id, running.progress
        await self._feeds.publish(job_id, lambda seq: StatusUpdate(
            job_id=job_id, seq=seq, status="processing", progress=progress, timestamp=moment(time.time())
        ))  # fmt: skip

    async def _complete(self, running: RunningJob, annotation: Annotation) -> None:
        """Write the result, then say so in the database, then to the watchers."""
        job_id = running.row.job_id
        path = self._volume.result(job_id)
        await self._surely(lambda: to_thread.run_sync(_write_result, path, annotation, limiter=self._files))
        ended = replace(
            running.row,
            status="completed",
            completed_at=time.time(),
            processing_time=None if running.resumed else annotation.metadata.processing_time,
            last_seq=self._next_seq(job_id),
        )
        if not await self._surely(lambda: self._end(ended, result_message(ended, annotation))):
            return
        if ended.processing_time is not None:
            self._metrics.real_time_factor.observe(annotation.metadata.real_time_factor)
            self.speed.learn(ended.model, annotation.metadata.total_duration, ended.processing_time)
        log.info("job_completed", processing_time=ended.processing_time)

    async def _fail(self, running: RunningJob, error: Exception) -> None:
        """Write down why the job failed, then tell the watchers."""
        row = running.row
        failure = failure_of(error, row.filename)
        if not isinstance(error, CallAnnotateError) or isinstance(error, StageFailed):
            log.error("job_failed", code=failure.code, problem=failure.message, exc_info=error)
        else:
            log.warning("job_failed", code=failure.code, problem=failure.message)
        ended = replace(
            row,
            status="failed",
            completed_at=time.time(),
            failure=msgspec.json.encode(failure),
            last_seq=self._next_seq(row.job_id),
        )
        await self._surely(lambda: self._end(ended, error_message(ended)))

    async def _end(self, ended: JobRow, last: JobMessage) -> bool:
        """Write the end of a job down, then tell the watchers; False where it was deleted meanwhile."""
        with CancelScope(shield=True):
            found = await self._store.finish(ended, self._settle)
            if found:
                self._feeds.end(last)
                self._metrics.ended.labels(ended.status).inc()
        return found

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do it, as soon as the disk lets us: hours of computing may be in it."""
        while True:
            try:
                return await work()
            except CallAnnotateError as error:
                await self._wait_for_disk(error)

    async def _wait_for_disk(self, error: CallAnnotateError) -> None:
        """A full or failing disk is for people to put right; health says so meanwhile."""
        log.error("disk_fails", code=error.fault.code, problem=error.message)
        await sleep(self._settings.queue_poll_interval)

    def _next_seq(self, job_id: str) -> int:
        last = self._feeds.last(job_id)
        assert last is not None
        return last.seq + 1

    def _settle(self, row: JobRow) -> None:
        """In the writer's thread: put the files where the job's state wants them, or leave it to the recovery."""
        try:
            self._volume.settle(row.job_id, row.format, row.status)
            self._volume.forget_work(row.job_id)
            if row.status == "failed":
                # A run before may have been cut off between its result and its commit.
                self._volume.result(row.job_id).unlink(missing_ok=True)
        except OSError as error:
            log.error("recording_not_moved", job_id=row.job_id, problem=str(error))


def _open_journal(path: Path) -> Journal:
    with room_needed():
        return Journal(path)


def _write_result(path: Path, annotation: Annotation) -> None:
    with room_needed():
        write_whole(path, msgspec.json.encode(annotation))
