"""segmentation-3.0: who of up to three local speakers speaks when within a window of ten seconds."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.audio import SAMPLE_RATE
from models.onnx_session import open_session

WINDOW: Final = 10 * SAMPLE_RATE
"""Samples that the network was trained on; other lengths work, with fewer or more frames."""
FRAMES: Final = 589
"""Frames of a window of WINDOW samples; neighbours are contracts.audio.FRAME_STEP samples apart."""
FRAME_LENGTH: Final = 991
"""Samples that one frame sees through the filters and poolings; frame 0 sees the samples 0 to 990."""
LOCAL_SPEAKERS: Final = 3
POWERSET: Final[npt.NDArray[np.uint8]] = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], np.uint8
)
"""(7, 3): which local speakers speak in each class; Plaquet and Bredin, Interspeech 2023."""


class Segmentation:
    """The network, loaded. Calls may come from several threads at once."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the ONNX file; each call uses at most `threads` threads."""
        self._session = open_session(path, threads)

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Log-probabilities of the classes of POWERSET: float32 (batch, samples) -> (batch, frames, 7).

        The numbering of the local speakers is each window's own.
        """
        scores: npt.NDArray[np.float32] = self._session.run(None, {"windows": windows})[0]
        return scores
