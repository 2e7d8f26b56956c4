"""The two networks, converted from the published weights, on the sample call. Fetches weights that are missing."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from models.segmentation import FRAME_LENGTH, FRAMES, POWERSET, WINDOW, Segmentation
from models.store import ensure
from models.voiceprint import FEATURE_LENGTH, FEATURE_STEP, SIZE, VoiceprintModel, filterbank

Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def samples(sample_call: Path) -> Array:
    audio, rate = soundfile.read(sample_call, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)


@pytest.fixture(scope="module")
def turns(sample_call: Path) -> list[tuple[float, float, str]]:
    """(start s, end s, speaker) of the reference."""
    rows = (line.split() for line in sample_call.with_suffix(".rttm").read_text().splitlines())
    return [(float(row[3]), float(row[3]) + float(row[4]), row[7]) for row in rows]


@pytest.fixture(scope="module")
def segmentation() -> Segmentation:
    return Segmentation(ensure("segmentation-3.0", "segmentation").path, 1)


@pytest.fixture(scope="module")
def voiceprint() -> VoiceprintModel:
    return VoiceprintModel(ensure("campplus-zh-en", "voiceprint").path, 1)


def test_the_classes_are_all_sets_of_at_most_two_of_three_speakers() -> None:
    assert sorted(map(tuple, POWERSET.tolist())) == sorted(
        (a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1) if a + b + c <= 2
    )


def test_scores_are_log_probabilities_on_the_frame_grid(segmentation: Segmentation, samples: Array) -> None:
    scores = segmentation.scores(samples[None, :WINDOW])
    assert scores.shape == (1, FRAMES, len(POWERSET))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(np.exp(scores).sum(-1), 1, atol=1e-5)
    assert (FRAMES - 1) * FRAME_STEP + FRAME_LENGTH <= WINDOW < FRAMES * FRAME_STEP + FRAME_LENGTH


@pytest.mark.parametrize("frames", [1, 2, 100])
def test_shorter_windows_have_fewer_frames(segmentation: Segmentation, samples: Array, frames: int) -> None:
    needed = (frames - 1) * FRAME_STEP + FRAME_LENGTH
    assert segmentation.scores(samples[None, :needed]).shape[1] == frames
    assert segmentation.scores(samples[None, : needed + FRAME_STEP - 1]).shape[1] == frames


def test_a_window_scores_the_same_alone_and_in_a_batch(segmentation: Segmentation, samples: Array) -> None:
    windows = samples[: 4 * WINDOW].reshape(4, WINDOW)
    alone = np.concatenate([segmentation.scores(window[None]) for window in windows])
    np.testing.assert_allclose(segmentation.scores(windows), alone, atol=1e-3)


def test_speech_is_where_the_reference_has_it(
    segmentation: Segmentation, samples: Array, turns: list[tuple[float, float, str]]
) -> None:
    windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    speech = POWERSET[segmentation.scores(windows).argmax(-1)].any(-1)  # (windows, frames)
    centres = (np.arange(FRAMES) * FRAME_STEP + FRAME_LENGTH / 2) / SAMPLE_RATE
    times = np.arange(len(windows))[:, None] * WINDOW / SAMPLE_RATE + centres
    expected = np.zeros_like(speech)
    for start, end, _ in turns:
        expected |= (times >= start) & (times < end)
    assert (speech == expected).mean() > 0.9


@pytest.mark.parametrize("length", [0, FEATURE_LENGTH - 1, FEATURE_LENGTH, FEATURE_LENGTH + 7 * FEATURE_STEP, 16_000])
def test_features_come_as_many_as_fit_whole(samples: Array, length: int) -> None:
    expected = max(0, 1 + (length - FEATURE_LENGTH) // FEATURE_STEP)
    features = filterbank(samples[:length])
    assert features.shape == (expected, 80)
    assert features.dtype == np.float32


def test_features_take_any_memory_layout(samples: Array) -> None:
    doubled = np.repeat(samples[:16_000], 2)
    np.testing.assert_array_equal(filterbank(doubled[::2]), filterbank(samples[:16_000]))


def test_the_features_of_a_tone_peak_in_its_band() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    mel = 1127 * np.log(1 + np.array([20, 1000, 8000]) / 700)
    band = round((mel[1] - mel[0]) / (mel[2] - mel[0]) * 81) - 1
    assert set(filterbank(tone).argmax(-1)) <= {band - 1, band, band + 1}


@pytest.mark.parametrize("frames", [1, 2, 25, 150, 200, 201, 500])
def test_voiceprints_have_unit_length_for_windows_of_any_length(
    voiceprint: VoiceprintModel, samples: Array, frames: int
) -> None:
    features = filterbank(samples)[: 3 * frames].reshape(3, frames, -1)
    prints = voiceprint.embed(features)
    assert prints.shape == (3, SIZE)
    assert prints.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(prints, axis=1), 1, atol=1e-5)


def test_a_voiceprint_is_the_same_alone_and_in_a_batch(voiceprint: VoiceprintModel, samples: Array) -> None:
    features = filterbank(samples)[:1200].reshape(8, 150, -1)
    alone = np.concatenate([voiceprint.embed(each[None]) for each in features])
    np.testing.assert_allclose(voiceprint.embed(features), alone, atol=1e-5)


def test_a_voiceprint_does_not_depend_on_the_level(voiceprint: VoiceprintModel, samples: Array) -> None:
    def embed(audio: Array) -> Array:
        return np.asarray(voiceprint.embed(filterbank(audio)[None, :300])[0])

    start = int(np.abs(samples).argmax()) - 8000
    speech = samples[start : start + 5 * SAMPLE_RATE]
    assert embed(speech) @ embed(speech * np.float32(0.5)) > 0.99


def test_voiceprints_tell_the_two_voices_of_the_sample_apart(
    voiceprint: VoiceprintModel, samples: Array, turns: list[tuple[float, float, str]]
) -> None:
    def embed(start: float, end: float) -> Array:
        part = samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]
        return np.asarray(voiceprint.embed(filterbank(part)[None])[0])

    long = [(embed(start, end), speaker) for start, end, speaker in turns if end - start > 2]
    pairs = [(a @ b, one == other) for n, (a, one) in enumerate(long) for b, other in long[:n]]
    same = [similarity for similarity, equal in pairs if equal]
    different = [similarity for similarity, equal in pairs if not equal]
    assert same
    assert different
    assert np.mean(same) - np.mean(different) > 0.3
