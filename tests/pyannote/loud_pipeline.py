"""A pipeline as a user might bring one: it knows no bounds on the number of speakers."""

# mypy: disallow-subclassing-any=False

from collections.abc import Mapping

import torch
from pyannote.audio import Pipeline
from pyannote.audio.pipelines.speaker_diarization import DiarizeOutput
from pyannote.core import Annotation, Segment


class LoudPipeline(Pipeline):
    """A voice from the first to the last sample above the level, and another in the last second of it."""

    def __init__(self, level: float, *, recent: bool, **_download: object) -> None:
        super().__init__()
        self.level = level
        self.recent = recent

    def apply(self, file: Mapping[str, torch.Tensor]) -> Annotation | DiarizeOutput:
        """As pipelines of pyannote.audio 4 answer, or as older ones do."""
        loud = torch.nonzero(file["waveform"][0].abs() > self.level)[:, 0] / file["sample_rate"]
        first, last = float(loud[0]), float(loud[-1])
        whole, exclusive = Annotation(), Annotation()
        whole[Segment(last - 1, last)] = "another"
        whole[Segment(first, last)] = "somebody"
        exclusive[Segment(first, last)] = "somebody"
        return DiarizeOutput(whole, exclusive) if self.recent else whole
