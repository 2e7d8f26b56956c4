"""Lost connections: a session goes on where it stopped, to the byte and to the message."""

import random

import anyio
import msgspec
import pytest

from contracts.errors import SLOW_READER, CallAnnotateError, Fault
from contracts.live import (
    AudioAck,
    AudioEnd,
    Finalize,
    Finalized,
    Keepalive,
    KeepaliveAck,
    LiveError,
    SessionEnded,
    SessionResume,
    SessionResumed,
    SessionStart,
    TranscriptFinal,
)
from contracts.live_errors import (
    EMPTY_FRAME,
    INVALID_CONFIG,
    REPLAY_GONE,
    SESSION_EXPIRED,
    TAKEN_OVER,
    UNKNOWN_SESSION,
)
from runtime.engine import Engine
from runtime.live_session import LiveConnection
from runtime.settings import Settings
from tests.runtime.live_parts import PHONE, Client, frames, noise, released, say
from tests.runtime.serving import serving

START = SessionStart(id="start", audio=PHONE, save=False)
CUTS = 100


pytestmark = pytest.mark.usefixtures("echo")


async def uncut(live: Settings, engine: Engine, data: bytes) -> Client:
    """A client of a session that nothing happens to."""
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, data, AudioEnd(bytes_sent=len(data)))
            await client.ended()
    return client


async def test_a_session_that_is_cut_a_hundred_times_says_what_an_uncut_one_says(
    live: Settings, engine: Engine
) -> None:
    data, chance = noise(40.0), random.Random(4)
    whole = await uncut(live, engine, data)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START):
            pass
        for cut in range(CUTS + 1):
            async with client.connected() as connection:
                resumed = await client.message(SessionResumed, len(client.of(SessionResumed)) + 1)
                with anyio.CancelScope() as scope:
                    await send_until(connection, data, resumed.bytes_received, scope, chance, last=cut == CUTS)
                if cut == CUTS:
                    ended = await client.ended()
        await released(service.live)
    client.assert_gapless()
    acked = [ack.bytes_received for ack in client.of(AudioAck)]
    assert acked == sorted(acked)
    assert client.text == whole.text
    assert ended.result.speakers == whole.of(SessionEnded)[0].result.speakers
    assert (ended.totals.resumes, ended.totals.errors) == (CUTS + 1, 0)


async def send_until(
    connection: LiveConnection,
    data: bytes,
    start: int,
    scope: anyio.CancelScope,
    chance: random.Random,
    *,
    last: bool,
) -> None:
    """Send from a byte on, up to the end, or until the connection breaks, which may be in the middle of a frame."""
    patience = chance.randrange(12)
    async with anyio.create_task_group() as tasks:

        async def cut() -> None:
            for _ in range(chance.randrange(40)):
                await anyio.lowlevel.checkpoint()
            scope.cancel()

        for number, frame in enumerate(frames(data[start:], chance.choice([0.02, 0.1, 0.25, 1.0]))):
            if number == patience and not last:
                tasks.start_soon(cut)
            await connection.audio(frame)
        if last:
            await connection.handle(AudioEnd(bytes_sent=len(data)))


async def test_what_was_missed_is_said_again_and_then_how_far_the_audio_came(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0), Finalize(id="f"))
            await client.message(Finalized)
        first = list(client.heard)
        del client.heard[3:]
        async with client.connected() as connection:
            resumed = await client.message(SessionResumed)
            assert client.heard[: len(first)] == first
            assert (resumed.seq, resumed.bytes_received) == (client.last_seq, 16_000)
            await connection.handle(AudioEnd(bytes_sent=16_000))
            ended = await client.ended()
    assert ended.totals.resumes == 1
    client.assert_gapless()


async def test_only_one_resumed_comes_on_a_connection(live: Settings, engine: Engine) -> None:
    """A client goes back in its audio when it is told; the ones of before are said as what is true of them still."""
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.2))
        for number in range(1, 4):
            async with client.connected():
                resumed = await client.message(SessionResumed)
                assert resumed.seq == client.last_seq
                assert len(client.of(SessionResumed)) == 1
                assert len(client.of(AudioAck)) >= number - 1
                client.assert_gapless()
                del client.heard[1:]


async def test_a_connection_that_is_taken_over_is_told_and_its_audio_counts_no_more(
    live: Settings, engine: Engine
) -> None:
    async with serving(live, engine) as service:
        old = Client(service.live)
        async with old.connected(START) as before:
            await say(before, noise(0.1), Keepalive())
            await old.message(KeepaliveAck)
            new = Client(service.live, list(old.heard))
            async with new.connected() as after:
                await new.message(SessionResumed)
                await old.until(lambda: old.failure is not None)
                with pytest.raises(CallAnnotateError) as caught:
                    await before.audio(noise(0.1))
                assert caught.value.fault is TAKEN_OVER
                await before.fault(caught.value)
                await before.handle(AudioEnd(bytes_sent=0))
                before.confirm()
                await say(after, noise(0.1), AudioEnd(bytes_sent=3200))
                ended = await new.ended()
        assert old.failure is not None
        assert old.failure.fault is TAKEN_OVER
        assert [(error.code, error.fatal) for error in old.of(LiveError)] == [("TAKEN_OVER", True)]
        old.assert_gapless()
        new.assert_gapless()
        assert new.failure is None
        assert (ended.totals.bytes_received, ended.totals.errors) == (3200, 0)


