"""`kill -9` at random moments: `python -m benchmarks.kill --help`.

Two trials, each with a real server in a process of its own, which is killed with SIGKILL and started again:

- a queue of short jobs, some uploaded with an Idempotency-Key and repeated until they are acknowledged, some put into
  the hot folder: every one of them has to end completed, once, with the result of a run that nobody interrupted;
- a long call, killed once in its middle: what the networks had computed has to come from the journal.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click
import httpx
import msgspec
import numpy as np
import soundfile
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.jobs import Job, JobPage
from runtime.journal import Journal

ROOT: Final = Path(__file__).parents[1]
SAMPLE: Final = ROOT / "tests" / "data" / "sample.flac"
PATIENCE: Final = 60.0
"""Seconds for the server to start, or to answer."""
SHORT: Final = 5.0
"""Seconds of a short recording."""
DROPPED: Final = 4
"""Every so many of the short recordings goes through the hot folder."""
SETTINGS: Final = {
    "QUEUE_POLL_INTERVAL": "0.1", "LOG_CONSOLE": "false", "RATE_LIMIT": "100000", "UPLOAD_LIMIT": "100000",
}  # fmt: skip


@contextmanager
def started(volume: Path) -> Iterator[subprocess.Popen[str]]:
    """A server process that begins to start on any free port; it is killed with SIGKILL, and no other process is."""
    with subprocess.Popen(
        [sys.executable, "-m", "web.cli", "serve", "--host", "127.0.0.1", "--port", "0"],
        cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**os.environ, **SETTINGS, "VOLUME_PATH": str(volume)},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    """The URL of the server once it listens."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        if "listening on " in line:
            return line.split("listening on ")[1].strip()
        said.append(line)
    raise click.ClickException(f"the server did not start (exit code {process.wait()}): {''.join(said)}")


@contextmanager
def running(volume: Path) -> Iterator[str]:
    """The URL of a server that is stopped with SIGTERM in the end."""
    with started(volume) as process:
        yield address(process)
        process.terminate()
        process.wait(PATIENCE)


@dataclass
class Recordings:
    """The short recordings, and which of them have been handed over."""

    paths: Sequence[Path]
    acknowledged: set[int] = field(default_factory=set)

    def hand_over(self, url: str, volume: Path, count: int) -> None:
        """See to it that the first `count` are with the server; raises httpx.HTTPError when it dies meanwhile."""
        for number, path in enumerate(self.paths[:count]):
            if number in self.acknowledged:
                continue
            if number % DROPPED == DROPPED - 1:
                part = volume / "incoming" / f"{path.name}.part"
                part.write_bytes(path.read_bytes())
                part.rename(volume / "incoming" / path.name)
            else:
                submit(url, path)
            self.acknowledged.add(number)


def submit(url: str, path: Path) -> Job:
    """Upload a recording; repeating it makes no second job."""
    answer = httpx.post(
        f"{url}/api/v1/jobs", files={"file": (path.name, path.read_bytes())}, data={"metadata": "{}"},
        headers={"Idempotency-Key": path.name}, timeout=PATIENCE,
    )  # fmt: skip
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=Job)


def jobs_of(url: str) -> tuple[Job, ...]:
    """All jobs of the server, at most a hundred."""
    answer = httpx.get(f"{url}/api/v1/jobs", params={"limit": 100}, timeout=PATIENCE)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=JobPage).jobs


def wait_for_all(url: str, count: int, seconds: float) -> tuple[Job, ...]:
    """The jobs once there are `count` of them and all have ended; as they are after `seconds` otherwise."""
    limit = time.monotonic() + seconds
    while True:
        jobs = jobs_of(url)
        ended = len(jobs) >= count and all(job.status not in {"queued", "processing"} for job in jobs)
        if ended or time.monotonic() > limit:
            return jobs
        time.sleep(0.2)


