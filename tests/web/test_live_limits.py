"""`/v1/ws/transcribe` on a real Hypercorn: what a server takes on, and how it parts from those whom it does not."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after
from websockets.exceptions import InvalidStatus

from runtime.engine import Engine
from tests.web.live import AUDIO, FRAME, Talk, all_over, numbers, resumed, speech, talking
from tests.web.serving import Server, serving


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, live_sessions=3) as running:
        yield running


@pytest.fixture(scope="module")
def audio(short_call: Path) -> bytes:
    return speech(short_call, 0.0, 3.5)


@pytest.fixture
async def talk(server: Server) -> AsyncIterator[Talk]:
    async with talking(server) as open_talk:
        yield open_talk


async def test_no_beginning_at_all_is_told(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, live_start_timeout_s=0.2) as server, talking(server) as talk:
        assert await talk.closed() == (4408, "START_TIMEOUT")
        assert [message["code"] for message in talk.heard] == ["START_TIMEOUT"]


async def test_a_session_of_which_nothing_is_heard_ends_as_idle(engine: Engine, tmp_path: Path, audio: bytes) -> None:
    async with serving(tmp_path, engine, live_idle_timeout_s=0.5) as server, talking(server) as talk:
        await talk.start()
        await talk.send(audio[:FRAME])
        assert await talk.closed() == (4408, "IDLE")
        assert talk.heard[-1]["code"] == "IDLE"
        await all_over(server)


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
