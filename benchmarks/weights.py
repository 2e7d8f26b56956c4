"""The networks that all systems share, fetched where they are missing."""

from benchmarks.protocol import Weights
from models.store import ensure
from runtime.engine import SEGMENTATION, VOICEPRINT


def shared_weights() -> Weights:
    """Paths of the networks. Raises CallAnnotateError where they cannot be fetched."""
    return Weights(
        whisper=str(ensure("whisper-base", "transcription").path),
        segmentation=str(ensure(SEGMENTATION, "segmentation").weights),
        voiceprint=str(ensure(VOICEPRINT, "voiceprint").path),
    )
