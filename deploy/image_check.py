"""`make image-check`: build the image, look into it, run it, and hold it against what it promises.

Needs root, and the Debian packages buildah, runc and debootstrap. Everything large lies in --work.
"""

import argparse
import hashlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import requests

from deploy.building import CERTIFICATES, PYTHON, ROOT, Builder, overlay_or_vfs
from deploy.running import UID, Container, started

IMAGE: Final = "localhost/callannotate:check"
MEMORY: Final = 2 * 2**30
"""Bytes that the container gets."""
SAMPLE: Final = ROOT / "tests" / "data" / "sample.flac"
WANTED: Final = ("buildah", "runc", "debootstrap", "node", "npm")
NEVER: Final = re.compile(r"(^|/)(\.git|\.venv[^/]*|node_modules|__pycache__|bench-data|tests|web/static)(/|$)")
"""What must not get into a build."""


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
    parser = argparse.ArgumentParser(prog="python -m deploy.image_check", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("/var/tmp/callannotate-image"), help="folder for all of it")
    parser.add_argument("--driver", choices=("overlay", "vfs"), default=overlay_or_vfs(), help="buildah's storage")
    parser.add_argument("--keep", action="store_true", help="leave the storage for the next time")
    arguments = parser.parse_args()
    if missing := [tool for tool in WANTED if shutil.which(tool) is None]:
        sys.exit(f"image-check: {', '.join(missing)} are missing; on Debian: apt-get install {' '.join(missing)}")
    work = arguments.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    builder, report = Builder(work, arguments.driver), Report()
    try:
        builder.make_bases()
        check_context(builder, report)
        began = time.monotonic()
        builder.build(IMAGE)
        report.line("built in", f"{time.monotonic() - began:.0f} s", True)
        check_image(builder, report)
        check_run(builder, report, work)
    finally:
        if not arguments.keep:
            builder.run("rm", "--all")
            builder.run("rmi", "--all", "--force")
            shutil.rmtree(work)
    sys.exit(f"image-check: not as promised: {', '.join(report.missed)}" if report.missed else 0)


def check_context(builder: Builder, report: Report) -> None:
    """Only what the Dockerfile needs gets into a build."""
    found = builder.context()
    wrong = [name for name in found if NEVER.search(name)]
    report.line("files in the build's context", f"{len(found)}, of which {wrong or 'none'} do not belong", not wrong)


def check_image(builder: Builder, report: Report) -> None:
    """What lies in the image, and what it says of itself."""
    settings = builder.settings(IMAGE)
    size, base = builder.size(IMAGE), builder.size(PYTHON)
    report.line("size of all layers", f"{size / 1e6:.0f} MB, the base's {base / 1e6:.0f} MB included", size < 1e9)
    report.line("user", settings["User"], settings["User"] == f"{UID}:{UID}")
    report.line("health check", settings["Healthcheck"]["Test"], settings["Healthcheck"]["Test"][0] == "CMD")
    report.line("version", settings["Labels"]["org.opencontainers.image.version"], True)
    with builder.container(IMAGE) as (_, root), builder.container(PYTHON) as (_, bare):
        used = int(subprocess.check_output(["du", "-sb", str(root)], text=True).split()[0])
        weights = int(subprocess.check_output(["du", "-sb", str(root / "opt" / "models")], text=True).split()[0])
        report.line("bytes of all files", f"{used / 1e6:.0f} MB, {weights / 1e6:.0f} MB of them weights", used < 1e9)
        same = _digest(root / str(CERTIFICATES)[1:]) == _digest(bare / str(CERTIFICATES)[1:])
        report.line("certificates are those of the base", same, same)
        left = [place for place in ("root/.npmrc", "etc/pip.conf", "root/.config") if _filled(root / place)]
        report.line("configuration of this machine left in it", left or "none", not left)
        tools = [name for name in ("node", "npm", "gcc", "curl") if (root / "usr" / "bin" / name).exists()]
        report.line("tools of the build left in it", tools or "none", not tools)
        loose = [str(path) for path in (root / "opt").rglob("*") if path.is_file() and path.stat().st_uid == UID]
        report.line("files of /opt that its user owns", len(loose), not loose)


