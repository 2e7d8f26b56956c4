"""The client in Python: live sessions on a real server, over a network that fails."""

import wave
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio import create_task_group, fail_after, to_thread
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from callannotate_client import AsyncClient, CallAnnotateError, Client, Live
from callannotate_client.async_client import decode_live
from callannotate_client.session import LiveSession
from callannotate_client.types import (
    AudioFormat,
    Finalize,
    Finalized,
    LiveServerMessage,
    SessionStart,
    SessionStarted,
    TranscriptFinal,
)
from runtime.engine import Engine
from tests.clients.cutter import Cutter, cutting
from tests.clients.full_server import full_server
from tests.web.serving import Server, serving

START = SessionStart(audio=AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1), language="en")
BLOCK = 1000
"""Bytes of a block: neither a whole number of milliseconds nor a frame."""


@pytest.fixture(scope="module")
def audio(talk: Path) -> bytes:
    with wave.open(str(talk), "rb") as file:
        return file.readframes(file.getnframes())


def blocks(audio: bytes) -> Iterator[bytes]:
    for at in range(0, len(audio), BLOCK):
        yield audio[at : at + BLOCK]


def url(server: Server) -> str:
    return f"http://{server.host}:{server.port}"


def told(messages: list[LiveServerMessage]) -> list[tuple[str, int, int, str]]:
    """The finals."""
    finals = [message for message in messages if isinstance(message, TranscriptFinal)]
    return [(final.segment_id, final.start_ms, final.end_ms, final.text) for final in finals]


async def endless() -> AsyncIterator[bytes]:
    await anyio.sleep_forever()
    yield b""


async def test_a_session_over_connections_that_are_cut_says_every_message_once(
    server: Server, cutter: Cutter, audio: bytes
) -> None:
    whole: list[LiveServerMessage] = []
    torn: list[LiveServerMessage] = []
    notices: list[str] = []
    with fail_after(120):
        async with AsyncClient(url(server)) as client, client.live(START, blocks(audio), speed=None) as live:
            whole += [message async for message in live]
        async with (
            AsyncClient(cutter.url) as client,
            client.live(START, slowly(audio, torn), notice=notices.append, speed=None) as again,
        ):
            async for message in again:
                torn.append(message)
                if len(torn) % 5 == 1 and cutter.cuts < 6:
                    cutter.cut()
    assert again.resumes >= 3
    assert len(notices) >= 2 * again.resumes
    assert told(torn) == told(whole)
    for messages in (whole, torn):
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
    assert live.ended is not None
    assert again.ended is not None
    assert again.ended.totals.bytes_received == len(audio)
    assert again.ended.result.speakers == live.ended.result.speakers
    assert again.ended.totals.warnings == 0


async def slowly(audio: bytes, told: list[LiveServerMessage]) -> AsyncIterator[bytes]:
    """Half of the audio at the most before anything but the beginning was told, so that cuts fall into it."""
    for number, block in enumerate(blocks(audio)):
        while number * BLOCK > len(audio) // 2 and len(told) < 6:
            await anyio.lowlevel.checkpoint()
        yield block


async def test_audio_is_sent_no_faster_than_the_server_allows_however_fast_it_comes(
    engine: Engine, tmp_path: Path
) -> None:
    # 3 s of silence, of which half a second may be ahead of real time.
    async with serving(tmp_path, engine, live_max_unacked_ms=1000) as strict:
        began = anyio.current_time()
        with fail_after(60):
            async with AsyncClient(url(strict)) as client, client.live(START, blocks(bytes(48_000))) as live:
                messages = [message async for message in live]
    assert live.ended is not None
    assert live.ended.totals.bytes_received == 48_000
    assert messages[-1] == live.ended
    assert anyio.current_time() - began > 1.5


