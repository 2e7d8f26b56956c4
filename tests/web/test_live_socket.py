"""`/v1/ws/transcribe` on a real Hypercorn with the real networks: sessions, and every way in which they go wrong."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import fail_after

from contracts.errors import CATALOGUE
from runtime.engine import Engine
from tests.web.live import AUDIO, FRAME, PATH, Talk, all_over, numbers, resumed, speech, talking
from tests.web.raw import close_code, frame, handshake, read_until_closed, wire
from tests.web.serving import Server, serving

SECONDS = 3.5
"""Of speech that most of the tests send."""
WINDOW = 1.0
"""Seconds that a session waits for its client."""


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    settings = {"live_speed_limit": 1000.0, "live_resume_window_s": WINDOW, "live_sessions": 3}
    async with serving(volume, engine, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def audio(short_call: Path) -> bytes:
    return speech(short_call, 0.0, SECONDS)


@pytest.fixture
async def talk(server: Server) -> AsyncIterator[Talk]:
    async with talking(server) as open_talk:
        yield open_talk


async def test_a_call_is_told_while_it_goes_on_and_ends_in_the_result_of_the_file_door(
    server: Server, talk: Talk, short_call: Path, recording: bytes
) -> None:
    started = await talk.start(id="hello")
    assert started["in_reply_to"] == "hello"
    await talk.send(speech(short_call))
    ended = await talk.finish()
    assert await talk.closed() == (1000, "")

    assert numbers(talk.heard) == list(range(1, len(talk.heard) + 1))
    acked = [message["bytes_received"] for message in talk.of("audio.ack")]
    assert acked == sorted(acked)
    assert ended["totals"]["bytes_received"] == talk.sent == acked[-1]
    finals = talk.of("transcript.final")
    assert len({final["segment_id"] for final in finals}) == len(finals) == ended["totals"]["finals"]
    assert [final["start_ms"] for final in finals] == sorted(final["start_ms"] for final in finals)
    for final in finals:
        assert final["text"] == " ".join(word["word"] for word in final["words"])

    job = await server.submit(recording, json.dumps({"language": "en"}), "call.flac")
    door = json.loads(await server.completed(job["job_id"]))["result"]
    for part in ("speakers", "turns"):
        assert ended["result"][part] == door[part]


async def test_partials_are_counted_and_none_comes_after_the_final_of_its_segment(talk: Talk, audio: bytes) -> None:
    await talk.start()
    # The last word waits for the first partial, as that of somebody who goes on speaking.
    await talk.send(audio[: -5 * FRAME])
    await talk.until("transcript.partial")
    await talk.send(audio[-5 * FRAME :])
    await talk.finish()
    partials: dict[str, int] = {}
    final: set[str] = set()
    for message in talk.heard:
        if message["type"] == "transcript.partial":
            assert message["segment_id"] not in final
            assert message["revision"] == partials.get(message["segment_id"], 0) + 1
            partials[message["segment_id"]] = message["revision"]
        elif message["type"] == "transcript.final":
            final.add(message["segment_id"])
    assert partials
    assert set(partials) <= final


async def test_every_request_is_answered_in_its_place(talk: Talk, audio: bytes) -> None:
    await talk.start()
    await talk.send(audio)
    for kind, answer in (
        ("keepalive", "keepalive.ack"), ("finalize", "finalized"), ("pause", "paused"), ("resume", "resumed"),
    ):  # fmt: skip
        await talk.say(kind, id=kind)
        assert (await talk.until(answer))["in_reply_to"] == kind
    assert talk.of("transcript.final")
    await talk.say("config.update", id="update", partials=False)
    assert (await talk.until("config.updated"))["config"]["partials"] is False
    ended = await talk.finish()
    assert ended["totals"]["errors"] == 0


async def test_audio_while_paused_is_refused_and_the_session_goes_on(talk: Talk, audio: bytes) -> None:
    await talk.start()
    await talk.say("pause")
    await talk.until("paused")
    await talk.socket.send(audio[:FRAME])
    error = await talk.until("error")
    assert (error["code"], error["fatal"]) == ("AUDIO_WHILE_PAUSED", False)
    await talk.say("resume")
    await talk.until("resumed")
    assert (await talk.finish())["totals"]["bytes_received"] == 0


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "EMPTY_FRAME"),
        (bytes(3), "ODD_FRAME"),
        (bytes(17_602), "FRAME_TOO_LONG"),
        ('{"type": "dance", "id": "1"}', "INVALID_MESSAGE"),
        ('{"type": "audio.end", "bytes_sent": "many", "id": "1"}', "INVALID_MESSAGE"),
        ('{"type": "config.update", "diarize": false, "id": "1"}', "FIXED_FIELD"),
        ('{"type": "session.resume", "session_id": "a", "resume_token": "b", "last_seq": 0, "id": "1"}', "WRONG_ORDER"),
    ],
)
async def test_what_is_wrong_with_a_frame_is_told_and_the_session_goes_on(
    talk: Talk, frame: str | bytes, code: str
) -> None:
    await talk.start()
    await talk.socket.send(frame)
    error = await talk.until("error")
    assert (error["code"], error["fatal"]) == (code, False)
    assert error["in_reply_to"] == ("1" if isinstance(frame, str) else None)
    assert error["advice"]
    assert (await talk.finish())["totals"]["errors"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (bytes(FRAME), "WRONG_FRAME"),
        ("not JSON", "INVALID_JSON"),
        ("[1]", "INVALID_JSON"),
        ('{"type": "keepalive", "id": "\\ud800"}', "INVALID_JSON"),
        ('{"type": "dance", "id": "\\ud800"}', "INVALID_JSON"),
        ('{"type": "keepalive", "id": "1"}', "SESSION_EXPECTED"),
        ('{"type": "dance", "id": "1"}', "SESSION_EXPECTED"),
        ('{"type": "session.start", "id": "1"}', "INVALID_CONFIG"),
        (json.dumps({"type": "session.start", "id": "1", "audio": {**AUDIO, "sample_rate": 4000}}), "INVALID_CONFIG"),
        (json.dumps({"type": "session.start", "id": "1", "audio": AUDIO, "language": "xx"}), "INVALID_CONFIG"),
        ('{"type": "session.resume", "id": "1"}', "INVALID_CONFIG"),
        (
            '{"type": "session.resume", "id": "1", "session_id": "a", "resume_token": "b", "last_seq": 0}',
            "UNKNOWN_SESSION",
        ),
        (json.dumps({"type": "session.start", "pad": "x" * 66_000}), "FRAME_TOO_LARGE"),
    ],
)
async def test_a_wrong_beginning_is_told_and_closes_the_connection(talk: Talk, frame: str | bytes, code: str) -> None:
    await talk.socket.send(frame)
    assert await talk.closed() == (CATALOGUE[code].close_code, code)
    (error,) = talk.heard
    assert (error["type"], error["code"], error["fatal"], error["seq"]) == ("error", code, True, 1)
    assert error["in_reply_to"] == ("1" if isinstance(frame, str) and '"id": "1"' in frame else None)


@pytest.mark.parametrize(
    ("garbage", "code", "reason"),
    [
        ("not JSON", 1007, "INVALID_JSON"),
        ('{"type": "finalize", "id": "\\ud800"}', 1007, "INVALID_JSON"),
        (bytes(65_538), 1009, "FRAME_TOO_LARGE"),
        ("x" * 70_000, 1009, "FRAME_TOO_LARGE"),
    ],
)
async def test_garbage_ends_the_session_with_an_error_before_the_close(
    server: Server, talk: Talk, garbage: str | bytes, code: int, reason: str
) -> None:
    await talk.start()
    await talk.socket.send(garbage)
    assert await talk.closed() == (code, reason)
    assert (talk.heard[-1]["code"], talk.heard[-1]["fatal"]) == (reason, True)
    assert numbers(talk.heard) == list(range(1, len(talk.heard) + 1))
    await all_over(server)


@pytest.mark.parametrize("begun", [True, False])
@pytest.mark.parametrize(
    ("bad", "code", "reason"),
    [
        (frame(1, b"\xff\xfe"), 1007, "INVALID_ENCODING"),
        (frame(2, bytes(2_000_000)), 1009, "MESSAGE_TOO_BIG"),
        (frame(15, b""), 1002, "PROTOCOL_ERROR"),
    ],
)
async def test_a_frame_that_cannot_be_read_ends_the_session_with_an_error_too(
    server: Server, bad: bytes, code: int, reason: str, *, begun: bool
) -> None:
    async with wire(server) as stream:
        await handshake(stream, PATH)
        if begun:
            await stream.send(frame(1, json.dumps({"type": "session.start", "audio": AUDIO}).encode()))
            with fail_after(10):
                while b"session.started" not in await stream.receive():
                    pass
        await stream.send(bad)
        said = await read_until_closed(stream)
        assert close_code(said) == code
        assert said.endswith(reason.encode())
        assert f'"seq":{1 + begun},"in_reply_to":null,"code":"{reason}"'.encode() in said
    await all_over(server)


async def test_a_session_goes_on_over_a_new_connection_with_every_message_once(server: Server, audio: bytes) -> None:
    async with talking(server) as whole:
        await whole.start()
        await whole.send(audio)
        uncut = await whole.finish()
    async with talking(server) as first:
        started = await first.start()
        await first.send(audio[: len(audio) // 2 // FRAME * FRAME])
        await first.until("audio.ack")
        first.socket.transport.abort()
    async with talking(server) as second:
        back = await resumed(second, started, first.last_seq)
        assert (back["type"], back["in_reply_to"]) == ("session.resumed", "back")
        assert back["bytes_received"] <= first.sent
        await second.send(audio[back["bytes_received"] :])
        second.sent = len(audio)
        ended = await second.finish()
        assert await second.closed() == (1000, "")
    heard = first.heard + second.heard
    assert numbers(heard) == list(range(1, len(heard) + 1))
    assert ended["result"]["speakers"] == uncut["result"]["speakers"]
    assert ended["totals"]["resumes"] == 1
    told = [[(f["text"], f["start_ms"]) for f in t if f["type"] == "transcript.final"] for t in (heard, whole.heard)]
    assert told[0] == told[1]


async def test_messages_that_were_lost_with_the_connection_are_sent_again_as_they_were(
    server: Server, audio: bytes
) -> None:
    async with talking(server) as first:
        started = await first.start()
        await first.send(audio)
        await first.say("finalize")
        await first.until("finalized")
        first.socket.transport.abort()
    async with talking(server) as second:
        await resumed(second, started, 1)
        assert second.heard[: len(first.heard) - 1] == first.heard[1:]
        assert second.heard[-1]["bytes_received"] == len(audio)
        second.sent = len(audio)
        await second.finish()


async def test_a_second_connection_takes_the_session_over(server: Server, audio: bytes) -> None:
    async with talking(server) as first, talking(server) as second:
        started = await first.start()
        back = await resumed(second, started, first.last_seq)
        assert await first.closed() == (4409, "TAKEN_OVER")
        assert first.heard[-1]["code"] == "TAKEN_OVER"
        assert first.heard[-1]["seq"] == back["seq"]
        await second.send(audio[:FRAME])
        assert (await second.finish())["totals"]["bytes_received"] == FRAME


async def test_a_session_whose_client_stays_away_expires_and_leaves_nothing(server: Server, audio: bytes) -> None:
    async with talking(server) as first:
        started = await first.start()
        await first.send(audio)
        first.socket.transport.abort()
    await all_over(server)
    async with talking(server) as second:
        error = await resumed(second, started, 1)
        assert error["code"] == "SESSION_EXPIRED"
        assert await second.closed() == (4410, "SESSION_EXPIRED")


async def test_a_wrong_token_finds_no_session(server: Server) -> None:
    async with talking(server) as first, talking(server) as second:
        started = await first.start()
        error = await resumed(second, {**started, "resume_token": "guessed"}, 1)
        assert error["code"] == "UNKNOWN_SESSION"
        assert await second.closed() == (4404, "UNKNOWN_SESSION")
        await first.finish()


async def test_a_call_with_a_side_on_each_channel_tells_them_apart(talk: Talk, audio: bytes) -> None:
    sides = b"".join(b"\0\0" + audio[at : at + 2] for at in range(0, len(audio), 2))
    await talk.start(audio={**AUDIO, "channels": 2})
    await talk.send(sides, 2 * FRAME)
    ended = await talk.finish()
    finals = talk.of("transcript.final")
    assert {final["channel"] for final in finals} == {1}
    assert ended["result"]["metadata"]["channels"] == "two-sided"


async def test_a_call_is_kept_as_a_job_with_its_audio_where_that_is_asked_for(
    server: Server, talk: Talk, audio: bytes
) -> None:
    await talk.start(save=True)
    await talk.send(audio)
    ended = await talk.finish()
    job = (await server.http.get(f"/api/v1/jobs/{ended['job_id']}/result")).json()
    assert job["result"] == ended["result"]
    kept = (await server.http.get(f"/api/v1/jobs/{ended['job_id']}/audio")).content
    assert kept.endswith(audio)
    assert (
        await server.http.get(f"/api/v1/jobs/{ended['job_id']}/result", params={"format": "srt"})
    ).status_code == 200


async def test_silence_ends_in_an_empty_result(talk: Talk) -> None:
    await talk.start()
    await talk.send(bytes(FRAME * 20))
    ended = await talk.finish()
    assert not talk.of("transcript.final")
    assert ended["result"]["speakers"] == []
