"""`make image-check`: build a target of the Dockerfile, look into it, run it, and hold it against what it promises.

Needs root, and the Debian packages buildah, runc and debootstrap. Everything large lies in --work.
"""

import argparse
import hashlib
import math
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import requests

from contracts.annotation import Annotation
from contracts.jobs import JobResult
from deploy.building import CERTIFICATES, PYTHON, ROOT, Builder, overlay_or_vfs
from deploy.running import NAMESERVER, UID, Container, started
from models.store import DEFAULT_MODELS

URL: Final = "http://127.0.0.1:8000"
"""Of the server, in the network of its container."""
SAMPLE: Final = ROOT / "tests" / "data" / "sample.flac"
WANTED: Final = ("buildah", "runc", "debootstrap", "node", "npm")
NEVER: Final = re.compile(r"(^|/)(\.git|\.venv[^/]*|node_modules|__pycache__|bench-data|tests|web/static)(/|$)")
"""What must not get into a build."""


@dataclass(frozen=True)
class Target:
    """A target of the Dockerfile, and what is promised of it."""

    name: str
    engine: str
    """Its ENGINE here, which the sample call is to be annotated by."""
    memory: int
    """Bytes that the container gets."""
    largest: float | None
    """Bytes of all layers at most; None where the size is told and not promised."""
    slowest: float | None
    """Seconds from the start to /health at most; None where they are told and not promised."""

    @property
    def image(self) -> str:
        """What it is built as."""
        return f"localhost/callannotate-check:{self.name}"


TARGETS: Final = {
    target.name: target
    for target in (
        Target("default", engine="onnx", memory=2 * 2**30, largest=1e9, slowest=5),
        Target("pyannote", engine="pyannote", memory=4 * 2**30, largest=None, slowest=None),
    )
}


@dataclass
class Report:
    """What was found, line by line."""

    missed: list[str] = field(default_factory=list)

    def line(self, what: str, found: object, ok: bool) -> None:
        """Print one line, and keep it where it is not as promised."""
        print(f"{'ok    ' if ok else 'MISSED'}  {what}: {found}", flush=True)
        if not ok:
            self.missed.append(what)


def main() -> None:
    """Build, look, run, tell; exit code 1 where something is not as promised."""
    arguments = parse()
    target: Target = arguments.target
    if missing := [tool for tool in WANTED if shutil.which(tool) is None]:
        sys.exit(f"image-check: {', '.join(missing)} are missing; on Debian: apt-get install {' '.join(missing)}")
    work = arguments.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    builder, report = Builder(work, arguments.driver), Report()
    try:
        builder.make_bases()
        check_context(builder, report)
        began = time.monotonic()
        builder.build(target.image, target.name)
        report.line("built in", f"{time.monotonic() - began:.0f} s", True)
        check_image(builder, target, report)
        check_run(builder, target, report, work)
    finally:
        if not arguments.keep:
            builder.run("rm", "--all")
            builder.run("rmi", "--all", "--force")
            shutil.rmtree(work)
    sys.exit(f"image-check: not as promised: {', '.join(report.missed)}" if report.missed else 0)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What to do: `target` is a Target. Exits with 2 on what it does not know."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image_check", description=__doc__)
    parser.add_argument(
        "--target", choices=tuple(TARGETS), default="default",
        help="default, or pyannote, the image with the other engine (torch: takes 20 GB of disk meanwhile)",
    )  # fmt: skip
    parser.add_argument("--work", type=Path, default=Path("/var/tmp/callannotate-image"), help="folder for all of it")
    parser.add_argument("--driver", choices=("overlay", "vfs"), default=overlay_or_vfs(), help="buildah's storage")
    parser.add_argument("--keep", action="store_true", help="leave the storage for the next time")
    found = parser.parse_args(arguments)
    found.target = TARGETS[found.target]
    return found


def check_context(builder: Builder, report: Report) -> None:
    """Only what the Dockerfile needs gets into a build."""
    found = builder.context()
    wrong = [name for name in found if NEVER.search(name)]
    report.line("files in the build's context", f"{len(found)}, of which {wrong or 'none'} do not belong", not wrong)


