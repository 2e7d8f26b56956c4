"""The beginning of an utterance that its partials agree about."""

import numpy as np
import pytest

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.live_stages import Utterance
from models.whisper_words import HeardWord
from stages.beginning import Beginning, Glanced

WORDS = tuple(f"word{n}" for n in range(10))


def growing(seconds: float, start: int = SAMPLE_RATE) -> Utterance:
    samples = np.arange(int(seconds * SAMPLE_RATE), dtype=np.float32)
    frames = np.ones(len(samples) // FRAME_STEP, np.uint8)
    return Utterance(0, 0, "growing", start // FRAME_STEP, frames, frames * 0.0, start, samples, samples)


def glanced(words: tuple[str, ...] = WORDS, before: tuple[str, ...] = ()) -> Glanced:
    """A hypothesis with a word every half second of what was heard anew."""
    heard = tuple(HeardWord(word, n / 2, n / 2 + 0.4, 0.9) for n, word in enumerate(words))
    return Glanced("en", (*before, *words), heard)


def lengths(text: str) -> list[int]:
    return [len(word) for word in text.split()]


def test_the_next_partial_goes_on_where_the_last_word_agreed_about_begins() -> None:
    beginning, item = Beginning(), growing(5)
    assert beginning.within(item) == 0
    beginning.grow(item, glanced(), WORDS[:7], lengths)
    assert beginning.words == WORDS[:6]
    assert beginning.within(growing(6)) == 3 * SAMPLE_RATE
    (part,) = beginning.parts
    assert (part.start, part.end, part.tokens) == (SAMPLE_RATE, 4 * SAMPLE_RATE, (5,) * 6)
    np.testing.assert_array_equal(part.samples, item.levelled[: 3 * SAMPLE_RATE])


def test_it_grows_part_by_part() -> None:
    beginning = Beginning()
    beginning.grow(growing(5), glanced(), WORDS[:7], lengths)
    longer = growing(8)
    anew = tuple(f"new{n}" for n in range(8))
    beginning.grow(longer, glanced(anew, WORDS[:6]), (*WORDS[:6], *anew[:6]), lengths)
    assert beginning.words == (*WORDS[:6], *anew[:5])
    assert [part.start for part in beginning.parts] == [SAMPLE_RATE, 4 * SAMPLE_RATE]
    assert beginning.within(longer) == int(5.5 * SAMPLE_RATE)


@pytest.mark.parametrize("shown", [(), WORDS[:1], WORDS[:4], ("other", *WORDS[1:8])])
def test_what_is_short_or_not_what_was_heard_is_heard_anew(shown: tuple[str, ...]) -> None:
    beginning = Beginning()
    beginning.grow(growing(5), glanced(), shown, lengths)
    assert (beginning.words, beginning.parts) == ((), ())


def test_some_of_the_end_is_heard_anew() -> None:
    beginning = Beginning()
    beginning.grow(growing(5), glanced(), WORDS, lengths)
    assert beginning.parts == ()
    beginning.grow(growing(5.5), glanced(), WORDS, lengths)
    assert beginning.within(growing(5.5)) == int(4.5 * SAMPLE_RATE)
