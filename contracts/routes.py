"""The route table of the REST interface, as data: the web binds its handlers to it, the documents are built from it.

Paths are written as OpenAPI writes them (`/api/v1/jobs/{job_id}`).
"""

from typing import Final

from contracts import errors
from contracts.access_routes import ACCESS_ROUTES
from contracts.contact_routes import CONTACT_ROUTES
from contracts.correction_routes import CORRECTION_ROUTES, RESULT_VERSION
from contracts.examples import METADATA
from contracts.jobs import HealthStatus, Job, JobPage, JobRequest, JobResult, QueueStatus, ServiceInfo
from contracts.openai_routes import OPENAI_ROUTES
from contracts.options import BINARY_FORMATS, Format
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
)
from contracts.route import (
    ANY_KEY,
    AUDIO_MEDIA_TYPES,
    CONTENT_ERRORS,
    EVERY,
    UPLOAD_ERRORS,
    Response,
    Route,
    Upload,
    json_response,
)
from contracts.voice_routes import VOICE_ROUTES
from contracts.waveform import Waveform
from contracts.webhook_routes import WEBHOOK_ROUTES

FORMAT_MEDIA_TYPES: Final[dict[Format, str]] = {
    "json": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "txt": "text/plain",
    "tsv": "text/tab-separated-values",
    "rttm": "text/x-rttm",
    "eaf": "text/x-eaf+xml",
    "textgrid": "text/praat-textgrid",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
"""Of each format of a transcript; the text ones are UTF-8 and say so (`; charset=utf-8`)."""
METRICS_MEDIA_TYPE: Final = "text/plain"
_AUDIO: Final[dict[str, object]] = dict.fromkeys(AUDIO_MEDIA_TYPES.values(), bytes)

_CALL: Final = Upload(
    metadata=JobRequest,
    example=METADATA,
    summary="The recording",
    kinds=tuple(AUDIO_MEDIA_TYPES.values()),
)

_HEALTH_RESPONSES: Final = (
    json_response(200, "Every component is healthy.", HealthStatus),
    json_response(
        503, "A component is unhealthy, or the server is stopping; `problems` says what is wrong.", HealthStatus
    ),
)
_INFO_RESPONSES: Final = (json_response(200, "What the service can do.", ServiceInfo),)

ROUTES: Final = (
    Route(
        operation_id="createJob",
        method="POST",
        path="/api/v1/jobs",
        summary="Submit a recording",
        description="The content decides the format, not the name or the declared type. Keys of `metadata` that are "
        "not known are the client's own and come back with the job.",
        tag="Jobs",
        scope="submit",
        parameters=(IDEMPOTENCY_KEY,),
        upload=_CALL,
        responses=(json_response(201, "The job is in the queue.", Job, LOCATION, REPLAYED),),
        errors=(
            *EVERY,
            *UPLOAD_ERRORS,
            *CONTENT_ERRORS,
            errors.AUDIO_TOO_LONG,
            errors.IDEMPOTENCY_CONFLICT,
            errors.QUEUE_FULL,
        ),
    ),
    Route(
        operation_id="listJobs",
        method="GET",
        path="/api/v1/jobs",
        summary="List jobs, the newest first",
        tag="Jobs",
        parameters=(STATUS_FILTER, LIMIT, OFFSET),
        responses=(json_response(200, "One page of them.", JobPage),),
        errors=(*EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="getJob",
        method="GET",
        path="/api/v1/jobs/{job_id}",
        summary="State and progress of a job",
        tag="Jobs",
        parameters=(JOB_ID, INCLUDE),
        responses=(json_response(200, "The job.", Job),),
        errors=(*EVERY, errors.INVALID_FIELD, errors.JOB_NOT_FOUND),
    ),
    Route(
        operation_id="deleteJob",
        method="DELETE",
        path="/api/v1/jobs/{job_id}",
        summary="Cancel a job where it runs, and delete it with all that belongs to it",
        tag="Jobs",
        parameters=(JOB_ID,),
        responses=(Response(status=204, summary="It is gone."),),
        errors=(*EVERY, errors.JOB_NOT_FOUND),
    ),
    Route(
        operation_id="getJobResult",
        method="GET",
        path="/api/v1/jobs/{job_id}/result",
        summary="Result of a completed job",
        description="JSON unless `format` or the header Accept asks for another format.",
        tag="Jobs",
        parameters=(JOB_ID, TRANSCRIPT_FORMAT, RESULT_VERSION),
        responses=(
            Response(
                status=200,
                summary="The transcript.",
                content={
                    media_type: JobResult if kind == "json" else bytes if kind in BINARY_FORMATS else str
                    for kind, media_type in FORMAT_MEDIA_TYPES.items()
                },
            ),
        ),
        errors=(*EVERY, errors.INVALID_FIELD, errors.JOB_NOT_FOUND, errors.NOT_ACCEPTABLE, errors.WRONG_STATE),
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
        errors=(*EVERY, errors.JOB_NOT_FOUND, errors.WRONG_STATE, errors.RANGE_NOT_SATISFIABLE),
    ),
    Route(
        operation_id="getJobPeaks",
        method="GET",
        path="/api/v1/jobs/{job_id}/peaks",
        summary="What the recording of a completed job looks like, for those who draw it",
        description="Computed when it is asked for the first time, which takes a few seconds for a long call.",
        tag="Jobs",
        parameters=(JOB_ID,),
        responses=(json_response(200, "The peaks.", Waveform),),
        errors=(*EVERY, errors.JOB_NOT_FOUND, errors.WRONG_STATE),
    ),
    *CORRECTION_ROUTES,
    *VOICE_ROUTES,
    *CONTACT_ROUTES,
    *WEBHOOK_ROUTES,
    *ACCESS_ROUTES,
    *OPENAI_ROUTES,
    Route(
        operation_id="getQueueStatus",
        method="GET",
        path="/api/v1/queue/status",
        summary="The queue as a whole",
        tag="Queue",
        responses=(json_response(200, "Who runs and who waits.", QueueStatus),),
        errors=EVERY,
    ),
    Route(
        operation_id="getHealth",
        method="GET",
        path="/api/v1/health",
        summary="How the service feels",
        tag="System",
        scope="monitor",
        responses=_HEALTH_RESPONSES,
        errors=ANY_KEY,
        limited=False,
    ),
    Route(
        operation_id="getRootHealth",
        method="GET",
        path="/health",
        summary="How the service feels, for health checks",
        tag="System",
        scope="monitor",
        responses=_HEALTH_RESPONSES,
        errors=ANY_KEY,
        limited=False,
    ),
    Route(
        operation_id="getInfo",
        method="GET",
        path="/api/v1/info",
        summary="What the service can do",
        tag="System",
        scope="monitor",
        responses=_INFO_RESPONSES,
        errors=ANY_KEY,
    ),
    Route(
        operation_id="getRootInfo",
        method="GET",
        path="/info",
        summary="What the service can do, at the root",
        tag="System",
        scope="monitor",
        responses=_INFO_RESPONSES,
        errors=ANY_KEY,
    ),
    Route(
        operation_id="getMetrics",
        method="GET",
        path="/metrics",
        summary="Figures for Prometheus",
        tag="System",
        scope="monitor",
        responses=(Response(status=200, summary="Text exposition format.", content={METRICS_MEDIA_TYPE: str}),),
        errors=ANY_KEY,
        limited=False,
    ),
    Route(
        operation_id="getOpenapi",
        method="GET",
        path="/openapi.json",
        summary="This document",
        tag="System",
        scope="monitor",
        parameters=(OPENAPI_VERSION,),
        responses=(json_response(200, "OpenAPI.", dict),),
        errors=(*ANY_KEY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="getAsyncapi",
        method="GET",
        path="/asyncapi.json",
        summary="The WebSocket interface",
        tag="System",
        scope="monitor",
        responses=(json_response(200, "AsyncAPI 3.0.", dict),),
        errors=ANY_KEY,
    ),
)
ROUTE_BY_OPERATION: Final = {route.operation_id: route for route in ROUTES}
"""Every route by its operationId; the same names are the operations of `/v1/ws`."""
SESSION_ROUTES: Final = tuple(route for route in ROUTES if route.over_websocket)
"""Those that are operations of `/v1/ws`."""
