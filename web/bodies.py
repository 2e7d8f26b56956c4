"""Bodies of JSON: read with bounded memory and time, and checked."""

from typing import Final, TypeVar

from anyio import fail_after
from msgspec import Struct
from werkzeug.http import parse_options_header

from contracts.errors import BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, UPLOAD_STALLED, CallAnnotateError
from runtime.json_request import read_struct
from web.answers import JSON, Call
from web.asgi import BoundedRequest

LARGEST: Final = 64 * 1024
"""Bytes of a body at most."""
FIELD: Final = "body"
"""What the body is called in errors."""
S = TypeVar("S", bound=Struct)


async def body_of(call: Call, kind: type[S], stall_timeout: float) -> S:
    """The body as this Struct; `stall_timeout` in seconds.

    Raises UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE, UPLOAD_STALLED, INVALID_JSON or INVALID_FIELD.
    """
    assert call.body is not None  # the route table says that this operation has a body
    return read_struct(await call.body(stall_timeout), kind, FIELD)[0]


class JsonBody:
    """The body of a request over HTTP."""

    def __init__(self, request: BoundedRequest) -> None:
        self._request: Final = request

    async def __call__(self, stall_timeout: float) -> bytes:
        """Read it to its end. Raises UNSUPPORTED_MEDIA_TYPE, BODY_TOO_LARGE or UPLOAD_STALLED."""
        found, _ = parse_options_header(self._request.headers.get("Content-Type", ""))
        if found.lower() != JSON:
            raise CallAnnotateError(UNSUPPORTED_MEDIA_TYPE, found=found[:100] or "none", allowed=JSON)
        content = bytearray()
        chunks = aiter(self._request.body)
        try:
            while True:
                with fail_after(stall_timeout):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return bytes(content)
                content += chunk
                if len(content) > LARGEST:
                    raise CallAnnotateError(BODY_TOO_LARGE, max_allowed=LARGEST)
        except TimeoutError as error:
            raise CallAnnotateError(UPLOAD_STALLED, seconds=stall_timeout) from error
