"""The recording of a live call: a WAV file while it grows, and read to the last bit as the file door reads it."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, fail_after

from contracts.annotation import Notice
from contracts.audio import AudioChunk
from contracts.live_audio import AudioFormat, Encoding
from runtime.spool import HEADER, Behind, Spool, header
from runtime.stage import Source
from stages.audio_file import probe
from stages.byte_view import Bytes
from stages.decode import Decode, open_audio
from stages.live_samples import SUBTYPES
from stages.wav_header import read_wav

pytestmark = pytest.mark.anyio

FORMATS: list[tuple[Encoding, int, int]] = [
    ("pcm_s16le", 8000, 1),
    ("pcm_s16le", 16000, 2),
    ("pcm_f32le", 48000, 2),
    ("mulaw", 8000, 1),
    ("alaw", 11025, 1),
    ("alaw", 44100, 2),
]


def raw(audio: AudioFormat, seconds: float, level: float = 0.2) -> bytes:
    """Noise in an encoding, by libsndfile."""
    samples = level * np.random.default_rng(0).standard_normal((round(seconds * audio.sample_rate), audio.channels))
    file = BytesIO()
    soundfile.write(file, samples, audio.sample_rate, format="RAW", subtype=SUBTYPES[audio.encoding], endian="LITTLE")
    return file.getvalue()


async def sent(source: Source[AudioChunk]) -> list[AudioChunk]:
    """Everything that a source sends."""
    send, receive = create_memory_object_stream[AudioChunk](1)
    chunks: list[AudioChunk] = []
    async with create_task_group() as tasks, receive:

        async def run() -> None:
            async with send:
                await source.run(send)

        tasks.start_soon(run)
        chunks.extend([chunk async for chunk in receive])
    return chunks


async def filled(path: Path, audio: AudioFormat, data: bytes, cut: int) -> Spool:
    """A complete spool that was written in frames of `cut` samples."""
    spool = Spool(path, audio)
    await spool.open()
    step = cut * audio.bytes_per_frame
    for start in range(0, len(data), step):
        await spool.write(data[start : start + step])
    await spool.finish()
    return spool


@pytest.mark.parametrize(("encoding", "rate", "channels"), FORMATS)
async def test_what_is_read_behind_the_writer_is_what_the_file_door_reads(
    tmp_path: Path, encoding: Encoding, rate: int, channels: int
) -> None:
    audio = AudioFormat(encoding=encoding, sample_rate=rate, channels=channels)
    spool = Spool(tmp_path / "call.wav", audio)
    await spool.open()
    behind: list[AudioChunk] = []
    data = raw(audio, 3.337)
    with fail_after(20):
        async with create_task_group() as tasks:

            async def read() -> None:
                behind.extend(await sent(Behind(spool, channels == 2, CapacityLimiter(1), lambda _: None)))

            tasks.start_soon(read)
            step = 777 * audio.bytes_per_frame
            for start in range(0, len(data), step):
                await spool.write(data[start : start + step])
            await spool.finish()
        spool.close()
        file = open_audio(tmp_path / "call.wav", "two-sided" if channels == 2 else "auto")
        expected = await sent(Decode(file, CapacityLimiter(1), lambda _: None))
    assert [(chunk.channel, chunk.start) for chunk in behind] == [(chunk.channel, chunk.start) for chunk in expected]
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(behind, expected, strict=True))


async def test_two_channels_of_one_signal_are_mixed_as_the_file_door_mixes_them(tmp_path: Path) -> None:
    audio = AudioFormat(encoding="pcm_s16le", sample_rate=16000, channels=2)
    spool = await filled(tmp_path / "call.wav", audio, raw(audio, 2.5), 1600)
    with fail_after(20):
        behind = await sent(Behind(spool, False, CapacityLimiter(1), lambda _: None))
        expected = await sent(Decode(open_audio(tmp_path / "call.wav", "mono"), CapacityLimiter(1), lambda _: None))
    spool.close()
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(behind, expected, strict=True))


async def test_a_recording_that_still_grows_is_a_wav_file_already(tmp_path: Path) -> None:
    audio = AudioFormat(encoding="mulaw", sample_rate=8000, channels=1)
    spool = Spool(tmp_path / "call.wav", audio)
    await spool.open()
    await spool.write(raw(audio, 1.5))
    file = probe(tmp_path / "call.wav")
    spool.close()
    assert (file.duration, file.sample_rate, file.channels, file.subtype) == (1.5, 8000, 1, "ULAW")
    assert file.container.announced is None


@pytest.mark.parametrize("samples", [8000, 8001])
async def test_a_complete_recording_says_its_length(tmp_path: Path, samples: int) -> None:
    audio = AudioFormat(encoding="alaw", sample_rate=8000, channels=1)
    spool = await filled(tmp_path / "call.wav", audio, raw(audio, samples / 8000), 160)
    spool.close()
    content = (tmp_path / "call.wav").read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert int.from_bytes(content[HEADER - 4 : HEADER], "little") == samples
    assert soundfile.info(tmp_path / "call.wav").frames == samples


def test_a_recording_above_4_gb_has_its_length_in_64_bits(tmp_path: Path) -> None:
    audio = AudioFormat(encoding="pcm_f32le", sample_rate=48000, channels=2)
    seconds = 4 * 3600
    path = tmp_path / "call.wav"
    path.write_bytes(header(audio, seconds * audio.bytes_per_second))
    with path.open("r+b") as file:
        file.truncate(HEADER + seconds * audio.bytes_per_second)  # no byte of it is on the disk
        container = read_wav(Bytes(file.fileno(), path.stat().st_size))
    assert (container.announced, container.sample_rate, container.channels) == (None, 48000, 2)
    assert soundfile.info(path).frames == seconds * 48000


async def test_a_recording_without_a_signal_is_noticed(tmp_path: Path) -> None:
    audio = AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1)
    notices: list[Notice] = []
    spool = await filled(tmp_path / "call.wav", audio, bytes(32000), 800)
    with fail_after(20):
        await sent(Behind(spool, False, CapacityLimiter(1), notices.append))
    spool.close()
    assert [notice.code for notice in notices] == ["NO_SIGNAL"]


async def test_an_empty_recording_sends_nothing(tmp_path: Path) -> None:
    audio = AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1)
    notices: list[Notice] = []
    spool = await filled(tmp_path / "call.wav", audio, b"", 800)
    with fail_after(20):
        assert await sent(Behind(spool, False, CapacityLimiter(1), notices.append)) == []
    spool.close()
    assert notices == []


async def test_a_recording_never_replaces_another(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"precious")
    spool = Spool(path, AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1))
    with pytest.raises(FileExistsError):
        await spool.open()
    assert path.read_bytes() == b"precious"
