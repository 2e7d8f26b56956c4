"""The clients' types say what the documents say."""

import re
from typing import Any, get_args

import msgspec
import pytest

from callannotate_client import types
from callannotate_client.async_client import decode_live
from contracts.client_types import LIVE_SERVER, shapes
from contracts.live_examples import LIVE_MESSAGES
from contracts.openapi import openapi_document
from tests.clients.javascript import PACKAGE

TYPESCRIPT = (PACKAGE / "src" / "types.ts").read_text()
SCHEMAS: Any = openapi_document()["components"]
OURS = sorted(name for name in SCHEMAS["schemas"] if not name.startswith("OpenAI"))
"""Whoever speaks OpenAI's interface has OpenAI's client."""


def interface(name: str) -> dict[str, bool]:
    """Fields of a type in TypeScript, and whether they may be left out."""
    body = TYPESCRIPT.split(f"export interface {name} {{")[1].split("\n}\n")[0]
    return {found[1]: found[2] == "?" for found in re.finditer(r"^  (\w+)(\??): ", body, re.MULTILINE)}


@pytest.mark.parametrize("name", OURS)
def test_a_type_has_the_fields_of_its_schema_in_both_languages(name: str) -> None:
    schema = SCHEMAS["schemas"][name]
    struct = getattr(types, name)
    assert {field.encode_name for field in msgspec.structs.fields(struct)} == set(schema["properties"])
    assert interface(name) == {field: field not in schema.get("required", ()) for field in schema["properties"]}


@pytest.mark.parametrize("kind", LIVE_SERVER, ids=lambda kind: str(kind.__name__))
def test_every_example_of_a_live_message_is_understood(kind: type[msgspec.Struct]) -> None:
    examples = [value for values in LIVE_MESSAGES.values() for value in values.values() if type(value) is kind]
    for example in examples:
        text = msgspec.json.encode(example)
        message = decode_live(text)
        assert message is not None
        assert msgspec.json.decode(msgspec.json.encode(message)) == msgspec.json.decode(text)


def test_all_messages_are_there() -> None:
    assert {kind.__name__ for kind in get_args(types.LiveServerMessage)} == {kind.__name__ for kind in LIVE_SERVER}
    assert all(f"export interface {shape.name} {{" in TYPESCRIPT for shape in shapes())
