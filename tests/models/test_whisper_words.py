"""Times and probabilities of words from the alignment of tokens."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.audio import SAMPLE_RATE, Samples
from models.whisper_tokens import TokenWord
from models.whisper_words import SHORTEST_WORD, orderly, pauses, timed_words, token_starts, without_pause

seconds = st.floats(-5, 40)


def test_a_token_begins_at_its_first_frame_and_the_last_ends_where_the_end_of_text_begins() -> None:
    path = [(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 7)]
    assert token_starts(path, 2).tolist() == pytest.approx([0.0, 0.04, 0.08])


SOUND = np.random.default_rng(2).normal(0, 0.1, 4 * SAMPLE_RATE).astype(np.float32)


def with_pauses(*pauses: tuple[float, float]) -> Samples:
    """Four seconds of sound with faint noise in the pauses (s)."""
    samples = SOUND.copy()
    for start, end in pauses:
        samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] *= 0.01
    return samples


def test_a_word_lasts_from_its_first_to_its_last_token() -> None:
    words = [TokenWord("«Hello,", 1, 3), TokenWord("there.", 4, 5)]
    heard = timed_words(words, np.array([0.0, 0.1, 0.3, 0.5, 0.9, 1.3, 1.5]), [1, 0.9, 0.4, 1, 0.5, 1], SOUND)
    assert [(word.text, word.start, word.end) for word in heard] == [("«Hello,", 0.1, 0.5), ("there.", 0.9, 1.3)]


def test_the_probability_of_a_word_is_the_geometric_mean_of_its_tokens() -> None:
    (heard,) = timed_words([TokenWord("word", 0, 2)], np.array([0.0, 0.2, 0.4]), [0.9, 0.4], SOUND)
    assert heard.probability == pytest.approx(math.sqrt(0.9 * 0.4))


def test_a_probability_of_zero_is_no_error() -> None:
    (heard,) = timed_words([TokenWord("word", 0, 1)], np.array([0.0, 0.2]), [0.0], SOUND)
    assert 0 <= heard.probability < 1e-6


def test_a_word_after_a_pause_begins_with_its_sound() -> None:
    words = [TokenWord("one", 0, 1), TokenWord("two", 1, 2)]
    one, two = timed_words(words, np.array([0.0, 0.5, 1.9]), [1, 1], with_pauses((0.6, 1.5)))
    assert (one.start, one.end) == (0.0, 0.5)
    assert two.start == pytest.approx(1.5, abs=0.02)
    assert two.end == 1.9


def test_a_pause_is_found_beside_digital_silence() -> None:
    samples = with_pauses((0.5, 1.0))
    samples[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = 0
    assert np.ravel(pauses(samples)).tolist() == pytest.approx([0.5, 1.0, 2.0, 3.0], abs=0.02)


@pytest.mark.parametrize("samples", [SOUND, with_pauses((1, 1.1)), np.zeros(0, np.float32), np.zeros(100, np.float32)])
def test_steady_sound_and_the_closure_of_a_consonant_are_no_pause(samples: Samples) -> None:
    assert pauses(samples) == []


def test_of_a_word_on_both_sides_of_a_pause_the_longer_side_counts() -> None:
    quiet = [(1.0, 1.3), (2.0, 2.5)]
    assert without_pause((0.5, 1.4), quiet) == (0.5, 1.0)
    assert without_pause((0.9, 1.9), quiet) == (1.3, 1.9)
    assert without_pause((0.9, 2.6), quiet) == (1.3, 2.0)
    assert without_pause((2.1, 2.4), quiet) == (2.1, 2.4)
    assert without_pause((1.4, 1.9), quiet) == (1.4, 1.9)


@given(st.lists(st.tuples(seconds, seconds), max_size=60), st.floats(0, 5), st.floats(0.1, 30))
def test_words_never_go_back_overlap_leave_the_bounds_or_vanish(
    spans: list[tuple[float, float]], earliest: float, length: float
) -> None:
    found = orderly(spans, earliest, earliest + length)
    shortest = min(SHORTEST_WORD, length / max(1, len(spans)))
    assert len(found) == len(spans)
    for start, end in found:
        assert earliest - 1e-9 <= start <= end - shortest + 1e-9
        assert end <= earliest + length + 1e-9
    assert all(before[1] <= after[0] + 1e-9 for before, after in pairwise(found))


@given(st.lists(st.floats(0.1, 1), min_size=1, max_size=20))
def test_times_that_are_in_order_stay_as_they_are(steps: list[float]) -> None:
    times = np.cumsum([0.0, *steps]).tolist()
    assert orderly(list(pairwise(times)), 0.0, times[-1]) == list(pairwise(times))
