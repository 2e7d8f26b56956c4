"""Audio as it travels between stages, and the frame grid that everything about speakers is measured on."""

from typing import Final

import numpy as np
import numpy.typing as npt
from msgspec import Struct

SAMPLE_RATE: Final = 16_000
"""Hertz, of every samples array that crosses a channel."""
FRAME_STEP: Final = 270
"""Samples from one segmentation frame to the next: the product of segmentation-3.0's strides (10 x 3 x 3 x 3)."""

Samples = npt.NDArray[np.float32]
"""float32 (samples,), at SAMPLE_RATE, full scale is 1.0."""


class AudioChunk(Struct, frozen=True, eq=False, tag=True):
    """A stretch of one channel's signal. Chunks of a channel follow each other without gap or overlap."""

    channel: int
    """Side of the call, counted from 0; a mono call or a mono mix is channel 0."""
    start: int
    """First sample, counted from the start of the stream."""
    samples: Samples

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of this chunk."""
        return (self.start + len(self.samples)) / SAMPLE_RATE
