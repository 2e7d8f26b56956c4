"""The simulated calls: the same samples everywhere, references that fit them."""

import gzip
import hashlib
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from benchmarks import simulator
from benchmarks.debian import PackagesUnavailableError, unpacked
from benchmarks.simulator import RATE, RECIPES, SAMPLE, Recipe, ReferenceTurn

PINNED = "12f4899f0bcf2931150e2d979ef42746e64f89662c9222dc1c2139ba6a340990"
DATA = Path(__file__).parent.parent / "data"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A `usr/share` with sixteen made-up prompts in English and Russian each, laid out as the Debian packages are."""
    share = tmp_path / "share"
    for language in ("en", "ru"):
        sounds = share / "asterisk" / "sounds" / simulator.VOICES[language].folder
        documents = share / "doc" / f"asterisk-core-sounds-{language}"
        sounds.mkdir(parents=True)
        documents.mkdir(parents=True)
        lines = ["; a remark that is long enough to be taken for a prompt"]
        for number in range(16):
            length = RATE // 2 + 400 * number
            tone = (np.arange(length) % (20 + number)).astype(np.int16) * 400
            soundfile.write(sounds / f"p{number:02}.wav", np.pad(tone, 800), RATE)
            lines.append(f"p{number:02}: prompt {chr(97 + number)} of a made-up voice in {language}")
        lines += [
            "p00: 12 digits are not read out as they are written",
            "p01: too short",
            "gone: there is no such recording",
        ]
        with gzip.open(documents / f"core-sounds-{language}.txt.gz", "wt", encoding="utf-8") as listing:
            listing.write("\n".join(lines))
    return share


def pool(root: Path) -> dict[str, list[simulator.Recording]]:
    return {language: simulator.recordings(root, language) for language in ("en", "ru")}


def test_the_sample_holds_the_samples_that_its_recipe_pins() -> None:
    assert simulator.digest(DATA / "sample.flac") == SAMPLE.sha256


def test_the_sample_is_a_telephone_call_of_two_voices_with_overlap() -> None:
    turns = msgspec.json.decode((DATA / "sample.json").read_bytes(), type=list[ReferenceTurn])
    info = soundfile.info(DATA / "sample.flac")

    assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
    assert 50 < info.duration < 70
    assert {turn.speaker for turn in turns} == {"Allison", "Ivrvoice"}
    assert sum(later.start < earlier.end for earlier, later in pairwise(turns)) == 2
    assert (DATA / "sample.rttm").read_text(encoding="utf-8") == simulator.rttm("sample", turns)


def test_a_recipe_gives_the_same_samples_and_turns_as_ever(root: Path) -> None:
    recipe = Recipe("both", ("en", "ru"), turns=12, seed=9, overlap=0.3, stereo=True)
    audio, turns = simulator.simulate(recipe, pool(root))
    integers = np.round(audio * 32767).astype("<i2")

    assert hashlib.sha256(integers.tobytes()).hexdigest() == PINNED
    assert "".join(turn.language[0] for turn in turns) == "rreerererere"


def test_every_call_of_the_benchmark_is_pinned() -> None:
    assert [recipe.name for recipe in RECIPES] == [
        "en_it", "ru_fr", "en_ru_fr_it", "ru", "en", "en_ru_it", "stereo_ru_it",
    ]  # fmt: skip
    assert all(recipe.sha256 for recipe in RECIPES)


def test_held_out_recipes_differ_in_nothing_but_the_seed() -> None:
    for recipe, other in zip(RECIPES, simulator.held_out(500), strict=True):
        assert other == replace(recipe, seed=500 + recipe.seed, sha256=None)


def test_only_spoken_sentences_with_a_recording_are_used(root: Path) -> None:
    texts = [recording.text for recording in pool(root)["ru"]]

    assert texts == [f"prompt {chr(97 + number)} of a made-up voice in ru" for number in range(0, 16, 2)]


def test_turns_lie_where_the_sound_is(root: Path) -> None:
    audio, turns = simulator.simulate(Recipe("one", ("en",), turns=8, seed=3), pool(root))
    loud = np.zeros(len(audio), bool)
    for turn in turns:
        loud[round(turn.start * RATE) + 450 : round(turn.end * RATE) - 450] = True

    assert np.abs(audio[loud]).mean() > 20 * np.abs(audio[np.r_[0 : round(turns[0].start * RATE)]]).mean()
    assert len(audio) / RATE == pytest.approx(turns[-1].end + 0.5, abs=0.001)


def test_a_call_that_came_out_different_is_refused_and_removed(root: Path, tmp_path: Path) -> None:
    recipe = Recipe("other", ("en",), turns=3, seed=3, sha256="0" * 64)

    with pytest.raises(ValueError, match="other: the samples have the sha256"):
        simulator.write_call(recipe, root, tmp_path / "calls")
    assert list((tmp_path / "calls").iterdir()) == []


def test_calls_that_are_there_are_not_simulated_again(root: Path, tmp_path: Path) -> None:
    recipe = Recipe("ready", ("ru",), turns=3, seed=4)
    written = simulator.write_call(recipe, root, tmp_path)

    assert simulator.calls(tmp_path, [recipe], cache=tmp_path / "nothing here") == [written]


def apt_get(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an apt-get in front of the machine's own."""
    folder.mkdir()
    (folder / "apt-get").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_a_package_that_apt_does_not_know_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = "[ $1 = update ] || { echo 'E: Unable to locate package asterisk-nowhere' >&2; exit 100; }"
    apt_get(tmp_path / "bin", refuse, monkeypatch)

    with pytest.raises(PackagesUnavailableError, match=r"asterisk-nowhere \(E: Unable to locate.*apt-get update"):
        unpacked(["asterisk-nowhere"], tmp_path / "cache")


def test_a_fresh_machine_is_brought_up_to_date_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    fresh = f"echo $1 >> {log}; [ $1 = update ] || [ $(wc -l < {log}) -gt 1 ] || exit 100"
    apt_get(tmp_path / "bin", fresh, monkeypatch)

    assert unpacked(["asterisk-anything"], tmp_path / "cache") == tmp_path / "cache" / "root" / "usr" / "share"
    assert log.read_text().split() == ["download", "update", "download"]


def test_without_apt_the_message_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PackagesUnavailableError, match="apt-get is needed"):
        unpacked(["asterisk-core-sounds-en"], tmp_path / "cache")
