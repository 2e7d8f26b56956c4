"""What the stages ask of the networks, so that something may stand between them, such as a journal."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from contracts.audio import Samples
from contracts.options import Task
from models.whisper import Before, Heard


class SegmentationNetwork(Protocol):
    """See models.segmentation.Segmentation."""

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32 (batch, samples) -> (batch, frames, 7)."""


class VoiceprintNetwork(Protocol):
    """See models.voiceprint.VoiceprintModel."""

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """float32 (batch, frames, 80) -> (batch, 192)."""


class LiveWhisperNetwork(Protocol):
    """What a live call asks of models.whisper.Whisper."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that the model knows."""

    def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
        """Probability of each of `languages` for each utterance: float64 (utterances, languages)."""

    def hear_live(
        self,
        samples: Samples,
        language: str | Callable[[npt.NDArray[np.float64]], str],
        silence: int,
        *,
        beam: int = ...,
        timed: bool = ...,
        context: str = ...,
        before: Before | None = ...,
    ) -> tuple[str, Heard]:
        """The language and the words of one utterance of a live call."""

    def tokens(self, text: str) -> list[int]:
        """A text in the tokens of the model."""


class WhisperNetwork(LiveWhisperNetwork, Protocol):
    """See models.whisper.Whisper."""

    def hear(
        self,
        utterances: Sequence[Samples],
        languages: Sequence[str],
        silence: int,
        *,
        task: Task = ...,
        context: str = ...,
    ) -> list[Heard]:
        """The words of each utterance in its language, or in English; no utterance changes what is heard of another."""
