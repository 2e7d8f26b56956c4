"""Peaks are those of the recording, however long it is and however it is cut into blocks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtime import peaks
from runtime.peaks import FINEST, waveform
from stages.audio_reader import Frames

JOB = "550e8400-e29b-41d4-a716-446655440000"
RATE = 8000


def steps(seconds: int, channels: int = 1) -> Frames:
    """Samples that are louder from second to second: float32 (samples, channels)."""
    levels = (1 + np.arange(seconds)) / (2 * seconds)
    return np.repeat(np.tile(levels[:, None], channels), RATE, axis=0).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 44100])
def test_each_peak_is_the_loudest_sample_of_its_stretch(tmp_path: Path, rate: int) -> None:
    samples = np.random.default_rng(6).uniform(-0.9, 0.9, round(3.3 * rate)).astype(np.float32)
    path = tmp_path / "noise.wav"
    soundfile.write(path, samples, rate, subtype="FLOAT")
    found = waveform(path, JOB)
    numbers = (np.arange(len(samples)) * FINEST / rate).astype(int)
    expected = [round(255 * float(np.abs(samples[numbers == number]).max())) for number in range(numbers[-1] + 1)]
    assert list(found.channels[0]) == pytest.approx(expected, abs=1)
    assert found.rate == FINEST
    assert found.duration == pytest.approx(3.3, abs=0.001)


def test_a_long_recording_has_fewer_peaks_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "steps.wav"
    soundfile.write(path, steps(10), RATE)
    monkeypatch.setattr(peaks, "MOST", 10)
    found = waveform(path, JOB)
    assert found.rate == 1.0
    assert list(found.channels[0]) == pytest.approx([12.75 * (1 + second) for second in range(10)], abs=1)


def test_each_side_of_a_call_has_peaks_of_its_own(tmp_path: Path) -> None:
    left, right = steps(4)[:, 0], np.zeros(4 * RATE, np.float32)
    noise = np.random.default_rng(1).uniform(-1, 1, len(left)).astype(np.float32)
    gate = np.repeat([1.0, 0.0, 1.0, 0.0], RATE).astype(np.float32)
    right = 0.5 * np.roll(noise, 99) * (1 - gate)
    path = tmp_path / "sides.wav"
    soundfile.write(path, np.stack([left * noise * gate, right], axis=1), RATE)
    first, second = waveform(path, JOB).channels
    assert max(second[5:45]) == 0 < min(first[5:45])
    assert max(first[55:95]) == 0 < min(second[55:95])
