"""What the front doors have in common: a call of an operation, its answer, and how an error becomes one."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Protocol
from uuid import uuid4

import msgspec
from msgspec import Struct
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from contracts.access_errors import KEY_REQUIRED
from contracts.errors import METHOD_NOT_ALLOWED, RANGE_NOT_SATISFIABLE, CallAnnotateError
from contracts.jobs import ErrorBody, ErrorDetail
from contracts.openai_errors import openai_error
from contracts.route import Route
from runtime.access import Holder
from runtime.service import JobService
from runtime.upload import Upload
from web.files import FileSpan

Language = Literal["en", "ru"]
JSON: Final = "application/json"
CHALLENGE: Final = 'Bearer realm="CallAnnotate"'
"""How to send a key."""
RETRY_AFTER: Final = 5
"""Seconds that a client should wait where an error may be retried and says nothing itself."""


class Answer(Struct, frozen=True):
    """What an operation answers, whichever front door asked."""

    status: int
    media_type: str
    """Empty where there is no body."""
    body: "bytes | FileSpan | Events" = b""
    headers: dict[str, str] = {}

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        """The same with more headers."""
        return msgspec.structs.replace(self, headers={**self.headers, **headers})


class Events(Protocol):
    """Server-sent events as the body of an answer."""

    def blocks(self) -> AsyncGenerator[bytes]:
        """What there is to send, as it comes."""


class Submission(Struct, frozen=True):
    """A recording that has arrived whole, with what the client says of it."""

    upload: Upload
    metadata: bytes
    """JSON as it was sent."""
    fields: dict[str, tuple[str, ...]] = {}
    """Of a form with a field for each value, in the order of sending."""


class Form(Protocol):
    """A recording on its way, over whichever front door."""

    def receive(self, service: JobService) -> AbstractAsyncContextManager[Submission]:
        """Read it to its end; nothing is kept of one that was not submitted when the context is left."""


Body = Callable[[float], Awaitable[bytes]]
"""A body on its way: read to its end, at most so many seconds without a byte."""


def new_request_id() -> str:
    """Such as req_550e8400-e29b-41d4-a716-446655440000."""
    return f"req_{uuid4()}"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One operation asked for by a client."""

    route: Route
    client: str
    """Address that the rate limit counts by."""
    language: Language
    access: Holder | CallAnnotateError
    """Who asks, or why nobody is let in."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Parameters of path, query and headers by their names in the route table, and the headers Accept and If-Range."""
    form: Form | None = None
    """Of an operation with an upload."""
    body: Body | None = None
    """Of an operation with a body of JSON."""
    request_id: str = field(default_factory=new_request_id)
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Closed when the answer has been sent, or when nobody waits for it any more."""

    def holder(self) -> Holder:
        """Who asks. Raises why nobody is let in, and SCOPE_MISSING."""
        if isinstance(self.access, CallAnnotateError):
            raise self.access
        self.access.require(self.route.needs)
        return self.access


Handler = Callable[[Call], Awaitable[Answer]]
"""What does an operation."""


def wanted_language(accept_language: str | None) -> Language:
    """Russian where the header prefers it, English otherwise."""
    accepted = parse_accept_header(accept_language, LanguageAccept)
    return "ru" if accepted.best_match(["en", "ru"], default="en") == "ru" else "en"


def json_answer(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    """A Struct as JSON."""
    return Answer(status, JSON, msgspec.json.encode(body), dict(headers or {}))


def error_detail(error: CallAnnotateError, language: Language, request_id: str) -> ErrorDetail:
    """The error as every front door tells it."""
    return ErrorDetail(
        code=error.fault.code,
        message=error.message_in(language),
        advice=error.advice_in(language),
        retryable=error.fault.retryable,
        details=dict(error.details),
        timestamp=datetime.now(UTC),
        request_id=request_id,
    )


def error_answer(error: CallAnnotateError, language: Language, request_id: str) -> Answer:
    """The error as an answer, with the headers that HTTP wants beside its status."""
    headers: dict[str, str] = {"Content-Language": language}
    if error.fault.retryable:
        headers["Retry-After"] = str(int(error.details.get("retry_after", RETRY_AFTER)))
    if error.fault is KEY_REQUIRED:
        headers["WWW-Authenticate"] = CHALLENGE
    if error.fault is METHOD_NOT_ALLOWED:
        headers["Allow"] = str(error.details["allowed"])
    if error.fault is RANGE_NOT_SATISFIABLE:
        headers["Content-Range"] = f"bytes */{error.details['size']}"
    return json_answer(error.fault.http_status, ErrorBody(error_detail(error, language, request_id)), headers)


def refusal(error: CallAnnotateError, call: Call) -> Answer:
    """The error as the answer to a call, in the words of its interface."""
    answer = error_answer(error, call.language, call.request_id)
    if call.route.tag != "OpenAI":
        return answer
    status = call.route.status_of(error.fault)
    body = msgspec.json.encode(openai_error(error, call.language, status))
    return msgspec.structs.replace(answer, status=status, body=body)
