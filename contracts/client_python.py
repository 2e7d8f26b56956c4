"""The types of the contracts as the module `callannotate_client.types`."""

import textwrap
from typing import Final

import msgspec
from msgspec import NODEFAULT, UNSET, Struct

from contracts.client_types import (
    CONNECTION_MESSAGES,
    HEAD,
    JOB_MESSAGES,
    LIVE_CLIENT,
    LIVE_SERVER,
    Choice,
    Either,
    Field,
    Kind,
    Named,
    Row,
    Shape,
    Table,
    Type,
    shapes,
)
from contracts.live_audio import BYTES_PER_SAMPLE, SHORTEST_FRAME_MS

WIDTH: Final = 112
"""Columns of a docstring."""
PLAIN: Final[dict[Kind, str]] = {
    "text": "str",
    "integer": "int",
    "number": "float",
    "flag": "bool",
    "null": "None",
    "moment": "datetime",
    "anything": "object",
}
UNIONS: Final = {
    "JobMessage": ("What is told of a job on `/ws/{job_id}`.", JOB_MESSAGES),
    "ConnectionMessage": ("What is told of the connection there.", CONNECTION_MESSAGES),
    "LiveClientMessage": ("What a client may say in a live session.", LIVE_CLIENT),
    "LiveServerMessage": ("What the server may say in a live session.", LIVE_SERVER),
}


def python_types() -> str:
    """The text of the module, as the formatter leaves it."""
    head = (
        f'"""What the server reads and writes, as types. {HEAD}\n\n'
        "Fields and messages that are not known here are ignored, since a later server may have them; for the same "
        'reason\nvalues of what the server writes are not narrowed down.\n"""\n\n'
        "from datetime import datetime\nfrom typing import Final, Literal\n\n"
        "from msgspec import UNSET, Struct, UnsetType\n\n"
        f"BYTES_PER_SAMPLE: Final = {_literal(dict(BYTES_PER_SAMPLE))}\n"
        '"""Of one channel, by the encoding of live audio."""\n'
        f"SHORTEST_FRAME_MS: Final = {SHORTEST_FRAME_MS}\n"
        '"""Of a binary frame of live audio, but for the last one."""\n'
    )
    structs = "".join(f"\n\n{_struct(shape)}" for shape in shapes())
    return head + structs + "\n\n" + "".join(_union(name) for name in UNIONS)


def _struct(shape: Shape) -> str:
    options = "frozen=True, kw_only=True"
    if shape.tag is not None:
        options += f', tag="{shape.tag}"'
    if shape.written:
        options += ", omit_defaults=True"
    lines = [f"class {shape.name}(Struct, {options}):", _docstring(shape.doc)]
    if shape.fields:
        lines += ["", *(_field(field, shape.written) for field in shape.fields)]
    return "\n".join(lines) + "\n"


def _field(field: Field, written: bool) -> str:
    kind, doc = python_type(field.type, written), field.doc
    if field.default is UNSET:
        kind = f"{kind.removesuffix(' | None')} | UnsetType{' | None' if kind.endswith(' | None') else ''}"
    default = "" if field.default is NODEFAULT else f" = {_literal(field.default)}"
    values = [] if written else _values(field.type)
    if len(values) > 1:
        doc = f"{doc} One of: {', '.join(values)}.".strip()
    return f"    {field.name}: {kind}{default}" + (f"\n{_docstring(doc)}" if doc else "")


def python_type(kind: Type, written: bool) -> str:  # noqa: PLR0911 - one line for each
    """As it is written in an annotation."""
    match kind:
        case Named(name):
            return name
        case Choice(values):
            if written or not isinstance(values[0], str):
                return f"Literal[{', '.join(_literal(value) for value in values)}]"
            return "str"
        case Row(of):
            return f"tuple[{python_type(of, written)}, ...]"
        case Table(of):
            return f"dict[str, {python_type(of, written)}]"
        case Either(types):
            return " | ".join(dict.fromkeys(python_type(part, written) for part in types))
        case _:
            return PLAIN[kind]


def _values(kind: Type) -> list[str]:
    """The values that a field may have today."""
    match kind:
        case Choice(values):
            return [str(value) for value in values]
        case Row(of) | Table(of):
            return _values(of)
        case Either(types):
            return [value for part in types for value in _values(part)]
        case _:
            return []


def _literal(value: object) -> str:
    match value:
        case str():
            return msgspec.json.encode(value).decode()
        case tuple():
            inner = ", ".join(_literal(item) for item in value)
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case dict():
            return "{" + ", ".join(f"{_literal(key)}: {_literal(item)}" for key, item in value.items()) + "}"
        case Struct():
            return f"{type(value).__name__}()"
        case _ if value is UNSET:
            return "UNSET"
        case _:
            return repr(value)


def _docstring(text: str) -> str:
    lines = textwrap.wrap(f'"""{text}"""', WIDTH)
    return textwrap.indent("\n".join(lines), "    ")


def _union(name: str) -> str:
    doc, members = UNIONS[name]
    body = "".join(f"    {'| ' if at else ''}{member.__name__}\n" for at, member in enumerate(members))
    line = f"{name} = {' | '.join(member.__name__ for member in members)}\n"
    return (line if len(line) <= 121 else f"{name} = (\n{body})\n") + f'"""{doc}"""\n'
