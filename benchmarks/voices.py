"""How well known voices are recognised: `make bench-voices`, or `python -m benchmarks.voices`.

Nobody who is heard here took part in fitting the cohort and the calibration (`python -m benchmarks.voices_fit`).
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product
from pathlib import Path
from time import perf_counter
from typing import Final

import anyio
import click
import numpy as np
import soundfile
import soxr
from msgspec import Struct

from benchmarks import simulator
from benchmarks import voices_material as material
from benchmarks.materials import Material, simulated
from benchmarks.report import machine, table
from benchmarks.targets import Target
from benchmarks.voices_drawing import drawing
from benchmarks.voices_trials import (
    BANDS,
    DURATIONS,
    Trials,
    Voice,
    bins,
    calibration_error,
    call_prints,
    embedded,
    error_rate,
    trials,
)
from contracts.audio import SAMPLE_RATE, Samples
from contracts.options import AnnotateOptions
from contracts.recognition import KnownVoice
from contracts.speech import Diarization, Voiceprints
from models.cohort import cohort
from runtime.engine import Engine, load_engine
from stages.matching import THRESHOLD, KnownVoices, features_of
from stages.recognise import recognised

ROOT: Final = Path(__file__).resolve().parents[1]
EER: Final = 0.04
ACCEPTED: Final = 0.01
NAMED_WRONGLY: Final = 0.01
NAMED_RIGHTLY: Final = 0.95
CALIBRATION: Final = 0.05
MILLISECONDS: Final = 5.0
MANY: Final = 10_000
SEEDS: Final = (0, 300)
"""Of the simulated calls: those of the benchmark, and others of the same kind."""


class Names(Struct, frozen=True):
    """What became of the speakers of the calls, over every choice of who is known."""

    known: int
    """Speakers who are known."""
    right: int
    """Known, and named rightly."""
    strangers: int
    """Speakers who are not known."""
    false: int
    """Named with somebody else's name, known or not."""

    @property
    def speakers(self) -> int:
        """All of them."""
        return self.known + self.strangers


