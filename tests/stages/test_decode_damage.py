"""Recordings that break off, that are damaged, or whose header lies: what can be read is heard, at its right time."""

from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.audio import SAMPLE_RATE
from contracts.errors import CATALOGUE, CallAnnotateError
from stages.decode import open_audio
from tests.stages.recordings import RATE, chunk, decode, heard, likeness, pcm, voice, wav, write

pytestmark = pytest.mark.anyio

KINDS = {
    "wav": ("WAV", "PCM_16"),
    "gsm": ("WAV", "GSM610"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
    "vorbis": ("OGG", "VORBIS"),
}
BEGINNING = 20
"""Seconds of the sample call that are used."""


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, sample_call: Path) -> dict[str, bytes]:
    """The beginning of the sample call in every kind."""
    samples, rate = soundfile.read(sample_call, dtype="float32", frames=BEGINNING * RATE)
    folder = tmp_path_factory.mktemp("recordings")
    return {
        kind: write(folder / kind, samples, rate, subtype, container=container).read_bytes()
        for kind, (container, subtype) in KINDS.items()
    }


@pytest.fixture
async def whole(recordings: dict[str, bytes], tmp_path: Path) -> dict[str, np.ndarray]:
    """What is heard of each, (samples,)."""
    signals = {}
    for kind, content in recordings.items():
        (tmp_path / kind).write_bytes(content)
        signals[kind] = (await heard(tmp_path / kind))[0][:, 0]
    return signals


async def warned(path: Path) -> list[str]:
    """Codes of the warnings about a recording, or of the error that it ends in."""
    try:
        return (await heard(path))[1]
    except CallAnnotateError as error:
        return [error.fault.code]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.25, 0.5, 0.7, 0.9, 0.97])
