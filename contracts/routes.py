"""The route table of the REST interface, as data: the web binds its handlers to it, the documents are built from it.

Paths are written as OpenAPI writes them (`/api/v1/jobs/{job_id}`).
"""

from typing import Final, Literal

from msgspec import Struct

from contracts import errors
from contracts.errors import Fault
from contracts.jobs import HealthStatus, Job, JobPage, JobResult, QueueStatus, ServiceInfo
from contracts.options import Format
from contracts.parameters import (
    ACCEPT_RANGES,
    CONTENT_RANGE,
    DISPOSITION,
    ETAG,
    IDEMPOTENCY_KEY,
    IF_RANGE,
    INCLUDE,
    JOB_ID,
    LIMIT,
    LOCATION,
    OFFSET,
    OPENAPI_VERSION,
    RANGE,
    REPLAYED,
    STATUS_FILTER,
    TRANSCRIPT_FORMAT,
    Header,
    Parameter,
)


class Response(Struct, frozen=True, kw_only=True):
    """An answer that is no error."""

    status: int
    summary: str
    content: dict[str, object] = {}
    """Media type: the Struct that is sent as JSON, `str` for text, `bytes` for audio, `dict` for any object."""
    headers: tuple[Header, ...] = ()


class Route(Struct, frozen=True, kw_only=True):
    """One operation."""

    operation_id: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    summary: str
    description: str = ""
    tag: Literal["Jobs", "Queue", "System"]
    parameters: tuple[Parameter, ...] = ()
    upload: bool = False
    """Whether the body is multipart/form-data with `file` (the recording) and `metadata` (a JobRequest as JSON)."""
    responses: tuple[Response, ...]
    errors: tuple[Fault, ...] = ()
    """All that may be answered, those of every route included."""
    limited: bool = True
    """Whether it counts towards the rate limit; what watches over the service does not."""


FORMAT_MEDIA_TYPES: Final[dict[Format, str]] = {
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "rttm": "text/x-rttm",
}
"""Of each format of a transcript; the text ones are UTF-8 and say so (`; charset=utf-8`)."""
AUDIO_MEDIA_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}
"""Of each format of a recording."""
METRICS_MEDIA_TYPE: Final = "text/plain"
_AUDIO: Final[dict[str, object]] = dict.fromkeys(AUDIO_MEDIA_TYPES.values(), bytes)

_EVERY: Final = (errors.RATE_LIMITED, errors.INTERNAL)
"""What every route that counts towards the rate limit may answer."""
_CONTENT_ERRORS: Final = (
    errors.UNSUPPORTED_FORMAT,
    errors.FILE_EMPTY,
    errors.NO_AUDIO,
    errors.TOO_MANY_CHANNELS,
    errors.UNSUPPORTED_SAMPLE_RATE,
    errors.AUDIO_TOO_SHORT,
    errors.AUDIO_TOO_LONG,
)
"""What is wrong with a recording as soon as its head has been read."""


def _json(status: int, summary: str, struct: object, *headers: Header) -> Response:
    return Response(status=status, summary=summary, content={"application/json": struct}, headers=headers)


_HEALTH_RESPONSES: Final = (
    _json(200, "Every component is healthy.", HealthStatus),
    _json(503, "A component is unhealthy, or the server is stopping; `problems` says what is wrong.", HealthStatus),
)
_INFO_RESPONSES: Final = (_json(200, "What the service can do.", ServiceInfo),)

