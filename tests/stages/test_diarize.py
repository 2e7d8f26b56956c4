"""Turns from voiceprints, and from a real call."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from anyio import CapacityLimiter
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.speech import Diarization, SpeakerTurn, Voiceprints
from models.segmentation import Segmentation
from models.store import ensure
from models.voiceprint import VoiceprintModel
from stages.diarize import BREATH, Diarize, diarized
from stages.embed import windows
from tests.stages.flow import chunks, diarization, through
from tests.stages.voices import prints_of, voices

VOICES = voices(8)
SECOND = SAMPLE_RATE // FRAME_STEP
"""Frames."""


def region(first: int, *parts: tuple[str, int], channel: int = 0, seed: int = 0) -> Voiceprints:
    """Who speaks ("a", "ab", "" for nobody) for how many frames, with the voiceprints that the stage embed takes."""
    speakers: list[int] = []
    spans: list[tuple[int, int]] = []
    vectors = []
    for number, (who, frames) in enumerate(parts):
        start = first + len(speakers)
        speakers += [len(who)] * frames
        if len(who) == 1:
            own = windows(start, start + frames)
            spans += own
            vectors.append(prints_of(VOICES["abcdefgh".index(who)], len(own), 1000 * seed + number + first))
    return Voiceprints(
        channel=channel,
        first_frame=first,
        speakers=np.array(speakers, np.uint8),
        spans=np.array(spans, np.int64).reshape(-1, 2),
        vectors=np.concatenate(vectors or [np.zeros((0, VOICES.shape[1]), np.float32)]),
    )


def frames(turns: Sequence[SpeakerTurn]) -> list[tuple[int, int, int]]:
    """Speaker, first and one past the last frame of each turn."""
    return [
        (
            turn.speaker,
            round(turn.start_time * SAMPLE_RATE) // FRAME_STEP,
            round(turn.end_time * SAMPLE_RATE) // FRAME_STEP,
        )
        for turn in turns
    ]


def test_each_region_goes_to_its_voice_and_speakers_are_numbered_as_they_appear() -> None:
    regions = [region(100, ("c", 200)), region(400, ("a", 300)), region(800, ("c", 100)), region(1000, ("b", 200))]
    assert frames(diarized(regions)) == [(0, 100, 300), (1, 400, 700), (0, 800, 900), (2, 1000, 1200)]


def test_turns_change_inside_a_region_where_the_voice_does() -> None:
    assert frames(diarized([region(0, ("a", 300), ("b", 300), ("a", 200))])) == [
        (0, 0, 300),
        (1, 300, 600),
        (0, 600, 800),
    ]


def test_where_two_speak_at_once_both_have_a_turn() -> None:
    turns = diarized([region(0, ("a", 300), ("ab", 40), ("b", 300), ("bc", 30), ("c", 200))])
    assert frames(turns) == [(0, 0, 340), (1, 300, 670), (2, 640, 870)]


def test_an_interjection_goes_to_whoever_the_surroundings_resemble_next() -> None:
    talk = [region(0, ("a", 400)), region(500, ("b", 400))]
    turns = diarized([*talk, region(1000, ("a", 200), ("ab", 30), ("a", 200))])
    assert (1, 1200, 1230) in frames(turns)
    assert (0, 1000, 1430) in frames(turns)


def test_one_speaker_alone_never_overlaps_with_himself() -> None:
    assert frames(diarized([region(0, ("a", 300), ("ab", 40), ("a", 300))])) == [(0, 0, 640)]


def test_a_turn_goes_on_across_a_breath_but_not_across_a_longer_pause() -> None:
    first, second = region(0, ("a", 200), ("", BREATH - 1), ("a", 100)), region(299 + 2 * BREATH, ("a", 100))
    assert frames(diarized([first, second])) == [(0, 0, 299 + BREATH), (0, 299 + 2 * BREATH, 399 + 2 * BREATH)]


def test_a_sound_too_short_for_a_voiceprint_goes_on_with_the_speaker_before() -> None:
    regions = [region(0, ("a", 300)), region(400, ("b", 300)), region(800, ("c", 10)), region(900, ("a", 300))]
    assert len(regions[2].vectors) == 0
    assert (1, 800, 810) in frames(diarized(regions))


def test_channels_keep_their_own_speakers_even_with_the_same_voice() -> None:
    turns = diarized([region(0, ("a", 300)), region(50, ("a", 300), channel=1), region(500, ("a", 300), channel=1)])
    assert [(turn.channel, turn.speaker) for turn in turns] == [(0, 0), (1, 1), (1, 1)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
async def test_the_number_of_speakers_can_be_fixed(count: int) -> None:
    regions = [region(500 * n, (who, 400), seed=n) for n, who in enumerate("abcabcabc")]
    (found,) = await through(Diarize(CapacityLimiter(1), count, count), regions)
    assert len({turn.speaker for turn in found.turns}) == count


async def test_the_number_of_speakers_can_be_bounded() -> None:
    regions = [region(500 * n, (who, 400), seed=n) for n, who in enumerate("abcabcabc")]
    for low, high, expected in [(1, 2, 2), (2, 5, 3), (4, None, 4), (1, None, 3)]:
        (found,) = await through(Diarize(CapacityLimiter(1), low, high), regions)
        assert len({turn.speaker for turn in found.turns}) == expected


async def test_a_call_without_speech_has_no_turns() -> None:
    assert await through(Diarize(CapacityLimiter(1)), []) == [Diarization((), 0.0)]


async def test_a_call_of_sounds_too_short_to_tell_voices_apart_has_one_speaker_a_channel() -> None:
    regions = [region(10, ("a", 10)), region(100, ("b", 12)), region(60, ("c", 8), channel=1)]
    (found,) = await through(Diarize(CapacityLimiter(1), 3, 3), regions)
    assert frames(found.turns) == [(0, 10, 20), (1, 60, 68), (0, 100, 112)]
    assert found.end_time == pytest.approx(112 * FRAME_STEP / SAMPLE_RATE)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(BREATH, 200),
            st.lists(
                st.tuples(st.sampled_from(["a", "b", "c", "ab", "bc", ""]), st.integers(1, 250)), min_size=1, max_size=6
            ),
            st.integers(0, 1),
        ),
        max_size=8,
    )
)
def test_all_speech_is_in_a_turn_and_turns_are_where_speech_is(
    script: list[tuple[int, list[tuple[str, int]], int]],
) -> None:
    regions, ends = [], [0, 0]
    for number, (pause, parts, channel) in enumerate(script):
        start = ends[channel] + pause
        regions.append(region(start, ("a", 20), *parts, ("b", 20), channel=channel, seed=number))
        ends[channel] = start + len(regions[-1].speakers)
    turns = diarized(regions)
    assert list(turns) == sorted(turns, key=lambda turn: turn.start_time)
    for channel in (0, 1):
        own = [(place, turn) for place, turn in zip(frames(turns), turns, strict=True) if turn.channel == channel]
        speakers = {turn.speaker for _, turn in own}
        active = np.zeros((len(turns), ends[channel] + 1), bool)
        for (speaker, start, stop), _ in own:
            assert not active[speaker, max(0, start - BREATH + 1) : stop + BREATH - 1].any()
            active[speaker, start:stop] = True
        for one in regions:
            if one.channel == channel:
                at_once = active[:, one.first_frame : one.first_frame + len(one.speakers)].sum(axis=0)
                assert (at_once >= np.minimum(one.speakers, len(speakers))).all()
                active[:, one.first_frame : one.first_frame + len(one.speakers)] = False
        assert not active.any()


async def test_the_sample_call_is_diarized(sample_call: Path) -> None:
    """DER without a collar, on frames: the reference keeps pauses inside sentences and 50 ms around each."""
    audio, rate = soundfile.read(sample_call, dtype="float32", always_2d=True)
    samples = np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)
    found = await diarization(
        chunks(samples, range(SAMPLE_RATE, len(samples), SAMPLE_RATE)),
        Segmentation(ensure("segmentation-3.0", "segmentation").path, 1),
        VoiceprintModel(ensure("campplus-zh-en", "voiceprint").path, 1),
    )
    rows = [line.split() for line in sample_call.with_suffix(".rttm").read_text().splitlines()]
    names = sorted({row[7] for row in rows})
    assert {turn.speaker for turn in found.turns} == set(range(len(names)))
    steps = int(len(samples) / SAMPLE_RATE * 100)
    reference, hypothesis = np.zeros((2, steps), bool), np.zeros((2, steps), bool)
    for row in rows:
        start, length = float(row[3]), float(row[4])
        reference[names.index(row[7]), round(start * 100) : round((start + length) * 100)] = True
    for turn in found.turns:
        hypothesis[turn.speaker, round(turn.start_time * 100) : round(turn.end_time * 100)] = True
    wrong = [
        np.maximum(reference.sum(axis=0), hypothesis.sum(axis=0)).sum() - (reference & hypothesis[list(order)]).sum()
        for order in itertools.permutations(range(2))
    ]
    assert min(wrong) / reference.sum() < 0.06
    assert found.end_time <= len(samples) / SAMPLE_RATE
