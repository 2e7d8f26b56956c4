"""Whose voice an utterance of a live call is: with voiceprints as noisy as real ones."""

import numpy as np
import numpy.typing as npt
import pytest

from contracts.annotation import AnnotatedSpeech, Speaker, Turn
from stages.live_labels import Told, relabelled
from stages.live_speakers import Prints, Speakers, seconds_of
from tests.stages.voices import prints_of, voices

ANNA, BORIS, CARLA = voices(3)


def said(voice: npt.NDArray[np.float64], count: int, seed: int, channel: int = 0) -> Prints:
    """An utterance of about a second for each of `count` voiceprints."""
    return Prints(channel, prints_of(voice, count, seed), np.ones(count))


def nothing(channel: int = 0) -> Prints:
    return Prints(channel, np.zeros((0, 192), np.float32), np.zeros(0))


def test_a_voice_keeps_its_number_and_another_one_gets_the_next() -> None:
    speakers = Speakers()
    order = [(ANNA, 3), (BORIS, 3), (ANNA, 2), (CARLA, 4), (BORIS, 2), (ANNA, 4)]
    told = [speakers.tell(n, said(voice, count, n)) for n, (voice, count) in enumerate(order)]
    assert told == [0, 1, 0, 2, 1, 0]


def test_what_is_too_short_to_tell_is_of_who_spoke_last() -> None:
    speakers = Speakers()
    assert speakers.tell(0, nothing()) == 0
    assert speakers.tell(1, said(ANNA, 3, 1)) == 0
    assert speakers.tell(2, said(BORIS, 3, 2)) == 1
    assert speakers.tell(3, nothing()) == 1


def test_a_short_utterance_makes_no_voice_of_its_own() -> None:
    speakers = Speakers()
    speakers.tell(0, said(ANNA, 3, 0))
    short = Prints(0, prints_of(BORIS, 1, 1), np.array([0.6]))
    assert speakers.tell(1, short) == 0


def test_voices_of_different_channels_are_never_one() -> None:
    speakers = Speakers()
    assert [speakers.tell(n, said(ANNA, 3, n, channel=n % 2)) for n in range(4)] == [0, 1, 0, 1]
    assert speakers.cluster() == {}


def test_comparing_all_voices_puts_right_what_was_told_wrongly() -> None:
    speakers = Speakers()
    speakers.tell(0, said(ANNA, 4, 0))
    speakers.tell(1, Prints(0, prints_of(BORIS, 1, 1), np.array([0.9])))
    for n in range(2, 8):
        speakers.tell(n, said(BORIS if n % 2 else ANNA, 4, n))
    assert speakers.cluster() == {1: 1}
    assert speakers.cluster() == {}
    assert speakers.tell(8, said(BORIS, 2, 8)) == 1


def test_comparing_before_anything_was_heard_changes_nothing() -> None:
    speakers = Speakers()
    assert speakers.cluster() == {}
    speakers.tell(0, nothing())
    assert speakers.cluster() == {}


def test_overlapping_windows_share_their_time() -> None:
    seconds = seconds_of([(0, 89), (59, 148)])
    assert seconds == pytest.approx([74 * 270 / 16000] * 2)
    assert len(seconds_of([])) == 0


def annotated(*turns: tuple[int, float, float], channels: tuple[int | None, ...] = (None, None)) -> AnnotatedSpeech:
    """An annotation with turns (speaker from 0, start, end)."""
    names = [f"speaker_{n + 1}" for n in range(len(channels))]
    return AnnotatedSpeech(
        speakers=tuple(Speaker(name, (), channel) for name, channel in zip(names, channels, strict=True)),
        turns=tuple(Turn(names[speaker], start, end) for speaker, start, end in turns),
        end_time=turns[-1][2] if turns else 0.0,
    )


def test_the_annotation_says_at_the_end_whose_each_utterance_was() -> None:
    speech = annotated((0, 0.0, 2.0), (1, 2.2, 5.0), (0, 5.1, 7.0))
    told = {0: Told(0, 0.1, 2.1, 0), 1: Told(0, 2.1, 5.0, 0), 2: Told(0, 5.0, 7.0, 2)}
    assert relabelled(told, speech) == {1: 1, 2: 0}


def test_an_utterance_in_which_nobody_speaks_is_of_the_nearest_turn() -> None:
    assert relabelled({0: Told(0, 3.0, 3.4, 0)}, annotated((0, 0.0, 1.0), (1, 3.6, 5.0))) == {0: 1}


def test_the_side_of_a_two_sided_call_counts_more_than_the_time() -> None:
    speech = annotated((0, 0.0, 4.0), (1, 1.0, 2.0), channels=(0, 1))
    assert relabelled({0: Told(1, 0.0, 4.0, 0)}, speech) == {0: 1}


def test_without_turns_nothing_is_told_anew() -> None:
    assert relabelled({0: Told(0, 0.0, 1.0, 0)}, annotated(channels=())) == {}
