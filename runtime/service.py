"""The service: everything that the front doors can ask for, and the tasks behind it."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CancelScope, CapacityLimiter, Event, to_thread
from anyio.abc import ObjectReceiveStream
from msgspec import Struct

from contracts.annotation import Annotation
from contracts.corrections import ResultVersion
from contracts.errors import (
    FILE_NOT_FOUND,
    IDEMPOTENCY_CONFLICT,
    JOB_NOT_FOUND,
    SHUTTING_DOWN,
    STORAGE_FULL,
    WRONG_STATE,
    CallAnnotateError,
)
from contracts.job_messages import JobMessage, StatusUpdate
from contracts.jobs import (
    HealthStatus,
    Job,
    JobPage,
    JobProgress,
    JobResult,
    JobStatus,
    QueuedJob,
    QueueStatus,
    ServiceInfo,
)
from contracts.options import AnnotateOptions
from runtime.corrections import CorrectionStore
from runtime.engines import Engines
from runtime.health import HealthCheck
from runtime.hot_folder import HotFolder
from runtime.intake import new_row
from runtime.job_progress import DONE
from runtime.job_request import check_language, check_task, options_of, read_request
from runtime.job_store import JobRow, Key
from runtime.job_views import Forecast, error_message, in_seconds, job_view, moment, result_message
from runtime.live_service import LiveService
from runtime.memory import MemoryRelease
from runtime.parts import Parts, opened_parts
from runtime.peaks import WaveformStore
from runtime.retention import Retention
from runtime.settings import Settings
from runtime.supervision import supervised
from runtime.upload import Upload, Uploads

READERS: Final = 4
"""Threads that read results and remove files."""
SHOWN: Final = 100
"""Jobs of the queue that its status names."""
MEDIA_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}

log: Final = structlog.get_logger()


class JobAudio(Struct, frozen=True):
    """The recording of a job."""

    path: Path
    size: int
    """Bytes."""
    media_type: str
    filename: str
    """As the client named it."""


class JobService:
    """What the front doors talk to. Every method is to be called in the event loop; none of them blocks it."""

    def __init__(self, parts: Parts) -> None:
        self.settings: Final = parts.settings
        self.stopping: Final = Event()
        """Set when the server is to tell its clients and to stop."""
        self.live: Final = LiveService(
            parts.settings,
            parts.engine,
            parts.archive,
            parts.queue.speed,
            parts.metrics,
            self.stopping,
            parts.voices,
            parts.contacts,
        )
        """Live sessions."""
        self.voices: Final = parts.voices
        """Known voices."""
        self.contacts: Final = parts.contacts
        """The address books."""
        self.access: Final = parts.access
        """Who may ask for what."""
        self.webhooks: Final = parts.webhooks
        """What is said of jobs that have ended."""
        self._volume: Final = parts.volume
        self._store: Final = parts.store
        self._feeds: Final = parts.feeds
        self._engines: Final = parts.engines
        self._queue: Final = parts.queue
        self._speed: Final = parts.queue.speed
        self._metrics: Final = parts.metrics
        self._intake: Final = parts.intake
        self._uploads: Final = Uploads(parts.volume, parts.settings)
        self.corrections: Final = CorrectionStore(parts.corrections, self.annotation)
        """What people have corrected in results."""
        self._waveforms: Final = WaveformStore(parts.volume)
        self.readers: Final = parts.queue.readers
        """Who reads along what is written down of a job, by its id; to be added before the job is."""
        self._files: Final = CapacityLimiter(READERS)
        self._health: Final = HealthCheck(
            parts.settings, parts.volume, parts.store, parts.engines, parts.queue, self.stopping.is_set,
            lambda: len(self.live.sessions),
        )  # fmt: skip

    def upload(self, filename: str) -> AbstractAsyncContextManager[Upload]:
        """A place for a recording; what is not submitted is removed when the body is left. Raises STORAGE_FULL."""
        return self._uploads.open(filename)

    async def admit(self, idempotency_key: str | None = None) -> None:
        """Raises SHUTTING_DOWN, QUEUE_FULL or STORAGE_FULL where an upload need not even begin.

        A key that was used already takes no place in the queue.
        """
        if self.stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)
        if idempotency_key is None or await self._store.of_key(idempotency_key) is None:
            self._intake.check_room()
        if await to_thread.run_sync(self._volume.free, limiter=self._files) < self.settings.min_free_space:
            raise CallAnnotateError(STORAGE_FULL)

    async def submit(
        self, upload: Upload, metadata: bytes, *, idempotency_key: str | None = None, passing: bool = False
    ) -> Job:
        """Make a job of an upload that is complete; `passing` is one that its request waits for, and nobody else.

        With a key that was used for the same upload and metadata, the job of then. Raises what is wrong with the
        recording or the metadata, AUDIO_TOO_LONG, IDEMPOTENCY_CONFLICT, QUEUE_FULL, STORAGE_FULL or SHUTTING_DOWN.
        """
        if self.stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)
        request, sent = read_request(metadata)
        if request.callback_url is not None:
            self.webhooks.check_url(request.callback_url)
        options = options_of(request, self.settings)
        self._check_language(options)
        check_task(options)
        digest = await upload.finish()
        file = await self._intake.look_at(upload.path, options, upload.filename)
        row = new_row(upload.job_id, upload.filename, file, request, sent, options, passing=passing)
        key = None if idempotency_key is None else Key(idempotency_key, f"{digest} {row.metadata.decode()}")
        await self.admit(idempotency_key)
        added, fingerprint = await self._intake.enlist(row, key, upload.path)
        if key is not None and fingerprint not in {None, key.fingerprint}:
            raise CallAnnotateError(IDEMPOTENCY_CONFLICT, job_id=added.job_id)
        if fingerprint is not None:
            return await self._view(added)
        return job_view(added, None, await self._forecast(), self._speed)

    async def job(self, job_id: str, *, include_result: bool = False) -> Job:
        """A job; raises JOB_NOT_FOUND."""
        row = await self._row(job_id)
        job = await self._view(row)
        if not include_result:
            return job
        result = await self._result(row) if row.status == "completed" else None
        return msgspec.structs.replace(job, result=result)

    async def jobs(self, *, status: JobStatus | None, limit: int, offset: int) -> JobPage:
        """Jobs, the newest first."""
        rows, total = await self._store.page(status, limit, offset)
        waiting = any(row.status == "queued" for row in rows)
        forecast = await self._forecast() if waiting else None
        return JobPage(
            jobs=tuple(job_view(row, self._progress(row), forecast, self._speed) for row in rows),
            total=total,
            limit=limit,
            offset=offset,
        )

    async def annotation(self, job_id: str) -> Annotation:
        """The machine's version of a result; raises JOB_NOT_FOUND or WRONG_STATE."""
        return (await self.result(job_id)).result

    async def result(self, job_id: str, version: ResultVersion = "machine") -> JobResult:
        """The result of a completed job; raises JOB_NOT_FOUND or WRONG_STATE."""
        row = await self._row(job_id)
        if row.status != "completed" or row.completed_at is None:
            raise wrong_state(row, "There is a result once a job is completed")
        result = await self._result(row)
        if version == "corrected":
            result = await self.corrections.applied(job_id, result)
        return JobResult(
            job_id=job_id,
            completed_at=moment(row.completed_at),
            processing_time=result.metadata.processing_time,
            result=result,
        )

    async def audio(self, job_id: str) -> JobAudio:
        """The recording of a job; raises JOB_NOT_FOUND, or WRONG_STATE once the job is archived.

        It moves when the job's state changes: who does not find it at the path any more asks again.
        """
        row = await self._row(job_id)
        if row.status == "archived":
            raise wrong_state(row, "The recording is removed when a job is archived")
        path = self._volume.recording(job_id, row.format, row.status)
        return JobAudio(path, row.size, MEDIA_TYPES[row.format], row.filename)

    async def peaks(self, job_id: str) -> bytes:
        """A Waveform of a completed job's recording, as JSON; raises JOB_NOT_FOUND or WRONG_STATE."""
        row = await self._row(job_id)
        if row.status != "completed":
            raise wrong_state(row, "There are peaks once a job is completed")

        async def exists() -> bool:
            now = await self._store.get(job_id)
            return now is not None and now.status == "completed"

        try:
            return await self._waveforms.of(job_id, (await self.audio(job_id)).path, exists)
        except CallAnnotateError as error:
            if error.fault is not FILE_NOT_FOUND:
                raise
            raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id) from error

    async def delete(self, job_id: str) -> None:
        """Cancel a job that runs, then remove everything of it; raises JOB_NOT_FOUND."""
        row = await self._row(job_id)
        with CancelScope(shield=True):
            if not await self._store.hide(row):
                raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id)
            await self._queue.cancel(job_id)
            await to_thread.run_sync(self._volume.forget, job_id, row.format, limiter=self._files)
            await self._store.remove(job_id)
            self._feeds.forget(job_id)
        log.info("job_deleted", job_id=job_id)

    async def queue(self) -> QueueStatus:
        """The queue as a whole."""
        queued = await self._store.in_state("queued")
        forecast = self._forecast_of(queued)
        running = tuple(self._queue.running)
        return QueueStatus(
            queue_length=len(queued),
            processing_job=running[0] if running else None,
            processing_jobs=running,
            average_processing_time=round(self._speed.average, 3),
            jobs=tuple(
                QueuedJob(
                    job_id=row.job_id,
                    position=forecast.positions[row.job_id],
                    estimated_start=in_seconds(forecast.starts[row.job_id]),
                )
                for row in queued[:SHOWN]
            ),
        )

    async def health(self) -> HealthStatus:
        """How the service feels; what it found is kept for a second."""
        return await self._health.status()

    def metrics(self) -> bytes:
        """In Prometheus' format."""
        return self._metrics.text()

    def websockets(self, open_now: int) -> None:
        """Note how many WebSocket connections are open, for the metrics."""
        self._metrics.websockets.set(open_now)

    def refused(self, reason: str) -> None:
        """Note that somebody was not let in, for the metrics."""
        self._metrics.refused.labels(reason).inc()

    def info(self) -> ServiceInfo:
        """What the service can do."""
        engine = self._engines.loaded(self.settings.model, self.settings.engine)
        return ServiceInfo(
            version=version("callannotate"),
            max_file_size=self.settings.max_file_size,
            max_duration=self.settings.max_duration,
            model=self.settings.model,
            engine=self.settings.engine,
            languages=tuple(sorted(engine.whisper.languages)) if engine is not None else (),
        )

    async def tokens(self, model: str, texts: Sequence[str]) -> list[list[int]]:
        """Each text in the tokens of a Whisper model."""
        options = AnnotateOptions(model=model, engine=self.settings.engine)
        async with self._engines.use(options) as engine:
            of = engine.whisper.tokens
            return await to_thread.run_sync(lambda: [of(text) for text in texts], limiter=self._files)

    @asynccontextmanager
    async def watch(self, job_id: str, after_seq: int | None = None) -> AsyncIterator[ObjectReceiveStream[JobMessage]]:
        """The messages of a job: the current state, or those after `after_seq`, then what comes, up to the last one.

        Where messages after `after_seq` are no longer kept, the current state comes first. Raises JOB_NOT_FOUND, also
        to who reads when the job is deleted; SLOW_READER to who does not read.
        """
        while (following := self._feeds.subscribe(job_id, after_seq)) is None:
            row = await self._row(job_id)
            if row.status not in {"queued", "processing"}:
                yield self._feeds.replay(await self._last_message(row), after_seq)
                return
        feed, subscription = following
        try:
            yield subscription
        finally:
            feed.watchers.discard(subscription)

    async def _last_message(self, row: JobRow) -> JobMessage:
        """Of a job that has ended."""
        if row.status == "completed":
            return result_message(row, await self._result(row))
        if row.status == "failed":
            return error_message(row)
        when = moment(row.completed_at or row.created_at)
        return StatusUpdate(job_id=row.job_id, seq=row.last_seq, status=row.status, progress=DONE, timestamp=when)

    async def _row(self, job_id: str) -> JobRow:
        row = await self._store.get(job_id)
        if row is None:
            raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id)
        return row

    async def _view(self, row: JobRow) -> Job:
        forecast = await self._forecast() if row.status == "queued" else None
        return job_view(row, self._progress(row), forecast, self._speed)

    async def _forecast(self) -> Forecast:
        return self._forecast_of(await self._store.in_state("queued"))

    def _forecast_of(self, queued: list[JobRow]) -> Forecast:
        running = []
        for job in self._queue.running.values():
            ready = job.progress.estimated_completion
            running.append(None if ready is None else max(0.0, ready.timestamp() - time.time()))
        return Forecast(self._speed, queued, running, self.settings.jobs_at_once)

    def _progress(self, row: JobRow) -> JobProgress | None:
        running = self._queue.running.get(row.job_id)
        return running.progress if running is not None and row.status == "processing" else None

    async def _result(self, row: JobRow) -> Annotation:
        return await to_thread.run_sync(_read_result, self._volume.result(row.job_id), limiter=self._files)

    def _check_language(self, options: AnnotateOptions) -> None:
        """As far as it is known before the model is loaded: all multilingual models know the same."""
        engine = self._engines.loaded(options.model, options.engine)
        if engine is None and not options.model.endswith(".en"):
            engine = self._engines.loaded(self.settings.model, self.settings.engine)
        if engine is not None:
            check_language(options.language, engine.whisper.languages, options.model)


