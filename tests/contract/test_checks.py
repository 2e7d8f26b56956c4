"""The runner finds what it is there to find: a server that does wrong is told so."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from asyncapi.builder import asyncapi_document
from contracts.examples import JOB_ID
from tests.contract.contract import Channel, NotJsonObjectError, ViolationError, moves, parse, universe
from tests.contract.conversation import Findings, converse
from tests.contract.mutants import mutants

Script = Callable[[ServerConnection], Awaitable[None]]
DOCUMENT: Any = asyncapi_document()


def example(message: str, **changes: Any) -> dict[str, Any]:
    """The first example of a message, changed."""
    return {**DOCUMENT["components"]["messages"][message]["examples"][0]["payload"], **changes}


def error_example(code: str) -> dict[str, Any]:
    """The message of an error."""
    examples = DOCUMENT["components"]["messages"]["connection_error"]["examples"]
    return next(found["payload"] for found in examples if found["name"] == code)


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[str]:
    """The address of a server that does what it is told."""
    async with serve(script, "127.0.0.1", 0, compression=None) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        yield f"http://{host}:{port}"


async def findings_of(
    channel: str, said: list[dict[str, Any] | str | bytes], code: int = 1000, reason: str = ""
) -> Findings:
    """What is found of a server that says this and closes."""

    async def script(socket: ServerConnection) -> None:
        for frame in said:
            await socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)
        await socket.close(code, reason)

    findings = Findings()
    async with (
        scripted(script) as url,
        converse(url, Channel(channel, DOCUMENT), findings, "test", path="/any") as talk,
    ):
        await talk.end(code, reason)
    return findings


async def test_a_server_that_does_as_documented_is_found_to_do_so() -> None:
    findings = await findings_of("job", [example("status_update"), example("result", seq=2)])
    assert findings.violations == []
    assert {("message", "job", "status_update"), ("message", "job", "result"), ("close", "job", "1000", "")} <= (
        findings.exercised
    )


UPDATE = example("status_update")


@pytest.mark.parametrize(
    ("channel", "said", "code", "reason", "problem"),
    [
        ("job", [{**UPDATE, "more": 1}], 1000, "", "is none of the frames"),
        ("job", [{**UPDATE, "seq": "1"}], 1000, "", "is none of the frames"),
        ("job", [{**UPDATE, "timestamp": "yesterday"}], 1000, "", "is none of the frames"),
        (
            "job",
            [{name: value for name, value in UPDATE.items() if name != "progress"}],
            1000,
            "",
            "none of the frames",
        ),
        ("job", ["hello"], 1000, "", "no JSON object"),
        ("job", [b"bytes"], 1000, "", "a binary frame"),
        ("job", [example("reply.getInfo")], 1000, "", "none of the frames"),
        ("job", [UPDATE, {**UPDATE, "seq": 3}], 1000, "", "seq 3 after 1"),
        ("job", [UPDATE, {**UPDATE, "seq": 1}], 1000, "", "seq 1 after 1"),
        ("job", [example("result"), example("status_update", seq=13)], 1000, "", "in state 'finished'"),
        ("job", [example("server_pong")], 1000, "", "nobody has asked for"),
        ("job", [UPDATE], 4999, "", "which the document does not know"),
        ("job", [UPDATE], 1003, "OTHER", "which the document does not know"),
        ("job", [UPDATE], 1003, "WRONG_FRAME", "without connection_error before it"),
        ("job", [error_example("IDLE")], 1003, "WRONG_FRAME", "after IDLE"),
        ("job", [UPDATE], 1012, "SHUTTING_DOWN", "without session.closing before it"),
        ("job", [example("session.closing")], 1000, "", "closed with 1000"),
        ("session", [example("reply.getInfo")], 1012, "SHUTTING_DOWN", "in state 'new'"),
        ("session", [example("upload.ready")], 1012, "SHUTTING_DOWN", "in state 'new'"),
        ("session", [b"audio"], 1012, "SHUTTING_DOWN", "0 of a recording are missing"),
        ("session", [UPDATE], 1012, "SHUTTING_DOWN", "in state 'none'"),
    ],
)
async def test_what_is_against_the_document_is_found(
    channel: str, said: list[dict[str, Any] | str | bytes], code: int, reason: str, problem: str
) -> None:
    findings = await findings_of(channel, said, code, reason)
    assert any(problem in found for found in findings.violations), findings.violations


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (example("reply.getInfo", id="q"), None),
        (example("reply.getInfo", id="q", status=201), "not a reply.getInfo"),
        (example("reply.getQueueStatus", id="q"), "not a reply.getInfo"),
        (example("reply.getInfo", id="q", headers={}), "without X-Request-ID"),
        (example("reply.getInfo", id="other"), "in state 'new'"),
    ],
)
async def test_a_reply_is_held_against_the_operation_that_was_asked_for(
    reply: dict[str, Any], problem: str | None
) -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(json.dumps(reply))
        await socket.send(json.dumps(example("session.closing")))
        await socket.close(1012, "SHUTTING_DOWN")

    findings = Findings()
    async with scripted(script) as url, converse(url, Channel("session", DOCUMENT), findings, "test") as talk:
        await talk.send({"type": "request", "id": "q", "operation": "getInfo"})
        await talk.end(1012)
    if problem is None:
        assert findings.violations == []
    else:
        assert any(problem in found for found in findings.violations), findings.violations


async def test_a_frame_that_never_comes_is_a_violation() -> None:
    async def script(socket: ServerConnection) -> None:
        await socket.close(1000)

    async with scripted(script) as url, converse(url, Channel("job", DOCUMENT), Findings(), "test", path="/x") as talk:
        with pytest.raises(ViolationError, match="instead of"):
            await talk.expect("result", job_id=JOB_ID)


@pytest.mark.parametrize("text", ["[]", "1", "null", "{", "", '{"a": NaN}', '{"a": "\\ud800"}', '{"a": 1} x'])
def test_what_is_no_json_object_is_recognized(text: str) -> None:
    with pytest.raises(NotJsonObjectError):
        parse(text)


@pytest.mark.parametrize("name", ["job", "session"])
def test_every_message_of_a_client_has_mutants_of_every_kind(name: str) -> None:
    channel = Channel(name, DOCUMENT)
    found = list(mutants(channel))
    outcomes = {mutant.outcome(channel) for mutant in found}
    assert {"not JSON", "invalid", "client_ping"} <= outcomes
    for message, payload in channel.examples("client"):
        own = [mutant for mutant in found if mutant.label.startswith(message)]
        assert len(own) >= len(payload), message
    assert len({mutant.text for mutant in found}) == len(found)


def test_all_that_the_document_names_has_to_be_exercised() -> None:
    needed = universe(DOCUMENT)
    assert ("close", "job", "1008", "SLOW_READER") in needed
    assert ("message", "session", "reply.createJob") in needed
    assert ("error", "UPLOAD_STALLED") in needed
    assert ("refusal", "job", "INVALID_FIELD") in needed
    assert ("order", "session", "request", "asked", "server", "upload.ready") in moves(DOCUMENT)