async def test_a_recording_that_breaks_off_is_heard_up_to_there(
    recordings: dict[str, bytes], whole: dict[str, np.ndarray], tmp_path: Path, kind: str, share: float
) -> None:
    path = tmp_path / "cut"
    path.write_bytes(recordings[kind][: int(len(recordings[kind]) * share)])
    signal, warnings = await heard(path)
    assert warnings == ["TRUNCATED"]
    # FLAC loses its last frame, Ogg its last page.
    assert share * BEGINNING - 3.5 < len(signal) / SAMPLE_RATE < share * BEGINNING + 2.5
    inside = slice(0, len(signal) - SAMPLE_RATE // 10)
    assert likeness(signal[inside, 0], whole[kind][inside]) > 0.99


@pytest.mark.parametrize("kind", KINDS)
async def test_a_recording_cut_anywhere_is_heard_or_refused(
    recordings: dict[str, bytes], tmp_path: Path, kind: str
) -> None:
    content = recordings[kind]
    for length in [*range(1, 1500, 83), *range(1500, len(content), len(content) // 25), len(content) - 1]:
        path = tmp_path / "cut"
        path.write_bytes(content[:length])
        outcome = await warned(path)
        if length > 0.2 * len(content):
            assert outcome == ["TRUNCATED"] or (outcome == [] and length > len(content) - 200)
        else:
            assert len(outcome) == 1


@pytest.mark.parametrize(("kind", "lost"), [("flac", 1.2), ("mp3", 0.8), ("opus", 2.1), ("vorbis", 3.0)])
async def test_a_damaged_stretch_is_silence_and_all_that_follows_keeps_its_time(
    recordings: dict[str, bytes], whole: dict[str, np.ndarray], tmp_path: Path, kind: str, lost: float
) -> None:
    content = bytearray(recordings[kind])
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(3).bytes(300)
    path = tmp_path / "damaged"
    path.write_bytes(content)
    _, notices = await decode(path)
    signal, warnings = await heard(path)
    assert warnings == ["DAMAGED"]
    assert "first at" in notices[0].message
    assert len(signal) == len(whole[kind])
    broken = np.abs(signal[:, 0] - whole[kind]).reshape(-1, SAMPLE_RATE // 10).max(axis=1) > 0.05
    # After damage Opus comes up to 7 ms late, because libsndfile takes off its delay a second time.
    last = SAMPLE_RATE * 15 + (np.arange(-300, 300) if kind == "opus" else np.zeros(1, int))
    piece = whole[kind][SAMPLE_RATE * 15 : SAMPLE_RATE * 19]
    best = max(likeness(signal[start : start + len(piece), 0], piece) for start in last)
    assert best > 0.99
    if kind != "opus":
        assert broken.sum() / 10 < lost


@pytest.mark.parametrize("kind", ["flac", "mp3", "opus", "vorbis"])
async def test_bytes_that_are_missing_leave_silence_behind(
    recordings: dict[str, bytes], whole: dict[str, np.ndarray], tmp_path: Path, kind: str
) -> None:
    content = recordings[kind]
    third = len(content) // 3
    path = tmp_path / "damaged"
    path.write_bytes(content[:third] + content[third + len(content) // 6 :])
    signal, warnings = await heard(path)
    assert warnings == ["DAMAGED"]
    assert abs(len(signal) - len(whole[kind])) < SAMPLE_RATE // 50


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_ends_in_audio_or_an_entry_of_the_catalogue(
    recordings: dict[str, bytes], tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    content = bytearray(recordings[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 200))
        length = data.draw(st.integers(1, 3000))
        change = data.draw(st.sampled_from(["noise", "zeros", "gone", "twice"]))
        old = bytes(content[start : start + length])
        noise = np.random.default_rng(start).bytes(len(old))
        new = {"noise": noise, "zeros": bytes(len(old)), "gone": b"", "twice": old * 2}
        content[start : start + length] = new[change]
    path = tmp_path / "damaged"
    path.write_bytes(content)

    assert set(anyio.run(warned, path)) <= set(CATALOGUE)


@pytest.mark.parametrize("declared", [0, 0xFFFF_FFFF, 0x7FFF_FFFF, 0x8000_0000, 0x7FFF_F000])
async def test_a_recorder_that_could_not_know_the_length_is_read_to_the_end(tmp_path: Path, declared: int) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(pcm(voice(3)), declared=declared))
    assert open_audio(path).duration == 3.0
    signal, warnings = await heard(path)
    assert len(signal) == 3 * SAMPLE_RATE
    assert warnings == []


async def test_a_header_that_announces_more_than_there_is_says_that_the_recording_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(pcm(voice(3)), declared=10 * RATE * 2))
    _, notices = await decode(path)
    assert [notice.code for notice in notices] == ["TRUNCATED"]
    assert "after 3.00 s (its header announces 10.00 s)" in notices[0].message


async def test_a_header_that_announces_less_than_there_is_does_not_hide_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(pcm(voice(5)), declared=RATE * 2))
    chunks, notices = await decode(path)
    assert chunks[-1].end_time == 5.0
    assert [notice.code for notice in notices] == ["LENGTH_MISMATCH"]
    assert "says 1.00 s" in notices[0].message
    assert "holds 5.00 s" in notices[0].message


async def test_flac_that_announces_less_than_there_is_does_not_hide_the_rest(tmp_path: Path) -> None:
    plain = bytearray(write(tmp_path / "plain", voice(5), container="FLAC").read_bytes())
    plain[22:26] = (RATE).to_bytes(4, "big")
    path = tmp_path / "call.flac"
    path.write_bytes(plain)
    signal, warnings = await heard(path)
    assert len(signal) == 5 * SAMPLE_RATE
    assert warnings == ["LENGTH_MISMATCH"]


async def test_chunks_behind_the_samples_are_no_audio_even_where_they_break_off(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(wav(pcm(voice(2))) + chunk(b"id3 ", b"x" * 900) + chunk(b"LIST", b"y" * 8000)[:5000])
    signal, warnings = await heard(path)
    assert len(signal) == 2 * SAMPLE_RATE
    assert warnings == []


async def test_a_header_without_samples_behind_it_has_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    for declared in (0, 16_000, 0xFFFF_FFFF):
        path.write_bytes(wav(b"", declared=declared))
        with pytest.raises(CallAnnotateError) as caught:
            open_audio(path)
        assert caught.value.fault.code == "NO_AUDIO"


async def test_a_damaged_mp3_prints_nothing(
    recordings: dict[str, bytes], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = recordings["mp3"]
    path = tmp_path / "call.mp3"
    for damaged in (content[: len(content) // 2], content[:5000] + bytes(3000) + content[8000:], content[3000:]):
        path.write_bytes(damaged)
        await heard(path)
    assert capfd.readouterr() == ("", "")
