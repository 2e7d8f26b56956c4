"""The benchmark of recognition: trials, rates, calibration, names in calls; with made-up voiceprints."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from benchmarks import voices_material as material
from benchmarks.materials import Material
from benchmarks.protocol import Turn
from benchmarks.voices import Names, names, probabilities, refusals
from benchmarks.voices_drawing import drawing
from benchmarks.voices_fit import fitted
from benchmarks.voices_material import Person
from benchmarks.voices_trials import Voice, balanced, bins, calibration_error, error_rate, stretches, trials
from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.speech import Diarization, SpeakerTurn, Voiceprints
from models.cohort import cohort
from tests.stages.voices import prints_of
from tests.stages.voices import voices as directions

PEOPLE = directions(14, seed=5)
SHIFT = cohort().band
"""What the telephone band takes off."""
SILENCE: Samples = np.zeros(SAMPLE_RATE, np.float32)


def voice(number: int, group: str | None = None, *, known: bool = True) -> Voice:
    """A made-up person with 30 windows of a second in each band."""
    person = Person(f"voice {number}", group or f"group {number}", SILENCE if known else None, SILENCE.copy())
    enrolled = prints_of(PEOPLE[number], 30, seed=number).mean(axis=0, keepdims=True)
    heard = prints_of(PEOPLE[number], 30, seed=100 + number), np.ones(30)
    moved = (heard[0] + 0.3 * SHIFT).astype(np.float32), heard[1]
    return Voice(person, {8: enrolled, 16: enrolled} if known else {}, {8: heard, 16: moved})


def test_speech_is_cut_into_stretches_of_about_the_same_length() -> None:
    vectors, seconds = prints_of(PEOPLE[0], 10), np.ones(10)
    found = list(stretches((vectors, seconds), 3.0))
    assert [len(part) for part, _ in found] == [3, 3, 3]


def test_voices_are_compared_in_both_bands_but_never_within_a_group() -> None:
    found = trials([voice(0, "one"), voice(1, "one"), voice(2), voice(3, known=False)], cohort())
    tens = found.where(found.duration == 10.0)
    # Three stretches of each in each band. To itself: three known. To others: the third knows two, the stranger three.
    assert tens.same.sum() == 4 * 3 * 3
    assert (~tens.same).sum() == 4 * 3 * (1 + 1 + 2 + 3)
    assert tens.score[tens.same].min() > 0.8
    assert tens.score[~tens.same].max() < 0.3


def test_made_up_voices_are_told_apart_with_probabilities_near_0_and_1() -> None:
    found = trials([voice(number) for number in range(4)], cohort())
    likely = probabilities(found)
    assert error_rate(likely[found.same], likely[~found.same]) == 0.0
    assert likely[found.same].mean() > 0.9
    assert likely[~found.same].mean() < 0.05


def test_the_equal_error_rate_is_where_both_errors_are_alike() -> None:
    assert error_rate(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    assert error_rate(np.array([0.0, 1.0, 2.0, 3.0]), np.array([-1.0, 0.5, -2.0, -3.0])) == pytest.approx(0.25)


def test_equal_and_different_voices_weigh_the_same() -> None:
    weights = balanced(np.array([True, False, False, False]))
    assert weights.tolist() == pytest.approx([0.5, 1 / 6, 1 / 6, 1 / 6])


def test_probabilities_that_come_true_have_no_calibration_error_and_bold_ones_have() -> None:
    rng = np.random.default_rng(0)
    honest = rng.uniform(0, 1, 40_000)
    same = rng.uniform(0, 1, len(honest)) < honest
    assert calibration_error(bins(honest, same)) < 0.02
    bold = np.where(honest > 0.5, 0.99, 0.01)
    assert calibration_error(bins(bold, same)) > 0.2


def test_fitting_leaves_the_bands_direction_out_and_gives_a_growing_ratio() -> None:
    found = fitted([voice(number) for number in range(8)])
    assert float(found.band @ SHIFT) > 0.95
    assert np.abs(found.strangers @ found.band).max() < 1e-2
    assert found.weights.shape == (4,)
    assert found.weights[1] > 0


def test_names_are_counted_for_every_choice_of_known_voices() -> None:
    people = [voice(0, "Anna"), voice(1, "Boris")]
    windows = 12
    regions, turns = [], []
    for speaker, (own, start) in enumerate(zip(people, (0, 2000), strict=True)):
        spans = np.array([(start + 59 * n, start + 59 * n + 89) for n in range(windows)], np.int64)
        active = np.ones(59 * windows + 30, np.uint8)
        regions.append(Voiceprints(0, start, active, spans, own.heard[8][0][:windows]))
        first, last = start * FRAME_STEP / SAMPLE_RATE, regions[-1].end_time
        turns.append(SpeakerTurn(0, speaker, first, last))
    call = Material(
        "call",
        Path("call.wav"),
        60.0,
        tuple(Turn(t.start_time, t.end_time, n) for t, n in zip(turns, ("Anna", "Boris"), strict=True)),
    )
    told = [(regions, Diarization(tuple(turns), 60.0))]
    # Known: Anna, Boris, both.
    assert names([call], told, people, 8) == Names(known=4, right=4, strangers=2, false=0)
    assert names([call], [(regions, Diarization(tuple(turns), 60.0))], people[:1], 8).strangers == 1


def test_samples_that_were_refused_are_counted_and_named() -> None:
    heard = voice(0), replace(voice(1, known=False), refused={8: "VOICE_TOO_SHORT"})
    assert refusals(heard) == "Of 3 samples enrolment refused 1: voice 1 at 8 kHz (VOICE_TOO_SHORT)."
    assert refusals(heard[:1]) == "Of 2 samples enrolment refused 0."


def test_the_diagram_is_svg_with_a_dot_for_each_bin_that_has_trials() -> None:
    found = bins(np.array([0.05, 0.95, 0.97]), np.array([False, True, True]))
    picture = ElementTree.fromstring(drawing(found))
    assert len([part for part in picture if part.tag.endswith("circle")]) == 2


def test_clips_come_at_one_rate_and_level_without_silence_at_their_ends(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(np.arange(8000) / 5)
    soundfile.write(tmp_path / "tone.wav", np.concatenate([np.zeros(8000), tone, np.zeros(8000)]), 8000)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(8000), 8000)
    (clip,) = material.clips([tmp_path / "tone.wav", tmp_path / "nothing.wav"])
    assert clip.dtype == np.float32
    assert len(clip) / SAMPLE_RATE == pytest.approx(1.0, abs=0.1)
    assert np.sqrt((clip**2).mean()) == pytest.approx(material.LEVEL, rel=0.01)


def test_clips_are_joined_until_there_is_enough() -> None:
    parts = [np.full(SAMPLE_RATE, 0.1, np.float32)] * 10
    assert len(material.joined(parts, 3.0)) == 3 * (SAMPLE_RATE + material.GAP)