async def test_a_client_may_speak_beside_the_audio(server: Server, audio: bytes) -> None:
    asked = anyio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield audio[: len(audio) // 2]
        await asked.wait()

    with fail_after(60):
        async with AsyncClient(url(server)) as client, client.live(START, waiting(), speed=None) as live:
            async for message in live:
                if isinstance(message, SessionStarted):
                    await live.say(Finalize(id="now"))
                if isinstance(message, Finalized):
                    assert message.in_reply_to == "now"
                    asked.set()
    assert asked.is_set()


async def test_without_asyncio_it_is_the_same(server: Server, audio: bytes) -> None:
    def work() -> list[LiveServerMessage]:
        with Client(url(server)) as client, client.live(START, blocks(audio), speed=None) as live:
            messages = list(live)
            assert live.ended == messages[-1]
        wrong = SessionStart(audio=START.audio, language="xx")
        with (
            pytest.raises(CallAnnotateError, match="INVALID_CONFIG"),
            Client(url(server)) as client,
            client.live(wrong, []) as live,
        ):
            list(live)
        return messages

    with fail_after(60):
        messages = await to_thread.run_sync(work)
    assert told(messages)


async def failing(live: Live) -> CallAnnotateError:
    with pytest.raises(CallAnnotateError) as error:
        async for _ in live:
            pass
    return error.value


async def test_what_the_server_refuses_is_told_as_it_tells_it(server: Server) -> None:
    wrong = SessionStart(audio=START.audio, language="xx")
    with fail_after(30):
        async with AsyncClient(url(server)) as client, client.live(wrong, endless()) as live:
            error = await failing(live)
    assert (error.code, error.status) == ("INVALID_CONFIG", None)
    assert error.advice


async def test_a_full_server_says_when_to_come_back(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, live_sessions=1) as full, AsyncClient(url(full)) as client:
        with fail_after(30):
            async with client.live(START, endless()) as first:
                assert isinstance(await anext(first), SessionStarted)
                async with client.live(START, endless()) as second:
                    error = await failing(second)
    assert (error.code, error.status, error.retryable) == ("TOO_MANY_SESSIONS", 503, True)
    assert error.retry_after


async def test_a_server_that_stays_away_is_given_up(server: Server) -> None:
    errors: list[CallAnnotateError] = []
    notices: list[str] = []
    started = anyio.Event()

    async def run(address: str) -> None:
        async with (
            AsyncClient(address) as client,
            client.live(START, endless(), notice=notices.append, patience=0.5) as live,
        ):
            assert isinstance(await anext(live), SessionStarted)
            started.set()
            errors.append(await failing(live))

    with fail_after(30):
        async with create_task_group() as tasks, cutting(server.host, server.port) as between:
            tasks.start_soon(run, between.url)
            await started.wait()
    assert [error.code for error in errors] == ["SESSION_LOST"]
    assert any("connecting again" in notice for notice in notices)


async def test_an_error_of_the_audio_is_raised_as_it_is(server: Server) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(1600)
        raise ValueError("the line is dead")

    with fail_after(30):
        async with AsyncClient(url(server)) as client, client.live(START, broken()) as live:
            with pytest.raises(ValueError, match="the line is dead"):
                async for _ in live:
                    pass


async def test_a_message_of_a_later_server_is_no_mistake() -> None:
    assert decode_live(b'{"type": "weather", "seq": 3}') is None
    later = decode_live(b'{"type": "speech.started", "seq": 4, "time_ms": 7, "mood": "good"}')
    assert later is not None
    assert later.seq == 4


async def test_an_answer_that_is_no_message_is_told(server: Server) -> None:
    session: LiveSession[LiveServerMessage] = LiveSession(f"{url(server)}/nowhere", START, decode_live, _nothing)
    with fail_after(30), pytest.raises(CallAnnotateError) as error:
        await session.run(endless())
    assert (error.value.code, error.value.status) == ("ROUTE_NOT_FOUND", 404)


async def test_who_comes_back_does_not_wait_for_room_for_a_new_session() -> None:
    heard: list[str] = []
    async with full_server(refusals=2) as address:
        session: LiveSession[LiveServerMessage] = LiveSession(address, START, decode_live, _nothing, heard.append)
        with fail_after(20), pytest.raises(CallAnnotateError) as error:
            await session.run(endless())
    assert error.value.code == "INTERNAL"
    assert [notice.partition("(")[2].partition(":")[0] for notice in heard if "TOO_MANY" in notice] == (
        ["TOO_MANY_SESSIONS"] * 2
    )


async def greets(socket: ServerConnection) -> None:
    await socket.send("hello")
    await socket.wait_closed()


async def echoes(socket: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        await socket.send(await socket.recv())
        await socket.wait_closed()


async def says_nothing(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def hangs_up(socket: ServerConnection) -> None:
    await socket.close(1000)


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (greets, "UNEXPECTED_ANSWER"),
        (echoes, "UNEXPECTED_ANSWER"),
        (says_nothing, "UNREACHABLE"),
        (hangs_up, "UNREACHABLE"),
    ],
)
async def test_a_server_that_is_another_one_is_told(
    other: Callable[[ServerConnection], Awaitable[None]], code: str
) -> None:
    async with serve(other, "127.0.0.1", 0) as strange:
        port = next(iter(strange.sockets)).getsockname()[1]
        address = f"ws://127.0.0.1:{port}"
        session: LiveSession[LiveServerMessage] = LiveSession(address, START, decode_live, _nothing, answer=0.5)
        with fail_after(30), pytest.raises(CallAnnotateError) as error:
            await session.run(endless())
    assert error.value.code == code


async def _nothing(_message: LiveServerMessage) -> None:
    pass