def result_of(url: str, job: Job) -> Annotation:
    """The result, without what differs from run to run."""
    answer = httpx.get(f"{url}/api/v1/jobs/{job.job_id}/result", timeout=PATIENCE)
    answer.raise_for_status()
    result = msgspec.json.decode(msgspec.json.encode(answer.json()["result"]), type=Annotation)
    return replace(result, metadata=replace(result.metadata, processing_time=0.0, real_time_factor=0.0))


def short_recordings(folder: Path, count: int) -> Recordings:
    """Stretches of the sample call, each with a little noise of its own."""
    samples, rate = soundfile.read(SAMPLE, dtype="float32")
    noise = np.random.default_rng(1)
    paths = []
    for number in range(count):
        start_sample = int(number * (len(samples) - SHORT * rate) / max(1, count - 1))
        own = samples[start_sample : start_sample + int(SHORT * rate)]
        path = folder / f"short-{number:02}.wav"
        soundfile.write(path, own + noise.normal(0, 1e-4, len(own)), rate, subtype="PCM_16")
        paths.append(path)
    return Recordings(paths)


def long_recording(path: Path, minutes: float) -> Path:
    """The sample call again and again, each time with noise of its own, so that no two windows are the same."""
    samples, rate = soundfile.read(SAMPLE, dtype="float32")
    noise = np.random.default_rng(2)
    whole = np.tile(samples, int(minutes * 60 * rate / len(samples)) + 1)[: int(minutes * 60 * rate)]
    soundfile.write(path, whole + noise.normal(0, 1e-3, len(whole)), rate, subtype="PCM_16")
    return path


