"""A call with a party on each side is told from one signal that is there twice."""

from pathlib import Path

import numpy as np
import pytest

from stages.decode import open_audio
from tests.stages.recordings import RATE, Signal, heard, likeness, voice, write

pytestmark = pytest.mark.anyio

SECONDS = 40
KINDS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
}


def turns(share: float = 0.5, seed: int = 0) -> Signal:
    """Who speaks, 0 or 1, sample by sample, in turns of a second; side 1 has the given share of them."""
    speaks = np.random.default_rng(seed).random(SECONDS) < share
    speaks[:2] = (False, True)
    return np.repeat(speaks, RATE).astype(float)


def noise(decibels: float, seed: int = 9) -> Signal:
    """White noise at a level in dBFS: (samples, 2), a different one on each side."""
    return np.random.default_rng(seed).normal(0, 10 ** (decibels / 20), (SECONDS * RATE, 2))


def call(share: float = 0.5) -> Signal:
    """A two-sided call: (samples, 2)."""
    second = turns(share)
    return np.stack([voice(SECONDS) * (1 - second), voice(SECONDS, seed=1) * second], axis=1) + noise(-60)


def crosstalk(samples: Signal, decibels: float, delay: float = 0.0) -> Signal:
    """Each side heard on the other, `delay` seconds later."""
    late = np.roll(samples[:, ::-1], round(delay * RATE), axis=0)
    return samples + late * 10 ** (decibels / 20)


def room(delay: float, difference: float, reverberation: float) -> Signal:
    """Two speakers in one room and two microphones: delays in seconds, differences in decibels, echoes over seconds."""
    generator = np.random.default_rng(4)
    second, heard_by = turns(), np.zeros((SECONDS * RATE, 2))
    length = round(reverberation * RATE)
    for speaker, speech in enumerate((voice(SECONDS) * (1 - second), voice(SECONDS, seed=1) * second)):
        for side in (0, 1):
            echoes = generator.normal(0, 1, length) * np.exp(-6.9 * np.arange(length) / length)
            path = echoes / np.linalg.norm(echoes)
            path[round(delay * RATE) if side != speaker else 0] += 1.0
            gain = 10 ** ((difference if side == speaker else -difference) / 40)
            spectrum = np.fft.rfft(speech, 2 * len(speech)) * np.fft.rfft(path, 2 * len(speech))
            heard_by[:, side] += gain * np.fft.irfft(spectrum)[: len(speech)]
    return heard_by + noise(-60)


def one(gain: float = 1.0, level: float = -60) -> Signal:
    """One signal on both sides, with the noise of two lines."""
    both = voice(SECONDS) * (1 - turns()) + voice(SECONDS, seed=1) * turns()
    return np.stack([both, gain * both], axis=1) + noise(level) * min(1.0, abs(gain))


TWO_SIDED = {
    "plain": call(),
    "crosstalk of -20 dB": crosstalk(call(), -20),
    "crosstalk of -30 dB": crosstalk(call(), -30),
    "echo of -22 dB after 150 ms": crosstalk(call(), -22, 0.15),
    "one side 25 dB quieter": call() * [1, 10 ** (-25 / 20)],
    "one party speaks rarely": call(0.05),
    "one side is noisy": call() + noise(-30) * [0, 1],
    "one side is silent": call() * [1, 0],
    "one side has only noise": call() * [1, 0] + noise(-60),
    "both speak all the time": np.stack([voice(SECONDS), voice(SECONDS, seed=1)], axis=1),
    "pauses are exact zeros": np.stack([voice(SECONDS) * (1 - turns()), voice(SECONDS, seed=1) * turns()], axis=1),
}
MONO = {
    "the same signal": one(level=-140),
    "half as loud": one(0.5),
    "20 dB quieter": one(0.1),
    "with the sign changed": one(-1.0),
    "noisy lines": one(level=-40),
    "one room, near microphones": room(0.0005, 4, 0.3),
    "one room, far microphones": room(0.005, 8, 0.5),
    "one side 60 ms late": np.stack([one()[:, 0], np.roll(one()[:, 0], 480)], axis=1),
    "silence": np.zeros((SECONDS * RATE, 2)),
    "mostly silence": one() * np.repeat(np.arange(SECONDS) % 10 == 0, RATE)[:, None] + noise(-60),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", TWO_SIDED)
def test_a_party_on_each_side_makes_a_two_sided_call(tmp_path: Path, case: str, kind: str) -> None:
    container, subtype = KINDS[kind]
    assert (
        open_audio(write(tmp_path / "call", TWO_SIDED[case], RATE, subtype, container=container)).layout == "two-sided"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", MONO)
def test_one_signal_on_both_sides_is_mono(tmp_path: Path, case: str, kind: str) -> None:
    container, subtype = KINDS[kind]
    assert open_audio(write(tmp_path / "call", MONO[case], RATE, subtype, container=container)).layout == "mono"


def test_a_few_seconds_are_enough_to_tell(tmp_path: Path) -> None:
    assert open_audio(write(tmp_path / "call.wav", call()[: 4 * RATE])).layout == "two-sided"
    assert open_audio(write(tmp_path / "call.wav", one()[: 4 * RATE])).layout == "mono"


async def test_who_never_spoke_in_the_first_minutes_is_not_lost(tmp_path: Path) -> None:
    late = np.concatenate([voice(60)[:, None] * [1, 0], call()])
    signal, _ = await heard(write(tmp_path / "call.wav", late))
    assert signal.shape[1] == 2
    assert np.abs(signal[: 60 * 16_000, 1]).max() < 0.001 < np.abs(signal[60 * 16_000 :, 1]).max()


async def test_the_user_may_know_better(tmp_path: Path) -> None:
    path = write(tmp_path / "call.wav", call())
    assert open_audio(path, "mono").layout == "mono"
    assert (await heard(path, "mono"))[0].shape[1] == 1
    path = write(tmp_path / "call.wav", one())
    assert open_audio(path, "two-sided").layout == "two-sided"
    assert (await heard(path, "two-sided"))[0].shape[1] == 2


async def test_a_mix_is_the_mean_of_the_sides(tmp_path: Path) -> None:
    samples = call()
    signal, _ = await heard(write(tmp_path / "call.wav", np.repeat(samples, 2, axis=0), 16_000), "mono")
    np.testing.assert_allclose(signal[:, 0], np.repeat(samples.mean(axis=1), 2), atol=1e-4)


@pytest.mark.parametrize("mode", ["auto", "mono"])
async def test_a_side_with_the_sign_changed_does_not_cancel_the_other(tmp_path: Path, mode: str) -> None:
    path = write(tmp_path / "call.wav", one(-1.0, -140))
    assert open_audio(path).inverted
    signal, _ = await heard(path, "mono" if mode == "mono" else "auto")
    straight, _ = await heard(write(tmp_path / "straight.wav", one(1.0, -140)))
    assert likeness(signal[:, 0], straight[:, 0]) > 0.999
    assert np.std(signal) == pytest.approx(np.std(straight), rel=0.01)
