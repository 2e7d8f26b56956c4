"""Which voices of a live call are known, and when the client is told."""

import numpy as np
import numpy.typing as npt

from contracts.recognition import KnownVoice
from stages.live_names import Names
from stages.live_speakers import Prints, Speakers
from stages.matching import KnownVoices
from tests.stages.voices import prints_of, voices

ANNA, BORIS, CARLA = voices(3, seed=3)
KNOWN = KnownVoices.of(
    [KnownVoice("anna", "Anna", prints_of(ANNA, 30, 50)), KnownVoice("boris", "Boris", prints_of(BORIS, 30, 51))]
)


def said(voice: npt.NDArray[np.float64], count: int, seed: int, channel: int = 0) -> Prints:
    return Prints(channel, prints_of(voice, count, seed), np.ones(count))


def test_a_name_is_told_once_and_only_of_known_voices() -> None:
    speakers, names = Speakers(), Names(KNOWN)
    for utterance, (voice, changed) in enumerate([(ANNA, {0}), (CARLA, set()), (ANNA, set()), (BORIS, {2})]):
        speaker = speakers.tell(utterance, said(voice, 6, utterance))
        assert names.compare([speaker], speakers.heard) == changed
    assert names.told == {0: "Anna", 2: "Boris"}


def test_of_two_speakers_who_match_one_voice_the_likelier_has_the_name() -> None:
    speakers, names = Speakers(), Names(KNOWN)
    blurred = (0.6 * prints_of(ANNA, 6, 1) + 0.4 * prints_of(CARLA, 6, 2)).astype(np.float32)
    speakers.tell(0, Prints(0, blurred, np.ones(6)))
    speakers.tell(1, said(ANNA, 6, 3, channel=1))
    names.compare([0], speakers.heard)
    first = dict(names.told)
    assert names.compare([1], speakers.heard) == {*first, 1}
    assert names.told == {1: "Anna"}


def test_a_speaker_of_whom_nothing_was_heard_has_no_name() -> None:
    speakers, names = Speakers(), Names(KNOWN)
    speaker = speakers.tell(0, Prints(0, np.zeros((0, 192), np.float32), np.zeros(0)))
    assert names.compare([speaker], speakers.heard) == set()


def test_a_name_goes_with_the_utterances_that_it_was_given_for() -> None:
    speakers, names = Speakers(), Names(KNOWN)
    speakers.tell(0, said(ANNA, 4, 0))
    speakers.tell(1, Prints(0, prints_of(BORIS, 1, 1), np.array([0.9])))
    for utterance in range(2, 8):
        speakers.tell(utterance, said(BORIS if utterance % 2 else ANNA, 4, utterance))
    names.compare(speakers.all, speakers.heard)
    assert speakers.cluster() == {1: 1}
    names.compare(speakers.all, speakers.heard)
    assert speakers.of([1]) == [1, 3, 5, 7]
    assert names.told[speakers.speaker(1)] == "Boris"


def test_without_telling_apart_a_channel_is_one_speaker_whose_voiceprints_are_kept() -> None:
    speakers = Speakers()
    told = [
        speakers.tell(n, said(voice, 3, n, channel), apart=False)
        for n, (voice, channel) in enumerate([(ANNA, 0), (BORIS, 1), (CARLA, 0)])
    ]
    assert told == [0, 1, 0]
    assert len(speakers.heard(0)[0]) == 6
