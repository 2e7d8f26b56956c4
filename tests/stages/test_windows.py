"""Filling windows with parts, and finding the part and the time of each word."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.audio import SAMPLE_RATE
from models.whisper_words import HeardWord
from stages.parts import Part
from stages.windows import LONGEST, LONGEST_PAUSE, SHORTEST_PAUSE, Window, pack, place


def part(start: float, seconds: float, level: float = 1.0) -> Part:
    return Part(0, int(start * SAMPLE_RATE), np.full(int(seconds * SAMPLE_RATE), level, np.float32), 0.9)


def test_parts_of_one_language_share_a_window() -> None:
    own = [part(0, 2), part(3, 2), part(6, 2), part(9, 2)]
    windows = pack(own, ["en", "ru", "en", "ru"])
    assert [(window.language, window.parts) for window in windows] == [
        ("en", (own[0], own[2])),
        ("ru", (own[1], own[3])),
    ]


def test_a_window_that_is_full_is_followed_by_another() -> None:
    own = [part(8 * n, 7) for n in range(8)]
    windows = pack(own, ["en"] * 8)
    assert all(len(window) <= LONGEST for window in windows)
    assert [part for window in windows for part in window.parts] == own
    assert len(windows) < 8


def test_pauses_are_kept_short_but_not_too_short() -> None:
    window = Window("en", (part(0, 1, 1), part(1, 1, 2), part(2.1, 1, 3), part(60, 1, 4)))
    short, long = SHORTEST_PAUSE / SAMPLE_RATE, LONGEST_PAUSE / SAMPLE_RATE
    offsets = [offset / SAMPLE_RATE for offset in window.offsets()]
    assert offsets == pytest.approx([0, 1, 2 + short, 3 + short + long])
    samples = window.samples()
    assert len(samples) == len(window)
    assert [samples[offset + 5] for offset in window.offsets()] == [1, 2, 3, 4]
    assert samples[window.offsets()[2] - 5] == 0


def test_a_word_is_put_on_the_clock_of_the_part_it_was_heard_in() -> None:
    window = Window("en", (part(10, 2), part(50, 2)))
    begin = window.offsets()[1] / SAMPLE_RATE
    words = [HeardWord("one", 0.5, 1.0, 0.9), HeardWord("two", begin + 0.2, begin + 0.7, 0.8)]
    first, second = place(window, words)
    assert [(word.text, word.start_time, word.end_time) for word in first] == [("one", 10.5, 11.0)]
    assert second[0].start_time == pytest.approx(50.2)
    assert second[0].end_time == pytest.approx(50.7)
    assert second[0].confidence == 0.8


def test_a_word_that_begins_in_the_pause_belongs_to_the_part_after_it() -> None:
    window = Window("en", (part(10, 2), part(50, 2)))
    begin = window.offsets()[1] / SAMPLE_RATE
    first, second = place(window, [HeardWord("late", begin - 0.4, begin + 0.3, 0.5)])
    assert not first
    assert second[0].start_time == 50.0


def test_a_word_in_the_pause_belongs_to_the_nearer_part() -> None:
    window = Window("en", (part(10, 2), part(50, 2)))
    first, second = place(window, [HeardWord("um", 2.1, 2.2, 0.5)])
    assert not second
    assert 10 < first[0].start_time < first[0].end_time == 12.0


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0.25, 6)), min_size=1, max_size=5),
    st.lists(st.floats(0.001, 2), max_size=40),
)
def test_every_word_lies_within_a_part_and_in_order(gaps: list[tuple[float, float]], steps: list[float]) -> None:
    own, now = [], 0.0
    for gap, seconds in gaps:
        own.append(part(now + gap, seconds))
        now = own[-1].end / SAMPLE_RATE
    window = Window("en", tuple(own))
    times = np.minimum(np.cumsum([0.0, *steps]), len(window) / SAMPLE_RATE).tolist()
    words = [HeardWord(str(n), *span, 0.5) for n, span in enumerate(pairwise(times))]
    placed = place(window, words)
    assert [word.text for own_words in placed for word in own_words] == [word.text for word in words]
    for piece, own_words in zip(own, placed, strict=True):
        for word in own_words:
            assert piece.start / SAMPLE_RATE - 1e-9 <= word.start_time < word.end_time <= piece.end / SAMPLE_RATE + 1e-9
        assert all(before.end_time <= after.start_time + 1e-9 for before, after in pairwise(own_words))
