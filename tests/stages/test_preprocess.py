"""Preprocessing takes off what is no speech and brings speech to one level, however the chunks are cut."""

import math
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import anyio
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from contracts.audio import SAMPLE_RATE, AudioChunk
from stages.leveling import HIGH_PASS, HighPass, Leveler, speech_level
from stages.preprocess import Preprocess
from tests.stages.recordings import Signal, voice

pytestmark = pytest.mark.anyio


def leveled(samples: Signal, cuts: Iterable[int] = ()) -> Signal:
    """What comes out of one channel, (samples,)."""
    high_pass, leveler = HighPass(), Leveler()
    parts = [leveler.take(high_pass.take(part.astype(np.float32))) for part in np.split(samples, sorted(cuts))]
    return np.concatenate([*parts, leveler.finish()])


def level(samples: Signal) -> float:
    """dBFS of the louder half of a stretch's frames: what is said in it, without the pauses."""
    powers = np.mean(samples[: len(samples) // 320 * 320].astype(float).reshape(-1, 320) ** 2, axis=1)
    return float(10 * np.log10(np.mean(np.sort(powers)[-len(powers) // 2 :]) + 1e-14))


def speech(seconds: float, decibels: float, seed: int = 0) -> Signal:
    """Something like speech at a level in dBFS, with a pause of half a second at both ends."""
    pause = np.zeros(SAMPLE_RATE // 2)
    said = voice(seconds - 1, SAMPLE_RATE, seed)
    line = np.random.default_rng(seed).normal(0, 1, round(seconds * SAMPLE_RATE))
    whole = np.concatenate([pause, said * 10 ** ((decibels - level(said)) / 20), pause])
    return whole + line * 10 ** ((decibels - 35) / 20)


def white(seconds: float, decibels: float) -> Signal:
    return np.random.default_rng(1).normal(0, 10 ** (decibels / 20), round(seconds * SAMPLE_RATE))


async def preprocessed(chunks: Iterable[AudioChunk], *, two_sided: bool = False) -> list[AudioChunk]:
    send_in, receive_in = anyio.create_memory_object_stream[AudioChunk](1)
    send_out, receive_out = anyio.create_memory_object_stream[AudioChunk](1)

    async def feed() -> None:
        async with send_in:
            for chunk in chunks:
                await send_in.send(chunk)

    async def run() -> None:
        async with send_out, receive_in:
            await Preprocess(two_sided).run(receive_in, send_out)

    outgoing: list[AudioChunk] = []
    with anyio.fail_after(30):
        async with receive_out, anyio.create_task_group() as tasks:
            tasks.start_soon(feed)
            tasks.start_soon(run)
            outgoing.extend([chunk async for chunk in receive_out])
    return outgoing


@given(cuts=st.lists(st.integers(0, 8 * SAMPLE_RATE), max_size=40))
@settings(max_examples=40, deadline=None)
def test_where_chunks_are_cut_makes_no_difference(cuts: list[int]) -> None:
    samples = np.concatenate([speech(3, -40), speech(3, -15, seed=2), white(2, -50)])
    np.testing.assert_allclose(leveled(samples, cuts), leveled(samples), rtol=0, atol=1e-6)


@pytest.mark.parametrize("length", [0, 1, 319, 320, 321, 9600, 9920, 9921, 16_000, 50_001])
def test_as_many_samples_go_out_as_come_in(length: int) -> None:
    assert len(leveled(voice(4, SAMPLE_RATE)[:length])) == length


async def test_channels_are_kept_apart_and_their_chunks_follow_each_other() -> None:
    sides = [speech(5, -45), speech(5, -10, seed=3)]
    incoming = [
        AudioChunk(side, start, sides[side][start : start + 7001].astype(np.float32))
        for start in range(0, 5 * SAMPLE_RATE, 7001)
        for side in (0, 1)
    ]
    outgoing = await preprocessed(incoming)
    for side in (0, 1):
        ours = [chunk for chunk in outgoing if chunk.channel == side]
        assert ours[0].start == 0
        assert all(before.start + len(before.samples) == after.start for before, after in pairwise(ours))
        together = np.concatenate([chunk.samples for chunk in ours])
        assert together.dtype == np.float32
        np.testing.assert_allclose(together, leveled(sides[side].astype(np.float32)), rtol=0, atol=1e-6)


async def test_messages_are_not_changed() -> None:
    samples = speech(2, -30).astype(np.float32)
    before = samples.copy()
    await preprocessed([AudioChunk(0, 0, samples)])
    np.testing.assert_array_equal(samples, before)


@pytest.mark.parametrize("offset", [0.3, -0.05])
def test_a_constant_offset_is_gone_from_the_first_sample_on(offset: float) -> None:
    samples = speech(4, -20)
    np.testing.assert_allclose(leveled(samples + offset), leveled(samples), atol=1e-3)


def test_hum_is_gone_and_voices_stay() -> None:
    times = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    middle = slice(SAMPLE_RATE, 3 * SAMPLE_RATE)
    for frequency, kept in ((15.0, -20.0), (30.0, -11.0), (50.0, -4.0)):
        tone = 0.14 * np.sin(2 * np.pi * frequency * times)
        both = leveled(speech(4, -20) + tone)[middle]
        found = 2 * abs(np.mean(both * np.exp(-2j * np.pi * frequency * times[middle])))
        assert 20 * np.log10(found / 0.14) < kept
    for frequency in (110.0, 1000.0, 3400.0):
        tone = 0.14 * np.sin(2 * np.pi * frequency * times)
        assert level(leveled(tone)[middle]) == pytest.approx(-20, abs=0.5)


@pytest.mark.parametrize("decibels", [-50, -45, -35, -24, -20, -17, -10, -3, 20, 70])
def test_speech_at_any_level_comes_out_near_the_target(decibels: float) -> None:
    came_out = leveled(speech(8, decibels))
    assert -25.5 < level(came_out[SAMPLE_RATE : 7 * SAMPLE_RATE]) < -16.5
    assert np.abs(came_out).max() <= 1


def test_two_speakers_25_db_apart_come_out_at_one_level() -> None:
    turns = [speech(4, -45 if turn % 2 else -20, seed=turn) for turn in range(6)]
    came_out = np.split(leveled(np.concatenate(turns)), 6)
    assert all(-25 < level(turn[SAMPLE_RATE // 2 : -SAMPLE_RATE // 2]) < -15 for turn in came_out)


@pytest.mark.parametrize("decibels", [-15, -30, -50, -70, -90])
def test_noise_alone_is_not_made_louder(decibels: float) -> None:
    assert level(leveled(white(10, decibels))) < decibels + 0.5


def test_noise_in_a_pause_stays_as_far_below_the_speech_as_it_was() -> None:
    came_out = leveled(np.concatenate([speech(4, -40), white(20, -75), speech(4, -40)]))
    assert level(came_out[10 * SAMPLE_RATE : 20 * SAMPLE_RATE]) < -20 - 30


def test_a_pause_keeps_the_gain_of_what_was_said_before() -> None:
    samples = np.concatenate([speech(4, -40), white(10, -75)])
    came_out = leveled(samples)
    gains = [level(came_out[at : at + 3200]) for at in range(6 * SAMPLE_RATE, 13 * SAMPLE_RATE, SAMPLE_RATE)]
    assert max(gains) - min(gains) < 1


@pytest.mark.parametrize("decibels", [-40, 0, 15])
def test_a_call_at_an_even_level_keeps_its_gain(sample_call: Path, decibels: float) -> None:
    samples, rate = soundfile.read(sample_call, dtype="float32")
    samples = soxr.resample(samples, rate, SAMPLE_RATE) * np.float32(10 ** (decibels / 20))
    came_out = leveled(samples)
    clean = signal.sosfilt(HIGH_PASS, samples)
    gains = np.array(
        [
            level(came_out[at : at + 320]) - level(clean[at : at + 320])
            for at in range(2 * SAMPLE_RATE, len(samples) - 320, 320)
            if level(clean[at : at + 320]) > decibels - 40
        ]
    )
    moving = np.abs(np.diff(gains)) > 0.05
    assert moving.mean() < 0.05
    assert np.percentile(gains, 95) - np.percentile(gains, 5) < 9


def test_a_click_does_not_make_speech_quiet() -> None:
    samples = speech(6, -40)
    clicked = samples.copy()
    clicked[3 * SAMPLE_RATE : 3 * SAMPLE_RATE + 20] = 0.9
    after = slice(4 * SAMPLE_RATE, 5 * SAMPLE_RATE)
    assert level(leveled(clicked)[after]) == pytest.approx(level(leveled(samples)[after]), abs=4)


def test_nothing_comes_of_silence() -> None:
    assert not leveled(np.zeros(SAMPLE_RATE)).any()


def test_the_level_of_speech_is_that_of_the_frames_above_the_noise() -> None:
    found, frames = speech_level([-20.0] * 6 + [-75.0] * 20, -80)
    assert found == pytest.approx(-20)
    assert frames == 6
    assert speech_level([-75.0] * 20, -80) == (-math.inf, 0)


def sides(samples: Signal, size: int = 7001) -> list[AudioChunk]:
    """A two-sided call, (samples, 2), in chunks."""
    return [
        AudioChunk(side, start, samples[start : start + size, side].astype(np.float32))
        for start in range(0, len(samples), size)
        for side in (0, 1)
    ]


async def two_sided(samples: Signal, size: int = 7001) -> Signal:
    """What comes out of a two-sided call: (samples, 2)."""
    outgoing = await preprocessed(sides(samples, size), two_sided=True)
    return np.stack([np.concatenate([c.samples for c in outgoing if c.channel == side]) for side in (0, 1)], axis=1)


def by_turns(turn: int = 4) -> Signal:
    """Two parties who speak by turns, each on a side: (samples, 2)."""
    length = turn * SAMPLE_RATE
    samples = np.zeros((4 * length, 2))
    for number in range(4):
        samples[number * length : (number + 1) * length, number % 2] = speech(turn, -20, seed=number)
    return samples + np.random.default_rng(5).normal(0, 10 ** (-65 / 20), samples.shape)


@pytest.mark.parametrize("decibels", [-20, -25, -30])
@pytest.mark.parametrize("delay", [0.0, 0.2])
async def test_what_a_side_hears_of_the_other_is_silenced(decibels: float, delay: float) -> None:
    plain = by_turns()
    mixed = plain + np.roll(plain[:, ::-1], round(delay * SAMPLE_RATE), axis=0) * 10 ** (decibels / 20)
    came_out = await two_sided(mixed)
    for number in range(4):
        said = slice((number * 4 + 1) * SAMPLE_RATE, (number * 4 + 3) * SAMPLE_RATE)
        assert -25 < level(came_out[said, number % 2]) < -15
        assert level(came_out[said, 1 - number % 2]) < -60


async def test_what_a_side_says_at_the_same_time_is_kept() -> None:
    both = np.stack([speech(10, -20), speech(10, -25, seed=3)], axis=1)
    came_out = await two_sided(both)
    for side in (0, 1):
        # Half a second without a syllable may go, as long as the other side speaks.
        assert np.mean(came_out[SAMPLE_RATE:-SAMPLE_RATE, side] == 0) < 0.1
        apart = leveled(both[:, side])
        assert np.corrcoef(came_out[:, side], apart)[0, 1] > 0.95


async def test_a_noisy_side_does_not_silence_the_other() -> None:
    samples = np.stack([white(12, -12), speech(12, -40)], axis=1)
    came_out = await two_sided(samples)
    assert -25 < level(came_out[SAMPLE_RATE:-SAMPLE_RATE, 1]) < -15
    assert np.mean(came_out[SAMPLE_RATE:-SAMPLE_RATE, 1] == 0) < 0.02


async def test_where_the_chunks_of_two_sides_are_cut_makes_no_difference() -> None:
    samples = by_turns(2)[:-777] + by_turns(2)[:-777, ::-1] * 0.05
    whole = await two_sided(samples, len(samples))
    for size in (313, 16_000, 40_001):
        np.testing.assert_allclose(await two_sided(samples, size), whole, rtol=0, atol=1e-6)
    assert whole.shape == samples.shape


@pytest.mark.parametrize("length", [1, 100, 1600, 2000, 9921])
async def test_a_short_two_sided_call_keeps_its_length(length: int) -> None:
    assert (await two_sided(by_turns()[:length])).shape == (length, 2)


async def test_the_channels_of_other_recordings_leave_each_other_alone() -> None:
    plain = by_turns()
    outgoing = await preprocessed(sides(plain + plain[:, ::-1] * 0.05))
    second = np.concatenate([chunk.samples for chunk in outgoing if chunk.channel == 1])
    assert level(second[SAMPLE_RATE : 3 * SAMPLE_RATE]) > -30
