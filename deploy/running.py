"""Run an image as an engine does, with runc: its user, a read-only root, no capabilities, little memory, no network."""

import ctypes
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
CLONE_NEWNET: Final = 0x40000000
"""setns(2): the namespace is one of networks. Python has os.setns from 3.12 on only."""
NAMESERVER: Final = "192.0.2.1"
"""An address of documentation (RFC 5737), which nothing answers at: who asks for a name is seen to ask."""


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

    def tried_to_send(self) -> int:
        """Packets that found no way out of its network so far, those of the caller included; see `without_a_way`.

        Only while the body of `started` goes on, and also after the container has stopped.
        """
        network = Path("/proc/thread-self/net")
        return without_a_way((network / "snmp").read_text(), (network / "snmp6").read_text())

    def _group(self, name: str) -> Path:
        for folder in ("memory", "unified", "."):
            path = Path("/sys/fs/cgroup") / folder / self.name / name
            if path.exists():
                return path
        raise FileNotFoundError(f"no control group {self.name} has {name}")


def without_a_way(snmp: str, snmp6: str) -> int:
    """Packets and connections that the kernel had no route for, from /proc/net/snmp and /proc/net/snmp6."""
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Ip:"))
    newer = dict(line.split() for line in snmp6.splitlines())
    return int(values[names.index("OutNoRoutes")]) + int(newer["Ip6OutNoRoutes"])


@contextmanager
def started(
    bundle: Path, rootfs: Path, image: dict[str, Any], volume: Path, memory: int, **environment: str
) -> Iterator[Container]:
    """The image until the body is left, which is in the container's network: loopback and nothing else.

    :param image: what it says of itself (Builder.settings)
    :param memory: bytes; swap is not given in addition
    """
    bundle.mkdir(parents=True, exist_ok=True)
    name, state = f"callannotate-check-{time.monotonic_ns()}", bundle / "state"
    names = bundle / "resolv.conf"
    names.write_text(f"nameserver {NAMESERVER}\n")
    specification = _specification(name, rootfs, image, volume, names, memory, environment)
    (bundle / "config.json").write_text(json.dumps(specification))
    log, number = (bundle / "log").open("ab"), bundle / "pid"
    number.unlink(missing_ok=True)
    began = time.monotonic()
    popen = subprocess.Popen(
        ["runc", "--root", str(state), "run", "--bundle", str(bundle), "--pid-file", str(number), name],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        while not number.exists():
            if popen.poll() is not None or time.monotonic() > began + 30:
                raise RuntimeError(f"runc did not start it: {(bundle / 'log').read_text()[-3000:]}")
            time.sleep(0.01)
        with _network_of(int(number.read_text())):
            yield Container(name, state, popen, began)
    finally:
        log.close()
        subprocess.run(["runc", "--root", str(state), "delete", "--force", name], capture_output=True, check=False)
        popen.wait(10)


@contextmanager
def _network_of(process: int) -> Iterator[None]:
    """Take the calling thread, and what it starts, into the network of a process."""
    libc = ctypes.CDLL(None, use_errno=True)

    def enter(network: int) -> None:
        if libc.setns(network, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "the network of a process cannot be entered")

    with Path("/proc/thread-self/ns/net").open("rb") as own:
        with Path(f"/proc/{process}/ns/net").open("rb") as other:
            enter(other.fileno())
        try:
            yield
        finally:
            enter(own.fileno())


def _specification(
    name: str,
    rootfs: Path,
    image: dict[str, Any],
    volume: Path,
    names: Path,
    memory: int,
    environment: dict[str, str],
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
            {"destination": "/etc/resolv.conf", "type": "bind", "source": str(names), "options": ["bind", "ro"]},
        ],
        "linux": {
            "cgroupsPath": f"/{name}",
            "resources": {"memory": {"limit": memory, "swap": memory}},
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }  # fmt: skip
