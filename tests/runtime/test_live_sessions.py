"""Live sessions from their first message to their last, without HTTP."""

import anyio
import pytest

from contracts.errors import INVALID_FIELD, CallAnnotateError, Fault
from contracts.live import (
    AudioAck,
    AudioEnd,
    ConfigUpdate,
    ConfigUpdated,
    Finalize,
    Finalized,
    Keepalive,
    KeepaliveAck,
    LiveClientMessage,
    LiveError,
    LiveWarning,
    Pause,
    Paused,
    Resume,
    Resumed,
    SessionEnded,
    SessionStart,
    SessionStarted,
    TranscriptFinal,
    TranscriptPartial,
)
from contracts.live_audio import AudioFormat
from contracts.live_errors import (
    AUDIO_AFTER_END,
    AUDIO_WHILE_PAUSED,
    EMPTY_FRAME,
    FIXED_FIELD,
    FRAME_NOT_FINITE,
    FRAME_TOO_LONG,
    INVALID_CONFIG,
    ODD_FRAME,
    TOO_MANY_ERRORS,
    WRONG_ORDER,
)
from runtime.engine import Engine
from runtime.settings import Settings
from tests.runtime.live_parts import PHONE, Client, frames, noise, released, say, spools
from tests.runtime.serving import serving

START = SessionStart(id="start", audio=PHONE)


pytestmark = pytest.mark.usefixtures("echo")


async def test_a_session_goes_from_its_start_to_its_result_and_nothing_is_left(live: Settings, engine: Engine) -> None:
    data = noise(1.7)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            assert list(service.live.sessions) == [client.session.id]
            await say(connection, data, AudioEnd(id="end", bytes_sent=len(data)))
            ended = await client.ended()
            await released(service.live)
            connection.confirm()
        assert client.failure is None
        client.assert_gapless()
        started = client.started
        assert (started.in_reply_to, started.config.audio, started.config.language) == ("start", PHONE, None)
        assert (started.limits.max_frame_bytes, started.limits.max_unacked_ms) == (16_000, 10_000)
        assert ended.in_reply_to == "end"
        assert (ended.totals.bytes_received, ended.totals.ms_received) == (len(data), 1700)
        assert (ended.totals.finals, ended.totals.words, ended.totals.errors) == (4, 4, 0)
        assert [word.word for word in ended.result.speakers[0].segments[0].words] == client.text
        assert (ended.result.metadata.total_duration, ended.result.metadata.word_count) == (1.7, 4)
        assert ended.job_id is None
        finals = client.of(TranscriptFinal)
        assert [(final.segment_id, final.start_ms, final.end_ms, final.reason) for final in finals] == [
            ("segment_1", 0, 500, "endpoint"),
            ("segment_2", 500, 1000, "endpoint"),
            ("segment_3", 1000, 1500, "endpoint"),
            ("segment_4", 1500, 1700, "end"),
        ]
        assert spools(live) == []


