"""What was said before what is heard next."""

import numpy as np

from contracts.audio import SAMPLE_RATE
from contracts.speech import TimedWord
from stages.said import BEFORE, Said, divided, preceding


def test_what_was_said_before_is_bounded_and_keeps_its_pauses() -> None:
    second = np.ones(SAMPLE_RATE, np.float32)
    said = [Said(n * 3 * SAMPLE_RATE, second, (n, 7), "en") for n in range(10)]
    before = preceding(said, 30 * SAMPLE_RATE, SAMPLE_RATE, "en")
    assert before is not None
    assert before.tokens == (6, 7, 7, 7, 8, 7, 9, 7)
    assert before.earlier == (4, 7, 5, 7)
    assert len(before.samples) == 8 * SAMPLE_RATE < BEFORE
    assert preceding(said, 30 * SAMPLE_RATE, SAMPLE_RATE, "ru") is None
    assert preceding(said, 30 * SAMPLE_RATE, 27 * SAMPLE_RATE, "en") is None
    assert preceding([], 0, SAMPLE_RATE, "en") is None


def test_what_was_said_is_in_parts_that_begin_with_a_word() -> None:
    samples = np.arange(7 * SAMPLE_RATE, dtype=np.float32)
    words = [TimedWord(f"word{n}", n / 2 + 1.1, n / 2 + 1.4, 0.9) for n in range(14)]
    said = Said(SAMPLE_RATE, samples, (1, 2, 3), "en")
    parts = divided(said, words, lambda text: [int(word[4:]) for word in text.split()])
    assert [part.tokens for part in parts] == [tuple(range(5)), tuple(range(5, 9)), tuple(range(9, 14))]
    assert [part.start for part in parts] == [SAMPLE_RATE, round(3.6 * SAMPLE_RATE), round(5.6 * SAMPLE_RATE)]
    assert np.array_equal(np.concatenate([part.samples for part in parts]), samples)
    assert {part.language for part in parts} == {"en"}
    before = preceding(parts, parts[-1].end, 4 * SAMPLE_RATE, "en", most=5 * SAMPLE_RATE)
    assert before is not None
    assert (before.tokens, before.earlier) == (tuple(range(5, 14)), tuple(range(5)))


def test_what_is_short_is_in_one_part() -> None:
    said = Said(0, np.zeros(3 * SAMPLE_RATE, np.float32), (1, 2), "en")
    words = [TimedWord("one", 0.2, 1, 0.9), TimedWord("two", 1.9, 2.9, 0.9)]
    assert divided(said, words, lambda _: [8, 9]) == [said]
