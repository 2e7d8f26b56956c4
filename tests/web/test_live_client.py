"""The session of the client package as `callannotate live` uses it: nothing is lost, errors are of the catalogue."""

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from anyio import create_task_group, fail_after, move_on_after

from benchmarks.live_scores import Arrival, finals_of, numbering
from contracts.errors import INVALID_OPTION, CallAnnotateError, Fault
from contracts.live import (
    AudioAck,
    KeepaliveAck,
    LiveServerMessage,
    SessionEnded,
    SessionResumed,
    SessionStart,
    SessionStarted,
)
from contracts.live_audio import AudioFormat
from runtime.engine import Engine
from tests.web.live import FRAME, RATE, speech
from tests.web.serving import Server, serving
from web.live_client import LiveClient, address

START = SessionStart(audio=AudioFormat(encoding="pcm_s16le", sample_rate=RATE, channels=1), language="en")


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, live_speed_limit=1000.0, live_idle_timeout_s=3.0) as running:
        yield running


@pytest.fixture(scope="module")
def audio(short_call: Path) -> bytes:
    return speech(short_call, 0.0, 6.0)


async def frames(audio: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(audio), FRAME):
        yield audio[at : at + FRAME]


def url(server: Server) -> str:
    return f"ws://{server.host}:{server.port}"


class Heard:
    """What a client was told, and a hook that runs at every message."""

    def __init__(self) -> None:
        self.messages: list[LiveServerMessage] = []
        self.notices: list[str] = []
        self.changed = anyio.Event()

    def show(self, message: LiveServerMessage) -> None:
        self.messages.append(message)
        self.changed.set()
        self.changed = anyio.Event()

    async def until(self, kind: type[LiveServerMessage], count: int = 1) -> None:
        """Wait until so many messages of this type have come."""
        while sum(isinstance(message, kind) for message in self.messages) < count:
            await self.changed.wait()

    @property
    def arrivals(self) -> list[Arrival]:
        return [Arrival(0.0, message) for message in self.messages]

    def client(self, server: Server, start: SessionStart = START) -> LiveClient:
        return LiveClient(url(server), start, self.show, self.notices.append)


def told(heard: Heard) -> list[tuple[str, int, int, str]]:
    """The finals."""
    return [(final.segment_id, final.start_ms, final.end_ms, final.text) for final in finals_of(heard.arrivals)]


async def fails(client: LiveClient, audio: bytes = b"") -> tuple[Fault, str]:
    """What a session ends with that does not end well."""
    with fail_after(30), pytest.raises(CallAnnotateError) as error:
        await client.run(frames(audio))
    return error.value.fault, str(error.value)


async def test_a_connection_that_is_torn_again_and_again_loses_no_word_and_doubles_none(
    server: Server, audio: bytes
) -> None:
    whole, torn = Heard(), Heard()
    with fail_after(120):
        ended = await whole.client(server).run(frames(audio))

    def cut(message: LiveServerMessage) -> None:
        torn.show(message)
        if len(torn.messages) % 3 == 0:
            client.cut()

    async def slowly() -> AsyncIterator[bytes]:
        # A frame for each message at the most, so that there are connections to tear all along.
        async for frame in frames(audio):
            yield frame
            with move_on_after(0.02):
                await torn.changed.wait()

    client = LiveClient(url(server), START, cut, torn.notices.append)
    with fail_after(120):
        again = await client.run(slowly())
    assert client.resumes >= 3
    assert len(torn.notices) >= 2 * client.resumes
    assert told(torn) == told(whole)
    assert numbering(torn.arrivals) == numbering(whole.arrivals) == 0
    assert again.result.speakers == ended.result.speakers
    assert again.totals.bytes_received == len(audio)


async def test_audio_goes_no_further_ahead_than_the_server_allows(server: Server, short_call: Path) -> None:
    heard = Heard()
    with fail_after(120):
        ended = await heard.client(server).run(frames(bytes(len(speech(short_call)))))
    assert ended.totals.errors == 0
    assert ended.totals.resumes == 0


