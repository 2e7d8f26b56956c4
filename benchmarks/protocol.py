"""What the harness and the systems it measures say to each other.

Every system runs alone in a subprocess: it reads one Job from standard input, loads its models, warms up, and writes an
Outcome per task as a line of JSON, then a Farewell. This module is all that a system has to import.
"""

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct


class Task(Struct, frozen=True):
    """One recording to work on."""

    name: str
    path: str
    duration: float
    """Seconds of audio."""
    language: str | None = None
    """ISO 639-1 code, or None where the system has to find it out."""
    channels: str = "mono"
    """Of a stereo recording: "mono" mixes them, "auto" lets the system decide."""


class Weights(Struct, frozen=True):
    """The networks that all systems share."""

    whisper: str
    """Folder of whisper-base for CTranslate2."""
    segmentation: str
    """pyannote's segmentation-3.0 as published, a PyTorch checkpoint."""
    voiceprint: str
    """CAM++ as ONNX."""


class Job(Struct, frozen=True):
    """What one system has to do."""

    mode: str
    """Which of its ways of working, such as "batched"."""
    threads: int
    weights: Weights
    warm_up: Task
    """Worked on before the clock starts; its outcome is dropped."""
    tasks: tuple[Task, ...]


class Turn(Struct, frozen=True):
    """Somebody speaks."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    speaker: str


class Word(Struct, frozen=True):
    """One word."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    text: str
    speaker: str = ""
    """Empty where the system does not say."""


class Outcome(Struct, frozen=True, tag=True):
    """What became of one task."""

    name: str
    """Of the task."""
    seconds: float
    """Wall-clock time."""
    turns: tuple[Turn, ...] = ()
    words: tuple[Word, ...] = ()
    variants: dict[str, tuple[Turn, ...]] = {}
    """The turns at other settings, by their name, where a system offers several."""


class Farewell(Struct, frozen=True, tag=True):
    """The end of a job."""

    peak_memory: int
    """Bytes: the largest resident set of this process."""
    versions: dict[str, str]
    """Of the packages that did the work, by name."""


Message = Outcome | Farewell
Worker = Callable[[Task], Outcome]


def peak_memory() -> int:
    """Bytes: the largest resident set of this process so far.

    getrusage would count the parent's memory at the time of the fork as well, so Linux's own high-water mark is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def serve(prepare: Callable[[Job], Worker], versions: Callable[[], dict[str, str]]) -> None:
    """Do the job on standard input with the worker that `prepare` makes; standard output is for messages alone."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    used = versions()
    work = prepare(job)
    work(job.warm_up)
    for task in job.tasks:
        out.write(msgspec.json.encode(work(task)) + b"\n")
    out.write(msgspec.json.encode(Farewell(peak_memory(), used)) + b"\n")


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self.start
