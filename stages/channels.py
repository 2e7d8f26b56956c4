"""Whether a stereo recording is a two-sided call or one signal twice, judged by blocks spread over the whole of it.

Two findings decide. The sides of a call are unrelated: nowhere does one look like the other, at any lag that a room or
a jitter buffer makes. And where they are related, by crosstalk or echo, their levels still go up and down in turns,
while microphones in one room, or the copies of one signal, go together. `docs/audio.md` has the figures.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import fft

Frames = npt.NDArray[np.float32]
"""float32 (samples, 2): one block."""

FRAME: Final = 0.25
"""Seconds whose levels are compared: longer than the delays of a room, shorter than most words."""
LAG: Final = 0.25
"""Seconds by which one side may come after the other and still be recognised in it."""
RELATED: Final = 0.15
"""Correlation, 0 to 1, of a block's two sides from which on one is heard in the other."""
ACTIVE: Final = 15.0
"""Decibels below the loudest frames of a side down to which it counts as speaking."""
APART: Final = 24.0
"""Decibels between the extremes of the difference in level from which on the sides speak in turns."""
TOGETHER: Final = 6.0
"""Decibels of the same below which unrelated sides are one signal all the same, such as a rare word on noisy lines."""
INVERTED: Final = -0.3
"""Correlation without a lag below which one side is the other with the sign changed."""


@dataclass(frozen=True)
class Judgement:
    """How a stereo recording is to be treated, and what was found."""

    two_sided: bool
    inverted: bool
    """One side is the other with the sign changed."""
    related: float
    """0 to 1: correlation of the sides in the blocks where they are most alike."""
    apart: float
    """Decibels: range of the difference of the sides' levels, each relative to its own loudest."""


def judge(blocks: Iterable[Frames], sample_rate: int) -> Judgement:
    """Judge by blocks of about a second; no block and nothing but silence is one signal."""
    levels, related, sign = [], [], []
    for block in blocks:
        if not np.isfinite(block).all():
            continue
        # The difference of neighbours takes away DC and hum, and gives the parts of speech that differ most weight.
        rise = np.diff(block.astype(np.float64), axis=0)
        if rise.any():
            strongest, lag, straight = correlations(rise, round(LAG * sample_rate))
            if strongest > RELATED:
                rise[:, 1] = np.roll(rise[:, 1], lag)
            levels.append(frame_levels(rise, sample_rate))
            related.append(strongest)
            sign.append(straight)
    if not levels:
        return Judgement(two_sided=False, inverted=False, related=1.0, apart=0.0)
    apart, likeness = level_range(np.concatenate(levels)), float(np.percentile(related, 90))
    return Judgement(
        two_sided=apart > (TOGETHER if likeness < RELATED else APART),
        inverted=float(np.median(sign)) < INVERTED,
        related=likeness,
        apart=apart,
    )


def frame_levels(block: npt.NDArray[np.float64], sample_rate: int) -> npt.NDArray[np.float64]:
    """Decibels of each frame and side: (samples, 2) -> (frames, 2); -140 for silence."""
    size = min(len(block), round(FRAME * sample_rate))
    whole = block[: len(block) // size * size].reshape(-1, size, 2)
    levels: npt.NDArray[np.float64] = 10 * np.log10(np.mean(whole**2, axis=1) + 1e-14)
    return levels


def level_range(levels: npt.NDArray[np.float64]) -> float:
    """Decibels between the 2nd and the 98th percentile of the sides' difference where one speaks: (frames, 2)."""
    relative = levels - np.percentile(levels, 98, axis=0)
    speaking = relative[relative.max(axis=1) > -ACTIVE]
    low, high = np.percentile(speaking[:, 0] - speaking[:, 1], [2, 98])
    return float(high - low)


def correlations(block: npt.NDArray[np.float64], most: int) -> tuple[float, int, float]:
    """How alike two sides are, (samples, 2): the largest absolute correlation, its lag, and the one without a lag.

    The lag is the samples, up to `most` either way, by which the second side has to come later to be like the first.
    """
    energy = np.sqrt(np.prod(np.sum(block**2, axis=0)))
    if energy == 0:
        return 0.0, 0, 0.0
    size = fft.next_fast_len(len(block) + most, real=True)
    left, right = fft.rfft(block, size, axis=0).T
    cross = fft.irfft(left * right.conj(), size) / energy
    near = np.concatenate([cross[-most:], cross[: most + 1]])
    best = int(np.abs(near).argmax())
    return float(abs(near[best])), best - most, float(cross[0])
