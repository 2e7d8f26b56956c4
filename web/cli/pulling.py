"""Shows how far the weights are on their way: a bar on a terminal, JSON lines for programs, plain lines for logs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

STEPS: Final = {
    "wait": "waiting for another process that pulls it",
    "fetch": "fetching",
    "verify": "verifying",
    "convert": "converting to ONNX",
}


class Step(Protocol):
    """A models.store.PullProgress; named here so that the command line starts without the models."""

    @property
    def model(self) -> str: ...
    @property
    def step(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


class JsonLines:
    """One JSON object a line: the model, the step and the bytes."""

    def __call__(self, progress: Step) -> None:
        """Write one line."""
        print(msgspec.json.encode(progress).decode(), file=sys.stderr, flush=True)


class PlainLines:
    """One line a step, for logs."""

    def __init__(self) -> None:
        self._last: tuple[str, str] | None = None

    def __call__(self, progress: Step) -> None:
        """Write a line where a step begins."""
        if (progress.model, progress.step) != self._last:
            self._last = (progress.model, progress.step)
            size = f" {megabytes(progress.total)}" if progress.total else ""
            print(f"{progress.model}: {STEPS[progress.step]}{size}", file=sys.stderr, flush=True)


@contextmanager
def pull_display(kind: str) -> Iterator[Callable[[Step], None]]:
    """What to call with each PullProgress: `kind` is "auto" (a bar on a terminal, or nothing), "lines" (a bar on a
    terminal, or plain lines), "json" or "none"."""
    if kind == "json":
        yield JsonLines()
    elif kind in ("auto", "lines") and sys.stderr.isatty():
        with _bars() as update:
            yield update
    elif kind == "lines":
        yield PlainLines()
    else:
        yield lambda _: None


@contextmanager
def _bars() -> Iterator[Callable[[Step], None]]:
    """One bar a model; they stay on the screen only while something is going on."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as SpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), SpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(progress: Step) -> None:
            if progress.model not in tasks:
                tasks[progress.model] = bars.add_task(progress.model, total=None)
            task = tasks[progress.model]
            bars.update(task, description=f"{progress.model}: {STEPS[progress.step]}")
            if progress.step == "fetch":
                bars.update(task, completed=progress.done, total=progress.total or None)

        yield update


def megabytes(size: int) -> str:
    """Bytes for people: "81.0 MB", "3.1 GB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
