"""Regions of speech, from a network that reads its answers off the signal, and from the real one."""

import math
import random
import weakref
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from anyio import CapacityLimiter, create_memory_object_stream, create_task_group, fail_after
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.audio import FRAME_STEP, SAMPLE_RATE, AudioChunk, Samples
from contracts.speech import SpeechRegion
from models.segmentation import FRAME_LENGTH, FRAMES, LOCAL_SPEAKERS, POWERSET, WINDOW, Segmentation
from models.store import ensure
from stages.hearing import HOP, MAX_REGION, PAUSE, SHORTEST, Hearing
from stages.segment import Segment
from tests.stages.flow import chunks, through

Script = Sequence[tuple[str, int]]
"""Who speaks ("" for nobody, "a", "ab") for how many frames."""
CLASSES = {"": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "ac": 5, "bc": 6}


def signal(script: Script) -> Samples:
    """The class of the powerset as the level of the signal: exact on the grid of frames."""
    levels = np.repeat([CLASSES[who] for who, _ in script], [frames for _, frames in script])
    return np.repeat(levels, FRAME_STEP).astype(np.float32)


class Reader(Segmentation):
    """Reads the class off the sample in the middle of each frame. Numbers the speakers differently in every window."""

    def __init__(self, certainty: float = 0.98) -> None:
        self.certainty = certainty
        self.calls = 0

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        assert windows.shape == (1, WINDOW)
        assert windows.dtype == np.float32
        middles = FRAME_LENGTH // 2 + FRAME_STEP * np.arange(FRAMES)
        classes = windows[0, middles].astype(int)
        order = np.random.default_rng(self.calls).permutation(LOCAL_SPEAKERS)
        renamed = [int((row[order] == POWERSET).all(axis=1).argmax()) for row in POWERSET]
        self.calls += 1
        chances = np.full((1, FRAMES, len(POWERSET)), (1 - self.certainty) / (len(POWERSET) - 1), np.float32)
        chances[0, np.arange(FRAMES), np.array(renamed)[classes]] = self.certainty
        return np.log(chances)


async def regions_of(script: Script, cuts: Sequence[int] = ()) -> list[SpeechRegion]:
    return await through(Segment(Reader(), CapacityLimiter(1)), chunks(signal(script), cuts))


def places(regions: Sequence[SpeechRegion]) -> list[tuple[int, int]]:
    return [(region.first_frame, region.first_frame + len(region.speakers)) for region in regions]


def same(one: Sequence[SpeechRegion], other: Sequence[SpeechRegion]) -> bool:
    return len(one) == len(other) and all(
        (a.number, a.channel, a.first_frame) == (b.number, b.channel, b.first_frame)
        and np.array_equal(a.speakers, b.speakers)
        and np.array_equal(a.changes, b.changes, equal_nan=True)
        and np.array_equal(a.samples, b.samples)
        for a, b in zip(one, other, strict=True)
    )


async def test_regions_begin_and_end_with_the_speech_and_carry_its_audio() -> None:
    script = [("", 100), ("a", 200), ("", 400), ("b", 900), ("", 30)]
    regions = await regions_of(script)
    assert places(regions) == [(100, 300), (700, 1600)]
    assert [region.number for region in regions] == [0, 1]
    for region in regions:
        assert (region.speakers == 1).all()
        assert region.samples.dtype == np.float32
        np.testing.assert_array_equal(
            region.samples, signal(script)[region.start : region.start + len(region.speakers) * FRAME_STEP]
        )


async def test_speech_from_the_first_frame_to_the_last_is_one_region() -> None:
    assert places(await regions_of([("a", 1000)])) == [(0, 1000)]


@pytest.mark.parametrize("frames", [1, 5, 30, 588, 589, 590, 592, 593, 883, 884, 2000])
async def test_a_stream_of_any_length_is_heard_to_its_end(frames: int) -> None:
    expected = [] if frames < SHORTEST else [(0, frames)] if frames <= MAX_REGION else None
    regions = await regions_of([("a", frames)])
    if expected is None:
        assert [start for start, _ in places(regions)][1:] == [stop for _, stop in places(regions)][:-1]
        assert places(regions)[-1][1] == frames
    else:
        assert places(regions) == expected


