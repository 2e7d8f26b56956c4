"""Every kind of recording that a telephone system leaves behind comes out as the same 16 kHz audio."""

import tracemalloc
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.audio import SAMPLE_RATE
from stages.decode import Resampler, open_audio
from tests.stages.recordings import RATE, Signal, chunk, decode, heard, likeness, pcm, play, voice, wav, write

pytestmark = pytest.mark.anyio

WAV_SUBTYPES = ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "GSM610")
CODECS = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "opus": ("OGG", "OPUS"),
    "vorbis": ("OGG", "VORBIS"),
}


def expected(samples: Signal, rate: int) -> Signal:
    resampled: Signal = soxr.resample(samples, rate, SAMPLE_RATE)
    return resampled


@pytest.mark.parametrize("subtype", WAV_SUBTYPES)
async def test_wav_of_every_telephone_kind_is_read(tmp_path: Path, subtype: str) -> None:
    samples = voice(3)
    path = write(tmp_path / "call.wav", samples, subtype=subtype)
    file = open_audio(path)
    assert (file.format, file.subtype, file.sample_rate, file.layout) == ("wav", subtype, RATE, "mono")
    signal, warnings = await heard(path)
    assert likeness(signal[:, 0], expected(samples, RATE)) > (0.9 if subtype == "GSM610" else 0.995)
    assert warnings == []


@pytest.mark.parametrize(("container", "channels"), list(product(["WAV", "WAVEX", "RF64"], [1, 2])))
async def test_the_other_headers_of_wav_are_read(tmp_path: Path, container: str, channels: int) -> None:
    samples = np.repeat(voice(2)[:, None], channels, axis=1)
    path = write(tmp_path / "call.wav", samples, container=container)
    signal, warnings = await heard(path)
    assert likeness(signal[:, 0], expected(samples[:, 0], RATE)) > 0.999
    assert warnings == []


