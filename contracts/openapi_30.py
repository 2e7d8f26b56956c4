"""Turns the OpenAPI 3.1 document into one of 3.0.3, for tools that know no newer one."""

from functools import cache
from typing import cast

from contracts.openapi import openapi_document
from contracts.schemas import Json


@cache
def openapi_30_document() -> Json:
    """The document as nested dicts; not to be changed."""
    document = cast(Json, _lowered(openapi_document()))
    # New in 3.1.
    info = {key: value for key, value in cast(Json, document["info"]).items() if key != "summary"}
    return {**document, "openapi": "3.0.3", "info": info}


def _lowered(node: object, *, name: str = "") -> object:
    """The node in the terms of 3.0; `name` is the key under which it stands."""
    if isinstance(node, list):
        return [_lowered(item) for item in node]
    if not isinstance(node, dict):
        return node
    if name in {"value", "example", "default"}:
        return node
    if name == "content":
        return {media_type: _with_schema(cast(Json, _lowered(entry))) for media_type, entry in node.items()}
    lowered: Json = {key: _lowered(value, name=str(key)) for key, value in node.items()}
    if isinstance(examples := lowered.get("examples"), list):
        # Of a schema: 3.0 knows one only.
        lowered["example"] = examples[0]
        del lowered["examples"]
    if "anyOf" in lowered:
        lowered = _nullable(lowered)
    if "$ref" in lowered and len(lowered) > 1:
        # Beside a $ref 3.0 ignores everything.
        reference = {"$ref": lowered.pop("$ref")}
        lowered = {"allOf": [reference], **lowered}
    return lowered


def _with_schema(entry: Json) -> Json:
    """A media type without a schema is binary; 3.0 has a format for it."""
    return entry if "schema" in entry else {"schema": {"type": "string", "format": "binary"}, **entry}


def _nullable(schema: Json) -> Json:
    """`anyOf` with null, as `nullable` beside the rest."""
    choices = cast(list[Json], schema.pop("anyOf"))
    left = [choice for choice in choices if choice != {"type": "null"}]
    if len(left) == len(choices):
        return {"anyOf": choices, **schema}
    if len(left) > 1:
        return {"anyOf": left, "nullable": True, **schema}
    only = left[0]
    if "$ref" in only:
        # Not `nullable` beside `allOf`: by 3.0.3 what is referred to would still refuse null.
        return {"anyOf": [only, {"type": "object", "nullable": True, "enum": [None]}], **schema}
    if "enum" in only:
        # 3.0.3 made it clear that an enum has to name null as well.
        only["enum"] = [*cast(list[object], only["enum"]), None]
    return {**only, "nullable": True, **schema}
