"""Trials of one voice against another: enrolled from one recording, heard in others, at 16 kHz and on the telephone."""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
from anyio.abc import ObjectSendStream

from benchmarks.voices_material import Person, heard
from contracts.audio import SAMPLE_RATE, AudioChunk, Samples
from contracts.errors import CallAnnotateError
from contracts.recognition import KnownVoice
from contracts.speech import Diarization, Voiceprints
from models.cohort import Cohort
from runtime.call import enrol_voice
from runtime.engine import Engine
from runtime.pipeline import voiceprint_flow
from stages.decode import open_audio
from stages.live_speakers import seconds_of
from stages.matching import mean_of, strangeness

BANDS: Final = (8, 16)
"""Kilohertz: through a telephone, and as it is."""
DURATIONS: Final = (1.5, 3.0, 5.0, 10.0)
"""Seconds of speech that a voice is recognised by."""
SLACK: Final = 0.3
"""Seconds that a stretch may be shorter than it is called."""

Vectors = npt.NDArray[np.float32]
Heard = tuple[Vectors, npt.NDArray[np.float64]]
"""Voiceprints (n, 192) and the seconds of speech that each stands for (n,)."""


@dataclass(frozen=True, eq=False)
class Voice:
    """A person, embedded."""

    person: Person
    enrolled: dict[int, Vectors]
    """By band: (1, 192), as enrolment gives it."""
    heard: dict[int, Heard]
    """By band."""
    refused: dict[int, str] = field(default_factory=dict)
    """By band: why its sample was refused, as one of a meeting's far microphone may be; the code of the error."""

    def known(self, band: int) -> KnownVoice:
        """As the voice is known when it was enrolled in this band."""
        return KnownVoice(self.person.name, self.person.name, self.enrolled[band])


@dataclass(frozen=True, eq=False)
class Trials:
    """Many comparisons of a known voice with a stretch of speech; every array is (trials,)."""

    same: npt.NDArray[np.bool_]
    """Whether both are one person."""
    score: npt.NDArray[np.float64]
    """Cosine similarity without the band's direction."""
    strange: npt.NDArray[np.float64]
    """Mean similarity to the nearest strangers, of both sides together."""
    seconds: npt.NDArray[np.float64]
    """Of speech."""
    duration: npt.NDArray[np.float64]
    """One of DURATIONS."""
    enrolled: npt.NDArray[np.int64]
    """Band."""
    band: npt.NDArray[np.int64]

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Trials":
        """Some of them."""
        return Trials(*(values[chosen] for values in vars(self).values()))


@dataclass(frozen=True, eq=False)
class _Source:
    samples: Samples

    async def run(self, send: ObjectSendStream[AudioChunk]) -> None:
        for start in range(0, len(self.samples), SAMPLE_RATE):
            await send.send(AudioChunk(0, start, self.samples[start : start + SAMPLE_RATE]))


