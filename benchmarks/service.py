"""Measures the server from outside: `python -m benchmarks.service --help`.

Everything runs on loopback against a server of its own with a volume of its own, which is removed in the end.
"""

import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final

import anyio
import click
import httpx
import numpy as np
import psutil
import soundfile
from msgspec import Struct
from websockets.asyncio.client import connect

ROOT: Final = Path(__file__).parent.parent
SAMPLE: Final = ROOT / "tests" / "data" / "sample.flac"
MEGABYTE: Final = 1024 * 1024
PAUSE: Final = 0.02
"""Seconds from one probing request to the next."""
PROBES: Final = 5000
"""Probing requests at most."""
PATHS: Final = ("/api/v1/jobs?limit=10", "/health", "/api/v1/queue/status", "/api/v1/info")
"""What the probing requests ask for."""


class Figure(Struct, frozen=True):
    """One figure beside its target."""

    what: str
    value: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it is within the target."""
        return self.value <= self.limit


@dataclass
class Server:
    """A server of our own."""

    url: str
    process: psutil.Process

    @property
    def memory(self) -> float:
        """MB that are resident."""
        return float(self.process.memory_info().rss) / MEGABYTE


@dataclass
class Memory:
    """Follows the memory of a server from a thread."""

    server: Server
    before: float = 0.0
    """MB at the start."""
    peak: float = 0.0
    """MB."""
    _stop: Event = field(default_factory=Event)

    @contextmanager
    def watched(self) -> Iterator["Memory"]:
        """Follow it while the body runs."""
        self.before = self.peak = self.server.memory
        thread = Thread(target=self._follow)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, self.server.memory)


@contextmanager
def serving(**settings: str) -> Iterator[Server]:
    """A server until the body is left."""
    with tempfile.TemporaryDirectory(prefix="callannotate-bench-") as volume:
        environment = {**os.environ, "VOLUME_PATH": volume, "LOG_CONSOLE": "false", "RATE_LIMIT": "1000000",
                       "UPLOAD_LIMIT": "1000000", **settings}  # fmt: skip
        command = [sys.executable, "-m", "web.cli", "serve", "--port", "0"]
        popen = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert popen.stderr is not None
            line = popen.stderr.readline()
            found = re.search(r"listening on (http://\S+)", line)
            if found is None:
                raise click.ClickException(f"the server does not start: {line}{popen.stderr.read()}")
            yield Server(found[1], psutil.Process(popen.pid))
        finally:
            popen.terminate()
            popen.communicate(timeout=15)


def large_wav(path: Path, size: int) -> None:
    """A WAV file of about `size` bytes, 48 kHz and stereo, most of it a hole on the disk."""
    header = io.BytesIO()
    soundfile.write(header, np.zeros((48_000, 2), np.int16), 48_000, format="WAV")
    content = bytearray(header.getvalue())
    at = content.index(b"data")
    content[4:8] = (size - 8).to_bytes(4, "little")
    content[at + 4 : at + 8] = (size - at - 8).to_bytes(4, "little")
    with path.open("wb") as file:
        file.write(content)
        file.truncate(size)


def send(url: str, path: Path) -> None:
    """Upload a file as curl would; prints the job. Runs in a process of its own, beside the probing requests."""
    with path.open("rb") as file, httpx.Client(timeout=600, trust_env=False) as client:
        response = client.post(f"{url}/api/v1/jobs", files={"file": (path.name, file)})
    response.raise_for_status()
    click.echo(response.text)


def probe(url: str, until: Callable[[], bool]) -> list[float]:
    """Seconds that each of many small requests takes."""
    taken: list[float] = []
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        client.get(PATHS[0])
        while not until() and len(taken) < PROBES:
            began = time.perf_counter()
            client.get(PATHS[len(taken) % len(PATHS)]).raise_for_status()
            taken.append(time.perf_counter() - began)
            time.sleep(PAUSE)
    return taken


def upload_figures(size: int) -> list[Figure]:
    """A large upload: the memory that it takes, and how long others wait meanwhile."""
    with tempfile.TemporaryDirectory(prefix="callannotate-bench-") as folder, serving() as server:
        path = Path(folder) / "large.wav"
        large_wav(path, size)
        probe(server.url, iter([False] * 50 + [True]).__next__)
        with Memory(server).watched() as memory:
            began = time.perf_counter()
            command = [sys.executable, "-m", "benchmarks.service", "--send", server.url, str(path)]
            sender = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
            taken = probe(server.url, lambda: sender.poll() is not None)
            answer, _ = sender.communicate()
            elapsed = time.perf_counter() - began
        if sender.returncode:
            raise click.ClickException("the upload failed")
        httpx.delete(f"{server.url}/api/v1/jobs/{json.loads(answer)['job_id']}", timeout=60, trust_env=False)
    click.echo(
        f"upload: {size / MEGABYTE:.0f} MB in {elapsed:.1f} s, memory {memory.before:.0f} to {memory.peak:.0f} MB; "
        f"{len(taken)} other requests, median {1000 * statistics.median(taken):.1f} ms, "
        f"slowest {1000 * max(taken):.1f} ms",
        err=True,
    )
    return [
        Figure(f"memory for an upload of {size / MEGABYTE:.0f} MB", memory.peak - memory.before, 64, "MB"),
        Figure("other requests meanwhile, p99", 1000 * percentile(taken, 0.99), 100, "ms"),
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them stays within."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def watch(url: str, path: str, ready: anyio.Semaphore) -> list[Any]:
    """All messages of a job, as one watcher gets them."""
    async with connect(url.replace("http", "ws", 1) + path, proxy=None, max_size=None, open_timeout=60) as socket:
        ready.release()
        return [message async for text in socket if (message := json.loads(text))["type"] != "ping"]


async def submitted(client: httpx.AsyncClient, audio: bytes) -> str:
    """The path of the new job's WebSocket."""
    response = await client.post("/api/v1/jobs", files={"file": ("call.flac", audio)})
    return str(response.raise_for_status().json()["websocket_url"])


