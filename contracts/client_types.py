"""What the clients know of the contracts: the types of REST, `/ws/{job_id}` and live sessions, as plain shapes.

`contracts/client_python.py` and `contracts/client_typescript.py` write them down in their languages; `callannotate
contracts` puts the files into `clients/`, so that a client installs by itself and still says what the server says.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Final, Literal, get_args

import msgspec
from msgspec import NODEFAULT, Struct

from contracts import job_messages as messages
from contracts.jobs import ErrorBody
from contracts.live import LiveClientMessage, LiveServerMessage
from contracts.live_audio import AudioFormat
from contracts.routes import ROUTES
from contracts.schemas import CLIENT_TYPES, field_docstrings, structs_of
from contracts.webhooks import WebhookMessage

HEAD: Final = "Made by `callannotate contracts` from contracts/; do not edit by hand."
JOB_MESSAGES: Final = (messages.StatusUpdate, messages.ResultMessage, messages.JobErrorMessage)
"""What a watcher is told of a job."""
CONNECTION_MESSAGES: Final = (messages.ConnectionErrorMessage, messages.Ping, messages.Pong, messages.Closing)
"""What a watcher is told of its connection."""
LIVE_CLIENT: Final[tuple[type[Struct], ...]] = get_args(LiveClientMessage)
LIVE_SERVER: Final[tuple[type[Struct], ...]] = get_args(LiveServerMessage)
WRITTEN: Final[frozenset[type[Struct]]] = frozenset({*CLIENT_TYPES, AudioFormat})
"""What a client writes: its values are those of today. What it reads may come from a later server."""
Kind = Literal["text", "integer", "number", "flag", "null", "anything", "moment"]


class Choice(Struct, frozen=True):
    """One of some values."""

    values: tuple[str | int | bool | None, ...]


class Named(Struct, frozen=True):
    """Another shape, by its name."""

    name: str


class Row(Struct, frozen=True):
    """Any number of values."""

    of: "Type"


class Table(Struct, frozen=True):
    """Values by a name."""

    of: "Type"


class Either(Struct, frozen=True):
    """One of some types."""

    types: tuple["Type", ...]


Type = Kind | Choice | Named | Row | Table | Either


class Field(Struct, frozen=True):
    """One field of a shape."""

    name: str
    type: Type
    doc: str
    default: object
    """NODEFAULT where there has to be a value, UNSET where the field may be missing."""


class Shape(Struct, frozen=True):
    """One type: its name, its fields, and the `type` that its JSON says."""

    name: str
    doc: str
    tag: str | None
    fields: tuple[Field, ...]
    written: bool
    """Whether clients write it."""


@cache
def shapes() -> tuple[Shape, ...]:
    """All of them, each one after those that it is made of, else in alphabetical order."""
    named = {struct.__name__: struct for struct in structs_of(_roots())}
    waiting, found = {name: _shape(named[name]) for name in sorted(named)}, dict[str, Shape]()
    while waiting:
        ready = [
            name for name, shape in waiting.items() if all(n in found for f in shape.fields for n in names(f.type))
        ]
        assert ready, f"these types are made of each other: {sorted(waiting)}"
        found.update({name: waiting.pop(name) for name in ready})
    return tuple(found.values())


def names(kind: Type) -> Iterator[str]:
    """The shapes that a type names."""
    match kind:
        case Named(name):
            yield name
        case Row(of) | Table(of):
            yield from names(of)
        case Either(types):
            for part in types:
                yield from names(part)


def _roots() -> list[object]:
    known = [route for route in ROUTES if route.tag != "OpenAI"]  # clients of OpenAI have their own
    routes = [kind for route in known for response in route.responses for kind in response.content.values()]
    routes += [kind for route in known for kind in (route.body, route.upload and route.upload.metadata) if kind]
    structs = [kind for kind in routes if isinstance(kind, type) and issubclass(kind, Struct)]
    return [*structs, ErrorBody, WebhookMessage, *JOB_MESSAGES, *CONNECTION_MESSAGES, *LIVE_CLIENT, *LIVE_SERVER]


def _shape(struct: type[Struct]) -> Shape:
    info, docs = msgspec.inspect.type_info(struct), field_docstrings(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    defaults = {field.name: _default(field) for field in msgspec.structs.fields(struct)}
    fields = [
        Field(field.name, _type(field.type), docs.get(field.name, ""), defaults[field.name])
        for field in info.fields
        # What a client may not change is there only for the server to refuse.
        if field.type != msgspec.inspect.CustomType(object)
    ]
    doc = " ".join((inspect.getdoc(struct) or "").split())
    return Shape(struct.__name__, doc, None if info.tag is None else str(info.tag), tuple(fields), struct in WRITTEN)


def _default(field: msgspec.structs.FieldInfo) -> object:
    return field.default if field.default_factory is NODEFAULT else field.default_factory()


def _type(info: msgspec.inspect.Type) -> Type:  # noqa: PLR0911 - one line for each
    match info:
        case msgspec.inspect.StructType(cls=cls):
            return Named(cls.__name__)
        case msgspec.inspect.UnionType(types=types):
            return Either(tuple(_type(part) for part in types))
        case msgspec.inspect.LiteralType(values=values):
            return Choice(values)
        case msgspec.inspect.VarTupleType(item_type=item) | msgspec.inspect.ListType(item_type=item):
            return Row(_type(item))
        case msgspec.inspect.DictType(value_type=value):
            return Table(_type(value))
        case msgspec.inspect.Metadata(type=inner):
            return _type(inner)
        case _:
            return _KINDS[type(info)]


_KINDS: Final[dict[type[msgspec.inspect.Type], Kind]] = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "integer",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "flag",
    msgspec.inspect.NoneType: "null",
    msgspec.inspect.DateTimeType: "moment",
    msgspec.inspect.CustomType: "anything",
    msgspec.inspect.AnyType: "anything",
}
