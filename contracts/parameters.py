"""What stands beside the bodies of REST: parameters of requests and headers of answers, as data."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from contracts.jobs import JobId, JobStatus
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


def page_of(things: str, first: str = "first") -> tuple[Parameter, Parameter]:
    """Limit and offset of a list; `first` says which are left out."""
    limit = Parameter(
        name="limit",
        place="query",
        type=Annotated[int, Meta(ge=1, le=1000)],
        summary=f"At most so many {things}.",
        default=50,
        example=50,
    )
    offset = Parameter(
        name="offset",
        place="query",
        type=Annotated[int, Meta(ge=0, le=1_000_000_000)],
        summary=f"Leave out so many of the {first}.",
        default=0,
        example=0,
    )
    return limit, offset


class Header(Struct, frozen=True, kw_only=True):
    """A header of an answer."""

    name: str
    type: object
    summary: str
    example: str | int
    required: bool = True
    """Whether every answer for which it is named has it."""


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
WWW_AUTHENTICATE: Final = Header(
    name="WWW-Authenticate", type=str, summary="How to send a key.", example='Bearer realm="CallAnnotate"'
)
SET_COOKIE: Final = Header(
    name="Set-Cookie",
    type=str,
    summary="The login, or its removal; not where no key is needed.",
    example="callannotate_login=...; Max-Age=43200; HttpOnly; SameSite=Strict; Path=/",
    required=False,
)
ACCEPT_LANGUAGE: Final = Parameter(
    name="Accept-Language",
    place="header",
    type=str,
    summary="Language of error messages: `ru` or `en` (the default).",
    example="ru",
)
LOCATION: Final = Header(
    name="Location",
    type=str,
    summary="Where that which was made is.",
    example="/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000",
)
REPLAYED: Final = Header(
    name="Idempotency-Replayed",
    type=Literal["true"],
    summary="Only where the Idempotency-Key was known: nothing was created, this is that job as it is now.",
    example="true",
    required=False,
)
ACCEPT_RANGES: Final = Header(
    name="Accept-Ranges", type=Literal["bytes"], summary="Range requests are answered.", example="bytes"
)
DISPOSITION: Final = Header(
    name="Content-Disposition", type=str, summary="The file's name.", example='attachment; filename="audio.wav"'
)
ETAG: Final = Header(
    name="ETag",
    type=str,
    summary="Names this version of what is answered; that of a recording never changes.",
    example='"550e8400e29b41d4a716446655440000"',
)
CONTENT_RANGE: Final = Header(
    name="Content-Range",
    type=Annotated[str, Meta(pattern="^bytes ([0-9]+-[0-9]+/[0-9]+|[*]/[0-9]+)$")],
    summary="Which bytes these are.",
    example="bytes 0-1023/1048576",
)

JOB_HEADER: Final = Header(
    name="X-Job-ID",
    type=JobId,
    summary="The job that the request was. It is gone once the request is answered, unless OPENAI_KEEP_JOBS is set.",
    example="550e8400-e29b-41d4-a716-446655440000",
)
MODEL_NAME: Final = Parameter(
    name="model",
    place="path",
    type=str,
    summary="A name of `GET /v1/models`.",
    required=True,
    example="whisper-1",
)

JOB_ID: Final = Parameter(
    name="job_id",
    place="path",
    type=JobId,
    summary="UUID of the job; anything else is a job that does not exist.",
    required=True,
    example="550e8400-e29b-41d4-a716-446655440000",
)
IDEMPOTENCY_KEY: Final = Parameter(
    name="Idempotency-Key",
    place="header",
    type=IdempotencyKey,
    summary="Sent again with the same upload, it answers with the job of the first time instead of making another.",
    example="call-2026-11-22-0001",
)
STATUS_FILTER: Final = Parameter(
    name="status", place="query", type=JobStatus, summary="Only jobs in this state.", example="completed"
)
LIMIT, OFFSET = page_of("jobs", "newest")
INCLUDE: Final = Parameter(
    name="include",
    place="query",
    type=Literal["result"],
    summary="`result` adds the result, null before the job has completed.",
    example="result",
)
TRANSCRIPT_FORMAT: Final = Parameter(
    name="format",
    place="query",
    type=Format,
    summary="Of the transcript; goes before the header Accept.",
    example="srt",
)
RANGE: Final = Parameter(
    name="Range",
    place="header",
    type=str,
    summary="One range of bytes, such as `bytes=0-1023`; one that is not understood is ignored.",
    example="bytes=0-1023",
)
IF_RANGE: Final = Parameter(
    name="If-Range",
    place="header",
    type=str,
    summary="The ETag of the recording that the range is of; of another one all is sent.",
    example='"550e8400e29b41d4a716446655440000"',
)
OPENAPI_VERSION: Final = Parameter(
    name="version",
    place="query",
    type=DocumentVersion,
    summary="Of OpenAPI.",
    default="3.1",
    example="3.0",
)
