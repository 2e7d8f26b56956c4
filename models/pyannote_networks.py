"""pyannote.audio's own pipeline on our two networks. Imports torch, so only `models.pyannote_pipeline` imports it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from pyannote.audio import Model
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import SpeakerDiarization

from contracts.audio import SAMPLE_RATE
from models.voiceprint import SIZE, VoiceprintModel, filterbank

BATCH: Final = 32
"""Windows that go to a network at once, as in the pipelines that pyannote publishes."""
SHORTEST: Final = 25
"""Feature frames of 10 ms below which a speaker of a window gets no voiceprint."""


class CampplusEmbedding(Model):  # type: ignore[misc]
    """CAM++ on onnxruntime in the shape of a pyannote.audio embedding model."""

    def __init__(self, path: Path, threads: int) -> None:
        super().__init__(sample_rate=SAMPLE_RATE)
        self.voiceprint = VoiceprintModel(path, threads)

    @property
    def dimension(self) -> int:
        """Values of an embedding."""
        return SIZE

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """float32 (batch, 1, samples) and the speaker's activity (batch, frames) -> float32 (batch, 192).

        An embedding is made of the frames in which the speaker is active, and is NaN where these are too few, which
        the clustering passes over.
        """
        prints = np.full((len(waveforms), SIZE), np.nan, np.float32)
        for number, features in enumerate(_features(waveforms, weights)):
            if len(features) >= SHORTEST:
                prints[number] = self.voiceprint.embed(features[None])[0]
        return torch.from_numpy(prints)


def _features(waveforms: torch.Tensor, weights: torch.Tensor) -> Iterator[npt.NDArray[np.float32]]:
    """The feature frames (frames, 80) in which each speaker is active.

    The pipeline asks for every speaker of a window one after the other: the features of a window are made once.
    """
    last: torch.Tensor | None = None
    features = np.zeros((0, 80), np.float32)
    for waveform, weight in zip(waveforms[:, 0], weights, strict=True):
        if not weight.any():
            yield features[:0]
            continue
        if last is None or not torch.equal(last, waveform):
            last, features = waveform, filterbank(waveform.numpy())
        nearest = np.arange(len(features)) * len(weight) // len(features)
        yield features[weight.numpy()[nearest] > 0.5]


def own_pipeline(segmentation: Path, voiceprint: Path, threads: int, threshold: float) -> SpeakerDiarization:
    """The SpeakerDiarization pipeline with segmentation-3.0 (the checkpoint as published) and CAM++ (ONNX).

    The checkpoint is unpickled by torch without restriction: verify its hash first.
    """
    pipeline = SpeakerDiarization(
        segmentation=str(segmentation),
        embedding=CampplusEmbedding(voiceprint, threads),
        # Agglomerative clustering needs no PLDA, but the constructor would go and fetch one.
        plda=PLDA.__new__(PLDA),
        clustering="AgglomerativeClustering",
        segmentation_batch_size=BATCH,
        embedding_batch_size=BATCH,
    )
    return pipeline.instantiate(
        {
            "segmentation": {"min_duration_off": 0.0},
            "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": threshold},
        }
    )
