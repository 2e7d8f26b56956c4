"""Runs one system at a time, each in a subprocess of its own, and collects what it says."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.protocol import Farewell, Job, Message, Outcome, Task, Weights

ROOT: Final = Path(__file__).parent.parent


class System(Struct, frozen=True):
    """Something to measure."""

    name: str
    """As the tables call it."""
    module: str
    mode: str
    python: str = sys.executable
    """Interpreter of the environment that it lives in."""


class Run(Struct, frozen=True):
    """What a system did with its tasks."""

    system: str
    outcomes: dict[str, Outcome]
    """By the name of the task."""
    peak_memory: int
    """Bytes."""
    versions: dict[str, str]

    def seconds(self, names: Sequence[str]) -> float:
        """Wall-clock time of the named tasks together."""
        return sum(self.outcomes[name].seconds for name in names)


class SystemFailedError(Exception):
    """A system broke off; str() says which, and how."""


class Runner(Struct, frozen=True):
    """What is the same for all systems."""

    weights: Weights
    threads: int
    warm_up: Task

    def run(self, system: System, tasks: Sequence[Task], progress: Callable[[Task], None]) -> Run:
        """Let the system do the tasks; `progress` is called after each. Raises SystemFailedError."""
        job = Job(system.mode, self.threads, self.weights, self.warm_up, tuple(tasks))
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(self.threads),
            "HF_HUB_OFFLINE": "1",
            "ORT_DISABLE_TELEMETRY": "1",
            "PYANNOTE_METRICS_ENABLED": "false",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
        }
        outcomes: dict[str, Outcome] = {}
        farewell: Farewell | None = None
        with tempfile.TemporaryFile() as errors:
            with subprocess.Popen(
                [system.python, "-m", system.module],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment,
            ) as process:  # fmt: skip
                assert process.stdin is not None
                assert process.stdout is not None
                try:
                    process.stdin.write(msgspec.json.encode(job))
                    process.stdin.close()
                    for task, line in zip([*tasks, None], process.stdout, strict=False):
                        message = msgspec.json.decode(line, type=Message)
                        if isinstance(message, Farewell):
                            farewell = message
                        elif task is not None:
                            outcomes[message.name] = message
                            progress(task)
                except BaseException:
                    process.kill()
                    raise
            if farewell is None or process.returncode:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines()[-20:]
                raise SystemFailedError("\n".join([f"{system.name} broke off ({process.returncode}):", *said]))
        return Run(system.name, outcomes, farewell.peak_memory, farewell.versions)
