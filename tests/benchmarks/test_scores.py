"""The definitions of DER, WER and cpWER, on cases that can be counted by hand."""

import pytest

from benchmarks import scores
from benchmarks.protocol import Turn, Word
from benchmarks.scores import DiarizationScore, WordScore


def said(*pairs: tuple[str, str]) -> list[Word]:
    """Words a second apart, as (speaker, text)."""
    return [Word(float(second), second + 0.5, text, speaker) for second, (speaker, text) in enumerate(pairs)]


def test_der_counts_missed_invented_and_confused_speech_without_collar() -> None:
    reference = [Turn(0, 10, "a"), Turn(10, 20, "b")]
    found = [Turn(0, 12, "x"), Turn(12, 19, "y"), Turn(20, 21, "y")]

    score = scores.diarization_error(reference, found, 30.0)

    assert score.error == pytest.approx(2 + 1 + 1)
    assert (score.total, score.found, score.expected) == (20, 2, 2)


def test_der_scores_overlap() -> None:
    reference = [Turn(0, 10, "a"), Turn(5, 10, "b")]

    assert scores.diarization_error(reference, [Turn(0, 10, "x")], 10.0).rate == pytest.approx(5 / 15)


def test_der_counts_speech_that_is_found_outside_the_reference() -> None:
    assert scores.diarization_error([Turn(10, 20, "a")], [Turn(0, 20, "x")], 30.0).rate == pytest.approx(1.0)


def test_turns_of_no_length_are_no_speech() -> None:
    assert scores.diarization_error([Turn(0, 1, "a")], [Turn(0, 1, "x"), Turn(3, 3, "x")], 5.0).error == 0


def test_der_over_several_recordings_weighs_them_by_their_speech() -> None:
    whole = scores.diarization_errors([DiarizationScore(1, 10, 2, 2), DiarizationScore(6, 90, 3, 2)])

    assert whole == DiarizationScore(7, 100, found=1, expected=2)
    assert whole.rate == pytest.approx(0.07)


def test_words_are_compared_without_case_punctuation_and_yo() -> None:
    assert (
        scores.normalised("Ещё раз -- «решётку»!  That's a RE-TRY, e-mail…") == "еще раз решетку that s a re try e mail"
    )


def test_wer_takes_the_words_in_the_order_of_time() -> None:
    words = [Word(5.0, 5.4, "world."), Word(1.0, 1.4, "Hello,"), Word(3.0, 3.4, "big")]

    assert scores.word_error(["Hello", "world"], words) == WordScore(errors=1, total=2)


def test_cpwer_forgives_the_names_of_speakers_but_not_words_of_another() -> None:
    reference = [("a", "one two"), ("b", "three four")]

    named_otherwise = said(("2", "one"), ("2", "two"), ("1", "three"), ("1", "four"))
    one_word_astray = said(("2", "one"), ("1", "two"), ("1", "three"), ("1", "four"))
    assert scores.speaker_word_error(reference, named_otherwise) == WordScore(0, 4)
    assert scores.speaker_word_error(reference, one_word_astray) == WordScore(2, 4)
    assert scores.word_error([text for _, text in reference], one_word_astray) == WordScore(0, 4)


def test_words_of_a_speaker_too_many_are_errors() -> None:
    assert scores.speaker_word_error([("a", "one two")], said(("1", "one"), ("2", "two"))) == WordScore(2, 2)


def test_punctuation_alone_is_no_word() -> None:
    assert scores.count([Word(0, 1, "..."), Word(1, 2, "you"), Word(2, 3, "re-try")]) == 3


def test_nothing_found_is_all_wrong_and_nothing_expected_is_no_rate() -> None:
    assert scores.word_error(["one two three"], []).rate == 1.0
    assert scores.speaker_word_error([("a", "one two three")], []).rate == 1.0
    assert WordScore(0, 0).rate == 0.0
    assert DiarizationScore(0, 0, 0, 0).rate == 0.0
