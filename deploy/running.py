"""Run an image as an engine does, with runc: its user, a read-only root, no capabilities, a limit of memory."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

UID: Final = 10001
PEAKS: Final = ("memory.max_usage_in_bytes", "memory.peak")
"""The largest memory of a control group so far, in version 1 and version 2."""


@dataclass(frozen=True)
class Container:
    """A container that runs."""

    name: str
    state: Path
    """Folder of runc for the states of containers."""
    popen: subprocess.Popen[bytes]
    began: float
    """time.monotonic() of its start."""

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it as its user, as HEALTHCHECK does."""
        return subprocess.run(
            ["runc", "--root", str(self.state), "exec", self.name, *command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def stop(self, within: float) -> tuple[int, float]:
        """Send SIGTERM: the exit code, and the seconds it took."""
        began = time.monotonic()
        subprocess.run(["runc", "--root", str(self.state), "kill", self.name, "TERM"], check=True)
        code = self.popen.wait(within)
        return code, time.monotonic() - began

    def processes(self) -> dict[str, int]:
        """Command line and uid of each process in it."""
        found = {}
        for number in self._group("cgroup.procs").read_text().split():
            with suppress(FileNotFoundError):
                command = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                found[command] = Path(f"/proc/{number}").stat().st_uid
        return found

    def computed(self) -> float:
        """Seconds that its processes have computed so far."""
        ticks = 0
        for number in self._group("cgroup.procs").read_text().split():
            with suppress(FileNotFoundError):
                ticks += sum(map(int, Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def peak(self) -> int:
        """Bytes of memory at most so far, page cache included."""
        for name in PEAKS:
            with suppress(FileNotFoundError):
                return int(self._group(name).read_text())
        raise FileNotFoundError(f"the control group of {self.name} has none of {PEAKS}")

    def resident(self) -> int:
        """Bytes that were resident at most, of the largest process."""
        peaks = []
        for number in self._group("cgroup.procs").read_text().split():
            with suppress(FileNotFoundError):
                lines = Path(f"/proc/{number}/status").read_text().splitlines()
                peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
        return max(peaks)

    def _group(self, name: str) -> Path:
        for folder in ("memory", "unified", "."):
            path = Path("/sys/fs/cgroup") / folder / self.name / name
            if path.exists():
                return path
        raise FileNotFoundError(f"no control group {self.name} has {name}")


@contextmanager
def started(
    bundle: Path, rootfs: Path, image: dict[str, Any], volume: Path, memory: int, **environment: str
) -> Iterator[Container]:
    """The image until the body is left. The network is this machine's, so that the server is reached on loopback.

    :param image: what it says of itself (Builder.settings)
    :param memory: bytes; swap is not given in addition
    """
    bundle.mkdir(parents=True, exist_ok=True)
    name, state = f"callannotate-check-{time.monotonic_ns()}", bundle / "state"
    specification = _specification(name, rootfs, image, volume, memory, environment)
    (bundle / "config.json").write_text(json.dumps(specification))
    log = (bundle / "log").open("ab")
    popen = subprocess.Popen(
        ["runc", "--root", str(state), "run", "--bundle", str(bundle), name],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Container(name, state, popen, time.monotonic())
    finally:
        log.close()
        subprocess.run(["runc", "--root", str(state), "delete", "--force", name], capture_output=True, check=False)
        popen.wait(10)


def _specification(
    name: str, rootfs: Path, image: dict[str, Any], volume: Path, memory: int, environment: dict[str, str]
) -> dict[str, Any]:
    """A config.json of the OCI runtime specification."""
    uid, gid = map(int, image["User"].split(":"))
    guarded = ["nosuid", "noexec", "nodev"]
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": uid, "gid": gid},
            "args": [*image["Entrypoint"], *image["Cmd"]],
            "env": [*image["Env"], *(f"{name}={value}" for name, value in environment.items())],
            "cwd": image["WorkingDir"],
            "capabilities": {name: [] for name in ("bounding", "effective", "inheritable", "permitted", "ambient")},
            "noNewPrivileges": True,
        },
        "root": {"path": str(rootfs), "readonly": True},
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": [*guarded, "size=64m"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": [*guarded, "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": [*guarded, "mode=1777", "size=64m"]},
            {"destination": "/app/volume", "type": "bind", "source": str(volume), "options": ["bind", "rw"]},
        ],
        "linux": {
            "cgroupsPath": f"/{name}",
            "resources": {"memory": {"limit": memory, "swap": memory}},
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }  # fmt: skip
