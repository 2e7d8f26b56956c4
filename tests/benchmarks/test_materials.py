"""What the systems listen to."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import materials
from benchmarks.materials import LONG, Material, MaterialError
from benchmarks.protocol import Task, Turn

RTTM = "SPEAKER {name} 1 0.500 1.250 <NA> <NA> alice <NA> <NA>\nSPEAKER {name} 1 1.000 2.000 <NA> <NA> bob <NA> <NA>\n"


def recording(folder: Path, name: str, seconds: float = 4.0) -> Path:
    path = folder / name
    soundfile.write(path, np.zeros(round(seconds * 8000)), 8000)
    return path


def test_a_folder_may_have_one_rttm_per_recording_or_one_for_all(tmp_path: Path) -> None:
    for name in ("one.wav", "two.flac", "three.wav", "nothing.wav"):
        recording(tmp_path, name)
    (tmp_path / "one.rttm").write_text(RTTM.format(name="one"))
    (tmp_path / "reference.rttm").write_text(RTTM.format(name="two") + RTTM.format(name="three"))

    found = materials.from_folder(tmp_path)

    turns = (Turn(0.5, 1.75, "alice"), Turn(1.0, 3.0, "bob"))
    assert found == [
        Material(f"{tmp_path.name}/{path.stem}", path, 4.0, turns)
        for path in (tmp_path / "one.wav", tmp_path / "three.wav", tmp_path / "two.flac")
    ]


def test_a_folder_without_turns_is_refused(tmp_path: Path) -> None:
    recording(tmp_path, "one.wav")

    with pytest.raises(MaterialError, match="holds no recording with turns"):
        materials.from_folder(tmp_path)


def test_silence_is_silent_noise_has_its_level_and_music_comes_from_every_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = tmp_path / "share" / "asterisk" / "moh"
    pieces.mkdir(parents=True)
    for number in range(1, 4):
        soundfile.write(pieces / f"{number}.wav", np.full(90 * 8000, number * 1000, np.int16), 8000)
    monkeypatch.setattr(materials, "unpacked", lambda _packages, _cache: tmp_path / "share")

    sounds = {sound.name: sound for sound in materials.speechless(tmp_path, tmp_path)}
    samples = {name: soundfile.read(sound.path, dtype="float64")[0] for name, sound in sounds.items()}

    assert {name: sound.duration for name, sound in sounds.items()} == {"silence": 60, "noise": 60, "music": 180}
    assert not samples["silence"].any()
    assert 20 * np.log10(np.sqrt(np.mean(samples["noise"] ** 2))) == pytest.approx(-30, abs=0.05)
    assert np.unique(np.round(samples["music"] * 32768)).tolist() == [1000, 2000, 3000]


def test_the_long_call_is_the_call_over_and_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(materials, "LONG", 2.5)
    call = tmp_path / "call.wav"
    soundfile.write(call, np.arange(8000, dtype=np.int16), 8000)

    long = materials.repeated(Material("call", call, 1.0), tmp_path)

    samples, rate = soundfile.read(long.path, dtype="int16")
    assert (rate, long.duration) == (8000, 2.5)
    assert samples.tolist() == [*range(8000), *range(8000), *range(4000)]


def test_two_hours_are_long() -> None:
    assert LONG == 2 * 60 * 60


def test_a_task_carries_what_a_system_may_know_and_no_reference(tmp_path: Path) -> None:
    call = Material("ru", tmp_path / "ru.wav", 9.0, (Turn(0, 1, "a"),), (("a", "да"),), "ru")

    assert call.task("auto") == Task("ru", str(tmp_path / "ru.wav"), 9.0, "ru", "auto")
