"""What both clients make of servers, networks and users that are worse than ours."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec
import pytest
from anyio import create_task_group, create_tcp_listener, fail_after, sleep_forever
from anyio.abc import ByteStream, SocketAttribute
from websockets.asyncio.server import ServerConnection, serve

from callannotate_client import AsyncClient, CallAnnotateError, Client, watching
from callannotate_client.types import JobErrorMessage, JobFailure
from contracts.errors import FILE_TOO_LARGE, RATE_LIMITED, Fault
from contracts.jobs import ErrorBody, ErrorDetail
from runtime.engine import Engine
from tests.clients.cutter import Cutter
from tests.clients.javascript import ROOT, drive
from tests.clients.rude import LARGE, answer, rude
from tests.clients.test_python_jobs import files
from tests.web.serving import Server, serving, wav

JOB = "550e8400-e29b-41d4-a716-446655440000"


def refused(fault: Fault, *headers: str) -> bytes:
    detail = ErrorDetail(
        code=fault.code, message="no", retryable=fault.retryable, timestamp=datetime.now(UTC), request_id="req_1"
    )
    return answer(f"{fault.http_status} No", msgspec.json.encode(ErrorBody(detail)), *headers)


@pytest.mark.parametrize("fault", [FILE_TOO_LARGE, RATE_LIMITED], ids=lambda fault: fault.code)
async def test_an_answer_is_heard_while_a_recording_is_still_being_sent(fault: Fault) -> None:
    """Nobody reads the recording: who wanted to send all of it first would wait for ever."""
    early = refused(fault, "Retry-After: 1000")
    async with rude(lambda _: b"HTTP/1.1 103 Early Hints\r\n\r\n" + early, deaf=True) as server:
        with fail_after(20), pytest.raises(CallAnnotateError) as error:
            async with AsyncClient(server.url) as client:
                await client.submit(bytes(LARGE), filename="large.wav")
    assert (error.value.code, error.value.status) == (fault.code, fault.http_status)
    assert len(server.asked) == 1


async def test_a_connection_that_is_closed_while_a_recording_is_being_sent_is_no_answer() -> None:
    async with rude(lambda _: b"") as server:
        with fail_after(20), pytest.raises(CallAnnotateError) as error:
            async with AsyncClient(server.url, retries=1) as client:
                await client.submit(bytes(LARGE), filename="large.wav")
    assert (error.value.code, error.value.retryable) == ("UNREACHABLE", True)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("said", "in_python", "in_javascript", "times"),
    [
        (answer("200 OK", b'{"job'), "UNEXPECTED_ANSWER", "UNEXPECTED_ANSWER", 1),
        (answer("200 OK", b"<html>"), "UNEXPECTED_ANSWER", "UNEXPECTED_ANSWER", 1),
        (b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"job', "UNREACHABLE", "UNREACHABLE", 2),
        (answer("502 Bad Gateway", b"<html>"), "UNEXPECTED_ANSWER", "UNEXPECTED_ANSWER", 2),
        # It says of itself that it is damaged, or only breaks off.
        (answer("200 OK", b"{}", "Content-Encoding: gzip"), "UNEXPECTED_ANSWER", "UNREACHABLE", 1),
    ],
    ids=["half", "a page", "cut", "a proxy", "damaged"],
)
async def test_an_answer_that_is_none_is_an_error_like_any_other(
    said: bytes, in_python: str, in_javascript: str, times: int
) -> None:
    async with rude(lambda _: said) as server:
        with fail_after(30):
            async with AsyncClient(server.url, retries=1) as client:
                with pytest.raises(CallAnnotateError) as error:
                    await client.job(JOB)
                assert (error.value.code, len(server.asked)) == (in_python, times)
                with pytest.raises(CallAnnotateError):
                    await client.health()
        seen = await drive("rude", server.url)
    assert seen["job"]["code"] == in_javascript
    assert seen["health"]["code"]


@asynccontextmanager
async def sockets(talk: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """The address of a server of WebSockets that does nothing else."""
    async with serve(talk, "127.0.0.1", 0) as server:
        (listener,) = server.sockets
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


FAILED = msgspec.json.encode(
    JobErrorMessage(
        job_id=JOB, seq=1, error=JobFailure(code="DAMAGED", message="no"), timestamp=datetime(2026, 11, 22, tzinfo=UTC)
    )
).decode()


async def test_a_message_that_is_none_is_an_error_like_any_other() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send("hello")

    async with sockets(talk) as address:
        with fail_after(30), pytest.raises(CallAnnotateError) as error:
            async with AsyncClient(address) as client:
                await client.wait(JOB)
        seen = await drive("nonsense", address)
    assert {error.value.code, seen["watch"]["code"], seen["live"]["code"]} == {"UNEXPECTED_ANSWER"}


async def test_a_job_that_waits_is_followed_however_often_a_steady_connection_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is told between the cuts: what counts is the connection, and not what comes over it."""
    connections: list[ServerConnection] = []

    async def talk(socket: ServerConnection) -> None:
        connections.append(socket)
        if len(connections) % 4:
            socket.transport.abort()
        else:
            await socket.send(FAILED)

    monkeypatch.setattr(watching, "STEADY", 0.0)
    async with sockets(talk) as address:
        with fail_after(30):
            async with AsyncClient(address) as client:
                (message,) = [message async for message in client.watch(JOB, patience=0.001)]
        assert isinstance(message, JobErrorMessage)
        assert (await drive("steady", address))["seen"] == ["error"]
    assert len(connections) == 8