async def test_a_frame_that_waits_while_the_connection_is_taken_over_is_not_taken(
    live: Settings, engine: Engine
) -> None:
    async with serving(live, engine) as service:
        old = Client(service.live)
        outcome: list[Fault] = []
        async with old.connected(START) as before, anyio.create_task_group() as tasks:

            async def flood() -> None:
                try:
                    while True:
                        await before.audio(noise(0.02))
                except CallAnnotateError as error:
                    outcome.append(error.fault)

            tasks.start_soon(flood)
            while not old.session.inbox.full:
                await anyio.lowlevel.checkpoint()
            new = Client(service.live, list(old.heard))
            async with new.connected() as after:
                resumed = await new.message(SessionResumed)
                await after.handle(AudioEnd(bytes_sent=resumed.bytes_received))
                ended = await new.ended()
    assert outcome == [TAKEN_OVER]
    assert ended.totals.bytes_received == resumed.bytes_received


@pytest.mark.parametrize("wrong", ["id", "token"])
async def test_who_does_not_know_the_session_does_not_get_it(live: Settings, engine: Engine, wrong: str) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START):
            pass
        started = client.started
        session_id = "00000000-0000-4000-8000-000000000000" if wrong == "id" else started.session_id
        token = "x" if wrong == "token" else started.resume_token
        with pytest.raises(CallAnnotateError) as caught:
            await service.live.resume(SessionResume(session_id=session_id, resume_token=token, last_seq=1))
        assert caught.value.fault is UNKNOWN_SESSION


async def test_a_number_that_was_never_given_is_refused(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                async with client.session.attach(1000):
                    raise AssertionError
            assert (caught.value.fault, caught.value.details["field"]) == (INVALID_CONFIG, "last_seq")
            await say(connection, noise(0.1), AudioEnd(bytes_sent=1600))
            await client.ended()


async def test_messages_that_are_no_longer_kept_cannot_be_said_again(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_replay_messages=16), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            for number in range(20):
                await connection.handle(Keepalive())
                await client.message(KeepaliveAck, number + 1)
        with pytest.raises(CallAnnotateError) as caught:
            async with client.session.attach(4):
                raise AssertionError
        assert (caught.value.fault, caught.value.details["first"]) == (REPLAY_GONE, 6)
        async with client.session.attach(5) as connection:
            assert (await connection.receive()).seq == 6


async def test_who_never_reads_is_cut_off_and_can_come_back_for_all_of_it(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_replay_messages=32), engine) as service:
        client = Client(service.live)
        session = await service.live.start(START)
        async with session.attach() as connection:
            client.heard.append(await connection.receive())
            for _ in range(18):
                await connection.handle(Keepalive())
            with pytest.raises(CallAnnotateError) as caught:
                await connection.receive()
            assert caught.value.fault is SLOW_READER
        async with client.connected() as connection:
            await client.message(SessionResumed)
            await connection.handle(AudioEnd(bytes_sent=0))
            await client.ended()
    assert len(client.of(KeepaliveAck)) == 18
    client.assert_gapless()


async def test_the_last_messages_can_be_fetched_after_the_end_until_they_are_confirmed(
    live: Settings, engine: Engine
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0), AudioEnd(bytes_sent=16_000))
        await released(service.live)
        async with client.connected() as connection:
            ended = await client.ended()
            await client.until(lambda: connection.read == ended.seq)
        assert client.failure is None
        client.assert_gapless()
        assert len(client.of(TranscriptFinal)) == 2
        assert client.of(SessionResumed) == []
        async with client.connected() as connection:
            connection.confirm()
        await gone(client, SESSION_EXPIRED)


async def test_the_error_that_ended_a_session_can_be_fetched(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_speed_limit=1.0), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await say(connection, noise(12.0))
            await connection.fault(caught.value)
        await released(service.live)
        client.heard[1:] = []
        async with client.connected():
            await client.until(lambda: client.failure is not None)
        assert client.failure is not None
        assert client.failure.fault.code == client.of(LiveError)[-1].code == "TOO_FAST"


async def test_who_does_not_come_back_in_time_finds_nothing_and_nothing_is_left(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_resume_window_s=0.05), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0))
            await client.message(TranscriptFinal)
        await released(service.live)
        assert list((live.volume_path / "live").iterdir()) == []
        await gone(client, SESSION_EXPIRED)


async def test_a_result_that_takes_longer_than_the_window_is_still_waited_for(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_resume_window_s=0.3), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0))
            await client.message(TranscriptFinal, 2)
            client.session.detached_at = -1000.0  # gone for long, as it were
            await connection.handle(AudioEnd(bytes_sent=16_000))
        await released(service.live)
        async with client.connected():
            await client.ended()


async def test_a_session_that_waits_for_its_client_lets_everybody_knock(live: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(live, live_sessions=1), engine) as service:
        client = Client(service.live)
        async with client.connected(START):
            with pytest.raises(CallAnnotateError):
                service.live.admit()
        service.live.admit()
        async with client.connected():
            client.session.heard_at -= 2.0  # its connection may be dead without our knowing
            service.live.admit()
        with pytest.raises(CallAnnotateError) as caught:
            await service.live.start(START)
        assert caught.value.fault.code == "TOO_MANY_SESSIONS"
        async with client.connected() as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await connection.audio(b"")
            assert caught.value.fault is EMPTY_FRAME


async def gone(client: Client, fault: Fault) -> None:
    """Wait until the session is not to be found any more."""
    with pytest.raises(CallAnnotateError) as caught:
        await come_back_for_ever(client)
    assert caught.value.fault is fault


async def come_back_for_ever(client: Client) -> None:
    while True:
        async with client.connected():
            await anyio.lowlevel.checkpoint()
