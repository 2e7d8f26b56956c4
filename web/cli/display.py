"""Progress for people (a bar on a terminal) and for programs (JSON lines), both on standard error."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

from runtime.progress import Progress


class Display(Protocol):
    """Shows how far the call in work is."""

    def show(self, progress: Progress) -> None:
        """Called from the event loop a few times a second."""


class Silence:
    """Shows nothing."""

    def show(self, progress: Progress) -> None:
        """Nothing."""


class JsonLines:
    """One JSON object a line: the file, and the Progress with all its stages."""

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def show(self, progress: Progress) -> None:
        """Write one line."""
        fields = {"file": self._name, **msgspec.to_builtins(progress)}
        print(msgspec.json.encode(fields).decode(), file=sys.stderr, flush=True)


class Bar:
    """The slowest stage, percentage, speed and time left."""

    def __init__(self, update: Callable[[str, float, str], None]) -> None:
        self._update: Final = update

    def show(self, progress: Progress) -> None:
        """Redraw the bar."""
        at_work = [stage for stage in progress.stages if not stage.finished]
        slowest = min(at_work, key=lambda stage: stage.done).stage if at_work else "done"
        left = "" if progress.remaining is None else f"{_clock(progress.remaining)} left"
        self._update(slowest, progress.fraction or 0.0, f"{progress.speed:.1f}x  {left}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def display(name: str, kind: str) -> Iterator[Display]:
    """The display for one call: `kind` is "auto" (a bar on a terminal, or nothing), "json" or "none"."""
    if kind == "json":
        yield JsonLines(name)
    elif kind == "auto" and sys.stderr.isatty():
        with _bar(name) as bar:
            yield bar
    else:
        yield Silence()


@contextmanager
def _bar(name: str) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%  {task.fields[stage]:<10} {task.fields[speed]}"),
        TimeElapsedColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(name, total=1.0, stage="", speed="")
        yield Bar(lambda stage, fraction, speed: bars.update(task, completed=fraction, stage=stage, speed=speed))