async def test_everything_that_is_asked_is_answered_in_order_with_the_audio(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.2), Finalize(id="a"))
            await say(connection, noise(0.2), Pause(id="b"), Pause(id="c"), Resume(id="d"), Resume(id="e"))
            await say(connection, noise(0.2), Keepalive(id="f"), Finalize(), AudioEnd(id="g", bytes_sent=9600))
            await client.ended()
    kinds = (TranscriptFinal, Finalized, Paused, Resumed, SessionEnded)
    told = [message for message in client.heard if isinstance(message, kinds)]
    assert [(type(message), message.in_reply_to) for message in told] == [
        (TranscriptFinal, None),
        (Finalized, "a"),
        (TranscriptFinal, None),
        (Paused, "b"),
        (Paused, "c"),
        (Resumed, "d"),
        (Resumed, "e"),
        (TranscriptFinal, None),
        (Finalized, None),
        (SessionEnded, "g"),
    ]
    assert [final.reason for final in client.of(TranscriptFinal)] == ["finalize", "pause", "finalize"]
    assert [ack.in_reply_to for ack in client.of(KeepaliveAck)] == ["f"]
    client.assert_gapless()


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (b"", EMPTY_FRAME),
        (b"123", ODD_FRAME),
        (bytes(16_002), FRAME_TOO_LONG),
    ],
)
async def test_a_frame_that_cannot_be_taken_is_told_and_the_session_goes_on(
    live: Settings, engine: Engine, frame: bytes, fault: Fault
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await connection.audio(frame)
            assert caught.value.fault is fault
            await connection.fault(caught.value)
            error = await client.error(fault)
            assert (error.fatal, error.in_reply_to) == (False, None)
            await say(connection, noise(0.1), AudioEnd(bytes_sent=1600))
            ended = await client.ended()
    assert (ended.totals.bytes_received, ended.totals.errors, ended.totals.warnings) == (1600, 1, 0)


async def test_samples_that_are_no_numbers_are_not_taken(live: Settings, engine: Engine) -> None:
    audio = AudioFormat(encoding="pcm_f32le", sample_rate=8000, channels=2)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=audio)) as connection:
            with pytest.raises(CallAnnotateError) as caught:
                await connection.audio(bytes(1596) + b"\x00\x00\xc0\x7f")
            assert caught.value.fault is FRAME_NOT_FINITE
            assert client.session.bytes_received == 0


