"""JSON that clients send, checked: an object, of a Struct's fields."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from contracts.errors import INVALID_FIELD, INVALID_JSON, CallAnnotateError

S = TypeVar("S", bound=Struct)


def read_struct(text: bytes, kind: type[S], field: str) -> tuple[S, dict[str, object]]:
    """The Struct, and everything that the client sent; `field` names it in errors.

    Raises INVALID_JSON or INVALID_FIELD.
    """
    try:
        sent = msgspec.json.decode(text)
        msgspec.json.encode(sent)
    except RecursionError:
        raise CallAnnotateError(INVALID_JSON, field=field, cause="it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeError, OverflowError) as error:
        raise CallAnnotateError(INVALID_JSON, field=field, cause=str(error)) from error
    if not isinstance(sent, dict):
        raise CallAnnotateError(INVALID_JSON, field=field, cause="it is no object")
    try:
        return msgspec.convert(sent, kind), sent
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        where = f"{field}.{place.rstrip('`')}" if place else field
        raise CallAnnotateError(
            INVALID_FIELD, field=where, problem=problem, allowed=f"what /openapi.json says of {kind.__name__}"
        ) from error
