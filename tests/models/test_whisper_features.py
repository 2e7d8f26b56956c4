"""The log-mel spectrogram against faster-whisper's."""

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from contracts.audio import SAMPLE_RATE, Samples
from models.whisper_features import HOP, LogMel


@pytest.fixture(scope="module")
def sound() -> Samples:
    """Three seconds of a voice-like buzz with pauses, in faint noise."""
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 25)) * (np.sin(2 * np.pi * 1.5 * time) > 0)
    return (0.1 * buzz + np.random.default_rng(1).normal(0, 0.001, len(time))).astype(np.float32)


@pytest.mark.parametrize("bins", [80, 128])
def test_the_spectrogram_is_that_of_faster_whisper(sound: Samples, bins: int) -> None:
    expected = FeatureExtractor(feature_size=bins)(sound, padding=SAMPLE_RATE)
    found = LogMel(bins)(sound, 4 * SAMPLE_RATE // HOP)
    assert found.shape == expected.shape == (bins, 400)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_frames_after_the_samples_are_silence(sound: Samples) -> None:
    found = LogMel(80)(sound, 1000)
    assert np.ptp(found[:, 305:]) == 0
    assert found[:, 305:].max() == found.min()


def test_samples_after_the_last_frame_are_cut_off(sound: Samples) -> None:
    found = LogMel(80)(sound, 100)
    assert found.shape == (80, 100)
    np.testing.assert_allclose(found[:, :98], LogMel(80)(sound[: 102 * HOP], 100)[:, :98], atol=1e-5)


@pytest.mark.parametrize("length", [0, 1, 200, 201])
def test_a_few_samples_are_enough(length: int) -> None:
    found = LogMel(80)(np.full(length, 0.1, np.float32), 10)
    assert found.shape == (80, 10)
    assert np.isfinite(found).all()
