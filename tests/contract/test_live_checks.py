"""The runner finds what it is there to find in live sessions: a server that does wrong is told so."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from asyncapi.builder import asyncapi_document
from tests.contract.contract import Channel, moves, universe
from tests.contract.conversation import Findings, connected, reading
from tests.contract.live_talk import TELEPHONE, LiveTalk, Trail
from tests.contract.mutants import mutants

DOCUMENT: Any = asyncapi_document()
START = {"type": "session.start", "id": "m1", "audio": TELEPHONE}
RESUME = {"type": "session.resume", "id": "m9", "session_id": "s", "resume_token": "t", "last_seq": 2}


def example(message: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    """An example of a message, changed."""
    return {**DOCUMENT["components"]["messages"][message]["examples"][number]["payload"], **changes}


def error_example(code: str, **changes: Any) -> dict[str, Any]:
    """The message of an error."""
    examples = DOCUMENT["components"]["messages"]["live_error"]["examples"]
    return {**next(found["payload"] for found in examples if found["name"] == code), **changes}


@asynccontextmanager
async def scripted(said: list[dict[str, Any]], code: int, reason: str) -> AsyncIterator[str]:
    """The address of a server that says this once it has heard something, and closes."""

    async def script(socket: ServerConnection) -> None:
        await socket.recv()
        for message in said:
            await socket.send(json.dumps(message))
        await socket.close(code, reason)

    async with serve(script, "127.0.0.1", 0, compression=None) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        yield f"http://{host}:{port}"


async def findings_of(
    said: list[dict[str, Any]],
    code: int = 1000,
    reason: str = "",
    first: dict[str, Any] = START,
    trail: Trail | None = None,
) -> Findings:
    """What is found of a server that says this and closes."""
    findings = Findings()
    async with (
        scripted(said, code, reason) as url,
        connected(url, "/any") as socket,
        reading(LiveTalk(socket, Channel("live", DOCUMENT), findings, "test", trail or Trail())) as talk,
    ):
        await talk.send(first)
        await talk.end(code, reason)
    return findings


STARTED = example("session.started")
PARTIAL = example("transcript.partial", seq=2)
FINAL = example("transcript.final", seq=3)
ENDED = example("session.ended", in_reply_to=None, seq=4)


async def test_a_server_that_does_as_documented_is_found_to_do_so() -> None:
    findings = await findings_of([STARTED, PARTIAL, FINAL, ENDED])
    assert findings.violations == []
    assert {("message", "live", "transcript.final"), ("close", "live", "1000", "")} <= findings.exercised


@pytest.mark.parametrize(
    ("said", "code", "reason", "problem"),
    [
        ([STARTED, {**PARTIAL, "colour": 1}], 1002, "", "is none of the frames"),
        ([STARTED, {**PARTIAL, "segment_id": "one"}], 1002, "", "is none of the frames"),
        ([STARTED, {**PARTIAL, "start_ms": 0.5}], 1002, "", "is none of the frames"),
        ([STARTED, {**PARTIAL, "seq": 3}], 1002, "", "seq 3 after 1"),
        ([STARTED, {**PARTIAL, "seq": 1}], 1002, "", "seq 1 after 1"),
        ([{**STARTED, "seq": 0}], 1002, "", "seq 0 after None"),
        ([STARTED, {**PARTIAL, "revision": 2}], 1002, "", "revision 2 after"),
        ([STARTED, FINAL | {"seq": 2}, PARTIAL | {"seq": 3}], 1002, "", "after its final"),
        ([STARTED, FINAL | {"seq": 2}, FINAL], 1002, "", "a second final"),
        ([STARTED, FINAL | {"seq": 2, "text": "Something else."}], 1002, "", "the words are"),
        ([STARTED, FINAL | {"seq": 2, "text": "", "words": []}], 1002, "", "never had one"),
        ([STARTED, FINAL | {"seq": 2, "end_ms": 100}], 1002, "", "ends before it starts"),
        ([STARTED, example("speaker.updated", seq=2)], 1002, "", "which have no final"),
        ([STARTED, example("finalized", seq=2)], 1002, "", "'m2', which was not asked"),
        ([STARTED, example("finalized", seq=2, in_reply_to="m1")], 1002, "", "finalized answers session.start"),
        (
            [STARTED, example("audio.ack", seq=2), example("audio.ack", seq=3, bytes_received=7)],
            1002,
            "",
            "7 bytes are acknowledged after 8000",
        ),
        ([PARTIAL | {"seq": 1}], 1002, "", "in state 'starting'"),
        ([STARTED, ENDED | {"seq": 2}, PARTIAL | {"seq": 3}], 1000, "", "in state 'ended'"),
        ([STARTED], 1000, "", "closed with 1000 while session"),
        ([STARTED], 4408, "IDLE", "without live_error before it"),
        ([STARTED, error_example("TOO_FAST", seq=2)], 4408, "IDLE", "after TOO_FAST"),
        ([STARTED], 1012, "SHUTTING_DOWN", "without live_closing before it"),
        ([STARTED], 4999, "", "which the document does not know"),
        ([STARTED, error_example("EMPTY_FRAME", seq=2, fatal=True)], 1002, "", "told as fatal"),
        ([STARTED, error_example("TOO_FAST", seq=2, fatal=False)], 4429, "TOO_FAST", "told as not fatal"),
        ([STARTED, error_example("TOO_FAST", seq=2, advice="")], 4429, "TOO_FAST", "without advice"),
    ],
)
async def test_what_is_against_the_document_is_found(
    said: list[dict[str, Any]], code: int, reason: str, problem: str
) -> None:
    findings = await findings_of(said, code, reason)
    assert any(problem in found for found in findings.violations), findings.violations


def heard() -> Trail:
    """A session of which two messages were read."""
    return Trail(
        said={1: json.dumps(STARTED), 2: json.dumps(PARTIAL)},
        asked={"m1": "session.start"},
        revisions={"segment_1": 1},
        started=STARTED,
    )


RESUMED = example("session.resumed", seq=4)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ([FINAL, RESUMED, ENDED | {"seq": 5}], None),
        ([FINAL, ENDED], None),
        ([RESUMED | {"seq": 3}, FINAL | {"seq": 4}, ENDED | {"seq": 5}], None),
        ([PARTIAL, FINAL, RESUMED, ENDED | {"seq": 5}], "seq 2 after 2"),
        ([RESUMED, ENDED | {"seq": 5}], "seq 4 after 2"),
    ],
)
async def test_what_is_sent_again_goes_on_where_the_client_stopped(
    said: list[dict[str, Any]], problem: str | None
) -> None:
    findings = await findings_of(said, first=RESUME, trail=heard())
    if problem is None:
        assert findings.violations == []
    else:
        assert any(problem in found for found in findings.violations), findings.violations


async def test_what_is_sent_again_has_to_be_what_was_sent() -> None:
    changed = [STARTED, PARTIAL | {"text": "Something else"}, example("session.resumed", seq=3)]
    findings = await findings_of(changed, 1002, "", RESUME | {"last_seq": 0}, heard())
    assert any("seq 2 was" in found for found in findings.violations), findings.violations


async def test_a_refusal_of_the_connection_has_a_number_of_its_own() -> None:
    refused = error_example("UNKNOWN_SESSION", seq=1, in_reply_to="m9")
    findings = await findings_of([refused], 4404, "UNKNOWN_SESSION", RESUME, heard())
    assert findings.violations == []
    findings = await findings_of([refused | {"seq": 2}], 4404, "UNKNOWN_SESSION", RESUME, heard())
    assert any("seq 2 after 2" in found for found in findings.violations), findings.violations


def test_every_message_of_a_live_client_has_mutants_of_every_kind() -> None:
    channel = Channel("live", DOCUMENT)
    found = list(mutants(channel))
    assert {"not JSON", "invalid", "session.start", "config.update"} <= {mutant.outcome(channel) for mutant in found}
    for message, payload in channel.examples("client"):
        own = [mutant for mutant in found if mutant.label.startswith(message)]
        assert len(own) >= len(payload), message


def test_all_that_the_document_names_of_live_sessions_has_to_be_exercised() -> None:
    needed = universe(DOCUMENT)
    assert ("warning", "live", "partials_off") in needed
    assert ("warning", "live", "version_deprecated") not in needed
    assert ("refusal", "live", "LIVE_OVERLOADED") in needed
    assert ("close", "live", "4409", "TAKEN_OVER") in needed
    assert ("message", "live", "audio") in needed
    assert ("order", "live", "session", "resuming", "server", "session.resumed") in moves(DOCUMENT)
