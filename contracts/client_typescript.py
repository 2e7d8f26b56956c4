"""The types of the contracts as the module `types.ts` of the client in JavaScript."""

import textwrap
from typing import Final

import msgspec
from msgspec import UNSET

from contracts.client_python import UNIONS
from contracts.client_types import HEAD, Choice, Either, Field, Kind, Named, Row, Shape, Table, Type, shapes
from contracts.live_audio import BYTES_PER_SAMPLE, SHORTEST_FRAME_MS

WIDTH: Final = 112
"""Columns of a comment."""
PLAIN: Final[dict[Kind, str]] = {
    "text": "string",
    "integer": "number",
    "number": "number",
    "flag": "boolean",
    "null": "null",
    "moment": "string",
    "anything": "unknown",
}


def typescript_types() -> str:
    """The text of the module."""
    head = (
        f"/**\n * What the server reads and writes, as types. {HEAD}\n *\n"
        " * A later server may write more fields, messages and values than are here; moments are RFC 3339.\n */\n\n"
        "/** A value that is none of those known here. */\nexport type Later = string & {};\n\n"
        "/** Bytes of one sample of one channel, by the encoding of live audio. */\n"
        f"export const BYTES_PER_SAMPLE = {msgspec.json.encode(BYTES_PER_SAMPLE).decode()} as const;\n\n"
        "/** Of a binary frame of live audio, but for the last one. */\n"
        f"export const SHORTEST_FRAME_MS = {SHORTEST_FRAME_MS};\n"
    )
    return head + "".join(f"\n{_interface(shape)}" for shape in shapes()) + "".join(_union(name) for name in UNIONS)


def _interface(shape: Shape) -> str:
    tag = "" if shape.tag is None else f"  type: {_text(shape.tag)};\n"
    body = "".join(_field(field, shape.written) for field in shape.fields)
    return f"{_comment(shape.doc)}export interface {shape.name} {{\n{tag}{body}}}\n"


def _field(field: Field, written: bool) -> str:
    # What the server writes it always writes, but for fields without a value.
    optional = field.default is UNSET or (written and field.default is not msgspec.NODEFAULT)
    comment = _comment(field.doc, "  ") if field.doc else ""
    return f"{comment}  {field.name}{'?' if optional else ''}: {typescript_type(field.type, written)};\n"


def typescript_type(kind: Type, written: bool) -> str:
    """As it is written in a declaration."""
    match kind:
        case Named(name):
            return name
        case Choice(values):
            known = [_text(value) for value in values]
            later = ["Later"] if not written and isinstance(values[0], str) and len(values) > 1 else []
            return " | ".join([*known, *later])
        case Row(of):
            inner = typescript_type(of, written)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case Table(of):
            return f"Record<string, {typescript_type(of, written)}>"
        case Either(types):
            return " | ".join(dict.fromkeys(typescript_type(part, written) for part in types))
        case _:
            return PLAIN[kind]


def _union(name: str) -> str:
    doc, members = UNIONS[name]
    return f"\n{_comment(doc)}export type {name} =\n" + "\n".join(f"  | {kind.__name__}" for kind in members) + ";\n"


def _comment(text: str, indent: str = "") -> str:
    lines = textwrap.wrap(text, WIDTH)
    if len(lines) == 1:
        return f"{indent}/** {text} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}\n" for line in lines) + f"{indent} */\n"


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
