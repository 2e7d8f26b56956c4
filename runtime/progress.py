"""How far a run has come, in seconds of audio, sampled by one task.

A call is as far as its slowest stage: stages run side by side, and the one that dominates the time, transcription,
is the one that the others wait for. So nobody has to guess how the work is shared out between them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from anyio import move_on_after
from msgspec import Struct

from runtime.joints import Position
from runtime.running import Running

NOT_YET: Final = 0.99
"""The largest fraction before every stage has returned: clustering and joining follow the last audio."""


class StageProgress(Struct, frozen=True):
    """How far one stage is."""

    stage: str
    done: float
    """Seconds of audio."""
    total: float | None
    """Seconds of audio, or None where nobody knows yet."""
    finished: bool


class Progress(Struct, frozen=True):
    """How far the whole run is."""

    stages: tuple[StageProgress, ...]
    """The source first, in the order of declaration."""
    fraction: float | None
    """0 to 1, never decreasing, and 1 exactly when every stage has returned; None where the total is unknown."""
    speed: float
    """Seconds of audio done per second of waiting."""
    remaining: float | None
    """Seconds of waiting left at this speed; None while that is unknown."""


def measure(positions: Sequence[Position], total: float | None, elapsed: float) -> Progress:
    """The progress of a run.

    :param total: seconds of audio that will come, or None where nobody knows (a live call)
    :param elapsed: seconds since the start
    """
    finished = all(position.finished for position in positions)
    stages = tuple(
        StageProgress(position.stage, _done(position, total), total, position.finished) for position in positions
    )
    slowest = min(stage.done for stage in stages)
    speed = slowest / elapsed if elapsed > 0 else 0.0
    if finished:
        return Progress(stages, 1.0, speed, 0.0)
    if total is None:
        return Progress(stages, None, speed, None)
    fraction = min(slowest / total, NOT_YET) if total > 0 else 0.0
    return Progress(stages, fraction, speed, (total - slowest) / speed if speed > 0 else None)


def _done(position: Position, total: float | None) -> float:
    """Seconds; a stage that has returned has done all of it, though it may have had nothing to say about the end."""
    if total is None:
        return position.done
    return total if position.finished else min(position.done, total)


@dataclass(frozen=True)
class ProgressReporter:
    """Watches a run: `flow.open(source, watch=ProgressReporter(...))`."""

    report: Callable[[Progress], None]
    """Called in the event loop, so it must not block: at the start, every interval, and once more at the very end.
    A run that fails or is left early gets no last call."""
    total: float | None
    """Seconds of audio that will come: the duration of a file, None for a live call."""
    interval: float = 0.25
    """Seconds from one report to the next."""

    async def run(self, running: Running[object]) -> None:
        """Report until every stage has returned."""
        started = perf_counter()
        while not running.finished.is_set():
            self.report(measure(running.positions(), self.total, perf_counter() - started))
            with move_on_after(self.interval):
                await running.finished.wait()
        self.report(measure(running.positions(), self.total, perf_counter() - started))