def wrong_state(row: JobRow, needed: str) -> CallAnnotateError:
    """WRONG_STATE of a job."""
    return CallAnnotateError(WRONG_STATE, job_id=row.job_id, status=row.status, needed=needed)


def _read_result(path: Path) -> Annotation:
    return msgspec.json.decode(path.read_bytes(), type=Annotation)


@asynccontextmanager
async def open_service(settings: Settings, *, engines: Engines | None = None) -> AsyncIterator[JobService]:
    """The service at work, its default models loaded.

    A task of it that dies sets `stopping`, ends the body after `shutdown_timeout` if need be, and raises SERVER_FAILED.
    When the body is left, a job that runs stays as it is, to be gone on with at the next start. Raises VOLUME_UNUSABLE,
    VOLUME_LOCKED, DATABASE_NEWER, DATABASE_UNUSABLE, and as `load_engine`.
    """
    async with opened_parts(settings, engines or Engines(settings.threads)) as parts:
        service = JobService(parts)
        hot_folder = HotFolder(settings, parts.volume, parts.store, parts.intake)
        workers = [("worker", parts.queue.work)] * settings.jobs_at_once
        others = [("hot_folder", hot_folder.run), ("retention", Retention(settings, parts.volume, parts.store).run)]
        others += [("live", service.live.run), ("contacts", parts.contacts.run), ("voices", service.voices.run)]
        others += [("access", parts.access.run), ("webhooks", parts.webhooks.run)]
        others += [("memory", MemoryRelease(lambda: bool(service.live.sessions)).run)]
        async with supervised([*workers, *others], service.stopping, settings.shutdown_timeout):
            log.info("service_started", volume=str(parts.volume.root), model=settings.model)
            yield service
        log.info("service_stopped")
