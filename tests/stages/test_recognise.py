"""Who the speakers of a call are: their voiceprints, and one person is not two speakers."""

import numpy as np
import numpy.typing as npt
import pytest
from anyio import CapacityLimiter

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.recognition import Identified, KnownVoice, Recognition
from contracts.speech import Diarization, SpeakerTurn, Voiceprints
from stages.matching import KnownVoices, Match
from stages.recognise import Recognise, apart, prints_of, settled
from tests.stages import voices
from tests.stages.flow import through

ANNA, BORIS, CARLA = voices.voices(3, seed=3)
FRAME = FRAME_STEP / SAMPLE_RATE


def region(voice: npt.NDArray[np.float64], start: int, windows: int, channel: int = 0, seed: int = 0) -> Voiceprints:
    """A region of one speaker from frame `start`: windows of 89 frames, one every 59."""
    spans = np.array([(start + 59 * n, start + 59 * n + 89) for n in range(windows)], np.int64)
    length = 59 * (windows - 1) + 89
    return Voiceprints(channel, start, np.ones(length, np.uint8), spans, voices.prints_of(voice, windows, seed))


def turn(speaker: int, start: float, end: float, channel: int = 0) -> SpeakerTurn:
    return SpeakerTurn(channel, speaker, start, end)


def turn_of(region: Voiceprints, speaker: int) -> SpeakerTurn:
    return turn(speaker, region.first_frame * FRAME, region.end_time, region.channel)


def match(voice: str | None, probability: float) -> Match:
    return Match(voice, voice and voice.title(), probability, 5.0, voice and f"{voice}.vec")


@pytest.mark.anyio
async def test_the_speakers_of_a_call_are_named_or_unknown() -> None:
    known = KnownVoices.of([KnownVoice("anna", "Anna", voices.prints_of(ANNA, 30, 9), "anna.vec")])
    regions = [region(ANNA, 0, 8, seed=1), region(BORIS, 1000, 8, seed=2)]
    items: list[Voiceprints | Diarization] = [*regions]
    items.append(Diarization((turn_of(regions[0], 0), turn_of(regions[1], 1)), 30.0))
    (found,) = await through(Recognise(known, CapacityLimiter(1)), items)
    assert isinstance(found, Recognition)
    assert [one.name for one in found.speakers] == ["Anna", None]
    assert found.speakers[0].source == "anna.vec"
    assert found.speakers[0].probability > 0.8
    assert found.speakers[1] == Identified(1, None, None, 0.0)
    assert found.end_time == 30.0


@pytest.mark.anyio
async def test_a_call_in_which_nobody_speaks_has_nobody_to_name() -> None:
    (found,) = await through(Recognise(KnownVoices.of([]), CapacityLimiter(1)), [Diarization((), 2.0)])
    assert found == Recognition((), 2.0)


def test_only_windows_in_which_one_speaker_alone_speaks_count() -> None:
    whole = region(ANNA, 0, 3)
    first = prints_of([whole], [turn(0, 0, 10)])[0][0]
    assert len(first) == 3
    crossed = prints_of([whole], [turn(0, 0, 10), turn(1, 0.5, 1.4)])
    assert len(crossed[0][0]) == 1
    assert len(crossed[1][0]) == 0
    elsewhere = prints_of([whole], [turn(0, 0, 10, channel=1)])
    assert len(elsewhere[0][0]) == 0


def test_windows_that_overlap_share_their_seconds() -> None:
    whole = region(ANNA, 0, 4)
    _, seconds = prints_of([whole], [turn(0, 0, 10)])[0]
    assert seconds.sum() == pytest.approx(whole.end_time, abs=0.01)


def test_two_speakers_who_are_one_voice_are_joined() -> None:
    turns = [turn(0, 0, 5), turn(1, 6, 8), turn(2, 9, 12)]
    found = settled({0: match("anna", 0.9), 1: match("anna", 0.97), 2: match(None, 0.1)}, turns)
    assert [(one.name, one.same_as) for one in found] == [("Anna", 1), ("Anna", None), (None, None)]


def test_speakers_who_speak_at_once_are_two_persons_and_the_likelier_has_the_name() -> None:
    turns = [turn(0, 0, 5), turn(1, 4, 8)]
    assert apart(0, 1, turns)
    found = settled({0: match("anna", 0.9), 1: match("anna", 0.97)}, turns)
    assert [(one.name, one.same_as) for one in found] == [(None, None), ("Anna", None)]


def test_speakers_on_two_sides_of_a_call_are_two_persons() -> None:
    turns = [turn(0, 0, 5), turn(1, 6, 8, channel=1)]
    found = settled({0: match("anna", 0.97), 1: match("anna", 0.9)}, turns)
    assert [one.name for one in found] == ["Anna", None]


def test_a_short_touch_of_turns_proves_nothing() -> None:
    assert not apart(0, 1, [turn(0, 0, 5), turn(1, 4.8, 8)])


def test_speakers_are_not_joined_below_the_number_that_was_asked_for() -> None:
    turns = [turn(0, 0, 5), turn(1, 6, 8)]
    found = settled({0: match("anna", 0.97), 1: match("anna", 0.9)}, turns, min_speakers=2)
    assert [(one.name, one.same_as) for one in found] == [("Anna", None), (None, None)]