@pytest.mark.parametrize("rate", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
async def test_every_sampling_rate_comes_out_at_16_khz_with_not_a_sample_more_or_less(
    tmp_path: Path, rate: int
) -> None:
    samples = voice(2.3333, rate)
    signal, _ = await heard(write(tmp_path / "call.wav", samples, rate))
    assert len(signal) == round(len(samples) * SAMPLE_RATE / rate)
    assert likeness(signal[:, 0], expected(samples, rate)) > 0.999


@pytest.mark.parametrize(
    ("codec", "rate"),
    [*product(["mp3", "flac", "vorbis"], [8000, 16000, 44100, 48000]), *product(["opus"], [8000, 12000, 24000, 48000])],
)
async def test_compressed_recordings_keep_their_length_and_their_times(tmp_path: Path, codec: str, rate: int) -> None:
    samples = voice(4, rate)
    container, subtype = CODECS[codec]
    path = write(tmp_path / "call", samples, rate, subtype, container=container)
    assert open_audio(path).format == codec
    signal, warnings = await heard(path)
    assert len(signal) == 4 * SAMPLE_RATE
    # Opus at 8 and 12 kHz smears what lies above half of its band.
    assert likeness(signal[:, 0], expected(samples, rate)) > 0.9
    assert warnings == []


@pytest.mark.parametrize("codec", CODECS)
async def test_a_stereo_recording_has_two_sides_whatever_its_codec(tmp_path: Path, codec: str) -> None:
    container, subtype = CODECS[codec]
    turns = np.repeat([1, 0, 1, 0, 0, 1, 0, 1], RATE)
    samples = np.stack([voice(8) * turns, voice(8, seed=1) * (1 - turns)], axis=1).astype(np.float32)
    path = write(tmp_path / "call", samples, RATE, subtype, container=container)
    assert open_audio(path).layout == "two-sided"
    signal, _ = await heard(path)
    for side in (0, 1):
        assert likeness(signal[:, side], expected(samples[:, side], RATE)) > 0.9


@pytest.mark.parametrize(("codec", "name"), list(product([*CODECS, "wav"], ["call.mp3", "call.txt", "call"])))
async def test_the_content_decides_and_not_the_name(tmp_path: Path, codec: str, name: str) -> None:
    container, subtype = CODECS.get(codec, ("WAV", "PCM_16"))
    path = write(tmp_path / name, voice(1), RATE, subtype, container=container)
    assert open_audio(path).format == codec


async def test_a_sample_call_is_heard_as_soundfile_reads_it(sample_call: Path) -> None:
    samples, rate = soundfile.read(sample_call, dtype="float32")
    signal, warnings = await heard(sample_call)
    assert likeness(signal[:, 0], expected(samples, rate)) > 0.9999
    assert warnings == []


async def test_the_chunks_of_a_channel_follow_each_other_without_a_gap(tmp_path: Path) -> None:
    samples = np.stack([voice(5, 44100), voice(5, 44100, seed=1)], axis=1)
    chunks, _ = await decode(write(tmp_path / "call.wav", samples, 44100), "two-sided")
    assert [message.channel for message in chunks[:4]] == [0, 1, 0, 1]
    for side in (0, 1):
        ours = [message for message in chunks if message.channel == side]
        assert ours[0].start == 0
        assert all(before.start + len(before.samples) == after.start for before, after in pairwise(ours))
        assert ours[-1].end_time == 5.0
        assert {message.samples.dtype for message in ours} == {np.dtype(np.float32)}
        assert all(len(message.samples) <= 1.1 * SAMPLE_RATE for message in ours)


@pytest.mark.parametrize("padding", [0, 3000])
async def test_tags_in_front_of_an_mp3_and_behind_it_are_no_audio(tmp_path: Path, padding: int) -> None:
    samples = voice(3)
    plain = write(tmp_path / "plain.mp3", samples, RATE, "MPEG_LAYER_III", container="MP3").read_bytes()
    size = 5000
    tag = b"ID3\x04\0\0" + bytes([0, 0, size >> 7, size & 127]) + b"\xff\xfb\x90\x40" * (size // 4)
    path = tmp_path / "tagged.mp3"
    path.write_bytes(tag + bytes(padding) + plain + b"TAG" + b"title".ljust(125, b"\0"))
    signal, warnings = await heard(path)
    assert len(signal) == 3 * SAMPLE_RATE
    assert likeness(signal[:, 0], expected(samples, RATE)) > 0.95
    assert warnings == []


async def test_an_mp3_without_a_length_in_its_header_is_read_to_its_end(tmp_path: Path) -> None:
    # Quiet first, loud later: from the small frames of the beginning libmpg123 would guess a length that is far off.
    samples = np.concatenate([voice(20) * 0.001, voice(20)])
    tagged = write(tmp_path / "tagged.mp3", samples, RATE, "MPEG_LAYER_III", container="MP3").read_bytes()
    at = tagged.index(b"Xing") if b"Xing" in tagged else tagged.index(b"Info")
    first = tagged.index(tagged[:2], at)
    path = tmp_path / "untagged.mp3"
    path.write_bytes(tagged[first:])
    signal, warnings = await heard(path)
    # Without the tag nobody knows the encoder's delay and padding, two frames each at most.
    assert 0 <= len(signal) - 40 * SAMPLE_RATE < 4 * 576 * 2
    assert warnings == []


async def test_an_mp3_behind_foreign_bytes_is_found(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.mp3", voice(2), RATE, "MPEG_LAYER_III", container="MP3").read_bytes()
    path = tmp_path / "call.mp3"
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + plain)
    signal, _ = await heard(path)
    assert len(signal) == 2 * SAMPLE_RATE


async def test_flac_behind_an_id3_tag_is_read(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.flac", voice(2), container="FLAC").read_bytes()
    path = tmp_path / "call.flac"
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x20" + bytes(32) + plain)
    signal, warnings = await heard(path)
    assert len(signal) == 2 * SAMPLE_RATE
    assert warnings == []


async def test_flac_from_a_pipe_has_no_length_and_is_read_to_its_end(tmp_path: Path) -> None:
    plain = bytearray(
        write(tmp_path / "plain.flac", np.repeat(voice(3)[:, None], 2, axis=1), container="FLAC").read_bytes()
    )
    plain[21] &= 0xF0
    plain[22:26] = bytes(4)
    path = tmp_path / "call.flac"
    path.write_bytes(plain)
    assert open_audio(path).duration is None
    signal, warnings = await heard(path)
    assert len(signal) == 3 * SAMPLE_RATE
    assert warnings == []


async def test_recordings_chained_in_one_ogg_file_are_read_one_after_the_other(tmp_path: Path) -> None:
    first = write(tmp_path / "first", voice(3), RATE, "OPUS", container="OGG").read_bytes()
    second = write(tmp_path / "second", voice(2, seed=1), RATE, "OPUS", container="OGG").read_bytes()
    path = tmp_path / "call.opus"
    path.write_bytes(first + second)
    assert open_audio(path).duration == 5.0
    signal, warnings = await heard(path)
    assert len(signal) == 5 * SAMPLE_RATE
    assert likeness(signal[3 * SAMPLE_RATE :, 0], expected(voice(2, seed=1), RATE)) > 0.9
    assert warnings == []


async def test_chunks_around_the_samples_of_a_wav_are_skipped(tmp_path: Path) -> None:
    plain = wav(pcm(voice(1)))
    path = tmp_path / "call.wav"
    path.write_bytes(plain[:12] + chunk(b"bext", b"x" * 601) + plain[12:] + chunk(b"LIST", b"INFOISFT\4\0\0\0Asti"))
    signal, warnings = await heard(path)
    assert len(signal) == SAMPLE_RATE
    assert warnings == []


async def test_float_samples_above_full_scale_are_kept(tmp_path: Path) -> None:
    signal, _ = await heard(write(tmp_path / "call.wav", 40 * voice(1, SAMPLE_RATE), SAMPLE_RATE, "FLOAT"))
    np.testing.assert_array_equal(signal[:, 0], 40 * voice(1, SAMPLE_RATE))
    assert np.abs(signal).max() > 1


@given(
    rate=st.sampled_from([8000, 11025, 22050, 44100, 48000]),
    cuts=st.lists(st.integers(0, 5000), min_size=1, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_resampling_gives_the_same_signal_however_it_is_cut(rate: int, cuts: list[int]) -> None:
    samples = voice(max(1, sum(cuts)) / rate + 0.01, rate)[: sum(cuts), None]
    resampler = Resampler(rate, 1)
    parts = [resampler.take(part) for part in np.split(samples, np.cumsum(cuts)[:-1])]
    together = np.concatenate([*parts, resampler.finish()])[:, 0]
    assert len(together) == int(len(samples) * SAMPLE_RATE / rate + 0.5)
    whole = Resampler(rate, 1)
    np.testing.assert_allclose(together, np.concatenate([whole.take(samples), whole.finish()])[:, 0], atol=1e-5)


async def test_two_hours_take_no_more_memory_than_a_few_blocks(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    second = pcm(voice(1))
    with path.open("wb") as file:
        file.write(wav(b"", declared=7200 * len(second)))
        for _ in range(7200):
            file.write(second)
    ends: list[float] = []
    tracemalloc.start()
    try:
        await play(path, "auto", lambda message: ends.append(message.end_time))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ends[-1] == 7200
    assert len(ends) >= 7200
    assert peak < 8_000_000


@pytest.mark.parametrize("rate", [RATE, SAMPLE_RATE])
def test_what_floats_can_hold_and_no_microphone_hears_has_an_energy(rate: int) -> None:
    samples = np.tile(np.array([3e38, 3e38, -3e38, np.inf], np.float32), rate)[:, None]
    resampler = Resampler(rate, 1)
    signal = np.concatenate([resampler.take(samples)] + ([resampler.finish()] if rate != SAMPLE_RATE else []))
    assert np.isfinite(np.sum(np.square(signal)))
