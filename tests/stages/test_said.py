"""What was said before what is heard next."""

import numpy as np

from contracts.audio import SAMPLE_RATE
from stages.said import BEFORE, Said, preceding


def test_what_was_said_before_is_bounded_and_keeps_its_pauses() -> None:
    second = np.ones(SAMPLE_RATE, np.float32)
    said = [Said(n * 3 * SAMPLE_RATE, second, (n, 7), "en") for n in range(10)]
    before = preceding(said, 30 * SAMPLE_RATE, SAMPLE_RATE, "en")
    assert before is not None
    assert before.tokens == (7, 7, 8, 7, 9, 7)
    assert before.earlier == (4, 7, 5, 7, 6, 7)
    assert len(before.samples) == BEFORE
    assert preceding(said, 30 * SAMPLE_RATE, SAMPLE_RATE, "ru") is None
    assert preceding(said, 30 * SAMPLE_RATE, 27 * SAMPLE_RATE, "en") is None
    assert preceding([], 0, SAMPLE_RATE, "en") is None
