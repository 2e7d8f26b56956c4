"""JSON Schemas (2020-12) of the contract types, with the docstrings of their fields as descriptions."""

import ast
import inspect
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, cast

import msgspec
from msgspec import UNSET, Struct

from contracts import contacts, live, openai, voices
from contracts import job_messages as messages
from contracts.jobs import JobRequest

Json = dict[str, object]
REF_TEMPLATE: Final = "#/components/schemas/{name}"
CLIENT_TYPES: Final = (
    JobRequest,
    openai.OpenAITranscriptionForm,
    openai.OpenAITranslationForm,
    contacts.ContactDraft,
    contacts.DraftNumber,
    voices.VoiceRequest,
    voices.SampleRequest,
    voices.VoiceUpdate,
    voices.SpeakerEnrolment,
    messages.Request,
    messages.Subscribe,
    messages.Unsubscribe,
    messages.UploadEnd,
    messages.Ping,
    messages.Pong,
    live.SessionStart,
    live.Finalize,
    live.Pause,
    live.Resume,
    live.ConfigUpdate,
    live.Keepalive,
    live.SessionResume,
    live.AudioEnd,
)
"""What clients write: they may leave out what has a default. The server always writes every field."""
ONE_OF: Final[dict[type[Struct], tuple[str, ...]]] = {voices.SpeakerEnrolment: ("name", "voice_id")}
"""Of these fields there is exactly one, which no type of a field can say."""


def schemas_of(types: Iterable[object]) -> dict[str, Json]:
    """The schemas of these types and of all that they are made of, by name, in alphabetical order."""
    _, components = msgspec.json.schema_components(list(types), schema_hook=_anything, ref_template=REF_TEMPLATE)
    structs = {struct.__name__: struct for struct in structs_of(types)}
    return {name: _completed(components[name], structs[name]) for name in sorted(components)}


def schema_of(kind: object) -> Json:
    """The schema of one type, with references to the components for Structs."""
    (schema,), _ = msgspec.json.schema_components([kind], schema_hook=_anything, ref_template=REF_TEMPLATE)
    return cast(Json, _typed(schema))


def _anything(kind: type) -> Json:
    """The schema of `object`; msgspec takes an empty one for none."""
    if kind is object:
        return {"description": "Any JSON."}
    raise TypeError(f"{kind} has no JSON schema: use a type that msgspec knows")


def structs_of(types: Iterable[object]) -> set[type[Struct]]:
    """The Structs among the types, and those that they are made of."""
    found: set[type[Struct]] = set()
    waiting = [info for kind in types for info in _inner(msgspec.inspect.type_info(kind))]
    while waiting:
        info = waiting.pop()
        if info.cls not in found:
            found.add(info.cls)
            waiting += [inner for field in info.fields for inner in _inner(field.type)]
    return found


def _inner(info: msgspec.inspect.Type) -> list[msgspec.inspect.StructType]:
    """The Structs that a type names directly."""
    match info:
        case msgspec.inspect.StructType():
            return [info]
        case msgspec.inspect.UnionType(types=types):
            return [struct for part in types for struct in _inner(part)]
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return _inner(item)
        case msgspec.inspect.DictType(value_type=value):
            return _inner(value)
        case msgspec.inspect.Metadata(type=inner):
            return _inner(inner)
        case _:
            return []


def _completed(schema: Json, struct: type[Struct]) -> Json:
    """With descriptions, and for what the server writes with every field required that it always writes."""
    typed = cast(Json, _typed(schema))
    properties = cast(dict[str, Json], typed["properties"])
    wire = {field.name: field.encode_name for field in msgspec.structs.fields(struct)}
    for field, text in field_docstrings(struct).items():
        name = wire[field]
        # Beside a $ref a description is allowed since 2020-12, and not in OpenAPI 3.0, which drops it.
        properties[name] = {**properties[name], "description": text}
    if struct not in CLIENT_TYPES:
        optional = {field.name for field in msgspec.structs.fields(struct) if field.default is UNSET}
        for name in optional:
            properties[name].pop("default", None)
        typed["required"] = [name for name in properties if name not in optional]
        for name in properties:
            # A default says what the server takes where a client leaves something out: here there is no client.
            properties[name].pop("default", None)
    if struct in ONE_OF:
        typed["oneOf"] = [{"required": [name]} for name in ONE_OF[struct]]
    if not typed["required"]:
        # OpenAPI 3.0 refuses an empty list.
        del typed["required"]
    return typed


def _typed(node: object) -> object:
    """Every enum of strings says that it is one: generators of clients and validators of 3.0 want it."""
    if isinstance(node, Mapping):
        typed: Json = {key: _typed(value) for key, value in node.items()}
        values = typed.get("enum")
        if isinstance(values, list) and "type" not in typed and all(isinstance(value, str) for value in values):
            typed = {"type": "string", **typed}
        return typed
    return [_typed(item) for item in node] if isinstance(node, list) else node


def field_docstrings(struct: type[Struct]) -> dict[str, str]:
    """The string under each field of the class, on one line."""
    return _docstrings_of_module(struct.__module__).get(struct.__name__, {})


@cache
def _docstrings_of_module(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: _docstrings_of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _docstrings_of_class(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, text in zip(node.body, node.body[1:], strict=False):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = " ".join(words.split())
    return found