async def test_audio_in_a_pause_and_after_the_end_is_refused(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await connection.handle(Pause())
            with pytest.raises(CallAnnotateError) as caught:
                await connection.audio(noise(0.1))
            assert caught.value.fault is AUDIO_WHILE_PAUSED
            await connection.handle(Resume())
            await say(connection, noise(0.1), AudioEnd(bytes_sent=1600))
            with pytest.raises(CallAnnotateError) as caught:
                await connection.audio(noise(0.1))
            assert caught.value.fault is AUDIO_AFTER_END
            assert (await client.ended()).totals.bytes_received == 1600


@pytest.mark.parametrize(
    "message",
    [START, Finalize(id="x"), Pause(id="x"), Resume(id="x"), ConfigUpdate(id="x"), AudioEnd(id="x", bytes_sent=0)],
)
async def test_what_cannot_come_after_the_end_of_the_audio_is_refused(
    live: Settings, engine: Engine, message: LiveClientMessage
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await connection.handle(AudioEnd(bytes_sent=0))
            await connection.handle(message)
            assert (await client.error(WRONG_ORDER)).in_reply_to == message.id
            assert (await client.ended()).result.speakers == ()


async def test_a_second_start_is_refused_and_the_session_goes_on(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await connection.handle(START)
            assert (await client.error(WRONG_ORDER)).details["place"] == "within a session"
            await say(connection, noise(0.1), AudioEnd(bytes_sent=1600))
            assert (await client.ended()).totals.finals == 1


async def test_a_number_of_bytes_that_did_not_arrive_is_told_and_the_result_comes(
    live: Settings, engine: Engine
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.1), AudioEnd(id="end", bytes_sent=1602))
            ended = await client.ended()
    (warning,) = client.of(LiveWarning)
    assert (warning.code, warning.in_reply_to) == ("bytes_mismatch", "end")
    assert warning.details == {"bytes_sent": 1602, "bytes_received": 1600}
    assert (ended.totals.bytes_received, ended.totals.warnings) == (1600, 1)


async def test_what_may_change_changes_from_there_on(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(
                connection, noise(0.5), Finalize(), ConfigUpdate(id="u", partials=False, words=False, language="ru")
            )
            updated = await client.message(ConfigUpdated)
            assert updated.in_reply_to == "u"
            assert (updated.config.partials, updated.config.words, updated.config.language) == (False, False, "ru")
            partials = len(client.of(TranscriptPartial))
            assert partials > 0
            await say(connection, noise(0.5), ConfigUpdate(language="auto"), AudioEnd(bytes_sent=16_000))
            await client.ended()
    assert len(client.of(TranscriptPartial)) == partials
    assert [len(final.words) for final in client.of(TranscriptFinal)] == [1, 0]
    assert client.of(ConfigUpdated)[1].config.language is None


async def test_what_was_said_before_a_change_is_told_as_it_was_wanted_then(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.4), ConfigUpdate(words=False), Finalize())
            await say(connection, noise(0.4), AudioEnd(bytes_sent=12_800))
            await client.ended()
    assert [len(final.words) for final in client.of(TranscriptFinal)] == [1, 0]


@pytest.mark.parametrize(
    ("update", "fault"),
    [
        (ConfigUpdate(id="u", diarize=False, partials=False), FIXED_FIELD),
        (ConfigUpdate(id="u", audio={}), FIXED_FIELD),
        (ConfigUpdate(id="u", save=True), FIXED_FIELD),
        (ConfigUpdate(id="u", recognise=True), FIXED_FIELD),
        (ConfigUpdate(id="u", language="klingon", partials=False), INVALID_FIELD),
    ],
)
async def test_what_may_not_change_is_told_and_nothing_of_the_message_applies(
    live: Settings, engine: Engine, update: ConfigUpdate, fault: Fault
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await connection.handle(update)
            error = await client.error(fault)
            assert (error.in_reply_to, error.fatal) == ("u", False)
            assert client.session.config == client.started.config


async def test_a_language_that_nobody_knows_opens_no_session(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        with pytest.raises(CallAnnotateError) as caught:
            await service.live.start(SessionStart(audio=PHONE, language="klingon"))
        assert caught.value.fault is INVALID_CONFIG
        assert caught.value.details["field"] == "language"
        assert not service.live.sessions


async def test_voices_cannot_be_named_yet_and_the_client_is_told(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=PHONE, recognise=True)):
            await client.message(LiveWarning)
    assert [type(message) for message in client.heard[:2]] == [SessionStarted, LiveWarning]
    assert client.of(LiveWarning)[0].code == "recognise_unavailable"
    assert not client.started.config.recognise


async def test_short_frames_are_taken_and_told_of_once(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            for frame in frames(noise(0.1), 0.01):
                await connection.audio(frame)
            await connection.handle(AudioEnd(bytes_sent=1600))
            await client.ended()
        assert [warning.code for warning in client.of(LiveWarning)] == ["frames_short"]
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.11), AudioEnd(bytes_sent=1760))
            await client.ended()
        assert client.of(LiveWarning) == []


async def test_a_client_that_only_sends_nonsense_is_shut_out(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            for _ in range(101):
                await connection.fault(CallAnnotateError(EMPTY_FRAME))
            await client.until(lambda: client.failure is not None)
            await released(service.live)
        assert client.failure is not None
        assert client.failure.fault is TOO_MANY_ERRORS
        assert [(error.code, error.fatal) for error in client.of(LiveError)[-2:]] == [
            ("EMPTY_FRAME", False),
            ("TOO_MANY_ERRORS", True),
        ]
        assert spools(live) == []


async def test_audio_is_acknowledged_about_once_a_second_and_at_the_end(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.3))
            first = await client.message(AudioAck)
            assert (first.bytes_received, first.ms_received, first.result_progress) == (4800, 300, None)
            await say(connection, noise(0.3), AudioEnd(bytes_sent=9600))
            await client.ended()
    last = client.of(AudioAck)[-1]
    assert (last.bytes_received, last.ms_received, last.result_progress) == (9600, 600, 100)


async def test_sessions_beside_each_other_do_not_hear_each_other(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        clients = [Client(service.live) for _ in range(4)]

        async def talk(client: Client, shift: int) -> None:
            data = noise(2.0)[shift * 1000 :]
            async with client.connected(START) as connection:
                await say(connection, data, AudioEnd(bytes_sent=len(data)))
                await client.ended()

        async with anyio.create_task_group() as tasks:
            for shift, client in enumerate(clients):
                tasks.start_soon(talk, client, shift)
    assert len({tuple(client.text) for client in clients}) == 4
    for client in clients:
        client.assert_gapless()
