"""CallAnnotate beside what else there is: `python -m benchmarks --help`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
import soundfile
from msgspec import Struct
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import materials, simulator
from benchmarks.debian import PackagesUnavailableError
from benchmarks.drawing import write_drawings
from benchmarks.figures import Measured, Role
from benchmarks.materials import LONG_FROM, Material, MaterialError
from benchmarks.protocol import Task
from benchmarks.report import page, show
from benchmarks.runner import ROOT, Run, Runner, System, SystemFailedError
from benchmarks.targets import targets
from benchmarks.weights import shared_weights
from contracts.errors import CallAnnotateError

QUICK: Final = ("en", "ru", "en_it")
"""The calls that a quick run transcribes; it diarizes all."""
WEIGHED: Final = (Role.ANNOTATE, Role.BATCHED, Role.PYANNOTE)
"""Whose memory is measured."""
DATA: Final = ROOT / "bench-data"


class Plan(Struct, frozen=True):
    """Who gets what."""

    calls: tuple[Material, ...]
    transcribed: tuple[Material, ...]
    folders: dict[str, tuple[Material, ...]]
    speechless: tuple[Material, ...]
    systems: dict[Role, System]
    memory: bool
    long: bool

    def tasks(self, role: Role) -> list[Task]:
        """Stereo calls stay as they are for CallAnnotate's whole annotation and are mixed for everything else."""
        if role in (Role.DIARIZE, Role.PYANNOTE):
            recordings = [*self.calls, *(material for folder in self.folders.values() for material in folder)]
            return [material.task() for material in recordings]
        channels = "auto" if role is Role.ANNOTATE else "mono"
        return [material.task(channels) for material in (*self.transcribed, *self.speechless)]


def carry_out(plan: Plan, runner: Runner, console: Console) -> Measured:
    """Run every system, one after the other."""

    def run(role: Role, tasks: Sequence[Task], note: str = "") -> Run:
        label = f"{role}{note}"
        columns = (
            TextColumn("{task.description:44}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
        )
        if not console.is_terminal:
            console.print(f"{label}: {len(tasks)} recordings, {sum(task.duration for task in tasks):.0f} s")
        with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
            line = bar.add_task(label, total=sum(task.duration for task in tasks))
            return runner.run(plan.systems[role], tasks, lambda task: bar.advance(line, task.duration))

    runs = {role: run(role, plan.tasks(role)) for role in plan.systems}
    memory: dict[Role, Run] = {}
    long = None
    for call in plan.calls:
        if call.name.startswith(LONG_FROM) and plan.memory:
            memory = {role: run(role, [call.task()], ", memory") for role in WEIGHED if role in plan.systems}
            if plan.long:
                long = run(Role.ANNOTATE, [materials.repeated(call, call.path.parent).task()], ", two hours")
    return Measured(plan.calls, plan.folders, plan.speechless, runs, memory, long)


def systems(*, quick: bool, pyannote: Path) -> dict[Role, System]:
    """What is measured: without pyannote.audio and the slower faster-whisper where it has to be quick."""
    found = {
        Role.DIARIZE: System(Role.DIARIZE, "benchmarks.callannotate_side", "diarize"),
        Role.ANNOTATE: System(Role.ANNOTATE, "benchmarks.callannotate_side", "annotate"),
        Role.BATCHED: System(Role.BATCHED, "benchmarks.whisper_side", "batched"),
    }
    if not quick:
        found[Role.SEQUENTIAL] = System(Role.SEQUENTIAL, "benchmarks.whisper_side", "sequential")
        found[Role.PYANNOTE] = System(Role.PYANNOTE, "benchmarks.pyannote_side", "", str(pyannote))
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Under three minutes: fewer calls, no pyannote.audio, no memory.")
@click.option("--data", type=click.Path(exists=True, file_okay=False, path_type=Path), multiple=True,
              help="A folder of recordings with RTTM, to diarize as well; may be repeated.")  # fmt: skip
@click.option("--calls", metavar="NAME", multiple=True, help="Only this simulated call; may be repeated.")
@click.option("--seed", type=int, help="Held-out calls: the same recipes with the seeds N+1 to N+7.")
@click.option("--long/--no-long", default=None, help="Two hours of one call, for its memory; on unless --quick.")
@click.option("--threads", default=2, show_default=True, help="Of every system.")
@click.option("--pyannote-python", type=click.Path(path_type=Path), envvar="CALLANNOTATE_PYANNOTE_PYTHON",
              default=ROOT / ".venv-pyannote" / "bin" / "python",
              help="Interpreter with callannotate[pyannote].")  # fmt: skip
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the page of figures there, and its diagrams beside it.",
)
@click.option("--strict", is_flag=True, help="Exit with 1 where a target is missed.")
def main(
    *,
    quick: bool,
    data: tuple[Path, ...],
    calls: tuple[str, ...],
    seed: int | None,
    long: bool | None,
    threads: int,
    pyannote_python: Path,
    output: Path | None,
    strict: bool,
) -> None:
    """Measure CallAnnotate, faster-whisper and pyannote.audio on the same calls with the same networks.

    Calls and raw results stay in bench-data/.
    """
    console = Console(stderr=True)
    recipes = simulator.RECIPES if seed is None else simulator.held_out(seed)
    unknown = set(calls) - {recipe.name for recipe in recipes}
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(recipe.name for recipe in recipes)}")
    if not quick and not pyannote_python.exists():
        raise click.UsageError(f"{pyannote_python} is missing: `make bench` installs it; --quick does without.")
    folder = DATA / ("calls" if seed is None else f"seed-{seed}")
    try:
        known = materials.simulated(folder, [recipe for recipe in recipes if not calls or recipe.name in calls], DATA)
        plan = Plan(
            calls=tuple(known),
            transcribed=tuple(call for call in known if not quick or call.name in QUICK),
            folders={folder.name: tuple(materials.from_folder(folder)) for folder in data},
            speechless=tuple(materials.speechless(folder, DATA)),
            systems=systems(quick=quick, pyannote=pyannote_python),
            memory=not quick,
            long=not quick if long is None else long,
        )
        sample = ROOT / "tests" / "data" / "sample.flac"
        warm_up = Material("sample", sample, soundfile.info(sample).duration).task()
        measured = carry_out(plan, Runner(shared_weights(), threads, warm_up), console)
    except (PackagesUnavailableError, MaterialError, SystemFailedError, CallAnnotateError) as error:
        raise click.ClickException(str(error)) from None
    found = targets(measured)
    flags = ["--quick"] * quick + [f"--seed {seed}"] * (seed is not None)
    chosen = [*(f"--calls {name}" for name in calls), *(f"--data {folder.name}" for folder in data)]
    text = page(measured, found, " ".join(["python -m benchmarks", *flags, *chosen]), threads)
    (DATA / "results.json").write_bytes(msgspec.json.encode(measured, enc_hook=str))
    click.echo(text)
    if output:
        output.write_text(text, encoding="utf-8")
        write_drawings(output)
    show(found, console)
    if strict and not all(target.met for target in found):
        sys.exit(1)


if __name__ == "__main__":
    main()