async def test_an_empty_stream_and_one_of_less_than_a_frame_have_no_region() -> None:
    segment = Segment(Reader(), CapacityLimiter(1))
    assert await through(segment, []) == []
    assert await through(segment, chunks(np.zeros(0, np.float32))) == []
    assert await through(segment, chunks(np.ones(FRAME_STEP - 1, np.float32))) == []


async def test_a_short_pause_stays_inside_with_nobody_speaking_and_a_longer_one_divides() -> None:
    (region,) = await regions_of([("a", 100), ("", PAUSE - 1), ("a", 100)])
    assert region.speakers.tolist() == [1] * 100 + [0] * (PAUSE - 1) + [1] * 100
    assert len(await regions_of([("a", 100), ("", PAUSE), ("a", 100)])) == 2


async def test_two_at_once_are_counted() -> None:
    (region,) = await regions_of([("a", 100), ("ab", 50), ("b", 100)])
    assert region.speakers.tolist() == [1] * 100 + [2] * 50 + [1] * 100


async def test_changes_stand_where_the_speakers_change_whatever_their_numbers_in_a_window() -> None:
    (region,) = await regions_of([("a", 300), ("b", 300), ("bc", 60), ("c", 300)])
    assert np.flatnonzero(region.changes > 0).tolist() == [300, 600, 660]
    assert region.changes[[300, 600, 660]].tolist() == [1, 1, 1]


async def test_a_region_says_whether_the_same_speaker_goes_on_after_the_pause() -> None:
    script = [("a", 100), ("", 40), ("a", 100), ("", 40), ("b", 100), ("", 40), ("ab", 30), ("a", 70)]
    first, same_again, other, together = await regions_of(script)
    assert math.isnan(first.changes[0])
    assert same_again.changes[0] == 0
    assert other.changes[0] == 1
    assert together.changes[0] == 0


async def test_a_pause_that_no_window_spans_says_nothing_of_the_speaker() -> None:
    _, after = await regions_of([("a", 100), ("", FRAMES), ("a", 100)])
    assert math.isnan(after.changes[0])


async def test_speech_that_the_network_is_not_sure_of_goes_on_but_does_not_begin() -> None:
    unsure, sure = signal([("a", 300)]), signal([("a", 300)])

    class Doubting(Reader):
        def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            scores = super().scores(windows).copy()
            middles = FRAME_LENGTH // 2 + FRAME_STEP * np.arange(FRAMES)
            scores[0, windows[0, middles] > 1] = np.log([0.5, *[0.5 / 6] * 6])
            return scores

    unsure[:] = 2
    pause = np.zeros(300 * FRAME_STEP, np.float32)
    segment = Segment(Doubting(), CapacityLimiter(1))
    assert await through(segment, chunks(np.concatenate([pause, unsure, pause]))) == []
    (region,) = await through(segment, chunks(np.concatenate([pause, sure, unsure, pause])))
    assert places([region]) == [(300, 900)]


@pytest.mark.parametrize(
    ("middle", "cut"), [([("", 8)], (1200, 1208)), ([], (1200, 1200)), ([("", 8), ("a", 300)], (1508, 1508))]
)
async def test_long_speech_is_cut_where_the_speaker_changes_or_else_at_a_pause(
    middle: Script, cut: tuple[int, int]
) -> None:
    """A change that all windows see is a better place than a pause of a tenth of a second."""
    first, second = await regions_of([("a", 1200), *middle, ("b" if cut[0] == cut[1] else "a", 1000)])
    assert (places([first])[0][1], places([second])[0][0]) == cut
    assert len(first.speakers) <= MAX_REGION


