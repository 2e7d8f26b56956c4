"""Values that clients give in path, query and headers, checked by the types of the route table."""

from typing import Any, cast

import msgspec

from contracts.errors import INVALID_FIELD, CallAnnotateError
from contracts.parameters import Parameter
from web.answers import Call


def value_of(call: Call, name: str) -> Any:
    """The value of a parameter, its default where it was not given. Raises INVALID_FIELD."""
    parameter = next(parameter for parameter in call.route.parameters if parameter.name == name)
    text = call.values.get(name)
    return parameter.default if text is None else converted(parameter, text)


def converted(parameter: Parameter, text: str) -> Any:
    """The text as the parameter's type. Raises INVALID_FIELD."""
    kind = cast(type[Any], parameter.type)
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise CallAnnotateError(
            INVALID_FIELD, field=parameter.name, problem=str(error), allowed=allowed(kind)
        ) from error


def allowed(kind: type[Any]) -> str:
    """What a type lets through, for people."""
    schema = msgspec.json.schema(kind)
    match schema:
        case {"enum": choices}:
            return ", ".join(map(str, choices))
        case {"type": "integer", "minimum": lowest, "maximum": highest}:
            return f"whole numbers from {lowest} to {highest}"
        case {"type": "integer", "minimum": lowest}:
            return f"whole numbers from {lowest}"
        case {"type": "string", "minLength": shortest, "maxLength": longest}:
            return f"{shortest} to {longest} printable ASCII characters"
    return str(schema.get("type", "see /openapi.json"))