def kill_short(folder: Path, count: int, jobs: int, chance: random.Random) -> list[str]:
    """Kill the server `count` times over a queue of short jobs; returns what is wrong in the end."""
    recordings = short_recordings(folder, jobs)
    volume, calm = folder / "volume", folder / "calm"
    with running(calm) as url:
        recordings.hand_over(url, calm, jobs)
        began = time.monotonic()
        expected = {job.file_info.filename: result_of(url, job) for job in wait_for_all(url, jobs, 300)}
        work = time.monotonic() - began
    recordings.acknowledged.clear()
    moments: Counter[str] = Counter()
    for number in range(count):
        with started(volume) as process:
            if chance.random() < 0.15:
                time.sleep(chance.uniform(0, 1.5))  # in the middle of starting
                moments["starting"] += 1
                continue
            url = address(process)
            # Handing over lasts through four fifths of the lives, so that there is something to do in all of them.
            recordings.hand_over(url, volume, min(jobs, 1 + number * jobs * 5 // (4 * count)))
            time.sleep(chance.uniform(0, 1.6 * work / count))
            moments["working" if any(job.status == "processing" for job in jobs_of(url)) else "idle"] += 1
    click.echo(f"{count} kills ({', '.join(f'{kind}: {n}' for kind, n in moments.items())}), {jobs} jobs")
    with running(volume) as url:
        recordings.hand_over(url, volume, jobs)
        ended = wait_for_all(url, jobs, 300)
        found = {job.job_id: result_of(url, job) for job in ended if job.status == "completed"}
    return faults(ended, found, expected, volume)


def faults(
    ended: Sequence[Job], found: dict[str, Annotation], expected: dict[str, Annotation], volume: Path
) -> list[str]:
    """What is wrong after all."""
    wrong = []
    states = Counter(job.status for job in ended)
    if states != {"completed": len(expected)}:
        wrong.append(f"jobs ended {dict(states)}: {[job.error.message for job in ended if job.error is not None]}")
    names = Counter(job.file_info.filename for job in ended)
    if names != Counter(expected.keys()):
        wrong.append(f"recordings have jobs {dict(names)}")
    wrong += [
        f"{job.file_info.filename}: the result differs from that of a run without interruption"
        for job in ended
        if job.job_id in found and found[job.job_id] != expected.get(job.file_info.filename)
    ]
    with sqlite3.connect(volume / "callannotate.sqlite3") as database:
        (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
    database.close()
    if integrity != "ok":
        wrong.append(f"integrity_check: {integrity}")
    results = sorted(path.stem for path in (volume / "completed").glob("*.json"))
    if results != sorted(job.job_id for job in ended):
        wrong.append(f"{len(results)} results for {len(ended)} jobs")
    left = [path.name for name in ("incoming", "processing", "failed") for path in (volume / name).iterdir()]
    if left != [".uploads"]:
        wrong.append(f"files are left over: {left}")
    ends = Counter(line["job_id"] for line in log_lines(volume, "job_completed"))
    if any(times > 1 for times in ends.values()):
        wrong.append("a job completed more than once")
    return wrong


def log_lines(volume: Path, event: str) -> list[dict[str, object]]:
    """The lines of the log about an event."""
    lines = (line for path in sorted((volume / "logs").iterdir()) for line in path.read_text().splitlines())
    return [line for line in map(json.loads, lines) if line["event"] == event]


@dataclass(frozen=True)
class Resumed:
    """What became of a call that was cut off. Answers are those of all networks."""

    finished: int
    """Answers in the journal when the server was killed."""
    answered: int
    """Of them, given after the restart."""
    computed: int
    """After the restart."""

    @property
    def again(self) -> float:
        """Share of the finished ones that were computed again, 0 to 1."""
        return max(0, self.finished - self.answered) / max(1, self.finished)


def kill_long(folder: Path, minutes: float, percentage: int) -> Resumed:
    """Kill the server once, when a long call has come so far, and let it be gone on with."""
    volume = folder / "long"
    recording = long_recording(folder / "long.wav", minutes)
    with started(volume) as process:
        url = address(process)
        job = submit(url, recording)
        while job.progress.percentage < percentage and job.status in {"queued", "processing"}:
            time.sleep(0.1)
            answer = httpx.get(f"{url}/api/v1/jobs/{job.job_id}", timeout=PATIENCE)
            job = msgspec.json.decode(answer.content, type=Job)
        if job.status != "processing":
            raise click.ClickException(
                f"the call was {job.status} before it was {percentage} % done: take a longer one"
            )
    journal = Journal(volume / "processing" / f"{job.job_id}.journal")
    journal.close()
    with running(volume) as url:
        (ended,) = wait_for_all(url, 1, 60 * minutes)
        if ended.status != "completed":
            raise click.ClickException(f"the long call is {ended.status}")
    line = msgspec.convert(log_lines(volume, "journal_closed")[-1], JournalLine)
    return Resumed(journal.found, sum(line.answered.values()), sum(line.computed.values()))


class JournalLine(msgspec.Struct):
    """The log's line about a journal."""

    answered: dict[str, int]
    computed: dict[str, int]


@click.command(help=__doc__)
@click.option("--count", default=50, show_default=True, help="Times that the server with the short jobs is killed.")
@click.option("--jobs", default=20, show_default=True, help="Short jobs.")
@click.option("--minutes", default=10.0, show_default=True, help="Length of the long call; 0 to leave it out.")
@click.option("--seed", default=1, show_default=True, help="Of the random moments.")
def main(count: int, jobs: int, minutes: float, seed: int) -> None:
    """Run both trials; exits with 1 where something is wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        if count:
            wrong += kill_short(Path(name), count, jobs, random.Random(seed))
            click.echo("every job completed once, results equal, database ok" if not wrong else "\n".join(wrong))
        if minutes:
            resumed = kill_long(Path(name), minutes, 50)
            click.echo(
                f"{minutes:.0f} minutes, killed with {resumed.finished} answers in the journal: {resumed.answered} came"
                f" from it, {resumed.computed} were computed, {resumed.again:.1%} of the finished ones again"
            )
            if resumed.again >= 0.2:
                wrong.append("too much was computed again")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
