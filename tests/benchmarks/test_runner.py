"""Systems in subprocesses of their own."""

import pytest

from benchmarks.protocol import Task, Weights
from benchmarks.runner import Run, Runner, System, SystemFailedError

RUNNER = Runner(Weights("", "", ""), threads=2, warm_up=Task("warm-up", "", 1.0))
TASKS = [Task("first", "", 1.0), Task("second", "", 1.0)]


def echo(mode: str) -> Run:
    return RUNNER.run(System("echo", "tests.benchmarks.echo_side", mode), TASKS, lambda _task: None)


def test_a_system_warms_up_and_then_does_every_task_in_turn() -> None:
    seen: list[Task] = []

    run = RUNNER.run(System("echo", "tests.benchmarks.echo_side", "light"), TASKS, seen.append)

    assert [[word.text for word in outcome.words] for outcome in run.outcomes.values()] == [
        ["warm-up", "first", "2", "2"],
        ["warm-up", "first", "second", "2", "2"],
    ]
    assert seen == TASKS
    assert run.versions == {"echo": "1"}
    assert run.seconds(["first", "second"]) == sum(outcome.seconds for outcome in run.outcomes.values())


def test_peak_memory_is_that_of_the_system_alone() -> None:
    ballast = bytearray(300_000_000)

    light, heavy = echo("light").peak_memory, echo("heavy").peak_memory

    assert 60e6 < heavy - light < 200e6
    assert light < len(ballast)


def test_a_system_that_breaks_off_is_an_error_that_says_why() -> None:
    with pytest.raises(SystemFailedError, match=r"echo broke off \(1\):\n(.*\n)*cannot do first"):
        echo("broken")
