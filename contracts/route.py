"""What a route of the REST interface is, as data, and what many of them have in common."""

from typing import Final, Literal

from msgspec import Struct

from contracts import access_errors, errors
from contracts.errors import Fault
from contracts.parameters import Header, Parameter
from contracts.scopes import Scope


class Response(Struct, frozen=True, kw_only=True):
    """An answer that is no error."""

    status: int
    summary: str
    content: dict[str, object] = {}
    """Media type: the Struct that is sent as JSON or a tuple of those that may be, `str` for text, `bytes` for binary
    data, `dict` for any object."""
    headers: tuple[Header, ...] = ()


class Upload(Struct, frozen=True, kw_only=True):
    """A body that is multipart/form-data with `file` and `metadata`."""

    metadata: type[Struct]
    """What the JSON in `metadata` is."""
    example: Struct
    """Of the metadata."""
    summary: str
    """What the file is."""
    kinds: tuple[str, ...]
    """Media types of the file."""
    required: bool = False
    """Whether there has to be metadata."""


class Form(Struct, frozen=True, kw_only=True):
    """A body that is multipart/form-data with `file` and a field for each value."""

    fields: type[Struct]
    """What the fields are, by their names on the wire."""
    example: Struct
    """Of the fields."""
    summary: str
    """What the file is."""
    kinds: tuple[str, ...]
    """Media types of the file."""


class Route(Struct, frozen=True, kw_only=True):
    """One operation."""

    operation_id: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    description: str = ""
    tag: Literal["Jobs", "Voices", "Contacts", "OpenAI", "Queue", "Webhooks", "Access", "System"]
    parameters: tuple[Parameter, ...] = ()
    upload: Upload | None = None
    """The form that the body is."""
    form: Form | None = None
    """The form with fields that the body is; not beside `upload`."""
    body: type[Struct] | None = None
    """What the body is as JSON; not beside `upload`."""
    body_example: Struct | None = None
    """Of the body."""
    responses: tuple[Response, ...]
    errors: tuple[Fault, ...] = ()
    """All that may be answered, those of every route included."""
    limited: bool = True
    """Whether it counts towards the rate limit; what watches over the service does not."""
    scope: Scope | None = None
    """What a key has to have; None for `read` with GET and `manage` with everything else."""
    over_websocket: bool = True
    """Whether it is an operation of `/v1/ws` as well; a cookie, say, means nothing there."""

    @property
    def needs(self) -> Scope:
        """The scope that a key has to have."""
        return self.scope or ("read" if self.method == "GET" else "manage")

    @property
    def takes_recording(self) -> bool:
        """Whether the body is a form with a recording."""
        return self.upload is not None or self.form is not None

    def status_of(self, fault: Fault) -> int:
        """The HTTP status of an error; clients of OpenAI know a file that cannot be read as a bad request."""
        return 400 if self.tag == "OpenAI" and fault.http_status == 415 else fault.http_status


ANY_KEY: Final = (errors.RATE_LIMITED, access_errors.KEY_REQUIRED, access_errors.ORIGIN_REFUSED, errors.INTERNAL)
"""What every route may answer; all that one with the scope `monitor` does."""
EVERY: Final = (*ANY_KEY, access_errors.SCOPE_MISSING)
"""What every route with another scope may answer."""
BODY_ERRORS: Final = (
    errors.INVALID_JSON,
    errors.INVALID_FIELD,
    errors.UNSUPPORTED_MEDIA_TYPE,
    errors.BODY_TOO_LARGE,
    errors.UPLOAD_STALLED,
)
"""What every route with a body of JSON may answer."""
UPLOAD_ERRORS: Final = (
    errors.INVALID_JSON,
    errors.INVALID_FIELD,
    errors.MISSING_FILE,
    errors.SEVERAL_FILES,
    errors.MALFORMED_UPLOAD,
    errors.UPLOAD_STALLED,
    errors.FILE_TOO_LARGE,
    errors.UNSUPPORTED_MEDIA_TYPE,
    errors.STORAGE_FULL,
    errors.SHUTTING_DOWN,
)
"""What every route with a form may answer."""
CONTENT_ERRORS: Final = (
    errors.UNSUPPORTED_FORMAT,
    errors.FILE_EMPTY,
    errors.NO_AUDIO,
    errors.TOO_MANY_CHANNELS,
    errors.UNSUPPORTED_SAMPLE_RATE,
    errors.AUDIO_TOO_SHORT,
)
"""What is wrong with a recording as soon as its head has been read."""
AUDIO_MEDIA_TYPES: Final = {"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/ogg"}
"""Of each format of a recording."""


def json_response(status: int, summary: str, struct: object, *headers: Header) -> Response:
    """An answer in JSON."""
    return Response(status=status, summary=summary, content={"application/json": struct}, headers=headers)