def check_image(builder: Builder, target: Target, report: Report) -> None:
    """What lies in the image, and what it says of itself."""
    image, settings = target.image, builder.settings(target.image)
    most = target.largest or math.inf
    size, base = builder.size(image), builder.size(PYTHON)
    report.line("size of all layers", f"{size / 1e6:.0f} MB, the base's {base / 1e6:.0f} MB included", size < most)
    report.line("user", settings["User"], settings["User"] == f"{UID}:{UID}")
    report.line("health check", settings["Healthcheck"]["Test"], settings["Healthcheck"]["Test"][0] == "CMD")
    report.line("version", settings["Labels"]["org.opencontainers.image.version"], True)
    with builder.container(image) as (_, root), builder.container(PYTHON) as (_, bare):
        used = int(subprocess.check_output(["du", "-sb", str(root)], text=True).split()[0])
        weights = int(subprocess.check_output(["du", "-sb", str(root / "opt" / "models")], text=True).split()[0])
        report.line("bytes of all files", f"{used / 1e6:.0f} MB, {weights / 1e6:.0f} MB of them weights", used < most)
        same = _digest(root / str(CERTIFICATES)[1:]) == _digest(bare / str(CERTIFICATES)[1:])
        report.line("certificates are those of the base", same, same)
        left = [place for place in ("root/.npmrc", "etc/pip.conf", "root/.config") if _filled(root / place)]
        report.line("configuration of this machine left in it", left or "none", not left)
        tools = [name for name in ("node", "npm", "gcc", "curl") if (root / "usr" / "bin" / name).exists()]
        report.line("tools of the build left in it", tools or "none", not tools)
        loose = [str(path) for path in (root / "opt").rglob("*") if path.is_file() and path.stat().st_uid == UID]
        report.line("files of /opt that its user owns", len(loose), not loose)


def check_run(builder: Builder, target: Target, report: Report, work: Path) -> None:
    """Start it twice on one volume, without a network."""
    volume = work / "volume"
    shutil.rmtree(volume, ignore_errors=True)
    volume.mkdir(mode=0o750)
    shutil.chown(volume, UID, UID)
    settings = builder.settings(target.image)
    with builder.container(target.image) as (_, root):
        for visit in (first_start, second_start):
            with started(
                work / "bundle", root, settings, volume, target.memory, ENGINE=target.engine, RATE_LIMIT="100000"
            ) as container:
                try:
                    visit(container, target, report)
                    code, took = container.stop(within=30)
                except BaseException:
                    print((work / "bundle" / "log").read_text()[-3000:], file=sys.stderr)
                    raise
                report.line("SIGTERM", f"exit code {code} after {took:.1f} s", code == 0 and took < 10)
                check_silence(container, report)


def check_silence(container: Container, report: Report) -> None:
    """From its start to its end it has sent nothing to anything but itself; that this would be seen is tried."""
    sent = container.tried_to_send()
    report.line("packets that it tried to send elsewhere", sent, sent == 0)
    with socket.socket() as connection:
        connection.connect_ex((NAMESERVER, 443))
    report.line("one of our own is counted", container.tried_to_send() - sent, container.tried_to_send() == sent + 1)


