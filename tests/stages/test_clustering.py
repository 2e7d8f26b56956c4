"""Speakers are told apart and counted."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.clustering import BLOCK, BRIEF, SAME, Speakers, find_speakers
from tests.stages.voices import prints_of, voices


def call(
    counts: list[int], seed: int = 0, directions: npt.NDArray[np.float64] | None = None
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Voiceprints of voices in random order (n, 192), and whose they are (n,)."""
    directions = voices(len(counts), seed) if directions is None else directions
    owner = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    vectors = np.zeros((len(owner), directions.shape[1]), np.float32)
    for voice, count in enumerate(counts):
        vectors[owner == voice] = prints_of(directions[voice], count, seed + voice + 1000)
    return vectors, owner


def found(vectors: npt.NDArray[np.float32], minimum: int = 1, maximum: int | None = None) -> Speakers:
    """One second each, all on one channel."""
    return find_speakers(vectors, np.ones(len(vectors)), np.zeros(len(vectors), np.int64), minimum, maximum)


def right(speakers: Speakers, vectors: npt.NDArray[np.float32], owner: npt.NDArray[np.int64]) -> bool:
    """Every voice has a speaker of its own, which all its voiceprints are nearest to."""
    nearest = (vectors @ speakers.means.T).argmax(axis=1)
    return len(set(zip(owner.tolist(), nearest.tolist(), strict=True))) == len(set(owner)) == len(speakers.means)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("each", [4, 40])
def test_voices_are_counted_in_short_calls_and_in_longer_ones(count: int, each: int) -> None:
    vectors, owner = call([each] * count)
    speakers = found(vectors)
    assert right(speakers, vectors, owner)
    np.testing.assert_allclose(np.linalg.norm(speakers.means, axis=1), 1, atol=1e-5)


def test_two_alike_are_told_apart_and_two_recordings_of_one_are_not() -> None:
    """Mean similarities between the groups of 0.5 and 0.7 of those within."""
    one, other = voices(2)
    for quotient, expected in [(SAME - 0.07, 2), (SAME + 0.13, 1)]:
        near = quotient * one + np.sqrt(1 - quotient**2) * other
        vectors, _ = call([60, 60], directions=np.stack([one, near]))
        assert len(found(vectors).means) == expected


def test_who_speaks_little_counts_in_a_short_call_but_odd_sounds_in_a_long_one_do_not() -> None:
    vectors, owner = call([12, 2])
    assert right(found(vectors), vectors, owner)
    vectors, _ = call([600, 2])
    assert len(found(vectors).means) == 1


def test_who_speaks_little_and_like_another_does_not_count() -> None:
    one, other = voices(2)
    near = 0.52 * one + np.sqrt(1 - 0.52**2) * other
    assert int(BRIEF) == 3
    vectors, _ = call([40, 3], directions=np.stack([one, near]))
    assert len(found(vectors).means) == 1
    vectors, _ = call([40, 40], directions=np.stack([one, near]))
    assert len(found(vectors).means) == 2


@pytest.mark.parametrize(("minimum", "maximum"), [(1, 1), (2, 2), (3, 3), (4, 4), (6, 6), (1, 2), (5, None), (2, 8)])
def test_bounds_on_the_number_of_speakers_are_kept(minimum: int, maximum: int | None) -> None:
    vectors, _ = call([30, 30, 30, 30])
    count = len(found(vectors, minimum, maximum).means)
    assert minimum <= count <= (maximum or 100)
    if minimum <= 4 <= (maximum or 100):
        assert count == 4


def test_a_single_voice_is_divided_when_two_are_asked_for() -> None:
    vectors, _ = call([50])
    assert len(found(vectors).means) == 1
    assert len(found(vectors, 2, 2).means) == 2


def test_too_many_speakers_lose_a_brief_one_rather_than_two_that_speak_much() -> None:
    one, other, third = voices(3)
    near = 0.4 * one + np.sqrt(1 - 0.4**2) * other
    vectors, owner = call([40, 40, 2], directions=np.stack([one, near, third]))
    assert right(found(vectors), vectors, owner)
    assert right(found(vectors, 1, 2), vectors[owner < 2], owner[owner < 2])


def test_no_more_speakers_are_found_than_there_are_voiceprints() -> None:
    vectors, _ = call([2])
    assert len(found(vectors, 5, 5).means) == 2
    assert len(found(vectors[:1], 5, 5).means) == 1


def test_channels_are_never_merged_and_share_the_bounds() -> None:
    vectors, owner = call([40, 40])
    mixed = np.concatenate([vectors, vectors])
    channels = np.repeat([0, 1], len(vectors))
    seconds = np.ones(len(mixed))
    everyone = find_speakers(mixed, seconds, channels)
    assert everyone.channels.tolist() == [0, 0, 1, 1]
    assert len(find_speakers(mixed, seconds, channels, 1, 3).means) == 3
    assert sorted(find_speakers(mixed, seconds, channels, 1, 2).channels) == [0, 1]
    assert sorted(find_speakers(mixed, seconds, channels, 1, 1).channels) == [0, 1]
    quiet = np.where(np.arange(len(mixed)) == len(mixed) - 1, 1, 0)
    assert set(find_speakers(mixed, seconds, quiet).channels) == {0, 1}
    assert len(owner) == len(vectors)


def test_voices_are_recognised_across_the_blocks_of_a_long_call() -> None:
    vectors, owner = call([BLOCK, BLOCK, BLOCK // 2])
    assert right(found(vectors), vectors, owner)


def test_two_hours_need_little_memory_even_when_nothing_resembles_anything() -> None:
    noise = np.random.default_rng(0).normal(size=(10_000, 192))
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    tracemalloc.start()
    found(vectors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**32), st.integers(1, 4), st.integers(0, 4))
def test_anything_gives_as_many_speakers_as_are_allowed_at_most(count: int, seed: int, minimum: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(count, 192)) + rng.uniform(0, 3) * rng.normal(size=192)
    vectors = (noise / np.linalg.norm(noise, axis=1, keepdims=True)).astype(np.float32)
    speakers = find_speakers(
        vectors, rng.uniform(0.1, 1.5, count), rng.integers(0, 2, count), minimum, max(2, minimum + more)
    )
    assert 1 <= len(speakers.means) <= min(count, max(2, minimum + more))
    assert np.isfinite(speakers.means).all()
