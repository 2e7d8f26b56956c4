"""`/v1/ws`: every operation of REST, uploads in binary frames, subscriptions to many jobs."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from anyio import create_task_group, fail_after
from websockets.asyncio.client import ClientConnection

from contracts.errors import CATALOGUE
from contracts.jobs import ErrorBody, Job
from contracts.routes import SESSION_ROUTES
from runtime.engine import Engine
from runtime.upload import Upload
from tests.web.raw import frame, handshake, wire
from tests.web.serving import Server, closed, next_json, serving, wav

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
LIMIT = 1_000_000


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, max_file_size=LIMIT, upload_stall_timeout=0.5) as running:
        yield running


@pytest.fixture
async def socket(server: Server) -> AsyncIterator[ClientConnection]:
    async with server.socket("/v1/ws") as open_socket:
        yield open_socket


async def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def ask(socket: ClientConnection, operation: str, request_id: str = "1", **fields: Any) -> Any:
    """The reply to a request."""
    await say(socket, "request", id=request_id, operation=operation, **fields)
    reply = await next_json(socket, "reply")
    assert reply["id"] == request_id
    return reply


async def upload(socket: ClientConnection, audio: bytes, request_id: str = "up", **fields: Any) -> Any:
    """The reply to an upload in frames of at most what the server asks for."""
    await say(socket, "request", id=request_id, operation="createJob", filename="call.wav", **fields)
    ready = await next_json(socket, "upload.ready", "reply")
    if ready["type"] == "reply":
        return ready
    size = ready["max_frame_bytes"]
    for start in range(0, len(audio), size):
        await socket.send(audio[start : start + size])
    await say(socket, "upload.end", id=request_id, size=len(audio))
    return await next_json(socket, "reply")


def assert_refused(reply: Any, code: str) -> None:
    error = msgspec.convert(reply["body"], ErrorBody, strict=False).error
    assert (reply["status"], error.code) == (CATALOGUE[code].http_status, code)
    assert error.request_id == reply["headers"]["X-Request-ID"]


async def test_every_operation_answers_as_rest_does(server: Server, socket: ClientConnection) -> None:
    job = await server.submit(wav())
    await server.completed(job["job_id"])
    for route in SESSION_ROUTES:
        if route.upload or route.method == "DELETE":
            continue
        known = {"job_id": job["job_id"]}
        parameters = {p.name: known.get(p.name, p.example) for p in route.parameters if p.required}
        body = {} if route.body is None else {"body": msgspec.to_builtins(route.body_example)}
        reply = await ask(socket, route.operation_id, parameters=parameters, **body)
        response = await server.http.request(
            route.method, route.path.format(**parameters), json=body["body"] if body else None
        )
        assert (reply["status"], reply["headers"]["Content-Type"]) == (
            response.status_code,
            response.headers["Content-Type"],
        )
        if route.operation_id == "getJobAudio":
            assert await socket.recv() == response.content
        elif route.operation_id in ("getJob", "getJobResult", "listJobs", "getOpenapi", "getAsyncapi"):
            assert reply["body"] == response.json()
    assert (await ask(socket, "deleteJob", parameters={"job_id": job["job_id"]})) | {"headers": {}} == {
        "type": "reply", "id": "1", "status": 204, "headers": {}, "body": None,
    }  # fmt: skip
    assert (await server.http.get(job["progress_url"])).status_code == 404


async def test_a_recording_in_binary_frames_becomes_a_job(server: Server, socket: ClientConnection) -> None:
    audio = wav(20.0)
    reply = await upload(socket, audio, metadata={"description": "over a socket", "mine": 1})
    assert reply["status"] == 201
    job = msgspec.convert(reply["body"], Job, strict=False)
    assert (job.file_info.size, job.metadata["mine"]) == (len(audio), 1)
    assert reply["headers"]["Location"] == job.progress_url
    assert (await server.http.get(job.progress_url + "/audio")).content == audio


async def test_a_text_format_is_a_string(server: Server, socket: ClientConnection) -> None:
    job = await server.submit(wav())
    await server.completed(job["job_id"])
    reply = await ask(socket, "getJobResult", parameters={"job_id": job["job_id"], "format": "vtt"})
    assert reply["body"].startswith("WEBVTT")
    by_accept = await ask(socket, "getJobResult", parameters={"job_id": job["job_id"], "Accept": "text/vtt"})
    assert by_accept["body"] == reply["body"]


async def test_a_recording_comes_in_binary_frames_after_its_reply(server: Server, socket: ClientConnection) -> None:
    audio = wav(40.0)
    job = await server.submit(audio)
    reply = await ask(socket, "getJobAudio", parameters={"job_id": job["job_id"]})
    found = b""
    with fail_after(10):
        while len(found) < int(reply["headers"]["Content-Length"]):
            block = await socket.recv()
            assert isinstance(block, bytes)
            found += block
    assert found == audio
    reply = await ask(socket, "getJobAudio", parameters={"job_id": job["job_id"], "Range": "bytes=10-19"})
    assert (reply["status"], await socket.recv()) == (206, audio[10:20])


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("dance", {}, "ROUTE_NOT_FOUND"),
        ("getJob", {"job_id": UNKNOWN}, "JOB_NOT_FOUND"),
        ("getJob", {}, "INVALID_FIELD"),
        ("getJob", {"job_id": UNKNOWN, "surprise": 1}, "INVALID_FIELD"),
        ("listJobs", {"limit": 0}, "INVALID_FIELD"),
        ("listJobs", {"limit": True}, "INVALID_FIELD"),
        ("createJob", {"Idempotency-Key": "with space"}, "INVALID_FIELD"),
    ],
)
async def test_a_request_that_is_not_right_gets_the_reply_that_rest_gives(
    socket: ClientConnection, operation: str, parameters: Any, code: str
) -> None:
    assert_refused(await ask(socket, operation, parameters=parameters), code)
    assert (await ask(socket, "getInfo"))["status"] == 200


@pytest.mark.parametrize(
    ("text", "in_reply_to"),
    [
        ('{"type": "dance", "id": "7"}', "7"),
        ('{"type": "request", "id": "8"}', "8"),
        ('{"type": "request", "id": 8, "operation": "getInfo"}', None),
        ('{"type": "request", "id": "", "operation": "getInfo"}', None),
        ('{"type": "subscribe", "id": "9", "job_id": "x", "after_seq": -1}', "9"),
        ('{"type": "upload.end", "id": "10", "size": 0}', "10"),
        ('{"type": "result"}', None),
        ("{}", None),
    ],
)
async def test_a_message_that_does_not_belong_is_told_and_the_connection_stays(
    socket: ClientConnection, text: str, in_reply_to: str | None
) -> None:
    await socket.send(text)
    message = await next_json(socket, "error")
    assert (message["error"]["code"], message["in_reply_to"]) == ("INVALID_MESSAGE", in_reply_to)
    assert (await ask(socket, "getInfo"))["status"] == 200


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("{broken", 1007, "INVALID_JSON"),
        ('{"type": "request", "id": "\\ud800", "operation": "getInfo"}', 1007, "INVALID_JSON"),
        (b"bytes of nothing", 1003, "WRONG_FRAME"),
        (b"", 1003, "WRONG_FRAME"),
    ],
)
async def test_a_frame_that_cannot_be_taken_ends_the_connection(
    socket: ClientConnection, sent: str | bytes, code: int, reason: str
) -> None:
    await socket.send(sent)
    found = await closed(socket)
    assert (*found[:2], found[2][-1]["error"]["code"]) == (code, reason, reason)


async def test_an_id_in_flight_is_refused(socket: ClientConnection) -> None:
    await say(socket, "request", id="up", operation="createJob")
    await next_json(socket, "upload.ready")
    await say(socket, "request", id="up", operation="getInfo")
    assert (await next_json(socket))["error"]["code"] == "INVALID_MESSAGE"
    await say(socket, "upload.end", id="up", size=0)
    assert_refused(await next_json(socket, "reply"), "FILE_EMPTY")


async def test_other_requests_are_answered_during_an_upload(socket: ClientConnection) -> None:
    audio = wav(1.0)
    await say(socket, "request", id="up", operation="createJob")
    await next_json(socket, "upload.ready")
    await socket.send(audio[:1000])
    assert (await ask(socket, "getInfo", "info"))["status"] == 200
    assert_refused(await ask(socket, "createJob", "second"), "UPLOAD_IN_PROGRESS")
    await socket.send(audio[1000:])
    await socket.send(b"")
    await say(socket, "upload.end", id="up", size=len(audio))
    assert (await next_json(socket, "reply"))["status"] == 201


async def test_an_upload_that_is_refused_in_the_middle_leaves_the_connection_usable(
    socket: ClientConnection,
) -> None:
    await say(socket, "request", id="up", operation="createJob")
    await next_json(socket, "upload.ready")
    for _ in range(15):
        await socket.send(bytes(100_000))
    assert_refused(await next_json(socket, "reply"), "FILE_TOO_LARGE")
    await socket.send(b"still on its way")
    await say(socket, "upload.end", id="up", size=1_500_000)
    assert (await upload(socket, wav(), "again"))["status"] == 201


async def test_a_new_upload_may_follow_a_refused_one_that_never_ended(socket: ClientConnection) -> None:
    await say(socket, "request", id="up", operation="createJob")
    await next_json(socket, "upload.ready")
    assert_refused(await next_json(socket, "reply"), "UPLOAD_STALLED")
    assert (await upload(socket, wav(), "again"))["status"] == 201


@pytest.mark.parametrize(
    ("audio", "size", "code"),
    [(wav(), 5, "MALFORMED_UPLOAD"), (b"no recording", 12, "UNSUPPORTED_FORMAT"), (b"", 0, "FILE_EMPTY")],
)
async def test_a_recording_that_is_not_right_is_refused(
    socket: ClientConnection, audio: bytes, size: int, code: str
) -> None:
    await say(socket, "request", id="up", operation="createJob", filename="../x.wav")
    await next_json(socket, "upload.ready")
    if audio:
        await socket.send(audio)
    await say(socket, "upload.end", id="up", size=size)
    assert_refused(await next_json(socket, "reply"), code)


async def test_nothing_is_kept_of_a_client_that_goes_away_in_the_middle(server: Server) -> None:
    folder = server.service.settings.volume_path / "incoming" / ".uploads"
    async with server.socket("/v1/ws") as socket:
        await say(socket, "request", id="up", operation="createJob")
        await next_json(socket, "upload.ready")
        await socket.send(bytes(1000))
        assert list(folder.iterdir())
    with fail_after(10):
        while list(folder.iterdir()):
            await anyio.lowlevel.checkpoint()


async def test_messages_of_many_jobs_come_over_one_connection(server: Server, socket: ClientConnection) -> None:
    async with server.held():
        jobs = [(await server.submit(wav()))["job_id"] for _ in range(5)]
        for job_id in jobs:
            await say(socket, "subscribe", id=job_id, job_id=job_id)
            reply = await next_json(socket, "reply")
            assert (reply["status"], reply["body"]["job_id"]) == (200, job_id)
    seen: dict[str, list[Any]] = {job_id: [] for job_id in jobs}
    while not all(said and said[-1]["type"] == "result" for said in seen.values()):
        message = await next_json(socket, "status_update", "result")
        seen[message["job_id"]].append(message)
    for said in seen.values():
        numbers = [message["seq"] for message in said]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_unsubscribing_ends_the_messages_and_subscribing_again_replaces(
    server: Server, socket: ClientConnection, recording: bytes
) -> None:
    async with server.held():
        job = await server.submit(recording, name="a.flac")
        await say(socket, "subscribe", id="1", job_id=job["job_id"])
        await say(socket, "subscribe", id="2", job_id=job["job_id"])
        await say(socket, "unsubscribe", id="3", job_id=job["job_id"])
        replies = [await next_json(socket, "reply") for _ in range(3)]
        assert {reply["id"]: reply["status"] for reply in replies} == {"1": 200, "2": 200, "3": 204}
        await say(socket, "unsubscribe", id="4", job_id=UNKNOWN)
        assert (await next_json(socket, "reply"))["status"] == 204
        assert (await server.http.delete(job["progress_url"])).status_code == 204
    await say(socket, "ping")
    assert (await next_json(socket))["type"] == "pong"


async def test_a_subscription_to_an_unknown_job_is_404(socket: ClientConnection) -> None:
    await say(socket, "subscribe", id="1", job_id=UNKNOWN)
    assert_refused(await next_json(socket, "reply"), "JOB_NOT_FOUND")


async def test_a_subscribed_job_that_is_deleted_is_told_and_the_connection_stays(
    server: Server, socket: ClientConnection
) -> None:
    async with server.held():
        first, second = [await server.submit(wav(2.0)) for _ in range(2)]
        await say(socket, "subscribe", id="sub", job_id=second["job_id"])
        await next_json(socket, "reply")
        await say(socket, "request", id="del", operation="deleteJob", parameters={"job_id": second["job_id"]})
        said = {message["type"]: message for message in [await next_json(socket, "reply", "error") for _ in range(2)]}
        assert (said["reply"]["id"], said["reply"]["status"]) == ("del", 204)
        assert (said["error"]["error"]["code"], said["error"]["in_reply_to"]) == ("JOB_NOT_FOUND", "sub")
    assert (await ask(socket, "getInfo"))["status"] == 200
    await server.http.delete(first["progress_url"])


async def test_requests_over_the_rate_limit_get_429(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, rate_limit=3) as server, server.socket("/v1/ws") as socket:
        replies = [await ask(socket, "getInfo") for _ in range(4)]
        assert [reply["status"] for reply in replies] == [200, 200, 429, 429]
        assert_refused(replies[-1], "RATE_LIMITED")
        assert int(replies[-1]["headers"]["Retry-After"]) > 0
        assert replies[-1]["headers"]["X-RateLimit-Remaining"] == "0"
        for _ in range(3):
            await say(socket, "ping")
        assert (await closed(socket))[:2] == (4429, "RATE_LIMITED")


async def test_a_slow_disk_slows_the_sender_down(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is written, only the buffers' worth of an endless upload is taken from the sender."""
    gate = anyio.Event()
    write = Upload.write

    async def waiting(upload: Upload, data: bytes) -> None:
        await gate.wait()
        await write(upload, data)

    monkeypatch.setattr(Upload, "write", waiting)
    sent = 0
    async with wire(server) as stream:
        await handshake(stream, "/v1/ws")
        await stream.send(frame(1, b'{"type": "request", "id": "1", "operation": "createJob"}'))
        with anyio.move_on_after(1.0):
            while sent < 1_000_000_000:
                await stream.send(frame(2, bytes(64 * 1024)))
                sent += 64 * 1024
        gate.set()
    assert sent < 20_000_000