async def watched_job(url: str, audio: bytes, watchers: int) -> list[list[Any]]:
    """What each watcher of a job got."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        path = await submitted(client, audio)
        got: list[list[Any]] = []
        ready = anyio.Semaphore(0)

        async def one() -> None:
            got.append(await watch(url, path + "?after_seq=0", ready))

        async with anyio.create_task_group() as tasks:
            for _ in range(watchers):
                tasks.start_soon(one)
    return got


def watcher_figures(audio: bytes, watchers: int) -> list[Figure]:
    """Many watchers of one job: whether all get every message in order, and the memory that they take.

    The same job runs before with one watcher, so that the memory of the networks is in the comparison.
    """
    peaks = []
    with serving() as server:
        for count in (1, 1, watchers):
            with Memory(server).watched() as memory:
                got = anyio.run(watched_job, server.url, audio, count)
            peaks.append(memory.peak)
    wrong = 0
    for messages in got:
        numbers = [message["seq"] for message in messages]
        complete = numbers == list(range(1, len(numbers) + 1)) and messages[-1]["type"] == "result"
        wrong += not complete or messages != got[0]
    click.echo(
        f"watchers: {len(got)} got {len(got[0])} messages each, {sum(len(messages) for messages in got)} in all; "
        f"memory at the peak {peaks[-2]:.0f} MB with one, {peaks[-1]:.0f} MB with {watchers}",
        err=True,
    )
    return [
        Figure(f"watchers of {watchers} that missed a message or its order", wrong, 0, ""),
        Figure(f"memory for {watchers} watchers", peaks[-1] - peaks[-2], 50, "MB"),
    ]


def by_command(path: Path) -> float:
    """Seconds that `callannotate annotate` takes once its models are loaded."""
    command = [sys.executable, "-m", "web.cli", "annotate", "--format", "json", "--progress", "none", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["metadata"]["processing_time"])


async def by_service(url: str, audio: bytes) -> float:
    """Seconds from the first byte sent to the end of the WebSocket that brings the result."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        began = time.perf_counter()
        messages = await watch(url, await submitted(client, audio), anyio.Semaphore(0))
        elapsed = time.perf_counter() - began
    if messages[-1]["type"] != "result":
        raise click.ClickException(f"the job failed: {messages[-1]}")
    return elapsed


def overhead_figures(path: Path, runs: int) -> list[Figure]:
    """The same file through the service and through the command, in turn; the median of each counts."""
    audio = path.read_bytes()
    alone, served = [], []
    with serving() as server:
        anyio.run(by_service, server.url, SAMPLE.read_bytes())
        for _ in range(runs):
            alone.append(by_command(path))
            served.append(anyio.run(by_service, server.url, audio))
    click.echo(
        f"overhead: command {', '.join(f'{value:.2f}' for value in alone)} s; "
        f"service {', '.join(f'{value:.2f}' for value in served)} s",
        err=True,
    )
    longer = statistics.median(served) / statistics.median(alone) - 1
    return [Figure("a job through the service, longer than the command by", longer * 100, 5, "%")]


def longer_call(folder: Path, times: int) -> Path:
    """The sample call several times over."""
    samples, rate = soundfile.read(SAMPLE, dtype="int16")
    path = folder / "call.flac"
    soundfile.write(path, np.tile(samples, times), rate)
    return path


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--upload-mb", default=1024, show_default=True, help="Size of the upload; 0 to leave it out.")
@click.option("--watchers", default=200, show_default=True, help="Watchers of one job; 0 to leave them out.")
@click.option("--runs", default=7, show_default=True, help="Runs of command and service; 0 to leave them out.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a target is missed.")
@click.option("--send", "sending", nargs=2, hidden=True)
def main(*, upload_mb: int, watchers: int, runs: int, strict: bool, sending: tuple[str, str] | None) -> None:
    """Measure the server: a large upload, many watchers of one job, the overhead over the command line.

    Takes about five minutes, one thing after the other, on loopback.
    """
    if sending:
        send(sending[0], Path(sending[1]))
        return
    figures: list[Figure] = []
    if upload_mb:
        # The limit is 1 GiB for the recording alone.
        figures += upload_figures(min(upload_mb * MEGABYTE, 1024 * MEGABYTE))
    if watchers:
        figures += watcher_figures(SAMPLE.read_bytes(), watchers)
    if runs:
        with tempfile.TemporaryDirectory(prefix="callannotate-bench-") as folder:
            figures += overhead_figures(longer_call(Path(folder), 3), runs)
    click.echo("| what | measured | target |\n|---|---|---|")
    for figure in figures:
        met = "" if figure.met else " **missed**"
        click.echo(
            f"| {figure.what} | {figure.value:.1f} {figure.unit}{met} | at most {figure.limit:.0f} {figure.unit} |"
        )
    if strict and not all(figure.met for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
