"""How live sessions end when the call fails or the server stops, and what is told on the way."""

import anyio
import msgspec
import pytest

from contracts.annotation import AnnotatedSpeech
from contracts.errors import (
    INTERNAL,
    SHUTTING_DOWN,
    STORAGE_FULL,
    CallAnnotateError,
    Fault,
)
from contracts.live import (
    AudioAck,
    AudioEnd,
    Finalize,
    Finalized,
    Keepalive,
    KeepaliveAck,
    LiveWarning,
    Pause,
    Paused,
    Resume,
    SessionClosing,
    SessionEnded,
    SessionStart,
    TranscriptFinal,
)
from contracts.live_speech import Degraded, FlushReason
from runtime import live_run
from runtime.engine import Engine
from runtime.running import StageFailed
from runtime.settings import Settings
from tests.runtime.live_parts import (
    PHONE,
    Client,
    Echo,
    assert_ends_with,
    changed,
    noise,
    released,
    say,
    spools,
)
from tests.runtime.serving import serving
from tests.runtime.test_health import value

START = SessionStart(id="start", audio=PHONE)
pytestmark = pytest.mark.usefixtures("echo")


@pytest.mark.parametrize(
    ("raised", "fault"),
    [
        (StageFailed("write", RuntimeError("injected")), INTERNAL),
        (RuntimeError("injected"), INTERNAL),
        (CallAnnotateError(STORAGE_FULL), STORAGE_FULL),
    ],
)
@pytest.mark.parametrize("when", ["feed", "flush", "finish"])
async def test_a_call_that_fails_ends_its_session_and_no_other(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, raised: Exception, fault: Fault, when: str
) -> None:
    async def fail(*_: object) -> None:
        raise raised

    changed(monkeypatch, lambda call: setattr(call, when, fail))
    async with serving(live, engine) as service:
        broken, other = Client(service.live), Client(service.live)
        async with broken.connected(START) as connection, other.connected(START) as beside:
            await say(beside, noise(0.3))
            await say(connection, noise(0.1), Finalize(), AudioEnd(bytes_sent=1600))
            await broken.until(lambda: broken.failure is not None)
            await say(beside, noise(0.3), AudioEnd(bytes_sent=9600))
            await other.ended()
            await assert_ends_with(broken, fault)
        assert spools(live) == []
        assert value(service.metrics(), f'callannotate_live_sessions_ended_total{{reason="{fault.code}"}}') == 1


async def test_a_call_that_cannot_even_be_opened_ends_its_session(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(call: Echo) -> None:
        raise OSError(5, "Input/output error", str(call.spool.path))

    changed(monkeypatch, refuse)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START):
            await assert_ends_with(client, INTERNAL)
        assert spools(live) == []


async def test_a_machine_that_falls_behind_says_what_it_leaves_out(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def degrade(call: Echo) -> None:
        async def flush(reason: FlushReason) -> None:
            for level in (1, 2, 0):
                await call._send.send(Degraded(level))
            await Echo.flush(call, reason)

        setattr(call, "flush", flush)  # noqa: B010 - a method

    changed(monkeypatch, degrade)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.1), Finalize())
            await client.message(Finalized)
        assert value(service.metrics(), 'callannotate_live_degraded_total{level="2"}') == 1
    codes = [warning.code for warning in client.of(LiveWarning)]
    assert codes == ["partials_reduced", "partials_off", "partials_restored"]


async def test_a_client_is_told_that_its_result_is_on_its_way(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = anyio.Event()

    def slow_down(call: Echo) -> None:
        async def finish() -> AnnotatedSpeech:
            call.progress = 0.42
            await go.wait()
            return await Echo.finish(call)

        setattr(call, "finish", finish)  # noqa: B010 - a method

    changed(monkeypatch, slow_down)
    monkeypatch.setattr(live_run, "ACK", 0.01)
    async with serving(msgspec.structs.replace(live, live_idle_timeout_s=0.05), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.1), AudioEnd(bytes_sent=1600))
            await client.until(lambda: [ack.result_progress for ack in client.of(AudioAck)].count(42) == 20)
            await connection.handle(Keepalive(id="k"))
            assert (await client.message(KeepaliveAck)).in_reply_to == "k"
            go.set()
            await client.ended()


async def test_a_server_that_stops_says_so_to_every_client_and_leaves_nothing(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client, ending = Client(service.live), Client(service.live)
        async with client.connected(START) as connection, ending.connected(START) as beside:
            await say(connection, noise(0.1))
            service.stopping.set()
            closing = await client.message(SessionClosing)
            assert (closing.reason, closing.deadline_ms) == ("SHUTTING_DOWN", 1000)
            await ending.message(SessionClosing)
            await beside.handle(AudioEnd(bytes_sent=0))
            await ending.ended()
            await assert_ends_with(client, SHUTTING_DOWN)
        with pytest.raises(CallAnnotateError) as caught:
            service.live.admit()
        assert caught.value.fault is SHUTTING_DOWN
    assert ending.failure is None
    assert spools(live) == []


async def test_a_service_that_is_left_at_once_leaves_nothing(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.6))
            await client.message(TranscriptFinal)
    assert spools(live) == []


async def test_metrics_and_health_count_live_sessions(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            assert value(service.metrics(), "callannotate_live_sessions") == 1
            assert (await service.health()).live_sessions == 1
        async with client.connected() as connection:
            await say(connection, noise(1.0), Pause())
            await client.message(Paused)
            await say(connection, b"", Resume(), AudioEnd(bytes_sent=16_000))
            await client.message(SessionEnded)
        await released(service.live)
        text = service.metrics()
    assert value(text, "callannotate_live_sessions") == 0
    assert value(text, 'callannotate_live_sessions_ended_total{reason="done"}') == 1
    assert value(text, "callannotate_live_resumes_total") == 1
    assert value(text, "callannotate_live_audio_seconds_total") == 1.0
    assert value(text, "callannotate_live_final_delay_seconds_count") == 2
    assert value(text, "callannotate_live_partial_delay_seconds_count") > 0