async def test_a_client_that_does_not_read_is_cut_off_with_1008(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.connections.SEND_TIMEOUT", 0.5)
    async with wire(server) as stream:
        await handshake(stream, "/v1/ws")
        requests = [
            frame(1, json.dumps({"type": "request", "id": str(number), "operation": "getOpenapi"}).encode())
            for number in range(500)
        ]
        async with create_task_group() as tasks:
            tasks.start_soon(stream.send, b"".join(requests))
            gone = b"\x88" + bytes([2 + len("SLOW_READER")]) + (1008).to_bytes(2) + b"SLOW_READER"
            with fail_after(30):
                while server.service.stopping.is_set() or not await cut_off(server):
                    await anyio.lowlevel.checkpoint()
            said = b""
            with fail_after(30):
                while gone not in said[-200:]:
                    said += await stream.receive()
            tasks.cancel_scope.cancel()


async def cut_off(server: Server) -> bool:
    """Whether the one connection has been given up."""
    metrics = (await server.http.get("/metrics")).text
    return any(
        line.startswith("callannotate_websocket_sessions ") and float(line.split()[1]) == 0
        for line in metrics.splitlines()
    )


async def test_log_lines_of_an_operation_have_its_request_id(server: Server, socket: ClientConnection) -> None:
    reply = await upload(socket, wav())
    request_id = reply["headers"]["X-Request-ID"]
    log = server.service.settings.volume_path / "logs" / "callannotate.jsonl"
    found: set[str] = set()
    with fail_after(10):
        while not found >= {"job_created", "operation_completed"}:
            await anyio.lowlevel.checkpoint()
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            found = {line["event"] for line in lines if line.get("request_id") == request_id}