async def test_speech_without_a_pause_is_cut_all_the_same_and_nothing_is_lost() -> None:
    regions = await regions_of([("a", 4 * MAX_REGION)])
    assert all(MAX_REGION // 2 <= len(region.speakers) <= MAX_REGION for region in regions[:-1])
    edges = places(regions)
    assert [start for start, _ in edges] == [0, *(stop for _, stop in edges[:-1])]
    assert edges[-1][1] == 4 * MAX_REGION


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(CLASSES)), st.integers(1, 900)), min_size=1, max_size=12),
    st.integers(0, 2**32),
)
async def test_where_chunks_are_cut_makes_no_difference(script: Script, seed: int) -> None:
    rng = random.Random(seed)
    length = len(signal(script))
    cuts = sorted(rng.randrange(length + 1) for _ in range(rng.randrange(40)))
    whole, parts = await regions_of(script), await regions_of(script, cuts)
    assert same(whole, parts)
    for one, other in pairwise(places(whole)):
        assert one[1] <= other[0]
    assert all(SHORTEST <= stop - start <= MAX_REGION for start, stop in places(whole))


async def test_two_channels_are_heard_apart_and_numbered_together() -> None:
    left, right = signal([("a", 200), ("", 800)]), signal([("", 500), ("bc", 300), ("", 200)])
    turns = [chunks(left, [40_000, 90_000]), chunks(right, [40_000, 90_000], channel=1)]
    segment = Segment(Reader(), CapacityLimiter(1))
    regions = await through(segment, [chunk for pair in zip(*turns, strict=True) for chunk in pair])
    assert [(region.channel, place) for region, place in zip(regions, places(regions), strict=True)] == [
        (0, (0, 200)),
        (1, (500, 800)),
    ]
    assert [region.number for region in regions] == [0, 1]


async def test_a_region_is_sent_before_the_stream_ends() -> None:
    send, receive = create_memory_object_stream[AudioChunk](math.inf)
    out, found = create_memory_object_stream[SpeechRegion](0)
    with fail_after(60), receive, out, found:
        async with create_task_group() as tasks:
            tasks.start_soon(Segment(Reader(), CapacityLimiter(1)).run, receive, out)
            for chunk in chunks(signal([("", 50), ("a", 100), ("", 600)]), range(4000, 200_000, 4000)):
                send.send_nowait(chunk)
            assert (await found.receive()).first_frame == 50
            send.close()


def test_memory_does_not_grow_with_the_length_of_the_stream() -> None:
    hearing, reader = Hearing(0), Reader()
    alive: list[weakref.ref[Samples]] = []
    most = 0
    for number in range(600):  # ten minutes of speech without a pause
        samples = np.ones(SAMPLE_RATE, np.float32)
        alive.append(weakref.ref(samples))
        hearing.hear(AudioChunk(0, number * SAMPLE_RATE, samples))
        while (window := hearing.next_window()) is not None:
            hearing.see(reader.scores(window[None])[0])
        most = max(most, sum(one() is not None for one in alive))
    assert most <= 60


async def test_a_failure_of_the_network_reaches_the_caller() -> None:
    class Broken(Reader):
        def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            raise RuntimeError(f"no {windows.shape}")

    with pytest.raises(RuntimeError, match="no "):
        await through(Segment(Broken(), CapacityLimiter(1)), chunks(signal([("a", 600)])))


def test_windows_cover_every_frame_of_a_long_stream_twice() -> None:
    assert 2 * HOP <= FRAMES


@pytest.fixture(scope="module")
def network() -> Segmentation:
    return Segmentation(ensure("segmentation-3.0", "segmentation").path, 1)


async def test_a_call_in_frames_of_any_length_has_the_regions_of_the_whole(
    network: Segmentation, sample_call: Path
) -> None:
    audio, rate = soundfile.read(sample_call, dtype="float32", always_2d=True)
    samples = np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)
    rng = random.Random(2)
    cuts = [0]
    while cuts[-1] < len(samples):
        cuts.append(cuts[-1] + rng.randrange(SAMPLE_RATE // 50, SAMPLE_RATE))
    segment = Segment(network, CapacityLimiter(1))
    whole = await through(segment, chunks(samples))
    assert same(whole, await through(segment, chunks(samples, cuts[1:-1])))
    assert len(whole) >= 5


@pytest.mark.parametrize("level", [0.0, 0.03])
async def test_silence_and_noise_have_no_region(network: Segmentation, level: float) -> None:
    noise = np.random.default_rng(0).normal(0, level, 20 * SAMPLE_RATE).astype(np.float32)
    assert await through(Segment(network, CapacityLimiter(1)), chunks(noise)) == []
