"""What a live session may not do, how many there may be, and how they end when no client ends them."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from contracts.annotation import AnnotatedSpeech
from contracts.errors import (
    IDLE,
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
    LiveError,
    LiveWarning,
    Pause,
    Paused,
    Resume,
    SessionClosing,
    SessionEnded,
    SessionStart,
    TranscriptFinal,
)
from contracts.live_audio import AudioFormat
from contracts.live_errors import LIVE_OVERLOADED, SESSION_TOO_LONG, TOO_FAST, TOO_MANY_SESSIONS
from contracts.live_speech import Degraded, FlushReason, LiveOptions
from runtime import live_admission, live_run, live_service
from runtime.engine import Engine
from runtime.live_admission import Admission
from runtime.live_pace import Pace
from runtime.running import StageFailed
from runtime.settings import Settings
from runtime.speed import Speed
from tests.runtime.live_parts import PHONE, Client, Echo, noise, open_echo, released, say
from tests.runtime.serving import serving
from tests.runtime.test_health import value

START = SessionStart(id="start", audio=PHONE)


@pytest.fixture(autouse=True)
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_service, "open_live_call", lambda _engine, _lane, *rest: open_echo(*rest))


@pytest.fixture
def live(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, live_sessions=4, live_speed_limit=1e6)


def spools(settings: Settings) -> list[Path]:
    return sorted((settings.volume_path / "live").iterdir())


async def assert_ends_with(client: Client, fault: Fault) -> None:
    """The session ends with an error, told before, and nothing of it is left."""
    await client.until(lambda: client.failure is not None)
    await released(client.service)
    assert client.failure is not None
    assert client.failure.fault is fault
    last = client.heard[-1]
    assert isinstance(last, LiveError)
    assert (last.code, last.fatal) == (fault.code, True)
    client.assert_gapless()


async def test_a_client_that_says_nothing_is_idle(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_idle_timeout_s=0.1), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.1))
            await assert_ends_with(client, IDLE)
        assert spools(live) == []


async def test_a_sign_of_life_resets_the_idle_timer(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_idle_timeout_s=0.5), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            client.session.heard_at -= 0.4
            await connection.handle(Keepalive())
            await client.message(KeepaliveAck)
            assert client.session.heard_at + 0.5 > anyio.current_time()
            await assert_ends_with(client, IDLE)


async def test_a_client_that_waits_for_an_answer_is_not_idle(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = anyio.Event()

    def slow_down(call: Echo) -> None:
        async def flush(reason: FlushReason) -> None:
            await go.wait()
            await Echo.flush(call, reason)

        setattr(call, "flush", flush)  # noqa: B010 - a method

    changed(monkeypatch, slow_down)
    async with serving(msgspec.structs.replace(live, live_idle_timeout_s=0.05), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.1), Finalize())
            told = client.session.heard_at
            with anyio.move_on_after(0.2):
                await client.message(LiveError)
            assert client.session.heard_at > told
            go.set()
            await client.message(Finalized)
            await assert_ends_with(client, IDLE)


async def test_audio_far_ahead_of_real_time_is_refused_and_ends_the_session(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_speed_limit=1.0), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await say(connection, noise(12.0))
            assert caught.value.fault is TOO_FAST
            assert 10_000 <= client.session.config.audio.milliseconds(client.session.bytes_received) < 12_000
            await connection.fault(caught.value)
            await assert_ends_with(client, TOO_FAST)
        assert spools(live) == []


async def test_who_sends_too_fast_is_told_so_however_slow_the_work_is(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: bytes) -> None:
        await anyio.sleep_forever()

    changed(monkeypatch, lambda call: setattr(call, "feed", hang))
    async with serving(msgspec.structs.replace(live, live_speed_limit=1.0), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await say(connection, noise(12.0))
            assert caught.value.fault is TOO_FAST
            assert not client.session.inbox.full
            await connection.fault(caught.value)
            await assert_ends_with(client, TOO_FAST)


def test_the_clock_of_the_audio_stands_still_in_a_pause_and_lets_lost_time_be_made_up() -> None:
    now = [0.0]
    pace = Pace(1000, 1.0, lambda: now[0])
    pace.check(1000)
    with pytest.raises(CallAnnotateError) as caught:
        pace.check(1001)
    assert caught.value.details == {"ahead_ms": 1001, "max_allowed": 1000}
    now[0] = 30.0
    pace.check(31_000)
    pace.pause()
    now[0] = 60.0
    pace.resume()
    with pytest.raises(CallAnnotateError):
        pace.check(31_001)


def test_the_delay_of_what_was_said_counts_from_the_arrival_of_its_audio() -> None:
    now = [0.0]
    pace = Pace(1000, 1.0, lambda: now[0])
    for milliseconds in range(100, 10_100, 100):
        now[0] = milliseconds / 1000
        pace.arrived(milliseconds)
    now[0] = 10.5
    assert pace.since(9950) == pytest.approx(0.5)
    assert pace.since(5000) == pytest.approx(5.5)
    assert pace.since(11_000) is None
    for milliseconds in range(10_100, 200_000, 100):
        pace.arrived(milliseconds)
    assert pace.since(5000) is None


async def test_a_session_that_has_lasted_long_enough_is_warned_and_ends_with_its_result(
    live: Settings, engine: Engine
) -> None:
    async with serving(msgspec.structs.replace(live, live_max_session_s=0.5), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.4))
            ended = await client.ended()
            await released(service.live)
    assert [warning.code for warning in client.of(LiveWarning)] == ["session_expires"]
    assert [(error.code, error.fatal) for error in client.of(LiveError)] == [(SESSION_TOO_LONG.code, False)]
    assert (ended.totals.bytes_received, ended.in_reply_to, client.failure) == (6400, None, None)
    assert client.started.limits.max_session_s == 0


async def test_more_audio_than_the_longest_session_has_is_not_taken(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_max_session_s=2.0), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await say(connection, noise(3.0))
            assert caught.value.fault is SESSION_TOO_LONG
            assert (await client.ended()).totals.ms_received == 2000


async def test_there_are_no_more_sessions_than_the_setting_allows(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_sessions=1), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            for ask in (service.live.admit, lambda: service.live.start(START)):
                with pytest.raises(CallAnnotateError) as caught:
                    await maybe(ask())
                assert caught.value.fault is TOO_MANY_SESSIONS
                assert caught.value.details["limit"] == 1
            await connection.handle(AudioEnd(bytes_sent=0))
            await client.ended()
            await released(service.live)
        service.live.admit()
        assert value(service.metrics(), 'callannotate_live_refused_total{reason="TOO_MANY_SESSIONS"}') == 2


async def maybe(answer: object) -> None:
    """Await what has to be awaited."""
    if hasattr(answer, "__await__"):
        await answer


@dataclasses.dataclass
class Lane:
    """Finals wait as long for their turn as it is told."""

    wait: float = 0.0
    load: float = 1.0


def test_the_measured_speed_says_how_many_sessions_there_may_be(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_admission, "available_cores", lambda: 2)
    speed = Speed()
    admission = Admission(settings, Lane(), speed)
    assert admission.limit == 4
    for elapsed, limit in ((60.0, 4), (2.44, 6), (60.0, 6)):
        speed.learn(settings.model, 60.0, elapsed)
        assert admission.limit == limit
    speed.guess(10.0, 0.4)
    assert admission.limit == 12


def test_nobody_more_is_let_in_while_finals_have_to_wait(settings: Settings) -> None:
    admission = Admission(msgspec.structs.replace(settings, live_sessions=4), Lane(2.0), Speed())
    admission.check(0)
    with pytest.raises(CallAnnotateError) as caught:
        admission.check(1)
    assert caught.value.fault is LIVE_OVERLOADED
    idle = Lane(2.0, 0.1)  # that was some time ago
    Admission(msgspec.structs.replace(settings, live_sessions=4), idle, Speed()).check(1)


async def test_a_volume_without_room_opens_no_session(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, min_free_space=2**62), engine) as service:
        with pytest.raises(CallAnnotateError) as caught:
            await service.live.start(SessionStart(audio=PHONE, save=True))
        assert caught.value.fault is STORAGE_FULL
        assert spools(live) == []


Change = Callable[[Echo], None]


def changed(monkeypatch: pytest.MonkeyPatch, change: Change, only: int = 1) -> None:
    """Have the first calls be changed."""
    opened = [0]

    @asynccontextmanager
    async def open_changed(path: Path, audio: AudioFormat, options: LiveOptions) -> AsyncIterator[Echo]:
        opened[0] += 1
        number = opened[0]
        async with open_echo(path, audio, options) as call:
            if number <= only:
                change(call)
            yield call

    monkeypatch.setattr(live_service, "open_live_call", lambda _engine, _lane, *rest: open_changed(*rest))


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
