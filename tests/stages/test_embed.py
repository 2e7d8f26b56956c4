"""Voiceprints are taken where one speaker speaks."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from anyio import CapacityLimiter
from hypothesis import given
from hypothesis import strategies as st

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.speech import SpeechRegion, Voiceprints
from models.store import ensure
from models.voiceprint import BINS, SIZE, VoiceprintModel
from stages.embed import BATCH, HOP, SHORTEST, WINDOW, Embed, features_of, pieces, windows
from tests.stages.flow import through


def region(speakers: list[int], changes: dict[int, float] | None = None, first_frame: int = 0) -> SpeechRegion:
    share = np.zeros(len(speakers), np.float32)
    share[0] = np.nan
    for frame, value in (changes or {}).items():
        share[frame] = value
    noise = np.random.default_rng(first_frame).normal(0, 0.1, len(speakers) * FRAME_STEP)
    return SpeechRegion(0, 0, first_frame, np.array(speakers, np.uint8), share, noise.astype(np.float32))


def found(region: SpeechRegion) -> list[tuple[int, int]]:
    return list(pieces(region.speakers, region.changes))


class Counting(VoiceprintModel):
    """The first value of a voiceprint says how many feature frames it saw."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        assert features.shape[2] == BINS
        assert features.dtype == np.float32
        self.batches.append(len(features))
        prints = np.zeros((len(features), SIZE), np.float32)
        prints[:, 0] = features.shape[1]
        return prints


async def embedded(region: SpeechRegion, model: VoiceprintModel | None = None) -> Voiceprints:
    (prints,) = await through(Embed(model or Counting(), CapacityLimiter(1)), [region])
    return prints


def test_pieces_leave_out_pauses_and_overlap() -> None:
    speakers = [1] * 100 + [0] * 10 + [1] * 50 + [2] * 20 + [1] * 30
    assert found(region(speakers)) == [(0, 100), (110, 160), (180, 210)]


def test_pieces_are_cut_where_at_least_half_of_the_windows_see_a_change() -> None:
    assert found(region([1] * 300, {100: 0.5, 200: 0.49})) == [(0, 100), (100, 300)]


def test_of_two_changes_too_close_together_the_clearer_one_cuts() -> None:
    close = SHORTEST - 1
    assert found(region([1] * 300, {100: 0.5, 100 + close: 1.0})) == [(0, 100 + close), (100 + close, 300)]


def test_a_change_too_close_to_an_end_does_not_cut() -> None:
    assert found(region([1] * 300, {SHORTEST - 1: 1.0, 301 - SHORTEST: 1.0})) == [(0, 300)]


@given(st.integers(0, 50_000), st.integers(1, 2000))
def test_windows_cover_a_piece_evenly_from_its_start_to_its_end(start: int, length: int) -> None:
    spans = windows(start, start + length)
    if length < SHORTEST:
        assert spans == []
        return
    assert spans[0][0] == start
    assert spans[-1][1] == start + length
    assert {stop - first for first, stop in spans} == {min(length, WINDOW)}
    hops = [second - first for (first, _), (second, _) in pairwise(spans)]
    assert all(0 < hop <= HOP for hop in hops)
    assert not hops or max(hops) - min(hops) <= 1


@pytest.mark.parametrize("frames", [SHORTEST, WINDOW, WINDOW + 1, 500])
def test_spans_of_equal_length_have_features_of_equal_length_up_to_the_end(frames: int) -> None:
    samples = region([1] * frames).samples
    spans = windows(0, frames)
    features = features_of(samples, spans)
    assert len({len(feature) for feature in features}) == 1
    seconds = (spans[0][1] - spans[0][0]) * FRAME_STEP / SAMPLE_RATE
    assert len(features[0]) == pytest.approx(seconds * 100, abs=3)


async def test_every_voiceprint_has_its_span_on_the_grid_of_the_stream() -> None:
    prints = await embedded(region([1] * 400 + [0] * 5 + [1] * SHORTEST, first_frame=7000))
    assert prints.first_frame == 7000
    assert prints.spans.dtype == np.int64
    assert prints.spans[0].tolist() == [7000, 7000 + WINDOW]
    assert prints.spans[-1].tolist() == [7405, 7405 + SHORTEST]
    assert prints.vectors.shape == (len(prints.spans), SIZE)
    seconds = (prints.spans[:, 1] - prints.spans[:, 0]) * FRAME_STEP / SAMPLE_RATE
    np.testing.assert_allclose(prints.vectors[:, 0], seconds * 100, atol=3)


async def test_a_region_without_a_piece_that_is_long_enough_is_passed_on_without_voiceprints() -> None:
    model = Counting()
    prints = await embedded(region([1] * (SHORTEST - 1) + [2] * 100), model)
    assert prints.spans.shape == (0, 2)
    assert prints.vectors.shape == (0, SIZE)
    assert prints.speakers.tolist() == [1] * (SHORTEST - 1) + [2] * 100
    assert model.batches == []


async def test_the_network_never_gets_more_than_a_batch_at_once() -> None:
    model = Counting()
    prints = await embedded(region([1] * 1700), model)
    assert sum(model.batches) == len(prints.spans)
    assert max(model.batches) == BATCH


async def test_the_voiceprints_of_one_voice_are_closer_than_those_of_two(sample_call: Path) -> None:
    audio, rate = soundfile.read(sample_call, dtype="float32", always_2d=True)
    samples = np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)
    rows = [line.split() for line in sample_call.with_suffix(".rttm").read_text().splitlines()]
    regions, names = [], []
    for row in rows:
        first, frames = (int(float(value) * SAMPLE_RATE) // FRAME_STEP for value in row[3:5])
        heard = samples[first * FRAME_STEP : (first + frames) * FRAME_STEP]
        regions.append(SpeechRegion(0, 0, first, np.ones(frames, np.uint8), np.zeros(frames, np.float32), heard))
        names.append(row[7])
    model = VoiceprintModel(ensure("campplus-zh-en", "voiceprint").path, 1)
    prints = await through(Embed(model, CapacityLimiter(1)), regions)
    owner = np.repeat(names, [len(one.spans) for one in prints])
    vectors = np.concatenate([one.vectors for one in prints])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    similarity, alike = vectors @ vectors.T, owner[:, None] == owner[None]
    assert similarity[alike & ~np.eye(len(owner), dtype=bool)].mean() > similarity[~alike].mean() + 0.3
