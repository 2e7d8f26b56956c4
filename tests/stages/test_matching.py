"""Which known voice a speaker is: an open set, a margin, a probability."""

import numpy as np
import numpy.typing as npt
import pytest

from contracts.recognition import KnownVoice
from models.cohort import cohort
from stages.matching import MARGIN, THRESHOLD, KnownVoices, mean_of
from tests.stages.voices import prints_of, voices

PEOPLE = voices(6, seed=3)
"""Directions of made-up voices."""


def known(*people: int) -> KnownVoices:
    """A snapshot of these people, each enrolled with 30 voiceprints."""
    return KnownVoices.of(
        [
            KnownVoice(f"id-{n}", f"Name {n}", prints_of(PEOPLE[n], 30, seed=n).mean(axis=0, keepdims=True), f"{n}.vec")
            for n in people
        ]
    )


def said(person: int, windows: int = 10) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]:
    return prints_of(PEOPLE[person], windows, seed=100 + person), np.ones(windows)


def test_a_known_voice_is_named_with_its_source_and_a_high_probability() -> None:
    match = known(0, 1, 2).match(*said(1))
    assert (match.voice_id, match.name, match.source) == ("id-1", "Name 1", "1.vec")
    assert THRESHOLD <= match.probability < 1
    assert match.margin > MARGIN


def test_a_stranger_is_nobody_however_many_voices_are_known() -> None:
    match = known(0, 1, 2).match(*said(5))
    assert match.voice_id is None
    assert match.name is None
    assert match.probability < 0.5


def test_where_nothing_is_known_or_heard_there_is_nobody() -> None:
    assert known().match(*said(0)).voice_id is None
    assert known(0).match(np.zeros((0, 192), np.float32), np.zeros(0)).voice_id is None


def test_a_voice_that_was_enrolled_twice_under_two_names_is_neither() -> None:
    vectors = prints_of(PEOPLE[0], 30)
    twice = KnownVoices.of([KnownVoice("a", "Anna", vectors), KnownVoice("b", "Anne", vectors)])
    match = twice.match(*said(0))
    assert match.voice_id is None
    assert match.margin == pytest.approx(0)


def test_one_known_voice_has_no_second_to_be_compared_with() -> None:
    match = known(3).match(*said(3))
    assert match.name == "Name 3"
    assert match.margin == float("inf")


def test_less_resemblance_is_less_probable() -> None:
    everybody = known(0, 1)
    mixed = [
        (prints_of(PEOPLE[0], 10, seed=7) * (1 - share) + prints_of(PEOPLE[4], 10, seed=8) * share, np.ones(10))
        for share in (0.0, 0.3, 0.5, 0.7, 1.0)
    ]
    probabilities = [everybody.match(vectors.astype(np.float32), seconds).probability for vectors, seconds in mixed]
    assert probabilities == sorted(probabilities, reverse=True)
    assert probabilities[0] > 0.9
    assert probabilities[-1] < 0.1


def test_what_the_telephone_band_does_to_a_voiceprint_changes_nothing() -> None:
    everybody = known(0, 1)
    vectors, seconds = said(0)
    moved = (vectors + 0.6 * cohort().band).astype(np.float32)
    plain, telephone = everybody.match(vectors, seconds), everybody.match(moved, seconds)
    assert telephone.name == plain.name
    assert telephone.probability == pytest.approx(plain.probability, abs=0.02)


def test_the_scale_of_voiceprints_does_not_count() -> None:
    vectors = prints_of(PEOPLE[0], 8)
    assert mean_of(5 * vectors, np.ones(8), cohort()) == pytest.approx(mean_of(vectors, np.ones(8), cohort()), abs=1e-6)


def test_one_voice_is_found_among_ten_thousand() -> None:
    rng = np.random.default_rng(0)
    crowd = [KnownVoice(str(n), str(n), rng.normal(size=(1, 192)).astype(np.float32)) for n in range(10_000)]
    anna = KnownVoice("anna", "Anna", prints_of(PEOPLE[0], 30, seed=0).mean(axis=0, keepdims=True))
    many = KnownVoices.of([*crowd[:5000], anna, *crowd[5000:]])
    assert len(many) == 10_001
    assert many.match(*said(0, 60)).name == "Anna"
    assert many.match(*said(1, 60)).name is None


def test_the_cohort_that_is_shipped_is_whole() -> None:
    found = cohort()
    assert found.band.shape == (192,)
    assert np.linalg.norm(found.band) == pytest.approx(1, abs=1e-5)
    assert len(found.strangers) >= 30
    assert np.linalg.norm(found.strangers, axis=1) == pytest.approx(np.ones(len(found.strangers)), abs=1e-2)
    assert np.abs(found.strangers @ found.band).max() < 1e-2
    assert found.weights.shape == (4,)
    assert found.weights[1] > 5