ROUTES: Final = (
    Route(
        operation_id="createJob",
        method="POST",
        path="/api/v1/jobs",
        summary="Submit a recording",
        description="The content decides the format, not the name or the declared type. Keys of `metadata` that are "
        "not known are the client's own and come back with the job.",
        tag="Jobs",
        parameters=(IDEMPOTENCY_KEY,),
        upload=True,
        responses=(_json(201, "The job is in the queue.", Job, LOCATION, REPLAYED),),
        errors=(
            *_EVERY,
            errors.INVALID_JSON,
            errors.INVALID_FIELD,
            errors.MISSING_FILE,
            errors.SEVERAL_FILES,
            errors.MALFORMED_UPLOAD,
            errors.UPLOAD_STALLED,
            errors.IDEMPOTENCY_CONFLICT,
            errors.FILE_TOO_LARGE,
            errors.UNSUPPORTED_MEDIA_TYPE,
            *_CONTENT_ERRORS,
            errors.QUEUE_FULL,
            errors.STORAGE_FULL,
            errors.SHUTTING_DOWN,
        ),
    ),
    Route(
        operation_id="listJobs",
        method="GET",
        path="/api/v1/jobs",
        summary="List jobs, the newest first",
        tag="Jobs",
        parameters=(STATUS_FILTER, LIMIT, OFFSET),
        responses=(_json(200, "One page of them.", JobPage),),
        errors=(*_EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="getJob",
        method="GET",
        path="/api/v1/jobs/{job_id}",
        summary="State and progress of a job",
        tag="Jobs",
        parameters=(JOB_ID, INCLUDE),
        responses=(_json(200, "The job.", Job),),
        errors=(*_EVERY, errors.INVALID_FIELD, errors.JOB_NOT_FOUND),
    ),
    Route(
        operation_id="deleteJob",
        method="DELETE",
        path="/api/v1/jobs/{job_id}",
        summary="Cancel a job where it runs, and delete it with all that belongs to it",
        tag="Jobs",
        parameters=(JOB_ID,),
        responses=(Response(status=204, summary="It is gone."),),
        errors=(*_EVERY, errors.JOB_NOT_FOUND),
    ),
    Route(
        operation_id="getJobResult",
        method="GET",
        path="/api/v1/jobs/{job_id}/result",
        summary="Result of a completed job",
        description="JSON unless `format` or the header Accept asks for another format.",
        tag="Jobs",
        parameters=(JOB_ID, TRANSCRIPT_FORMAT),
        responses=(
            Response(
                status=200,
                summary="The transcript.",
                content={
                    media_type: JobResult if kind == "json" else str for kind, media_type in FORMAT_MEDIA_TYPES.items()
                },
            ),
        ),
        errors=(*_EVERY, errors.INVALID_FIELD, errors.JOB_NOT_FOUND, errors.NOT_ACCEPTABLE, errors.WRONG_STATE),
    ),
    Route(
        operation_id="getJobAudio",
        method="GET",
        path="/api/v1/jobs/{job_id}/audio",
        summary="The recording as it was uploaded",
        tag="Jobs",
        parameters=(JOB_ID, RANGE, IF_RANGE),
        responses=(
            Response(status=200, summary="All of it.", content=_AUDIO, headers=(ACCEPT_RANGES, ETAG, DISPOSITION)),
            Response(
                status=206,
                summary="The bytes of the range.",
                content=_AUDIO,
                headers=(ACCEPT_RANGES, ETAG, DISPOSITION, CONTENT_RANGE),
            ),
        ),
        errors=(*_EVERY, errors.JOB_NOT_FOUND, errors.WRONG_STATE, errors.RANGE_NOT_SATISFIABLE),
    ),
    Route(
        operation_id="getQueueStatus",
        method="GET",
        path="/api/v1/queue/status",
        summary="The queue as a whole",
        tag="Queue",
        responses=(_json(200, "Who runs and who waits.", QueueStatus),),
        errors=_EVERY,
    ),
    Route(
        operation_id="getHealth",
        method="GET",
        path="/api/v1/health",
        summary="How the service feels",
        tag="System",
        responses=_HEALTH_RESPONSES,
        errors=(errors.INTERNAL,),
        limited=False,
    ),
    Route(
        operation_id="getRootHealth",
        method="GET",
        path="/health",
        summary="How the service feels, for health checks",
        tag="System",
        responses=_HEALTH_RESPONSES,
        errors=(errors.INTERNAL,),
        limited=False,
    ),
    Route(
        operation_id="getInfo",
        method="GET",
        path="/api/v1/info",
        summary="What the service can do",
        tag="System",
        responses=_INFO_RESPONSES,
        errors=_EVERY,
    ),
    Route(
        operation_id="getRootInfo",
        method="GET",
        path="/info",
        summary="What the service can do, at the root",
        tag="System",
        responses=_INFO_RESPONSES,
        errors=_EVERY,
    ),
    Route(
        operation_id="getMetrics",
        method="GET",
        path="/metrics",
        summary="Figures for Prometheus",
        tag="System",
        responses=(Response(status=200, summary="Text exposition format.", content={METRICS_MEDIA_TYPE: str}),),
        errors=(errors.INTERNAL,),
        limited=False,
    ),
    Route(
        operation_id="getOpenapi",
        method="GET",
        path="/openapi.json",
        summary="This document",
        tag="System",
        parameters=(OPENAPI_VERSION,),
        responses=(_json(200, "OpenAPI.", dict),),
        errors=(*_EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="getAsyncapi",
        method="GET",
        path="/asyncapi.json",
        summary="The WebSocket interface",
        tag="System",
        responses=(_json(200, "AsyncAPI 3.0.", dict),),
        errors=_EVERY,
    ),
)
ROUTE_BY_OPERATION: Final = {route.operation_id: route for route in ROUTES}
"""Every route by its operationId; the same names are the operations of `/v1/ws`."""