async def test_a_download_that_is_cut_is_begun_again(cutter: Cutter, tmp_path: Path) -> None:
    recording = wav(60.0)
    async with AsyncClient(cutter.url) as client:
        job = await client.submit(recording, filename="tone.wav")
        cutter.limits["down"] = 100_000
        with fail_after(30):
            await client.download_audio(job.job_id, tmp_path / "again.wav")
    assert {name: len(content) for name, content in files(tmp_path).items()} == {"again.wav": len(recording)}
    cutter.limits["down"] = 100_000
    assert (await drive("download", cutter.url, job.job_id))["size"] == len(recording)
    assert cutter.cuts == 2


async def test_an_operation_without_an_answer_answers_nothing(server: Server) -> None:
    async with AsyncClient(f"{server.host}:{server.port}") as client:
        one, other = [(await client.submit(wav(), filename="tone.wav")).job_id for _ in range(2)]
        await client.request("DELETE", f"/api/v1/jobs/{one}", type(None))
        assert (await drive("remove", client.url, f"/api/v1/jobs/{other}"))["value"] is None
        for job_id in (one, other):
            with pytest.raises(CallAnnotateError) as gone:
                await client.job(job_id)
            assert gone.value.code == "JOB_NOT_FOUND"


async def test_a_key_that_cannot_be_sent_is_refused_and_not_told() -> None:
    for key in ("cak_secret\nX-Evil: 1", "", " \n", "cak secret", "cak_\u0441ecret"):
        with pytest.raises(CallAnnotateError) as error:
            Client(api_key=key).__enter__()
        assert (error.value.code, "secret" in str(error.value)) == ("INVALID_KEY", False)
        seen = await drive("key", "127.0.0.1", json.dumps(key))
        assert (seen["code"], "secret" in json.dumps(seen)) == ("INVALID_KEY", False)


async def test_a_key_may_come_with_the_line_break_of_its_file(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, access="keys") as locked:
        _, key = await locked.service.access.make("file", ("read",), None)
        address = f"http://{locked.host}:{locked.port}"
        async with AsyncClient(address, api_key=f"{key}\n") as client:
            assert (await client.jobs()).total == 0
            with pytest.raises(CallAnnotateError) as error:
                await client.wait(JOB)
        assert error.value.code == "JOB_NOT_FOUND"
        seen = await drive("key", address, json.dumps(f"{key}\r\n"))
        assert seen["code"] == "JOB_NOT_FOUND"


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://[::1", "http://", "127.0.0.1:port"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(CallAnnotateError) as error:
        AsyncClient(address)
    assert error.value.code == "INVALID_ADDRESS"


async def test_a_file_whose_name_is_no_text_is_sent_nevertheless(server: Server, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.wav")
    path.write_bytes(wav())
    async with AsyncClient(f"{server.host}:{server.port}") as client:
        assert (await client.submit(path)).file_info.filename.endswith(".wav")


async def test_javascript_says_which_file_is_missing_and_refuses_what_is_none() -> None:
    seen = await drive("files", "127.0.0.1:1")
    assert seen["missing"]["code"] == "ENOENT"
    assert "no-such-file.wav" in seen["missing"]["message"]
    assert seen["nothing"]["name"] == "TypeError"


async def test_what_is_given_up_in_javascript_leaves_nothing_running(server: Server) -> None:
    """Whether the connection stands, is being made, or was not begun: the program ends by itself."""

    async def mute(stream: ByteStream) -> None:
        async with stream:
            await stream.receive()
            await sleep_forever()

    async with await create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as tasks:
        tasks.start_soon(listener.serve, mute)
        silent = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        with fail_after(15):
            seen = await drive("leaving", f"http://{server.host}:{server.port}", silent)
        tasks.cancel_scope.cancel()
    assert seen == {"watch": "enough", "live": "enough", "before": "enough", "closed": []}


INTERRUPTED = """
import signal, sys
from callannotate_client import Client

# As in the foreground: what a shell has put into the background ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
with Client(sys.argv[1]) as client:
    for message in client.watch(sys.argv[2]):
        print(message.status, flush=True)
"""


async def test_an_interrupt_while_a_job_is_followed_is_no_other_error(server: Server) -> None:
    async with server.held():
        job = await server.submit(wav())
        command = [sys.executable, "-c", INTERRUPTED, f"http://{server.host}:{server.port}", job["job_id"]]
        with fail_after(30):
            async with await anyio.open_process(command, cwd=ROOT, stdin=None) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                await process.stdout.receive()
                process.send_signal(signal.SIGINT)
                said = b"".join([block async for block in process.stderr])
    assert said.strip().endswith(b"KeyboardInterrupt")
    assert b"RuntimeError" not in said