def probabilities(found: Trials) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The probability that the program gives for each trial, were this voice the only known one."""
    ratios = features_of(found.score, found.strange, found.seconds) @ cohort().weights
    return 1 / (1 + np.exp(-ratios))


def rows(found: Trials) -> Iterator[tuple[str, ...]]:
    """The table of false accepts and rejects."""
    probability = probabilities(found)
    for duration, enrolled, band in product(DURATIONS, BANDS, BANDS):
        chosen = (found.duration == duration) & (found.enrolled == enrolled) & (found.band == band)
        own, likely = found.same[chosen], probability[chosen]
        if own.any() and not own.all():
            yield (
                f"{duration:g} s", f"{enrolled} kHz", f"{band} kHz", str(own.sum()), str((~own).sum()),
                f"{error_rate(likely[own], likely[~own]):.2%}",
                f"{(likely[~own] >= THRESHOLD).mean():.2%}", f"{(likely[own] < THRESHOLD).mean():.2%}",
            )  # fmt: skip


async def hear(engine: Engine, calls: Sequence[Material]) -> list[tuple[list[Voiceprints], Diarization]]:
    """The voiceprints and turns of each call; the sides of a two-sided one are mixed."""
    return [await call_prints(engine, _mono(call)) for call in calls]


def _mono(call: Material) -> Samples:
    samples, rate = soundfile.read(call.path, dtype="float32", always_2d=True)
    mixed: Samples = soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE).astype(np.float32)
    return mixed


def names(
    calls: Sequence[Material], told: Sequence[tuple[list[Voiceprints], Diarization]], voices: Sequence[Voice], band: int
) -> Names:
    """Every call with every choice of known voices, from one to all."""
    people = {voice.person.group: voice for voice in voices if band in voice.enrolled}
    totals = [0, 0, 0, 0]
    for call, (prints, diarization) in zip(calls, told, strict=True):
        who = _speakers(call, diarization)
        for chosen in chain.from_iterable(combinations(sorted(people), size) for size in range(1, len(people) + 1)):
            known = KnownVoices.of([KnownVoice(name, name, people[name].enrolled[band]) for name in chosen])
            for identified in recognised(known, prints, diarization.turns):
                person = who.get(identified.speaker, "")
                totals[0] += person in chosen
                totals[1] += identified.name == person
                totals[2] += person not in chosen
                totals[3] += identified.name not in (None, person)
    return Names(*totals)


def _speakers(call: Material, diarization: Diarization) -> dict[int, str]:
    """Who each speaker of the diarization really is: who speaks most of the same time."""
    shared: dict[int, dict[str, float]] = {}
    for turn, reference in product(diarization.turns, call.turns):
        both = min(turn.end_time, reference.end) - max(turn.start_time, reference.start)
        if both > 0:
            own = shared.setdefault(turn.speaker, {})
            own[reference.speaker] = own.get(reference.speaker, 0.0) + both
    return {speaker: max(own, key=lambda name: own[name]) for speaker, own in shared.items()}


def matching_time() -> float:
    """Milliseconds to compare one speaker with MANY voices: the median of 50."""
    rng = np.random.default_rng(0)
    known = KnownVoices.of(
        [KnownVoice(str(n), str(n), rng.normal(size=(1, 192)).astype(np.float32)) for n in range(MANY)]
    )
    vectors, seconds = rng.normal(size=(60, 192)).astype(np.float32), np.ones(60)
    taken = []
    for _ in range(50):
        started = perf_counter()
        known.match(vectors, seconds)
        taken.append(1000 * (perf_counter() - started))
    return float(np.median(taken))


def targets(found: Trials, named: dict[int, Names], milliseconds: float) -> Iterator[Target]:
    """What the project asks of recognition, and what was found."""
    probability = probabilities(found)
    five = found.duration == 5.0
    rate = error_rate(probability[five & found.same], probability[five & ~found.same])
    yield Target("equal error rate at 5 s", f"at most {EER:.0%}", f"{rate:.2%}", rate <= EER)
    accepted = float((probability[~found.same] >= THRESHOLD).mean())
    yield Target("false accepts at the threshold", f"at most {ACCEPTED:.0%}", f"{accepted:.2%}", accepted <= ACCEPTED)
    for band, own in named.items():
        false, right = own.false / own.speakers, own.right / own.known
        label = f"calls, enrolled at {band} kHz"
        yield Target(f"{label}: named falsely", f"at most {NAMED_WRONGLY:.0%}", f"{false:.2%}", false <= NAMED_WRONGLY)
        yield Target(f"{label}: named rightly", f"at least {NAMED_RIGHTLY:.0%}", f"{right:.2%}", right >= NAMED_RIGHTLY)
    error = calibration_error(bins(probability, found.same))
    yield Target("expected calibration error", f"at most {CALIBRATION}", f"{error:.3f}", error <= CALIBRATION)
    yield Target(
        f"one speaker among {MANY:,} voices", f"at most {MILLISECONDS:g} ms", f"{milliseconds:.2f} ms",
        milliseconds <= MILLISECONDS,
    )  # fmt: skip


def refusals(voices: Sequence[Voice]) -> str:
    """How many samples enrolment refused, and which."""
    told = [
        f"{voice.person.name} at {band} kHz ({code})"
        for voice in voices
        for band, code in sorted(voice.refused.items())
    ]
    samples = len(told) + sum(len(voice.enrolled) for voice in voices)
    return f"Of {samples} samples enrolment refused {len(told)}{': ' if told else ''}{', '.join(told)}."


def page(found: Trials, voices: Sequence[Voice], named: dict[int, Names], goals: Sequence[Target], taken: float) -> str:
    """The figures as Markdown; `taken`: minutes of the benchmark."""
    enrolled = [voice.person.name for voice in voices if voice.enrolled]
    others = [voice.person.name for voice in voices if not voice.enrolled]
    return "\n\n".join(
        [
            "# Figures of recognition",
            f"Made by `python -m benchmarks.voices`; do not edit. Machine: {machine()}. It took "
            f"{taken:.0f} minutes, recordings fetched before.",
            table(
                ("what", "wanted", "found", "met"),
                ((goal.name, goal.wanted, goal.found, "yes" if goal.met else "**no**") for goal in goals),
            ),
            "## One voice against another",
            f"{len(enrolled)} voices, enrolled with 30 s (those of meetings with what there is, from 6 s on) and heard "
            f"in other recordings: {', '.join(enrolled)}. Strangers besides: {', '.join(others)}. "
            f"The threshold is a probability of {THRESHOLD:g}.",
            refusals(voices),
            table(
                ("speech", "enrolled at", "heard at", "equal voices", "different", "equal error rate", "false accepts",
                 "false rejects"), rows(found)),
            "## Names in calls",
            f"Simulated calls with every choice of known voices, {' and '.join(map(str, SEEDS))} added to the seeds of "
            "the recipes; enrolled from recordings that are in no call.",
            table(
                ("enrolled at", "known speakers", "named rightly", "strangers", "named falsely"),
                (
                    (f"{band} kHz", str(own.known), str(own.right), str(own.strangers), str(own.false))
                    for band, own in named.items()
                ),
            ),
            "## Calibration",
            "![Reliability diagram](voices-reliability.svg)",
        ]
    ) + "\n"  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cache", type=click.Path(path_type=Path), default=ROOT / "bench-data", show_default=True)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures and the diagram there."
)
@click.option("--strict", is_flag=True, help="Exit with 1 where a target is missed.")
def main(cache: Path, output: Path | None, strict: bool) -> None:
    """Enrol voices, hear them in other recordings, and count who is taken for whom; takes some minutes."""
    started = perf_counter()
    engine = load_engine(AnnotateOptions())
    recordings = cache / "recordings"
    people = [
        *material.prompts(recordings),
        *material.volunteers(recordings, fitted=False),
        *material.meetings(recordings),
        *material.readers(recordings),
    ]
    voices = anyio.run(embedded, engine, people)
    found = trials(voices, cohort())
    calls = [
        call
        for seed in SEEDS
        for call in simulated(
            cache / (f"seed-{seed}" if seed else "calls"),
            simulator.held_out(seed) if seed else simulator.RECIPES,
            cache,
        )
    ]
    told = anyio.run(hear, engine, calls)
    speakers = [voice for voice in voices if voice.person.name.split()[-1] in ("(en)", "(fr)", "(it)", "(ru)")]
    named = {band: names(calls, told, speakers, band) for band in BANDS}
    goals = list(targets(found, named, matching_time()))
    text = page(found, voices, named, goals, (perf_counter() - started) / 60)
    click.echo(text)
    if output:
        output.write_text(text)
        diagram = bins(probabilities(found), found.same)
        output.with_name("voices-reliability.svg").write_text(drawing(diagram))
    if strict and not all(goal.met for goal in goals):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