def first_start(container: Container, target: Target, report: Report) -> None:
    """Health, user, read-only root, a call, the page, the metrics, the memory."""
    await_health(container, target, report)
    uids = container.processes()
    report.line("processes and their users", uids, len(uids) >= 2 and set(uids.values()) == {UID})
    healthy = container.execute("callannotate", "health")
    report.line("health check of the image", healthy.stdout.strip() or healthy.stderr.strip(), not healthy.returncode)
    for path in ("/file", "/app/file", "/opt/models/file", "/opt/callannotate/file"):
        written = container.execute("python", "-c", f"open({path!r}, 'w')")
        report.line(f"writing {path}", written.stderr.strip().rpartition("\n")[2], "Read-only" in written.stderr)
    code = "open('/tmp/file', 'w'); open('/app/volume/file', 'w'); import os; os.unlink('/app/volume/file')"
    written = container.execute("python", "-c", code)
    report.line("writing /tmp and the volume", written.stderr or "can be done", not written.returncode)
    page = requests.get(URL, timeout=20).text
    report.line("the page at /", f"{len(page)} characters", "has not been built" not in page and "<script" in page)
    began, computed = time.monotonic(), container.computed()
    result = annotate()
    took, computed, facts = time.monotonic() - began, container.computed() - computed, result.metadata
    text = " ".join(segment.text for speaker in result.speakers for segment in speaker.segments)[:70]
    found = (
        f"{facts.word_count} words, {facts.speaker_count} speakers after {took:.1f} s, {computed:.1f} s of computing"
    )
    report.line("the sample call", f"{found}: {text} ...", facts.word_count > 50 and facts.speaker_count == 2)
    models = [model.name for model in facts.models]
    expected = facts.engine == target.engine and set(models) == set(DEFAULT_MODELS)
    report.line("annotated by", f"{facts.engine} with {', '.join(models)}", expected)
    peaks = f"{container.resident() / 1e6:.0f} MB resident, {container.peak() / 1e6:.0f} MB with what it caches"
    report.line("peak memory", f"{peaks}, of {target.memory / 1e6:.0f} MB", container.resident() < target.memory / 2)


def second_start(container: Container, target: Target, report: Report) -> None:
    """What the first one was told is still there; with a key made, all but the health check need one."""
    await_health(container, target, report)
    jobs = requests.get(f"{URL}/api/v1/jobs", timeout=20).json()["jobs"]
    report.line("jobs of the start before", [job["status"] for job in jobs], len(jobs) == 1)
    made = container.execute("callannotate", "keys", "add", "check", "--scope", "read")
    key = re.search(r"cak_\S+", made.stdout)
    report.line("a key", made.stdout.partition("cak_")[0].strip() or made.stderr.strip(), key is not None)
    refused = _until(lambda: requests.get(f"{URL}/health", timeout=20).status_code == 401, 5)
    report.line("/health without the key", "401" if refused else "lets in", refused)
    healthy = container.execute("callannotate", "health")
    report.line("health check of the image", healthy.stdout.strip() or healthy.stderr.strip(), not healthy.returncode)


def await_health(container: Container, target: Target, report: Report) -> None:
    """GET /health says healthy, within the time that is promised."""

    def healthy() -> bool:
        try:
            return requests.get(f"{URL}/health", timeout=20).status_code == 200
        except requests.ConnectionError:
            return False

    answered = _until(healthy, 180)
    took = time.monotonic() - container.began
    found = f"{took:.1f} s, {container.computed():.1f} s of them computing" if answered else "no answer"
    report.line("/health after the start", found, answered and took < (target.slowest or math.inf))
    if not answered:
        raise RuntimeError("the container does not answer")


def annotate() -> Annotation:
    """The sample call's."""
    with SAMPLE.open("rb") as file:
        job = requests.post(f"{URL}/api/v1/jobs", files={"file": file}, timeout=60).json()["job_id"]

    def ended() -> bool:
        status: str = requests.get(f"{URL}/api/v1/jobs/{job}", timeout=20).json()["status"]
        if status == "failed":
            raise RuntimeError("the sample call could not be annotated")
        return status == "completed"

    if not _until(ended, 300):
        raise RuntimeError("the sample call took longer than five minutes")
    result = requests.get(f"{URL}/api/v1/jobs/{job}/result", timeout=20)
    return msgspec.json.decode(result.content, type=JobResult).result


def _until(condition: Callable[[], bool], within: float) -> bool:
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _filled(path: Path) -> bool:
    """Whether something is there; an empty file is what a mount leaves behind."""
    return path.is_dir() or (path.exists() and path.stat().st_size > 0)


if __name__ == "__main__":
    main()
