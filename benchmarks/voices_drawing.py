"""The reliability diagram as SVG."""

from typing import Final

import numpy as np
import numpy.typing as npt

SIDE: Final = 320
"""Pixels of the square."""
EDGE: Final = 50
"""Pixels around it."""


def drawing(found: npt.NDArray[np.float64]) -> str:
    """Bins (n, 3) of mean probability, share of equal voices and weight, as benchmarks.voices_trials.bins gives them.

    A dot for each bin, the larger the more trials are in it; on the diagonal a probability is what it says.
    """
    whole = SIDE + 2 * EDGE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {whole} {whole}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{whole}" height="{whole}" fill="white"/>',
        f'<rect x="{EDGE}" y="{EDGE}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#888"/>',
        f'<line x1="{EDGE}" y1="{EDGE + SIDE}" x2="{EDGE + SIDE}" y2="{EDGE}" stroke="#bbb" stroke-dasharray="4"/>',
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        across, up = _place(tick, tick)
        parts.append(f'<text x="{across:.0f}" y="{EDGE + SIDE + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{EDGE - 6}" y="{up + 4:.0f}" text-anchor="end">{tick:g}</text>')
    middle = EDGE + SIDE / 2
    parts.append(f'<text x="{middle:.0f}" y="{whole - 10}" text-anchor="middle">probability that is given</text>')
    parts.append(
        f'<text x="14" y="{middle:.0f}" text-anchor="middle" transform="rotate(-90 14 {middle:.0f})">'
        "share that is the voice</text>"
    )
    for probability, share, weight in found[~np.isnan(found[:, 0])].tolist():
        across, up = _place(probability, share)
        parts.append(
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="{3 + 10 * weight**0.5:.1f}" fill="#1f6feb" opacity="0.7"/>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(probability: float, share: float) -> tuple[float, float]:
    return EDGE + SIDE * probability, EDGE + SIDE * (1 - share)
