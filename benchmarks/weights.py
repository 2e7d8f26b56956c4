"""The networks that all systems share, fetched where they are missing."""

from pathlib import Path

from benchmarks.protocol import Weights
from models.store import ensure
from runtime.engine import SEGMENTATION, VOICEPRINT


def shared_weights() -> Weights:
    """Paths of the networks. Raises CallAnnotateError where they cannot be fetched."""
    segmentation = ensure(SEGMENTATION, "segmentation")
    return Weights(
        whisper=str(ensure("whisper-base", "transcription").folder),
        segmentation=str(Path(segmentation.folder) / "pytorch_model.bin"),
        voiceprint=str(ensure(VOICEPRINT, "voiceprint").path),
    )
