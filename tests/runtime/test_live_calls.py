"""Live sessions with the networks in them: what is heard of a real call, cut or not, is what the file door hears."""

from pathlib import Path

import anyio
import msgspec
import numpy as np
import pytest
import soundfile

from contracts.annotation import Annotation
from contracts.live import (
    AudioEnd,
    SessionEnded,
    SessionResumed,
    SessionStart,
    SpeakerUpdated,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
)
from contracts.live_audio import AudioFormat
from runtime.engine import Engine
from runtime.settings import Settings
from tests.runtime.live_parts import PHONE, Client, frames, released, say
from tests.runtime.serving import ended, serving, submit

SECONDS, SPEAKING = 8, 3


@pytest.fixture(scope="module")
def call(sample_call: Path) -> bytes:
    """Eight seconds of the sample call."""
    samples, rate = soundfile.read(sample_call, dtype="int16")
    assert rate == PHONE.sample_rate
    return bytes(samples[: SECONDS * rate].astype("<i2").tobytes())


async def test_a_call_that_is_streamed_and_kept_is_what_the_file_door_makes_of_it(
    live: Settings, engine: Engine, call: bytes
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=PHONE, save=True)) as connection:
            amid = SPEAKING * PHONE.bytes_per_second
            await say(connection, call[:amid])
            await client.message(TranscriptPartial)
            await say(connection, call[amid:], AudioEnd(bytes_sent=len(call)))
            last = await client.ended()
            await released(service.live)
        client.assert_gapless()
        assert client.of(SpeechStarted)
        heard = " ".join(client.text).split()
        told = [word.word for speaker in last.result.speakers for segment in speaker.segments for word in segment.words]
        assert len(heard) > 5
        assert abs(len(heard) - len(told)) < 0.3 * len(told)
        assert last.job_id is not None
        recording = (await service.audio(last.job_id)).path.read_bytes()
        filed = await ended(service, (await submit(service, recording)).job_id)
        result = (await service.result(filed.job_id)).result
    assert same(last.result, result)


async def test_a_call_that_is_cut_in_many_places_is_what_the_uncut_one_is(
    live: Settings, engine: Engine, call: bytes
) -> None:
    async with serving(live, engine) as service:
        whole = Client(service.live)
        async with whole.connected(SessionStart(audio=PHONE)) as connection:
            await say(connection, call, AudioEnd(bytes_sent=len(call)))
            await whole.ended()
        cut = Client(service.live)
        async with cut.connected(SessionStart(audio=PHONE)):
            pass
        for number in range(9):
            async with cut.connected() as connection:
                resumed = await cut.message(SessionResumed, len(cut.of(SessionResumed)) + 1)
                rest = frames(call[resumed.bytes_received :], 0.07)
                with anyio.move_on_after(0.3 if number < 8 else None):
                    for frame in rest:
                        await connection.audio(frame)
                if number == 8:
                    await connection.handle(AudioEnd(bytes_sent=len(call)))
                    await cut.ended()
    cut.assert_gapless()
    assert finals(cut) == finals(whole)
    assert same(cut.of(SessionEnded)[0].result, whole.of(SessionEnded)[0].result)


def finals(client: Client) -> list[TranscriptFinal]:
    """Without their numbers."""
    return [msgspec.structs.replace(final, seq=0) for final in client.of(TranscriptFinal)]


async def test_a_call_with_a_side_on_each_channel_keeps_its_sides_apart(
    live: Settings, engine: Engine, call: bytes
) -> None:
    side = np.frombuffer(call, "<i2")[: 4 * PHONE.sample_rate]
    audio = AudioFormat(encoding="pcm_f32le", sample_rate=16_000, channels=2)
    loud = np.repeat(side.astype("<f4") / 32_768, 2)
    data = np.stack([np.concatenate([loud, 0 * loud]), np.concatenate([0 * loud, loud])], 1).tobytes()
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=audio, language="en")) as connection:
            for frame in frames(data, 0.25, audio):
                await connection.audio(frame)
            await connection.handle(AudioEnd(bytes_sent=len(data)))
            last = await client.ended()
    assert last.result.metadata.channels == "two-sided"
    assert {(final.channel, final.start_ms < 4000) for final in client.of(TranscriptFinal)} == {(0, True), (1, False)}
    assert [speaker.channel for speaker in last.result.speakers] == [0, 1]
    speakers = {final.segment_id: final.speaker_id for final in client.of(TranscriptFinal)}
    for told in client.of(SpeakerUpdated):
        speakers |= {segment: update.speaker_id for update in told.updates for segment in update.segment_ids}
    assert {(final.channel, speakers[final.segment_id]) for final in client.of(TranscriptFinal)} == {
        (0, "speaker_1"),
        (1, "speaker_2"),
    }


async def test_silence_ends_with_an_empty_result(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=PHONE)) as connection:
            await say(connection, bytes(32_000), AudioEnd(bytes_sent=32_000))
            last = await client.ended()
            assert (last.result.speakers, last.totals.finals) == ((), 0)
            (warning,) = last.result.metadata.warnings
            assert warning.message.startswith("the audio: there is no signal")
        client = Client(service.live)
        async with client.connected(SessionStart(audio=PHONE)) as connection:
            await connection.handle(AudioEnd(bytes_sent=0))
            last = await client.ended()
            assert (last.result.speakers, last.result.metadata.total_duration) == ((), 0)


async def test_a_session_that_is_cancelled_in_the_middle_of_speech_leaves_nothing(
    live: Settings, engine: Engine, call: bytes
) -> None:
    tokens = engine.limiter.total_tokens
    async with serving(msgspec.structs.replace(live, live_resume_window_s=0.05), engine) as service:
        client = Client(service.live)
        async with client.connected(SessionStart(audio=PHONE)) as connection:
            await say(connection, call)
            await client.message(SpeechStarted)
        await released(service.live)
        assert list((live.volume_path / "live").iterdir()) == []
        assert engine.limiter.total_tokens == tokens
        assert engine.limiter.borrowed_tokens == 0


def same(left: Annotation, right: Annotation) -> bool:
    """Whether two results say the same, however long each took."""
    metadata = msgspec.structs.replace(
        right.metadata,
        processing_time=left.metadata.processing_time,
        real_time_factor=left.metadata.real_time_factor,
    )
    return left == msgspec.structs.replace(right, metadata=metadata)