async def embedded(engine: Engine, people: Iterable[Person]) -> list[Voice]:
    """Everybody through the graph: enrolled as a sample would be, and heard as in a call."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for person in people:
            print(person.name, file=sys.stderr)
            bands = BANDS if person.wide else (8,)
            enrolled, refused = dict[int, Vectors](), dict[int, str]()
            for band in bands if person.enrolment is not None else ():
                assert person.enrolment is not None
                path = Path(folder) / "sample.wav"
                soundfile.write(path, heard(person.enrolment, band), SAMPLE_RATE)
                try:
                    enrolled[band] = (await enrol_voice(engine, open_audio(path))).vectors
                except CallAnnotateError as error:
                    refused[band] = error.fault.code
                    print(f"{person.name} at {band} kHz: {error}", file=sys.stderr)
            own = {band: await prints(engine, heard(person.test, band)) for band in bands}
            found.append(Voice(person, enrolled, own, refused))
    return found


async def prints(engine: Engine, samples: Samples) -> Heard:
    """The voiceprints of what is said in a recording of one voice."""
    vectors, seconds = [np.zeros((0, 192), np.float32)], [np.zeros(0)]
    async with voiceprint_flow(engine).open(_Source(samples)) as running:
        async for item in running.receive:
            if isinstance(item, Voiceprints) and len(item.vectors):
                vectors.append(item.vectors)
                seconds.append(seconds_of([(int(first), int(last)) for first, last in item.spans]))
    return np.concatenate(vectors), np.concatenate(seconds)


async def call_prints(engine: Engine, samples: Samples) -> tuple[list[Voiceprints], Diarization]:
    """The voiceprints and the turns of a call."""
    found: list[Voiceprints] = []
    turns = Diarization((), 0.0)
    async with voiceprint_flow(engine).open(_Source(samples)) as running:
        async for item in running.receive:
            if isinstance(item, Voiceprints):
                found.append(item)
            else:
                turns = item
    return found, turns


def stretches(spoken: Heard, duration: float) -> Iterator[Heard]:
    """The speech cut into stretches of about this many seconds, one after the other."""
    vectors, seconds = spoken
    first = 0
    for last in range(1, len(vectors) + 1):
        if seconds[first:last].sum() >= duration - SLACK:
            yield vectors[first:last], seconds[first:last]
            first = last


def trials(voices: Sequence[Voice], strangers: Cohort, groups: npt.NDArray[np.str_] | None = None) -> Trials:
    """Every known voice against every stretch of everybody, but for those who may be one person under two names.

    `groups` (n,): of the strangers, where the voices are among them; nobody is a stranger to one of the same group.
    """

    def distance_of(mean: Vectors, person: Person) -> float:
        others = (
            strangers if groups is None else replace(strangers, strangers=strangers.strangers[groups != person.group])
        )
        return float(strangeness(mean[None], others)[0])

    rows: list[tuple[bool, float, float, float, float, int, int]] = []
    for enrolled, band in product(BANDS, BANDS):
        known = [voice for voice in voices if enrolled in voice.enrolled]
        means = np.stack([mean_of(voice.enrolled[enrolled], np.ones(1), strangers) for voice in known])
        strange = np.array([distance_of(mean, voice.person) for mean, voice in zip(means, known, strict=True)])
        for voice, duration in product(voices, DURATIONS):
            for vectors, seconds in stretches(voice.heard[band], duration) if band in voice.heard else ():
                own = mean_of(vectors, seconds, strangers)
                both = strange + distance_of(own, voice.person)
                for other, score, distance in zip(known, means @ own, both, strict=True):
                    same = _same(other.person, voice.person)
                    if same is not None:
                        total = float(seconds.sum())
                        rows.append((same, float(score), float(distance), total, duration, enrolled, band))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    return Trials(*columns)


def _same(one: Person, other: Person) -> bool | None:
    """Whether two are one person; None where nobody knows, or where one recording would be on both sides."""
    if one is other:
        return None if one.enrolment is one.test else True
    if one.group != other.group:
        return False
    return True if one.group.startswith("AMI") else None


def error_rate(same: npt.NDArray[np.float64], different: npt.NDArray[np.float64]) -> float:
    """The equal error rate of the scores of equal and of different voices."""
    bounds = np.unique(np.concatenate([same, different]))
    rejected = np.searchsorted(np.sort(same), bounds) / len(same)
    accepted = 1 - np.searchsorted(np.sort(different), bounds) / len(different)
    nearest = int(np.abs(rejected - accepted).argmin())
    return float(rejected[nearest] + accepted[nearest]) / 2


def balanced(same: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Weights (n,) that let equal and different voices count the same, 1 in all."""
    weights: npt.NDArray[np.float64] = np.where(same, 0.5 / max(1, same.sum()), 0.5 / max(1, (~same).sum()))
    return weights


def bins(probability: npt.NDArray[np.float64], same: npt.NDArray[np.bool_], count: int = 10) -> npt.NDArray[np.float64]:
    """Of each bin of probabilities: mean probability, share of equal voices, weight: float64 (count, 3); NaN: empty."""
    weights = balanced(same)
    which = np.minimum((probability * count).astype(int), count - 1)
    found = np.full((count, 3), np.nan)
    for number in range(count):
        own = which == number
        if own.any():
            total = weights[own].sum()
            found[number] = (weights[own] @ probability[own] / total, weights[own] @ same[own] / total, total)
    return found


def calibration_error(found: npt.NDArray[np.float64]) -> float:
    """Expected calibration error of such bins."""
    return float(np.nansum(np.abs(found[:, 0] - found[:, 1]) * found[:, 2]))
