"""Jobs as clients see them, made of the rows of the database."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast

import msgspec
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.errors import PROCESSING_FAILED, CallAnnotateError
from contracts.job_messages import JobErrorMessage, ResultMessage, StatusUpdate
from contracts.jobs import AudioFormat, FileInfo, Job, JobFailure, JobProgress
from runtime.clock import moment as moment  # noqa: PLC0414 - whoever shows jobs needs it
from runtime.job_progress import DONE, RUN, WAITING, stage_of
from runtime.job_store import JobRow
from runtime.running import StageFailed
from runtime.speed import Speed

REST: Final = "/api/v1/jobs"
WEBSOCKET: Final = "/ws"


class Forecast:
    """When the jobs of a queue begin and end, by the measured speed."""

    def __init__(self, speed: Speed, queued: Sequence[JobRow], running: Sequence[float | None], workers: int) -> None:
        """`running`: seconds that each job which runs still takes; None where nobody knows."""
        self.positions: Final = {row.job_id: position for position, row in enumerate(queued, 1)}
        """Places in the queue, counted from 1."""
        self.starts: Final[dict[str, float | None]] = {}
        """Seconds until each job begins; None where nobody knows."""
        free: list[float | None] = [*running, *[0.0] * max(0, workers - len(running))]
        for row in queued:
            takes = speed.estimate(row.model, row.duration)
            start = None if None in free else min(cast(list[float], free))
            self.starts[row.job_id] = start
            if start is not None:
                free[free.index(start)] = None if takes is None else start + takes


def job_view(row: JobRow, progress: JobProgress | None, forecast: Forecast | None, speed: Speed) -> Job:
    """A job; `progress` of one that runs, `forecast` for one that waits."""
    takes = speed.estimate(row.model, row.duration)
    start = forecast.starts.get(row.job_id) if forecast is not None else None
    ready = in_seconds(start + takes) if start is not None and takes is not None else None
    shown = progress or state_progress(row)
    return Job(
        job_id=row.job_id,
        status=row.status,
        created_at=moment(row.created_at),
        started_at=None if row.started_at is None else moment(row.started_at),
        completed_at=None if row.completed_at is None else moment(row.completed_at),
        priority=row.priority,
        position=forecast.positions.get(row.job_id) if forecast is not None else None,
        progress=shown,
        estimated_duration=None if takes is None else max(1, round(takes)),
        estimated_completion=shown.estimated_completion or ready,
        file_info=FileInfo(
            filename=row.filename,
            size=row.size,
            format=cast(AudioFormat, row.format),
            duration=row.duration,
            sample_rate=row.sample_rate,
            channels=row.channels,
        ),
        metadata=msgspec.json.decode(row.metadata, type=dict[str, object]),
        error=None if row.failure is None else msgspec.json.decode(row.failure, type=JobFailure),
        progress_url=f"{REST}/{row.job_id}",
        websocket_url=f"{WEBSOCKET}/{row.job_id}",
    )


def state_progress(row: JobRow) -> JobProgress:
    """The progress of a job that does not run, which its state tells."""
    if row.status == "queued":
        return WAITING
    if row.failure is not None:
        failure = msgspec.json.decode(row.failure, type=JobFailure)
        done = RUN[: RUN.index(failure.stage)] if failure.stage in RUN else ()
        return JobProgress(percentage=0, stages_completed=done)
    return DONE if row.completed_at is not None else WAITING


def renamed(error: CallAnnotateError, filename: str) -> CallAnnotateError:
    """The error with the client's name of the file in the place of ours."""
    if "path" not in error.details:
        return error
    return CallAnnotateError(error.fault, **{**error.details, "path": filename})


def result_of(annotation: Annotation, ours: str, filename: str) -> Annotation:
    """The result with the client's name of the file in the place of ours."""
    warnings = tuple(
        replace(notice, message=notice.message.replace(ours, filename)) for notice in annotation.metadata.warnings
    )
    return replace(annotation, metadata=replace(annotation.metadata, warnings=warnings))


def failure_of(error: Exception, filename: str) -> JobFailure:
    """What clients are told of an error."""
    stage = None
    if isinstance(error, StageFailed):
        stage = stage_of(error.stage)
        error = CallAnnotateError(PROCESSING_FAILED, stage=stage, cause=str(error.details["cause"]))
    elif not isinstance(error, CallAnnotateError):
        stage = "validation"
        error = CallAnnotateError(PROCESSING_FAILED, stage=stage, cause=type(error).__name__)
    shown = renamed(error, filename)
    return JobFailure(
        code=shown.fault.code, message=shown.message, advice=shown.advice, stage=stage, details=shown.details
    )


def queued_message(row: JobRow, progress: JobProgress) -> StatusUpdate:
    """The first message of every job."""
    return StatusUpdate(job_id=row.job_id, seq=1, status="queued", progress=progress, timestamp=moment(row.created_at))


def result_message(row: JobRow, annotation: Annotation) -> ResultMessage:
    """The last message of a completed job."""
    assert row.completed_at is not None
    return ResultMessage(job_id=row.job_id, seq=row.last_seq, result=annotation, timestamp=moment(row.completed_at))


def error_message(row: JobRow) -> JobErrorMessage:
    """The last message of a failed job."""
    assert row.completed_at is not None
    assert row.failure is not None
    failure = msgspec.json.decode(row.failure, type=JobFailure)
    return JobErrorMessage(job_id=row.job_id, seq=row.last_seq, error=failure, timestamp=moment(row.completed_at))


def in_seconds(seconds: float | None) -> datetime | None:
    """The time in so many seconds."""
    return None if seconds is None else moment(time.time() + min(seconds, 1e9))