def check_run(builder: Builder, report: Report, work: Path) -> None:
    """Start it twice on one volume."""
    volume = work / "volume"
    shutil.rmtree(volume, ignore_errors=True)
    volume.mkdir(mode=0o750)
    shutil.chown(volume, UID, UID)
    settings = builder.settings(IMAGE)
    with builder.container(IMAGE) as (_, root):
        for visit in (first_start, second_start):
            port = _free_port()
            with started(
                work / "bundle", root, settings, volume, MEMORY, PORT=str(port), RATE_LIMIT="100000"
            ) as container:
                try:
                    visit(container, f"http://127.0.0.1:{port}", report)
                    code, took = container.stop(within=30)
                except BaseException:
                    print((work / "bundle" / "log").read_text()[-3000:], file=sys.stderr)
                    raise
            report.line("SIGTERM", f"exit code {code} after {took:.1f} s", code == 0 and took < 10)


def first_start(container: Container, url: str, report: Report) -> None:
    """Health, user, read-only root, a call, the page, the metrics, the memory."""
    await_health(container, url, report)
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
    page = requests.get(url, timeout=20).text
    report.line("the page at /", f"{len(page)} characters", "has not been built" not in page and "<script" in page)
    began = time.monotonic()
    text = annotate(url)
    found = f"{len(text.split())} words after {time.monotonic() - began:.1f} s"
    report.line("the sample call", f"{found}: {' '.join(text.split())[:70]} ...", len(text.split()) > 50)
    peaks = f"{container.resident() / 1e6:.0f} MB resident, {container.peak() / 1e6:.0f} MB with what it caches"
    report.line("peak memory", f"{peaks}, of {MEMORY / 1e6:.0f} MB", container.resident() < MEMORY / 2)


def second_start(container: Container, url: str, report: Report) -> None:
    """What the first one was told is still there; with a key made, all but the health check need one."""
    await_health(container, url, report)
    jobs = requests.get(f"{url}/api/v1/jobs", timeout=20).json()["jobs"]
    report.line("jobs of the start before", [job["status"] for job in jobs], len(jobs) == 1)
    made = container.execute("callannotate", "keys", "add", "check", "--scope", "read")
    key = re.search(r"cak_\S+", made.stdout)
    report.line("a key", made.stdout.partition("cak_")[0].strip() or made.stderr.strip(), key is not None)
    refused = _until(lambda: requests.get(f"{url}/health", timeout=20).status_code == 401, 5)
    report.line("/health without the key", "401" if refused else "lets in", refused)
    healthy = container.execute("callannotate", "health")
    report.line("health check of the image", healthy.stdout.strip() or healthy.stderr.strip(), not healthy.returncode)


def await_health(container: Container, url: str, report: Report) -> None:
    """GET /health says healthy within five seconds of the start."""

    def healthy() -> bool:
        try:
            return requests.get(f"{url}/health", timeout=20).status_code == 200
        except requests.ConnectionError:
            return False

    answered = _until(healthy, 60)
    took = time.monotonic() - container.began
    found = f"{took:.1f} s, {container.computed():.1f} s of them computing" if answered else "no answer"
    report.line("/health after the start", found, answered and took < 5)
    if not answered:
        raise RuntimeError("the container does not answer")


def annotate(url: str) -> str:
    """The transcript of the sample call, as text."""
    with SAMPLE.open("rb") as file:
        job = requests.post(f"{url}/api/v1/jobs", files={"file": file}, timeout=60).json()["job_id"]

    def ended() -> bool:
        status: str = requests.get(f"{url}/api/v1/jobs/{job}", timeout=20).json()["status"]
        if status == "failed":
            raise RuntimeError("the sample call could not be annotated")
        return status == "completed"

    if not _until(ended, 300):
        raise RuntimeError("the sample call took longer than five minutes")
    return requests.get(f"{url}/api/v1/jobs/{job}/result?format=txt", timeout=20).text


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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    main()
