"""Fits what matching knows of voices in general, and writes it to models/cohort.npz: `python -m benchmarks.voices_fit`.

The people are half of the volunteers and the strangers of benchmarks/voices_material.py; nobody of them is in the
figures of `python -m benchmarks.voices`.
"""

from pathlib import Path
from typing import Final

import anyio
import click
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from benchmarks import voices_material as material
from benchmarks.voices_trials import Trials, Voice, balanced, embedded, trials
from contracts.options import AnnotateOptions
from models.cohort import FILE, Cohort
from runtime.engine import load_engine
from stages.matching import features_of

ROOT: Final = Path(__file__).resolve().parents[1]
PENALTY: Final = 1e-4
"""On the squares of the weights but the first: scores of good recordings are nearly separable."""


def fitted(voices: list[Voice]) -> Cohort:
    """The cohort, the direction of the telephone band and the weights that these voices give."""
    means = {band: np.stack([_mean(v.heard[band][0]) for v in voices if band in v.heard]) for band in (8, 16)}
    both = [voice for voice in voices if voice.person.wide]
    shift = np.stack([_mean(v.heard[16][0]) - _mean(v.heard[8][0]) for v in both]).mean(axis=0)
    band = (shift / np.linalg.norm(shift)).astype(np.float32)
    strangers = np.concatenate([means[8], means[16]])
    strangers -= (strangers @ band)[:, None] * band
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    cohort = Cohort(band, strangers.astype(np.float16).astype(np.float32), np.zeros(4))
    groups = np.array([v.person.group for kind in (8, 16) for v in voices if kind in v.heard])
    return Cohort(band, cohort.strangers, _weights(trials(voices, cohort, groups)))


def _mean(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    mean: npt.NDArray[np.float32] = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    return mean


def _weights(found: Trials) -> npt.NDArray[np.float64]:
    """By logistic regression in which equal and different voices count the same."""
    features = features_of(found.score, found.strange, found.seconds)
    signs, weights = np.where(found.same, -1.0, 1.0), balanced(found.same)

    def loss(guess: npt.NDArray[np.float64]) -> float:
        return float(weights @ np.logaddexp(0, signs * (features @ guess)) + PENALTY * (guess[1:] @ guess[1:]))

    best: npt.NDArray[np.float64] = minimize(loss, np.zeros(features.shape[1])).x
    return best


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cache", type=click.Path(path_type=Path), default=ROOT / "bench-data" / "recordings", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), default=ROOT / "models" / FILE, show_default=True)
def main(cache: Path, output: Path) -> None:
    """Fit cohort and calibration; takes a few minutes."""
    people = [
        *material.volunteers(cache, fitted=True),
        *material.letters(cache),
        *material.prompt_strangers(cache),
    ]
    found = fitted(anyio.run(embedded, load_engine(AnnotateOptions()), people))
    np.savez(output, band=found.band, strangers=found.strangers.astype(np.float16), weights=found.weights)
    click.echo(f"{len(people)} voices, {len(found.strangers)} strangers, weights {np.round(found.weights, 3)}")


if __name__ == "__main__":
    main()
