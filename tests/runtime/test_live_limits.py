"""What a live session may not do, how many there may be, and how they end when no client ends them."""

import dataclasses

import anyio
import msgspec
import pytest

from contracts.errors import (
    IDLE,
    STORAGE_FULL,
    CallAnnotateError,
)
from contracts.live import (
    AudioEnd,
    Finalize,
    Finalized,
    Keepalive,
    KeepaliveAck,
    LiveError,
    LiveWarning,
    SessionStart,
)
from contracts.live_errors import LIVE_OVERLOADED, SESSION_TOO_LONG, TOO_FAST, TOO_MANY_SESSIONS
from contracts.live_speech import FlushReason
from runtime import live_admission
from runtime.engine import Engine
from runtime.live_admission import Admission
from runtime.live_pace import Pace
from runtime.settings import Settings
from runtime.speed import Speed
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


async def test_audio_that_still_comes_after_the_longest_session_costs_nobody_the_result(
    live: Settings, engine: Engine
) -> None:
    async with serving(msgspec.structs.replace(live, live_max_session_s=2.0), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(2.0))
            with pytest.raises(CallAnnotateError):
                await connection.audio(noise(0.1))
            for _ in range(150):
                await connection.audio(noise(0.02))
            assert (await client.ended()).totals.ms_received == 2000
    assert client.of(LiveError) == []


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
    for elapsed, limit in ((60.0, 4), (1.75, 6), (60.0, 6)):
        speed.learn(settings.model, 60.0, elapsed)
        assert admission.limit == limit
    speed.guess(10.0, 0.4)
    assert admission.limit == 9


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
