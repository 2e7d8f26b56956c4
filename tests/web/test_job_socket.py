"""`/ws/{job_id}`: the messages of one job, and every way in which the connection ends."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anyio import create_task_group, fail_after
from websockets.exceptions import ConnectionClosed, InvalidStatus

from contracts.job_messages import ConnectionErrorMessage, JobErrorMessage, ResultMessage, StatusUpdate
from runtime.engine import Engine
from runtime.service import JobService
from tests.web.raw import close_code, frame, handshake, read_until_closed, wire
from tests.web.serving import Server, closed, next_json, serving, wav

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine) as running:
        yield running


@pytest.fixture
async def held_job(server: Server, recording: bytes) -> AsyncIterator[Any]:
    """A job that has begun and does not come any further while the test runs."""
    async with server.held():
        job = await server.submit(recording, name="held.flac")
        async with server.socket(job["websocket_url"]) as socket:
            while (await next_json(socket))["status"] != "processing":
                pass
        yield job
    await server.http.delete(job["progress_url"])


async def test_every_message_comes_in_order_and_1000_follows_the_result(server: Server, recording: bytes) -> None:
    async with server.held():
        job = await server.submit(recording, name="call.flac")
        socket = await server.socket(job["websocket_url"])
        first = await next_json(socket)
        assert first["status"] in ("queued", "processing")
    code, _, said = await closed(socket)
    messages = [first, *said]
    assert code == 1000
    assert [message["seq"] for message in messages] == list(range(first["seq"], first["seq"] + len(messages)))
    updates = [msgspec.convert(message, StatusUpdate, strict=False) for message in messages[:-1]]
    percentages = [update.progress.percentage for update in updates]
    assert percentages == sorted(percentages)
    result = msgspec.convert(messages[-1], ResultMessage, strict=False)
    assert result.result.metadata.speaker_count == 2
    stored = await server.http.get(job["progress_url"] + "/result")
    assert stored.json()["result"] == messages[-1]["result"]


async def test_a_completed_job_tells_its_result_at_once(server: Server) -> None:
    job = await server.submit(wav())
    await server.completed(job["job_id"])
    code, _, said = await closed(await server.socket(job["websocket_url"]))
    assert (code, [message["type"] for message in said]) == (1000, ["result"])


async def test_what_was_missed_is_replayed(server: Server) -> None:
    job = await server.submit(wav())
    last = json.loads(await server.completed(job["job_id"]))
    code, _, said = await closed(await server.socket(job["websocket_url"] + "?after_seq=1"))
    assert code == 1000
    assert [message["seq"] for message in said] == list(range(2, last["seq"] + 1))
    code, _, nothing = await closed(await server.socket(job["websocket_url"] + f"?after_seq={last['seq']}"))
    assert (code, nothing) == (1000, [])


async def test_messages_that_are_gone_are_told(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, replay_buffer=1) as server:
        job = await server.submit(wav())
        await server.completed(job["job_id"])
        _, _, said = await closed(await server.socket(job["websocket_url"] + "?after_seq=0"))
        assert said[0]["error"]["code"] == "MESSAGES_GONE"
        assert said[1]["type"] == "result"


async def test_a_failed_job_tells_its_error_and_ends_with_1000(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the network broke")

    monkeypatch.setattr(type(server.engine.segmentation), "scores", broken)
    job = await server.submit(wav(3.0))
    code, _, said = await closed(await server.socket(job["websocket_url"]))
    error = msgspec.convert(said[-1], JobErrorMessage, strict=False).error
    assert (code, error.code, error.stage) == (1000, "PROCESSING_FAILED", "diarization")
    russian = {"Accept-Language": "ru"}
    _, _, said = await closed(await server.socket(job["websocket_url"], additional_headers=russian))
    asked = (await server.http.get(job["progress_url"], headers=russian)).json()
    page = (await server.http.get("/api/v1/jobs", params={"status": "failed"}, headers=russian)).json()
    listed = next(own for own in page["jobs"] if own["job_id"] == job["job_id"])
    told = error.told_in("ru").message
    assert told != error.message
    assert [said[-1]["error"]["message"], asked["error"]["message"], listed["error"]["message"]] == [told] * 3


async def test_an_unknown_job_is_told_and_closed_with_4404(server: Server) -> None:
    for path in (f"/ws/{UNKNOWN}", "/ws/nothing", "/ws/..%5cx"):
        code, reason, said = await closed(await server.socket(path))
        assert (code, reason) == (4404, "JOB_NOT_FOUND")
        assert msgspec.convert(said[0], ConnectionErrorMessage, strict=False).error.code == "JOB_NOT_FOUND"


async def test_a_job_that_is_deleted_while_it_is_watched_ends_with_4404(server: Server, held_job: Any) -> None:
    socket = await server.socket(held_job["websocket_url"])
    await next_json(socket)
    assert (await server.http.delete(held_job["progress_url"])).status_code == 204
    code, reason, said = await closed(socket)
    assert (code, reason, said[-1]["error"]["code"]) == (4404, "JOB_NOT_FOUND", "JOB_NOT_FOUND")


@pytest.mark.parametrize(("path", "status"), [("/ws/x?after_seq=-1", 400), ("/ws/x?after_seq=y", 400), ("/wss", 404)])
async def test_a_wrong_url_is_refused_before_the_handshake(server: Server, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await server.socket(path)
    assert refused.value.response.status_code == status
    told = json.loads(refused.value.response.body)["error"]
    assert told["request_id"] == refused.value.response.headers["X-Request-ID"]


async def test_errors_of_a_connection_speak_russian_to_those_who_prefer_it(server: Server) -> None:
    headers = {"Accept-Language": "ru"}
    _, _, said = await closed(await server.socket(f"/ws/{UNKNOWN}", additional_headers=headers))
    assert "нет" in said[0]["error"]["message"]


async def test_a_ping_is_answered_with_its_timestamp(server: Server, held_job: Any) -> None:
    async with server.socket(held_job["websocket_url"]) as socket:
        await next_json(socket)
        for sent, answered in (('"2025-07-26T18:04:00Z"', "2025-07-26T18:04:00Z"), ("null", None)):
            await socket.send(f'{{"type": "ping", "timestamp": {sent}}}')
            assert await next_json(socket, "pong") == {"type": "pong", "timestamp": answered}
        await socket.send('{"type": "ping"}')
        assert await next_json(socket, "pong")


@pytest.mark.parametrize(
    "text", ['{"type": "dance"}', "{}", '{"type": "ping", "timestamp": 7}', '{"type": "subscribe", "id": "1"}']
)
async def test_a_message_that_does_not_belong_is_told_and_the_connection_stays(
    server: Server, held_job: Any, text: str
) -> None:
    async with server.socket(held_job["websocket_url"]) as socket:
        await next_json(socket)
        await socket.send(text)
        assert (await next_json(socket, "error"))["error"]["code"] == "INVALID_MESSAGE"
        await socket.send('{"type": "ping"}')
        assert await next_json(socket, "pong")


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("{broken", 1007, "INVALID_JSON"),
        ("[]", 1007, "INVALID_JSON"),
        ("", 1007, "INVALID_JSON"),
        (b"binary", 1003, "WRONG_FRAME"),
        (b"", 1003, "WRONG_FRAME"),
        ("x" * 20_000_000, 1009, "MESSAGE_TOO_BIG"),
        (b"x" * 2_000_000, 1009, "MESSAGE_TOO_BIG"),
    ],
    ids=["broken", "array", "empty", "binary", "empty binary", "20 MB of text", "2 MB of bytes"],
)
async def test_a_frame_that_cannot_be_taken_ends_the_connection(
    server: Server, held_job: Any, sent: str | bytes, code: int, reason: str
) -> None:
    socket = await server.socket(held_job["websocket_url"])
    await next_json(socket)
    async with create_task_group() as tasks:

        async def send() -> None:
            with suppress(ConnectionClosed):
                await socket.send(sent)

        tasks.start_soon(send)
        found = await closed(socket)
    assert found[:2] == (code, reason)
    errors = [message["error"]["code"] for message in found[2] if message["type"] == "error"]
    assert errors == [reason]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (frame(1, b"\xff\xfe"), 1007),
        (frame(1, '{"type": "ping"}'.encode("utf-16")), 1007),
        (frame(3, b"what is this"), 1002),
        (frame(1, b"{}", fin=False) + frame(1, b"{}"), 1002),
        (frame(9, b"x" * 126), 1002),
        (bytes([0xF1]) + frame(1, b"{}")[1:], 1002),
        (bytes([0x81, 0x02]) + b"{}", 1002),
    ],
    ids=["invalid utf-8", "utf-16", "unknown opcode", "interleaved", "long ping", "reserved bits", "unmasked"],
)
async def test_what_is_against_the_protocol_is_told_before_the_connection_is_closed(
    server: Server, held_job: Any, frames: bytes, code: int
) -> None:
    async with wire(server) as stream:
        await handshake(stream, held_job["websocket_url"])
        await stream.send(frames + frame(1, b"{}") * 1000)
        said = await read_until_closed(stream)
        assert close_code(said) == code
        reason = b"INVALID_ENCODING" if code == 1007 else b"PROTOCOL_ERROR"
        assert said.endswith(reason)
        assert said.count(b'"type":"error"') == 1
        assert b'"code":"%s"' % reason in said


async def test_fragments_and_pings_between_them_are_put_together(server: Server, held_job: Any) -> None:
    async with wire(server) as stream:
        await handshake(stream, held_job["websocket_url"])
        await stream.send(frame(1, b'{"type": ', fin=False) + frame(9, b"are you there?") + frame(0, b'"ping"}'))
        said = b""
        with fail_after(10):
            while b'"pong"' not in said:
                said += await stream.receive()
        assert b"\x8a\x0eare you there?" in said
        await stream.send(frame(8, (1000).to_bytes(2)))
        assert close_code(await read_until_closed(stream)) == 1000


async def test_too_many_frames_end_with_4429(engine: Engine, tmp_path: Path, recording: bytes) -> None:
    async with serving(tmp_path, engine, rate_limit=10) as server, server.held():
        job = await server.submit(recording, name="a.flac")
        socket = await server.socket(job["websocket_url"])
        for _ in range(21):
            await socket.send('{"type": "pong"}')
        code, reason, said = await closed(socket)
        assert (code, reason, said[-1]["error"]["code"]) == (4429, "RATE_LIMITED", "RATE_LIMITED")


async def test_a_connection_over_the_rate_limit_ends_with_4429(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, rate_limit=2) as server:
        codes = [(await closed(await server.socket(f"/ws/{UNKNOWN}")))[0] for _ in range(3)]
        assert codes == [4404, 4404, 4429]


async def test_too_many_connections_end_with_1013(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, max_connections=1) as server, server.socket("/v1/ws") as first:
        assert (await closed(await server.socket("/v1/ws")))[:2] == (1013, "TOO_MANY_CONNECTIONS")
        await first.send('{"type": "ping"}')
        assert await next_json(first, "pong")


async def test_the_server_pings_and_ends_a_silent_connection_with_4408(engine: Engine, tmp_path: Path) -> None:
    async with (
        serving(tmp_path, engine, heartbeat_interval=0.05, heartbeat_timeout=0.4) as server,
        wire(server) as stream,
    ):
        await handshake(stream, "/v1/ws")
        said = await read_until_closed(stream)
        assert said.count(b'{"type":"ping","timestamp":"') >= 2
        assert b'"code":"IDLE"' in said
        assert close_code(said) == 4408


async def test_a_client_that_only_listens_stays_as_long_as_it_answers_protocol_pings(
    engine: Engine, tmp_path: Path
) -> None:
    async with (
        serving(tmp_path, engine, heartbeat_interval=0.05, heartbeat_timeout=0.2) as server,
        server.socket("/v1/ws", ping_interval=None) as socket,
    ):
        for _ in range(12):
            await next_json(socket, "ping")


async def test_a_mistake_of_ours_ends_with_1011_without_details(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(JobService, "watch", broken)
    code, reason, said = await closed(await server.socket(f"/ws/{UNKNOWN}"))
    assert (code, reason, said[-1]["error"]["code"]) == (1011, "INTERNAL", "INTERNAL")
    assert "secret" not in json.dumps(said)


async def test_a_server_that_stops_says_so_and_closes_with_1012(
    engine: Engine, tmp_path: Path, recording: bytes
) -> None:
    async with serving(tmp_path, engine) as server, server.held():
        job = await server.submit(recording, name="a.flac")
        sockets = [await server.socket(path) for path in (job["websocket_url"], "/v1/ws")]
        server.service.stopping.set()
        for socket in sockets:
            code, reason, said = await closed(socket)
            assert (code, reason, said[-1]["type"]) == (1012, "SHUTTING_DOWN", "session.closing")
            assert said[-1]["deadline_ms"] > 0
