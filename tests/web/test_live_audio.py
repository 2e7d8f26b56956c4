"""Where the audio of live sessions comes from: recordings, pipes, the microphone."""

import io
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import anyio
import numpy as np
import pytest
import soundfile
from anyio import Event, create_task_group, current_time, fail_after, wait_all_tasks_blocked

from contracts.errors import CallAnnotateError
from contracts.live_audio import AudioFormat, Encoding
from web.live_audio import FileSource, MicrophoneSource, PipeSource, Source, paced

RAW = AudioFormat(encoding="pcm_s16le", sample_rate=16_000, channels=1)
NOISE = np.random.default_rng(1).integers(-20_000, 20_000, (9650, 2), np.int16)
"""int16 (samples, channels)"""


async def all_of(source: Source) -> list[bytes]:
    return [block async for block in source.blocks()]


def written(path: Path, samples: Any, rate: int = 8000, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


async def test_a_recording_of_16_bits_comes_as_its_very_samples_in_tenths_of_a_second(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "call.wav", NOISE[:, 0]), "auto")
    blocks = await all_of(source)
    assert source.audio == AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1)
    assert b"".join(blocks) == NOISE[:, 0].astype("<i2").tobytes()
    # The rest of 6 ms would be too short for a frame.
    assert [len(block) for block in blocks] == [1600] * 11 + [1600 + 100]


async def test_a_recording_that_16_bits_cannot_hold_comes_as_floats(tmp_path: Path) -> None:
    samples = (NOISE[:, 0] / 40_000).astype(np.float32)
    source = FileSource(written(tmp_path / "call.wav", samples, subtype="FLOAT"), "auto")
    assert source.audio.encoding == "pcm_f32le"
    assert b"".join(await all_of(source)) == samples.tobytes()


async def test_a_side_on_each_channel_stays_apart_and_a_mix_is_one(tmp_path: Path) -> None:
    path = written(tmp_path / "call.wav", NOISE)
    apart = FileSource(path, "two-sided")
    assert apart.audio.channels == 2
    assert b"".join(await all_of(apart)) == NOISE.tobytes()
    mixed = FileSource(path, "mono")
    assert (mixed.audio.channels, mixed.audio.encoding) == (1, "pcm_f32le")
    heard = np.frombuffer(b"".join(await all_of(mixed)), np.float32)
    np.testing.assert_allclose(heard, NOISE.mean(axis=1) / 32768, atol=1e-6)


def test_a_recording_that_cannot_be_read_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(CallAnnotateError) as told:
        FileSource(tmp_path / "missing.wav", "auto")
    assert told.value.fault.code == "FILE_NOT_FOUND"


async def piped(content: bytes, raw: AudioFormat = RAW, *, cut: int = 7) -> tuple[PipeSource, bytes]:
    """The source of a pipe that gets this, in two parts, and the audio that comes of it."""
    reading, writing = os.pipe()
    try:
        async with create_task_group() as tasks:

            async def write() -> None:
                for part in (content[:cut], content[cut:]):
                    await anyio.to_thread.run_sync(os.write, writing, part)
                    await wait_all_tasks_blocked()  # until it was read
                os.close(writing)

            tasks.start_soon(write)
            with fail_after(10):
                source = await PipeSource.opened(reading, raw)
                return source, b"".join(await all_of(source))
    finally:
        os.close(reading)
    raise AssertionError


async def test_samples_without_a_header_are_what_the_options_say() -> None:
    samples = NOISE[:, 0].tobytes()
    source, heard = await piped(samples + b"\x01")
    assert source.audio == RAW
    assert heard == samples  # half a sample is none


@pytest.mark.parametrize(
    ("subtype", "encoding"),
    [("PCM_16", "pcm_s16le"), ("FLOAT", "pcm_f32le"), ("ULAW", "mulaw"), ("ALAW", "alaw")],
)
async def test_a_wav_says_itself_what_it_is(subtype: str, encoding: Encoding) -> None:
    file = io.BytesIO()
    soundfile.write(file, NOISE[:4000], 8000, format="WAV", subtype=subtype)
    source, heard = await piped(file.getvalue() + b"LIST behind the samples")
    assert source.audio == AudioFormat(encoding=encoding, sample_rate=8000, channels=2)
    assert len(heard) == 4000 * source.audio.bytes_per_frame
    assert heard in file.getvalue()


