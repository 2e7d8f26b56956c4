"""How a recording becomes a job, for uploads and for the hot folder alike."""

import time
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import structlog
from anyio import CancelScope, CapacityLimiter, to_thread

from contracts.errors import AUDIO_TOO_LONG, INVALID_FIELD, INVALID_OPTION, QUEUE_FULL, CallAnnotateError
from contracts.jobs import JobRequest
from contracts.options import AnnotateOptions
from runtime.job_feed import JobFeeds
from runtime.job_progress import WAITING
from runtime.job_queue import JobQueue
from runtime.job_store import JobRow, JobStore, Key
from runtime.job_views import queued_message, renamed
from runtime.settings import Settings
from runtime.volume import Volume
from stages.audio_file import AudioFile
from stages.decode import open_audio

AT_ONCE: Final = 2
"""Recordings that are looked at side by side: that reads all of an MP3 or Opus file."""

log: Final = structlog.get_logger()


class Intake:
    """Checks recordings and puts their jobs into the queue."""

    def __init__(self, settings: Settings, volume: Volume, store: JobStore, feeds: JobFeeds, queue: JobQueue) -> None:
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._feeds: Final = feeds
        self._queue: Final = queue
        self._limiter: Final = CapacityLimiter(AT_ONCE)

    def check_room(self) -> None:
        """Raises QUEUE_FULL."""
        queued = self._store.counts["queued"]
        if queued >= self._settings.queue_limit:
            retry_after = max(1, round(self._queue.speed.average))
            raise CallAnnotateError(QUEUE_FULL, queued=queued, retry_after=retry_after)

    async def look_at(self, path: Path, options: AnnotateOptions, filename: str) -> AudioFile:
        """The recording; raises what is wrong with it, by the name that its owner knows it by."""
        try:
            file = await to_thread.run_sync(open_audio, path, options.channels, limiter=self._limiter)
        except CallAnnotateError as error:
            if error.fault is INVALID_OPTION:
                problem = "a recording with one channel cannot be two-sided"
                raise CallAnnotateError(
                    INVALID_FIELD, field="metadata.channels", problem=problem, allowed="auto or mono"
                ) from error
            raise renamed(error, filename) from error
        if file.duration is not None and file.duration > self._settings.max_duration:
            raise CallAnnotateError(AUDIO_TOO_LONG, duration=file.duration, max_allowed=self._settings.max_duration)
        return file

    async def enlist(self, row: JobRow, key: Key | None, origin: Path) -> tuple[JobRow, str | None]:
        """Add a job whose recording lies at `origin`, on the disk; see JobStore.add. Cancelling waits for the end.

        It may have completed already: then its result has to be on the disk as well.
        """
        with CancelScope(shield=True):
            added, fingerprint = await self._store.add(row, key, lambda new: self._settle(new, origin))
            if fingerprint is None:
                if added.status == "queued":
                    self._feeds.begin(queued_message(added, WAITING))
                if row.origin is not None:
                    await self._store.settled(row.job_id)
                self._queue.wake()
                file_info = {"filename": row.filename, "size": row.size}
                log.info("job_created", job_id=row.job_id, request_id=row.request_id, file_info=file_info)
        return added, fingerprint

    def _settle(self, row: JobRow, origin: Path) -> None:
        """In the writer's thread. What fails here is done when the job is claimed or recovered."""
        try:
            self._volume.settle(row.job_id, row.format, row.status, origin)
        except OSError as error:
            log.error("recording_not_moved", job_id=row.job_id, problem=str(error))


def new_row(
    job_id: str,
    filename: str,
    file: AudioFile,
    request: JobRequest,
    sent: dict[str, object],
    options: AnnotateOptions,
    origin: bytes | None = None,
    *,
    passing: bool = False,
) -> JobRow:
    """The row of a new job; `sent` is the metadata as the client sent it."""
    return JobRow(
        job_id=job_id,
        priority=request.priority,
        created_at=time.time(),
        filename=filename,
        size=file.size,
        format=file.format,
        duration=file.duration,
        sample_rate=file.sample_rate,
        channels=file.channels,
        metadata=msgspec.json.encode(sent),
        options=msgspec.json.encode(options),
        model=options.model,
        origin=origin,
        callback_url=request.callback_url,
        request_id=structlog.contextvars.get_contextvars().get("request_id") or f"req_{uuid4()}",
        passing=passing,
    )