async def test_a_session_is_kept_alive_while_there_is_no_audio(server: Server, audio: bytes) -> None:
    heard = Heard()

    async def hesitating() -> AsyncIterator[bytes]:
        yield audio[:FRAME]
        await heard.until(KeepaliveAck, 4)
        yield audio[FRAME : 2 * FRAME]

    with fail_after(30):
        ended = await heard.client(server).run(hesitating())
    assert ended.totals.bytes_received == 2 * FRAME


async def test_the_result_is_fetched_where_the_connection_is_lost_while_it_is_made(
    server: Server, audio: bytes
) -> None:
    heard = Heard()
    back = anyio.Event()

    def cut(message: LiveServerMessage) -> None:
        heard.show(message)
        if isinstance(message, SessionResumed):
            back.set()
        elif isinstance(message, AudioAck) and message.bytes_received == len(audio) and not client.resumes:
            client.cut()

    client = LiveClient(url(server), START, cut)

    async def stream() -> AsyncIterator[bytes]:
        async for frame in frames(audio):
            yield frame
        # The annotation behind the lane cannot end before the connection is lost and found again.
        tasks.start_soon(hold)
        await held.wait()

    held = anyio.Event()

    async def hold() -> None:
        async with server.held():
            held.set()
            await back.wait()

    with fail_after(60):
        async with create_task_group() as tasks:
            ended = await client.run(stream())
    assert client.resumes == 1
    assert ended.totals.bytes_received == len(audio)
    assert isinstance(heard.messages[-1], SessionEnded)
    assert numbering(heard.arrivals) == 0


async def test_no_server_is_told_at_once(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as gone:
        heard = Heard()
    fault, text = await fails(heard.client(gone))
    assert fault.code == "LIVE_UNREACHABLE"
    assert str(gone.port) in text


async def test_a_server_that_is_full_says_so(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, live_sessions=1) as server, create_task_group() as tasks:
        one = Heard()
        tasks.start_soon(one.client(server).run, endless())
        await one.until(SessionStarted)
        fault, text = await fails(Heard().client(server))
        assert fault.code == "LIVE_UNREACHABLE"
        assert "TOO_MANY_SESSIONS" in text
        tasks.cancel_scope.cancel()


async def endless() -> AsyncIterator[bytes]:
    await anyio.sleep_forever()
    yield b""


async def test_a_session_that_the_server_ends_is_told_with_its_reason(server: Server) -> None:
    wrong = SessionStart(audio=START.audio, language="xx")
    fault, text = await fails(Heard().client(server, wrong))
    assert fault.code == "LIVE_ENDED"
    assert "INVALID_CONFIG" in text


async def test_a_session_that_has_expired_cannot_be_gone_on_with(engine: Engine, tmp_path: Path, audio: bytes) -> None:
    # The client waits for 0.1 s at least.
    async with serving(tmp_path, engine, live_resume_window_s=0.01) as server:
        heard = Heard()
        client = heard.client(server)

        async def torn() -> AsyncIterator[bytes]:
            yield audio[:FRAME]
            await heard.until(SessionStarted)
            client.cut()
            await anyio.sleep_forever()

        with fail_after(30), pytest.raises(CallAnnotateError) as error:
            await client.run(torn())
        assert error.value.fault.code == "LIVE_LOST"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("localhost:8000", "ws://localhost:8000/v1/ws/transcribe"),
        ("http://calls.example", "ws://calls.example/v1/ws/transcribe"),
        ("https://calls.example/", "wss://calls.example/v1/ws/transcribe"),
        ("wss://calls.example/behind/v1/ws/transcribe?a=b", "wss://calls.example/behind/v1/ws/transcribe?a=b"),
    ],
)
def test_a_server_may_be_named_in_any_of_the_usual_ways(named: str, expected: str) -> None:
    assert address(named) == expected


@pytest.mark.parametrize("named", ["ftp://calls.example", "ws://", "", "ws://[::1", "ws://calls:99999", "ws://calls:x"])
def test_what_is_no_address_is_told(named: str) -> None:
    with pytest.raises(CallAnnotateError) as error:
        address(named)
    assert error.value.fault is INVALID_OPTION