async def test_a_wav_of_unknown_length_is_read_to_the_end() -> None:
    file = io.BytesIO()
    soundfile.write(file, NOISE[:, 0], 8000, format="WAV", subtype="PCM_16")
    content = bytearray(file.getvalue())
    at = content.index(b"data")
    content[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    _, heard = await piped(bytes(content))
    assert heard == NOISE[:, 0].tobytes()


@pytest.mark.parametrize(("subtype", "code"), [("PCM_24", "UNSUPPORTED_FORMAT"), ("PCM_16", "INVALID_OPTION")])
async def test_a_wav_that_cannot_be_streamed_is_told(subtype: str, code: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, NOISE, 96_000, format="WAV", subtype=subtype)
    with pytest.raises(BaseExceptionGroup) as group:
        await piped(file.getvalue()[:200])
    told = group.value.exceptions[0]
    assert isinstance(told, CallAnnotateError)
    assert told.fault.code == code


@pytest.mark.parametrize("cut", [4, 30, 36, 40, 43, 44, 45, 61, 62, 64, 68, 70])
async def test_the_header_of_a_wav_may_come_in_any_pieces(cut: int) -> None:
    file = io.BytesIO()
    soundfile.write(file, NOISE[:4000, 0], 8000, format="WAV", subtype="PCM_16")
    content = file.getvalue()
    at = content.index(b"data")
    content = content[:at] + b"LIST" + (18).to_bytes(4, "little") + b"a comment on data " + content[at:]
    source, heard = await piped(content, cut=cut)
    assert source.audio.encoding == "pcm_s16le"
    assert heard == NOISE[:4000, 0].tobytes()


@pytest.mark.parametrize("kind", ["FLAC", "OGG", "RF64", "AIFF"])
async def test_a_container_that_cannot_be_streamed_is_no_noise(kind: str) -> None:
    file = io.BytesIO()
    soundfile.write(file, NOISE, 16_000, format=kind)
    with pytest.raises(BaseExceptionGroup) as group:
        await piped(file.getvalue())
    told = group.value.exceptions[0]
    assert isinstance(told, CallAnnotateError)
    assert told.fault.code == "INVALID_OPTION"


async def test_an_empty_pipe_is_no_audio() -> None:
    _, heard = await piped(b"")
    assert heard == b""


async def test_blocks_come_when_they_would_have_been_recorded(tmp_path: Path) -> None:
    source = FileSource(written(tmp_path / "call.wav", NOISE[:4000, 0]), "auto")
    began = current_time()
    times = [current_time() - began async for _ in paced(source, 2.0, Event())]
    assert times == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.25], abs=0.04)
    assert all(time >= due for time, due in zip(times, (0.05, 0.1, 0.15, 0.2, 0.25), strict=True))


async def test_the_end_of_the_audio_can_be_asked_for_at_any_time() -> None:
    class Endless:
        name, audio = "endless", RAW

        async def blocks(self) -> AsyncIterator[bytes]:
            yield bytes(3200)
            await anyio.sleep_forever()

    stop = Event()
    with fail_after(5):
        heard = []
        async for block in paced(Endless(), 1.0, stop):  # type: ignore[arg-type]
            heard.append(block)
            stop.set()
    assert heard == [bytes(3200)]


class Stream:
    """A microphone that gives a count of its blocks."""

    def __init__(self, **_options: object) -> None:
        self.blocks = 0

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.blocks = -1

    def read(self, samples: int) -> tuple[memoryview, bool]:
        self.blocks += 1
        return memoryview(bytes([self.blocks]) * (2 * samples)), False


async def test_the_microphone_comes_in_tenths_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(RawInputStream=Stream, PortAudioError=OSError)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    source = MicrophoneSource("3")
    blocks = source.blocks()
    assert [await anext(blocks), await anext(blocks)] == [b"\x01" * 3200, b"\x02" * 3200]
    await blocks.aclose()


def no_device(**_options: object) -> None:
    raise ValueError("No input device matching 'x'")


@pytest.mark.parametrize(
    ("module", "remedy"),
    [
        (None, "callannotate[microphone]"),
        (SimpleNamespace(RawInputStream=no_device, PortAudioError=OSError), "--device"),
    ],
)
def test_a_microphone_that_cannot_be_used_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, module: object, remedy: str
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    with pytest.raises(CallAnnotateError) as told:
        MicrophoneSource(None)
    assert told.value.fault.code == "MICROPHONE_UNAVAILABLE"
    assert remedy in told.value.advice
