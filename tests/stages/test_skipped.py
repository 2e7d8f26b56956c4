"""Finding the speech that a decoder passed over."""

import numpy as np

from contracts.audio import SAMPLE_RATE, Samples
from contracts.speech import TimedWord, Transcript
from stages.parts import Part
from stages.skipped import skipped, without

START = 100.0


def sound(*stretches: tuple[float, float]) -> Samples:
    """Ten seconds with noise in these stretches and almost none elsewhere."""
    samples = np.random.default_rng(1).normal(0, 1e-4, 10 * SAMPLE_RATE).astype(np.float32)
    for begin, end in stretches:
        samples[int(begin * SAMPLE_RATE) : int(end * SAMPLE_RATE)] *= 1000
    return samples


def part(samples: Samples) -> Part:
    return Part(0, int(START * SAMPLE_RATE), samples, 0.9)


def word(text: str, begin: float, end: float) -> TimedWord:
    return TimedWord(text, START + begin, START + end, 0.9)


def spread(text: str, begin: float, end: float) -> list[TimedWord]:
    """Words of half a second that leave no gap."""
    return [word(text, edge, edge + 0.5) for edge in np.arange(begin, end, 0.5)]


def times(parts: list[Part]) -> list[tuple[float, float]]:
    """Seconds from the start of the part, to a tenth."""
    return [(round(own.start / SAMPLE_RATE - START, 1), round(own.end / SAMPLE_RATE - START, 1)) for own in parts]


def test_sound_without_a_word_is_found_between_words_and_at_both_ends() -> None:
    words = [word("one", 2.0, 2.4), word("two", 5.0, 5.4)]
    assert times(skipped(part(sound((0, 10))), words)) == [(0.0, 2.0), (2.4, 5.0), (5.4, 10.0)]


def test_a_part_without_any_word_is_one_stretch() -> None:
    assert times(skipped(part(sound((0, 10))), [])) == [(0.0, 10.0)]


def test_silence_is_not_speech_that_was_passed_over() -> None:
    words = [*spread("lorem", 0, 3), *spread("ipsum", 7, 10)]
    assert skipped(part(sound((0, 3), (7, 10))), words) == []
    assert times(skipped(part(sound((0, 3), (4, 6), (7, 10))), words)) == [(4.0, 6.0)]


def test_a_short_word_that_lasts_long_was_stretched_over_somebody_else() -> None:
    words = [*spread("lorem", 0, 4), word("to", 4.0, 7.0), *spread("ipsum", 7, 10)]
    (found,) = skipped(part(sound((0, 10))), words)
    assert times([found]) == [(4.0, 6.6)]
    shortened = without(Transcript(0, "en", tuple(words), START + 10), found).words
    assert shortened[8].start_time == found.end / SAMPLE_RATE
    assert shortened[8].end_time == words[8].end_time
    assert [*shortened[:8], *shortened[9:]] == [*words[:8], *words[9:]]


def test_words_of_the_other_channel_stay_as_they_are() -> None:
    other = Transcript(1, "en", (word("to", 4.0, 7.0),), START + 10)
    assert without(other, part(sound((0, 5)))) == other


def test_words_without_gaps_leave_nothing_over() -> None:
    assert skipped(part(sound((0, 10))), spread("lorem", 0, 10)) == []
