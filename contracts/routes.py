"""The route table of the REST interface, as data: the web binds its handlers to it, the documents are built from it.

Paths are written as OpenAPI writes them (`/api/v1/jobs/{job_id}`).
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from contracts import errors
from contracts.errors import Fault
from contracts.jobs import HealthStatus, Job, JobId, JobPage, JobResult, JobStatus, QueueStatus, ServiceInfo
from contracts.options import Format

IdempotencyKey = Annotated[str, Meta(min_length=1, max_length=255, pattern="^[!-~]+$")]
DocumentVersion = Literal["3.1", "3.0"]


class Parameter(Struct, frozen=True, kw_only=True):
    """A value that a client may give beside the body."""

    name: str
    place: Literal["path", "query", "header"]
    type: object
    """The type that `msgspec.convert(text, type, strict=False)` makes of it; INVALID_FIELD where it cannot."""
    summary: str
    required: bool = False
    default: str | int | None = None
    example: str | int


class Header(Struct, frozen=True, kw_only=True):
    """A header of an answer."""

    name: str
    type: object
    summary: str
    example: str | int


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


REQUEST_ID: Final = Header(
    name="X-Request-ID",
    type=Annotated[str, Meta(pattern="^req_[0-9a-f-]{36}$")],
    summary="Names the request; also in the body of an error and in every log line.",
    example="req_550e8400-e29b-41d4-a716-446655440000",
)
RATE_LIMIT_HEADERS: Final = (
    Header(
        name="X-RateLimit-Limit",
        type=Annotated[int, Meta(ge=1)],
        summary="Requests allowed per window.",
        example=120,
    ),
    Header(
        name="X-RateLimit-Remaining",
        type=Annotated[int, Meta(ge=0)],
        summary="Requests left in this window.",
        example=119,
    ),
    Header(
        name="X-RateLimit-Reset",
        type=Annotated[int, Meta(ge=0)],
        summary="When the window ends, in Unix time (seconds).",
        example=1795329600,
    ),
)
RETRY_AFTER: Final = Header(
    name="Retry-After",
    type=Annotated[int, Meta(ge=0)],
    summary="Seconds to wait; with every error that may be retried.",
    example=30,
)
CONTENT_LANGUAGE: Final = Header(
    name="Content-Language",
    type=Literal["en", "ru"],
    summary="Language of the message and the advice.",
    example="en",
)
ACCEPT_LANGUAGE: Final = Parameter(
    name="Accept-Language",
    place="header",
    type=str,
    summary="Language of error messages: `ru` or `en` (the default).",
    example="ru",
)
_LOCATION: Final = Header(
    name="Location", type=str, summary="Where the job is.", example="/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000"
)
_REPLAYED: Final = Header(
    name="Idempotency-Replayed",
    type=Literal["true"],
    summary="Only where the Idempotency-Key was known: nothing was created, this is that job as it is now.",
    example="true",
)
_ACCEPT_RANGES: Final = Header(
    name="Accept-Ranges", type=Literal["bytes"], summary="Range requests are answered.", example="bytes"
)
_DISPOSITION: Final = Header(
    name="Content-Disposition", type=str, summary="The file's name.", example='attachment; filename="audio.wav"'
)
_ETAG: Final = Header(
    name="ETag",
    type=str,
    summary="Names the recording; it never changes.",
    example='"550e8400e29b41d4a716446655440000"',
)
_CONTENT_RANGE: Final = Header(
    name="Content-Range",
    type=Annotated[str, Meta(pattern="^bytes ([0-9]+-[0-9]+/[0-9]+|[*]/[0-9]+)$")],
    summary="Which bytes these are.",
    example="bytes 0-1023/1048576",
)

_JOB_ID: Final = Parameter(
    name="job_id",
    place="path",
    type=JobId,
    summary="UUID of the job; anything else is a job that does not exist.",
    required=True,
    example="550e8400-e29b-41d4-a716-446655440000",
)
_IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    type=IdempotencyKey,
    summary="Sent again with the same upload, it answers with the job of the first time instead of making another.",
    example="call-2026-11-22-0001",
)
_STATUS: Final = Parameter(
    name="status", place="query", type=JobStatus, summary="Only jobs in this state.", example="completed"
)
_LIMIT: Final = Parameter(
    name="limit",
    place="query",
    type=Annotated[int, Meta(ge=1, le=1000)],
    summary="At most so many jobs.",
    default=50,
    example=50,
)
_OFFSET: Final = Parameter(
    name="offset",
    place="query",
    type=Annotated[int, Meta(ge=0, le=1_000_000_000)],
    summary="Leave out so many of the newest.",
    default=0,
    example=0,
)
_INCLUDE: Final = Parameter(
    name="include",
    place="query",
    type=Literal["result"],
    summary="`result` adds the result, null before the job has completed.",
    example="result",
)
_FORMAT: Final = Parameter(
    name="format",
    place="query",
    type=Format,
    summary="Of the transcript; goes before the header Accept.",
    example="srt",
)
_RANGE: Final = Parameter(
    name="Range",
    place="header",
    type=str,
    summary="One range of bytes, such as `bytes=0-1023`; one that is not understood is ignored.",
    example="bytes=0-1023",
)
_IF_RANGE: Final = Parameter(
    name="If-Range",
    place="header",
    type=str,
    summary="The ETag of the recording that the range is of; of another one all is sent.",
    example='"550e8400e29b41d4a716446655440000"',
)
_VERSION: Final = Parameter(
    name="version",
    place="query",
    type=DocumentVersion,
    summary="Of OpenAPI.",
    default="3.1",
    example="3.0",
)

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
        parameters=(_IDEMPOTENCY_KEY,),
        upload=True,
        responses=(_json(201, "The job is in the queue.", Job, _LOCATION, _REPLAYED),),
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
        parameters=(_STATUS, _LIMIT, _OFFSET),
        responses=(_json(200, "One page of them.", JobPage),),
        errors=(*_EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="getJob",
        method="GET",
        path="/api/v1/jobs/{job_id}",
        summary="State and progress of a job",
        tag="Jobs",
        parameters=(_JOB_ID, _INCLUDE),
        responses=(_json(200, "The job.", Job),),
        errors=(*_EVERY, errors.INVALID_FIELD, errors.JOB_NOT_FOUND),
    ),
    Route(
        operation_id="deleteJob",
        method="DELETE",
        path="/api/v1/jobs/{job_id}",
        summary="Cancel a job where it runs, and delete it with all that belongs to it",
        tag="Jobs",
        parameters=(_JOB_ID,),
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
        parameters=(_JOB_ID, _FORMAT),
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
        parameters=(_JOB_ID, _RANGE, _IF_RANGE),
        responses=(
            Response(status=200, summary="All of it.", content=_AUDIO, headers=(_ACCEPT_RANGES, _ETAG, _DISPOSITION)),
            Response(
                status=206,
                summary="The bytes of the range.",
                content=_AUDIO,
                headers=(_ACCEPT_RANGES, _ETAG, _DISPOSITION, _CONTENT_RANGE),
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
        parameters=(_VERSION,),
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
