"""What cannot be read is refused with the catalogue's entry, and what is wrong is said, before anything is loaded."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import errors
from contracts.audio import AudioChunk
from contracts.errors import CallAnnotateError, Fault
from stages import byte_view
from stages.decode import open_audio
from tests.stages.recordings import RATE, heard, pcm, play, voice, wav, write

pytestmark = pytest.mark.anyio


def refusal(path: Path) -> CallAnnotateError:
    with pytest.raises(CallAnnotateError) as caught:
        open_audio(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return caught.value


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


async def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "call.wav").fault == errors.FILE_NOT_FOUND


async def test_a_file_below_another_file_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "call.wav", voice(1))
    assert refusal(tmp_path / "call.wav" / "call.wav").fault == errors.FILE_NOT_FOUND


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert error.fault == errors.NOT_A_FILE
    assert error.details["kind"] == "folder"


async def test_a_named_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "call.wav")
    error = refusal(tmp_path / "call.wav")
    assert error.fault == errors.NOT_A_FILE
    assert error.details["kind"] == "named pipe"


async def test_a_device_and_a_socket_are_refused(tmp_path: Path) -> None:
    assert refusal(Path(os.devnull)).details["kind"] == "device"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        assert refusal(tmp_path / "s").details["kind"] == "socket"


async def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "call.wav", voice(1))

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    # Tests may run as root, whom no mode keeps out.
    monkeypatch.setattr(os, "open", refuse)
    error = refusal(path)
    assert error.fault == errors.FILE_UNREADABLE
    assert "Permission denied" in str(error)


async def test_a_name_of_strange_bytes_can_be_read_and_printed(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    write(tmp_path / "call.wav", voice(1)).rename(path)
    assert open_audio(path).duration == 1.0
    path.write_bytes(b"")
    with pytest.raises(CallAnnotateError) as caught:
        open_audio(path)
    assert r"caf\xe9.wav" in str(caught.value)
    str(caught.value).encode()


async def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(written(tmp_path / "call.wav", b"")).fault == errors.FILE_EMPTY


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"Hello, this is a transcript.\n" * 100, "text"),
        ("Добрый день, чем могу помочь?\n".encode() * 100, "text"),
        (b"{}", "2 bytes"),
        (bytes(range(256)) * 40, "unknown"),
        (bytes(100_000), "unknown"),
        (b"\0\0\0\x20ftypM4A " + bytes(1000), "M4A"),
        (b"#!AMR\n" + bytes(1000), "AMR"),
        (b"FORM" + bytes(1000), "AIFF"),
        (b"\xff\xf1\x50\x80" + bytes(1000), "unknown"),
        (b"RIFF\x24\0\0\0AVI " + bytes(100), "unknown"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "breaks off"),
        (b"RIFF\x24\0\0\0WAVEdata\x10\0\0\0" + bytes(16), "does not say what the samples are"),
        (b"fLaC\0\0\0\x22" + bytes(8), "breaks off"),
        (b"OggS" + bytes(100), "damaged"),
    ],
)
async def test_what_is_no_recording_is_refused_whatever_its_name(tmp_path: Path, content: bytes, cause: str) -> None:
    error = refusal(written(tmp_path / "call.wav", content))
    assert error.fault == errors.UNSUPPORTED_FORMAT
    assert cause in str(error)


async def test_samples_without_a_header_are_refused(tmp_path: Path) -> None:
    for name in ("call.raw", "call.ulaw", "call.gsm", "call.sln"):
        assert refusal(written(tmp_path / name, pcm(voice(2)))).fault == errors.UNSUPPORTED_FORMAT


@given(
    content=st.binary(max_size=3000),
    head=st.sampled_from([b"", b"RIFF", b"OggS\0", b"fLaC", b"ID3\4", b"\xff\xfb\x90\x64"]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_by_chance_are_refused_with_an_entry_of_the_catalogue(
    tmp_path: Path, content: bytes, head: bytes
) -> None:
    refusal(written(tmp_path / "call.mp3", head + content))


async def test_noise_is_not_taken_for_an_mp3(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    for _ in range(20):
        assert refusal(written(tmp_path / "call.mp3", noise.bytes(200_000))).fault == errors.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "FLOAT"])
async def test_a_wav_of_0_samples_is_refused(tmp_path: Path, subtype: str) -> None:
    assert refusal(write(tmp_path / "call.wav", np.zeros(0, np.float32), subtype=subtype)).fault == errors.NO_AUDIO


@pytest.mark.parametrize("announced", [0, 80_000])
async def test_a_flac_of_0_samples_is_refused(tmp_path: Path, announced: int) -> None:
    plain = write(tmp_path / "plain.flac", voice(1), container="FLAC").read_bytes()
    path = written(tmp_path / "call.flac", b"fLaC\x80" + plain[5:22] + announced.to_bytes(4, "big") + plain[26:42])
    with pytest.raises(CallAnnotateError) as caught:
        await heard(path)
    assert caught.value.fault == errors.NO_AUDIO


async def test_an_opus_of_0_samples_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "call.opus", np.zeros(0, np.float32), RATE, "OPUS", container="OGG")
    assert refusal(path).fault == errors.NO_AUDIO


@pytest.mark.parametrize("channels", [3, 6, 100, 5000])
async def test_more_than_two_channels_are_refused(tmp_path: Path, channels: int) -> None:
    error = refusal(written(tmp_path / "call.wav", wav(bytes(2 * channels * 2000), channels=channels)))
    assert error.fault == errors.TOO_MANY_CHANNELS
    assert str(channels) in str(error)


@pytest.mark.parametrize("rate", [0, 4000, 7999, 48_001, 96_000, 192_000])
async def test_a_sampling_rate_beyond_speech_is_refused(tmp_path: Path, rate: int) -> None:
    error = refusal(written(tmp_path / "call.wav", wav(bytes(20_000), rate=rate)))
    assert error.fault == errors.UNSUPPORTED_SAMPLE_RATE
    assert "8000 to 48000 Hz" in str(error)


@pytest.mark.parametrize(("container", "rate"), [("FLAC", 192_000), ("FLAC", 4000), ("WAV", 192_000)])
async def test_a_sampling_rate_beyond_speech_is_refused_in_every_container(
    tmp_path: Path, container: str, rate: int
) -> None:
    path = write(tmp_path / "call", voice(1), rate, container=container)
    assert refusal(path).fault == errors.UNSUPPORTED_SAMPLE_RATE


@pytest.mark.parametrize("container", ["WAV", "FLAC"])
async def test_10_ms_of_audio_are_too_short(tmp_path: Path, container: str) -> None:
    error = refusal(write(tmp_path / "call", voice(0.01), container=container))
    assert error.fault == errors.AUDIO_TOO_SHORT
    assert "0.010 s" in str(error)


async def test_a_tenth_of_a_second_is_enough(tmp_path: Path) -> None:
    signal, _ = await heard(write(tmp_path / "call.wav", voice(0.1)))
    assert len(signal) == 1600


@pytest.mark.parametrize(
    ("value", "subtype"), [(np.nan, "FLOAT"), (np.inf, "FLOAT"), (-np.inf, "FLOAT"), (1e300, "DOUBLE")]
)
@pytest.mark.parametrize("channels", [1, 2])
async def test_samples_that_are_no_numbers_are_refused_with_their_time(
    tmp_path: Path, value: float, subtype: str, channels: int
) -> None:
    samples = np.repeat(voice(4)[:, None], channels, axis=1).astype(np.float64)
    samples[20_004, -1] = value
    samples[25_000, 0] = value
    path = write(tmp_path / "call.wav", samples, RATE, subtype)
    with pytest.raises(CallAnnotateError, match=r"2\.501 s") as caught:
        await heard(path, "mono")
    assert caught.value.fault == errors.INVALID_SAMPLES


@pytest.mark.parametrize("value", [0.0, 0.25])
@pytest.mark.parametrize("channels", [1, 2])
async def test_a_recording_without_a_signal_is_read_with_a_warning(tmp_path: Path, value: float, channels: int) -> None:
    samples = np.full((3 * RATE, channels), value, np.float32)
    signal, warnings = await heard(write(tmp_path / "call.wav", samples))
    assert signal.shape == (48_000, 1)
    assert warnings == ["NO_SIGNAL"]


async def test_one_side_without_a_signal_is_no_reason_to_warn(tmp_path: Path) -> None:
    _, warnings = await heard(write(tmp_path / "call.wav", np.stack([voice(3), 0 * voice(3)], axis=1)))
    assert warnings == []


async def test_a_mono_recording_cannot_be_two_sided(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", voice(1))
    with pytest.raises(CallAnnotateError, match=r"call\.wav has one channel") as caught:
        open_audio(path, "two-sided")
    assert caught.value.fault == errors.INVALID_OPTION


async def failure(path: Path, change: object = None) -> Fault:
    """The entry of a recording that changes after its first chunk."""
    changes = iter([change])

    def take(_: object) -> None:
        act = next(changes, None)
        if callable(act):
            act()

    with pytest.raises(CallAnnotateError) as caught:
        await play(path, "auto", take)
    return caught.value.fault


async def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", voice(60))

    def grow() -> None:
        with path.open("ab") as file:
            file.write(pcm(voice(1)))

    assert await failure(path, grow) == errors.FILE_CHANGED


async def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "call.flac", voice(60), container="FLAC")
    assert await failure(path, lambda: os.truncate(path, 10_000)) == errors.FILE_CHANGED


async def test_a_file_that_vanishes_before_it_is_read_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "call.wav", voice(5))
    found = open_audio(path)
    path.unlink()
    monkeypatch.setattr("tests.stages.recordings.open_audio", lambda *_: found)
    assert await failure(path) == errors.FILE_NOT_FOUND


async def test_a_file_that_is_replaced_before_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "call.wav", voice(5))
    found = open_audio(path)
    write(path, voice(6))
    monkeypatch.setattr("tests.stages.recordings.open_audio", lambda *_: found)
    assert await failure(path) == errors.FILE_CHANGED


async def test_a_file_that_is_unlinked_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", voice(30))
    ends: list[float] = []

    def take(message: AudioChunk) -> None:
        path.unlink(missing_ok=True)
        ends.append(message.end_time)

    notices = await play(path, "auto", take)
    assert ends[-1] == 30.0
    assert notices == []


async def test_a_disk_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "call.wav", voice(60, 48_000), 48_000)
    monkeypatch.setattr(byte_view, "WINDOW", 100_000)
    pread = os.pread

    def fail_late(descriptor: int, count: int, offset: int) -> bytes:
        if offset > 2_000_000:
            raise OSError(5, "Input/output error")
        return pread(descriptor, count, offset)

    monkeypatch.setattr(os, "pread", fail_late)
    with pytest.raises(CallAnnotateError, match="Input/output error") as caught:
        await heard(path)
    assert caught.value.fault == errors.FILE_UNREADABLE


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("name", ["call.wav", "call.flac", "call.mp3", "call.opus"])
async def test_nothing_stays_open(tmp_path: Path, name: str) -> None:
    kinds = {
        "wav": ("WAV", "PCM_16"),
        "flac": ("FLAC", "PCM_16"),
        "mp3": ("MP3", "MPEG_LAYER_III"),
        "opus": ("OGG", "OPUS"),
    }
    container, subtype = kinds[name[5:]]
    path = write(tmp_path / name, np.stack([voice(3), voice(3, seed=1)], axis=1), RATE, subtype, container=container)
    before = open_files()
    await heard(path)
    assert open_files() == before
