"""Voiceprints of made-up voices, as noisy as CAM++'s of telephone speech."""

import numpy as np
import numpy.typing as npt

SIZE = 192
ALIKE = 0.58
"""Mean similarity of two voiceprints of one voice."""


def voices(count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """(count, SIZE): unit vectors at right angles to each other."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(SIZE, count)))
    directions: npt.NDArray[np.float64] = basis.T
    return directions


def prints_of(voice: npt.NDArray[np.float64], count: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """(count, SIZE): unit vectors with mean similarity ALIKE to each other."""
    noise = np.random.default_rng(seed).normal(0, 1, (count, SIZE))
    noise -= (noise @ voice)[:, None] * voice
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    prints: npt.NDArray[np.float32] = (np.sqrt(ALIKE) * voice + np.sqrt(1 - ALIKE) * noise).astype(np.float32)
    return prints
