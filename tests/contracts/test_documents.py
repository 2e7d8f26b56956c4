"""The documents: committed as they are built, complete, valid, and with examples that are true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import validate

from asyncapi.builder import asyncapi_document
from contracts.annotation import Annotation
from contracts.channel import Channel
from contracts.errors import CATALOGUE
from contracts.examples import ANNOTATION, MESSAGES, RESPONSES
from contracts.jobs import ErrorBody
from contracts.openai import OpenAIErrorBody
from contracts.openapi import openapi_document
from contracts.openapi_30 import openapi_30_document
from contracts.options import BINARY_FORMATS, Format
from contracts.route import Route
from contracts.routes import ROUTES, SESSION_ROUTES
from contracts.schemas import CLIENT_TYPES, ONE_OF, schemas_of
from contracts.websocket import CHANNELS
from web.cli.contracts import documents
from web.exports import render

ROOT = Path(__file__).parents[2]
Document = dict[str, Any]


@pytest.mark.parametrize("name", documents())
def test_a_committed_document_is_what_the_code_builds(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == documents()[name](), "run: callannotate contracts"


@pytest.mark.parametrize("name", ["contracts/openapi.yaml", "contracts/openapi-3.0.yaml"])
def test_openapi_is_valid(name: str) -> None:
    validate(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", [openapi_document(), openapi_30_document()], ids=["3.1", "3.0"])
def test_every_route_with_its_answers_and_errors_is_in_openapi(document: Document) -> None:
    described = {
        operation["operationId"]: (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(described) == {route.operation_id for route in ROUTES}
    for route in ROUTES:
        method, path, operation = described[route.operation_id]
        assert (method, path) == (route.method, route.path)
        names = {(parameter["in"], parameter["name"]) for parameter in operation["parameters"]}
        assert names >= {(parameter.place, parameter.name) for parameter in route.parameters}
        for response in route.responses:
            assert set(operation["responses"][str(response.status)].get("content", {})) == set(response.content)
        for fault in route.errors:
            status = route.status_of(fault)
            content = operation["responses"][str(status)]["content"]
            if fault.code in content["application/json"]["examples"]:
                continue
            # A status that has a body of its own, such as that of an unhealthy service.
            assert status in {response.status for response in route.responses}
        assert all("X-Request-ID" in response["headers"] for response in operation["responses"].values())


@pytest.mark.parametrize("kind", ONE_OF)
def test_a_schema_lets_through_as_many_of_its_alternatives_as_the_server(kind: type[msgspec.Struct]) -> None:
    schema: Any = {"$ref": f"#/components/schemas/{kind.__name__}", **openapi_document()}
    value = "4f0c7a1e-9b3d-4c52-a6e8-f17d2b905c3e"
    for sent in [{}, *({name: value} for name in ONE_OF[kind]), dict.fromkeys(ONE_OF[kind], value)]:
        try:
            msgspec.convert(sent, kind)
        except msgspec.ValidationError:
            taken = False
        else:
            taken = True
        assert taken == Draft202012Validator(schema).is_valid(sent) == (len(sent) == 1)


def test_every_link_leads_to_an_operation_and_names_its_parameters() -> None:
    routes = {route.operation_id: route for route in ROUTES}
    operations = [operation for methods in _paths().values() for operation in methods.values()]
    links = [
        link
        for operation in operations
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert links
    for link in links:
        required = {parameter.name for parameter in routes[link["operationId"]].parameters if parameter.required}
        assert set(link["parameters"]) == required


def _paths() -> Document:
    paths: Document = openapi_document()["paths"]  # type: ignore[assignment]
    return paths


def _openapi_examples(document: Document) -> Iterator[tuple[str, Document, object]]:
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                yield f"{operation['operationId']} {parameter['name']}", parameter["schema"], parameter["example"]
            for status, response in operation["responses"].items():
                for media_type, entry in response.get("content", {}).items():
                    for name, example in entry.get("examples", {}).items():
                        referred = example.get("$ref", "").rpartition("/")[2]
                        value = document["components"]["examples"][referred] if referred else example
                        yield (
                            f"{operation['operationId']} {status} {media_type} {name}",
                            entry["schema"],
                            value["value"],
                        )
    for name, header in document["components"]["headers"].items():
        yield f"header {name}", header["schema"], header["example"]


def test_every_example_of_openapi_validates() -> None:
    document: Document = openapi_document()
    found = list(_openapi_examples(document))
    assert len(found) > 100
    for name, schema, value in found:
        validator = Draft202012Validator(
            {**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        assert [error.message for error in validator.iter_errors(value)] == [], name


def test_every_example_of_openapi_30_validates() -> None:
    document: Document = openapi_30_document()
    for name, schema, value in _openapi_examples(document):
        root = {**schema, "components": document["components"]}
        validator = OAS30Validator(root, format_checker=oas30_format_checker)
        assert [error.message for error in validator.iter_errors(value)] == [], name


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_every_answer_and_every_error_of_a_route_has_an_example(route: Route) -> None:
    operation = _paths()[route.path][route.method.lower()]
    for response in route.responses:
        for media_type, kind in response.content.items():
            if kind in {bytes, dict}:
                # Audio cannot be shown, and a document needs none of itself.
                continue
            assert operation["responses"][str(response.status)]["content"][media_type]["examples"], media_type


def test_every_error_has_both_languages_and_an_example_in_the_documents() -> None:
    openapi, asyncapi = openapi_document(), asyncapi_document()
    stated = {*openapi["x-errors"], *asyncapi["x-errors"]}  # type: ignore[misc]
    served = {code for code, fault in CATALOGUE.items() if fault.exit_code is None}
    assert served <= stated
    examples: Document = openapi["components"]["examples"]  # type: ignore[index]
    own = {fault.code for route in ROUTES if route.tag != "OpenAI" for fault in route.errors}
    others = {fault.code for route in ROUTES if route.tag == "OpenAI" for fault in route.errors}
    assert own | {f"openai.{code.lower()}" for code in others} == set(examples)
    for name, example in examples.items():
        kind: Any = OpenAIErrorBody if name.startswith("openai.") else ErrorBody
        assert msgspec.convert(example["value"], kind).error.code == name.removeprefix("openai.")


def test_transcripts_in_the_examples_are_those_of_the_result_beside_them() -> None:
    shown = RESPONSES["getJobResult", 200]
    for kind in get_args(Format):
        if kind != "json" and kind not in BINARY_FORMATS:
            assert str(shown[kind]).strip() in render(ANNOTATION, kind, "audio").decode()
    assert msgspec.convert(msgspec.to_builtins(ANNOTATION), Annotation) == ANNOTATION


def _messages() -> Document:
    messages: Document = asyncapi_document()["components"]["messages"]  # type: ignore[index]
    return messages


@pytest.mark.parametrize("name", _messages())
def test_every_message_has_examples_and_they_validate(name: str) -> None:
    message = _messages()[name]
    assert message["examples"]
    schema = {**message["payload"], "components": asyncapi_document()["components"]}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for example in message["examples"]:
        assert [error.message for error in validator.iter_errors(example["payload"])] == [], example["name"]


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_frame_of_a_channel_is_in_asyncapi_and_in_an_operation(channel: Channel) -> None:
    document: Document = asyncapi_document()
    described = document["channels"][channel.name]
    assert described["address"] == channel.path
    frames = {_messages()[name]["x-frame"] for name in described["messages"]}
    assert frames == {message.name for message in channel.messages}
    used = {
        reference["$ref"]
        for operation in document["operations"].values()
        for reference in [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
    }
    unused = {f"#/channels/{channel.name}/messages/{name}" for name in described["messages"]} - used
    assert unused == set()
    assert [close["code"] for close in described["x-close-codes"]] == [close.code for close in channel.close_codes]


def test_every_operation_of_rest_is_an_operation_of_the_websocket() -> None:
    messages = _messages()
    assert {route.operation_id for route in ROUTES} - {route.operation_id for route in SESSION_ROUTES} == {
        "createLogin",
        "deleteLogin",
        "createTranscription",
        "createTranslation",
        "listModels",
        "getModel",
    }
    for route in SESSION_ROUTES:
        assert {f"request.{route.operation_id}", f"reply.{route.operation_id}"} <= set(messages)
        told = {example["name"] for example in messages[f"reply.{route.operation_id}"]["examples"]}
        assert set(messages[f"reply.{route.operation_id}"]["x-errors"]) <= told


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_the_order_knows_every_text_message_and_only_those_of_its_channel(channel: Channel) -> None:
    moves = {(step.sender, step.message) for machine in channel.machines for step in machine.transitions}
    assert moves <= {(message.sender, message.name) for message in channel.messages}
    text = {(message.sender, message.name) for message in channel.messages if message.type is not bytes}
    assert text <= moves
    for machine in channel.machines:
        left = {step.state for step in machine.transitions}
        reached = {machine.start, *(step.to for step in machine.transitions)}
        assert left <= reached
        assert set(machine.may_close) <= reached


def test_what_the_server_writes_has_every_field_and_what_a_client_writes_only_what_it_must() -> None:
    schemas = schemas_of([*CLIENT_TYPES, ErrorBody])
    assert schemas["ErrorDetail"]["required"] == list(schemas["ErrorDetail"]["properties"])  # type: ignore[call-overload]
    assert schemas["Subscribe"]["required"] == ["type", "id", "job_id"]
    assert "required" not in schemas["JobRequest"]


def test_every_message_decodes_as_the_type_it_is_an_example_of() -> None:
    for name, examples in MESSAGES.items():
        for example in examples.values():
            assert msgspec.json.decode(msgspec.json.encode(example), type=type(example)) == example, name


def test_the_lock_of_the_node_checks_has_hashes_and_no_addresses_of_packages() -> None:
    lock = json.loads((ROOT / "tests" / "contract" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
