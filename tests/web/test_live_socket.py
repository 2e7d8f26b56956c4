"""`/v1/ws/transcribe` on a real Hypercorn with the real networks: sessions, and every way in which they go wrong."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after
from websockets.exceptions import InvalidStatus

from contracts.errors import CATALOGUE
from runtime.engine import Engine
from tests.web.live import AUDIO, FRAME, PATH, Talk, numbers, resumed, speech, talking
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
    async with serving(volume, engine, live_start_timeout_s=0.3, **settings) as running:
        yield running


@pytest.fixture(scope="module")
def audio(short_call: Path) -> bytes:
    return speech(short_call, 0.0, SECONDS)


@pytest.fixture
async def talk(server: Server) -> AsyncIterator[Talk]:
    async with talking(server) as open_talk:
        yield open_talk


async def all_over(server: Server) -> None:
    """Wait until no session and no recording of one is left."""
    with fail_after(20):
        while "\ncallannotate_live_sessions 0.0\n" not in (await server.http.get("/metrics")).text:
            pass
    assert not list((server.service.settings.volume_path / "live").iterdir())


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
    # Half at once and the rest after the first partial, as the audio of somebody who goes on speaking.
    half = len(audio) // 2 // FRAME * FRAME
    await talk.send(audio[:half])
    await talk.until("transcript.partial")
    await talk.send(audio[half:])
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
    await talk.send(audio[: len(audio) // 2])
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
    assert error["in_reply_to"] == ("1" if isinstance(frame, str) and '"id"' in frame else None)


async def test_no_beginning_at_all_is_told(talk: Talk) -> None:
    assert await talk.closed() == (4408, "START_TIMEOUT")
    assert [message["code"] for message in talk.heard] == ["START_TIMEOUT"]


async def test_a_session_of_which_nothing_is_heard_ends_as_idle(engine: Engine, tmp_path: Path, audio: bytes) -> None:
    async with serving(tmp_path, engine, live_idle_timeout_s=0.5) as server, talking(server) as talk:
        await talk.start()
        await talk.send(audio[:FRAME])
        assert await talk.closed() == (4408, "IDLE")
        assert talk.heard[-1]["code"] == "IDLE"
        await all_over(server)


@pytest.mark.parametrize(
    ("garbage", "code", "reason"),
    [
        ("not JSON", 1007, "INVALID_JSON"),
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


@pytest.mark.parametrize(
    ("bad", "code"), [(frame(1, b"\xff\xfe"), 1007), (frame(2, bytes(2_000_000)), 1009), (frame(15, b""), 1002)]
)
async def test_a_frame_that_cannot_be_read_ends_the_session_too(server: Server, bad: bytes, code: int) -> None:
    async with wire(server) as stream:
        await handshake(stream, PATH)
        await stream.send(frame(1, json.dumps({"type": "session.start", "audio": AUDIO}).encode()))
        with fail_after(10):
            while b"session.started" not in await stream.receive():
                pass
        await stream.send(bad)
        assert close_code(await read_until_closed(stream)) == code
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


async def test_more_sessions_than_the_limit_are_refused_before_the_handshake(server: Server) -> None:
    await all_over(server)
    async with talking(server) as one, talking(server) as two, talking(server) as three, talking(server) as late:
        for talk in (one, two, three):
            await talk.start()
        await late.say("session.start", audio=AUDIO)
        assert await late.closed() == (1013, "TOO_MANY_SESSIONS")
        assert late.heard[-1]["retry_after_ms"] > 0
        with pytest.raises(InvalidStatus) as refused:
            async with talking(server):
                pass
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
        assert json.loads(refused.value.response.body or b"")["error"]["code"] == "TOO_MANY_SESSIONS"
        for talk in (one, two, three):
            await talk.finish()


async def test_a_full_server_still_lets_in_who_comes_back(server: Server) -> None:
    await all_over(server)
    async with talking(server) as one, talking(server) as two, talking(server) as three:
        for talk in (one, two):
            await talk.start()
        started = await three.start()
        three.socket.transport.abort()
        async with talking(server) as back:
            assert (await resumed(back, started, 1))["type"] == "session.resumed"
            await back.finish()
        for talk in (one, two):
            await talk.finish()


async def test_errors_are_told_in_russian_where_that_is_preferred(server: Server) -> None:
    async with talking(server, additional_headers={"Accept-Language": "ru"}) as talk:
        await talk.start(recognise=True)
        warning = await talk.until("warning")
        await talk.socket.send(b"")
        error = await talk.until("error")
        for message in (warning, error):
            assert any("а" <= letter <= "я" for letter in message["message"] + message["advice"])
        await talk.finish()


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


async def test_audio_far_ahead_of_real_time_is_refused(engine: Engine, tmp_path: Path, audio: bytes) -> None:
    async with serving(tmp_path, engine, live_max_unacked_ms=2000) as server, talking(server) as talk:
        await talk.start()
        await talk.send(audio)
        assert await talk.closed() == (4429, "TOO_FAST")
        assert talk.heard[-1]["code"] == "TOO_FAST"
        await all_over(server)


async def test_who_does_not_read_is_cut_off_and_may_come_back(engine: Engine, tmp_path: Path) -> None:
    settings = {"heartbeat_interval": 0.1, "heartbeat_timeout": 1.0, "live_speed_limit": 1000.0}
    async with serving(tmp_path, engine, **settings) as server:
        async with talking(server, max_queue=1, ping_interval=None) as deaf:
            started = await deaf.start()
            # Each is answered; nobody reads, so that the client's own library stops reading too.
            for _ in range(200):
                await deaf.say("keepalive")
            (session,) = server.service.live.sessions.values()
            with fail_after(20):
                while session.detached_at is None:
                    await session.moved.wait()
            code, reason = await deaf.closed()
        assert (code, reason) == (1008, "SLOW_READER")
        async with talking(server) as back:
            assert (await resumed(back, started, deaf.last_seq))["type"] == "session.resumed"
            heard = deaf.heard + back.heard
            assert numbers(heard) == list(range(1, len(heard) + 1))
            await back.finish()


async def test_clients_are_told_when_the_server_stops(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server, talking(server) as talk, talking(server) as early:
        await talk.start()
        server.service.stopping.set()
        assert await talk.closed() == (1012, "SHUTTING_DOWN")
        assert [message["reason"] for message in talk.of("session.closing")] == ["SHUTTING_DOWN"]
        assert (await early.closed())[0] == 1012
        assert [message["type"] for message in early.heard] == ["session.closing"]


async def test_a_mistake_of_ours_ends_the_session_and_is_told(
    server: Server, talk: Talk, monkeypatch: pytest.MonkeyPatch, audio: bytes
) -> None:
    async def fail(*_arguments: Any) -> None:
        raise RuntimeError("broken")

    await talk.start()
    monkeypatch.setattr("runtime.live_session.LiveSession.take", fail)
    await talk.send(audio[:FRAME])
    assert await talk.closed() == (1011, "INTERNAL")
    assert talk.heard[-1]["code"] == "INTERNAL"
    monkeypatch.undo()
    await all_over(server)
