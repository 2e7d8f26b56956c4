"""What matching knows of voices in general: a cohort of strangers, what a telephone does to a voiceprint, and the
calibration. `python -m benchmarks.voices_fit` makes it; docs/voices.md says from which recordings."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

FILE: Final = "cohort.npz"


@dataclass(frozen=True, eq=False)
class Cohort:
    """Fitted on voices that no figure is reported on."""

    band: npt.NDArray[np.float32]
    """(192,): unit length; the direction in which the telephone band moves a voiceprint."""
    strangers: npt.NDArray[np.float32]
    """(n, 192): unit length, free of `band`; mean voiceprints of the cohort at 16 kHz and in the telephone band."""
    weights: npt.NDArray[np.float64]
    """(4,): of the log-likelihood ratio; see stages.matching.features_of."""


@cache
def cohort() -> Cohort:
    """The cohort that comes with the program."""
    with resources.files("models").joinpath(FILE).open("rb") as file, np.load(file) as stored:
        return Cohort(
            stored["band"].astype(np.float32), stored["strangers"].astype(np.float32), stored["weights"].astype(float)
        )
