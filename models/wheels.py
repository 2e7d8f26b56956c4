"""Weights from wheels of the package index: pip fetches them, and they are used as archives only, never installed.

A fetched wheel stays under `downloads` until the store discards it, so that a pull that broke off goes on from there.
"""

import errno
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from filelock import FileLock

from contracts.errors import WEIGHTS_MISSING, CallAnnotateError
from models.catalogue import Catalogue, Entry, Package, WheelFile, Wheels
from models.digests import corrupt, sha256_of

Report = Callable[[int, int], None]
"""Is told the bytes fetched so far and the bytes in all; may be called from any thread."""

BLOCK: Final = 2**20
"""Bytes read at once."""
PIP_OPTIONS: Final = (
    "--no-deps", "--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11",
    "--implementation=cp", "--abi=cp311", "--progress-bar=raw", "--retries=2", "--no-input",
    "--disable-pip-version-check",
)  # fmt: skip
"""The platform is the one that the wheels were built for, whatever runs here."""


@dataclass(frozen=True)
class WheelStore:
    """The wheels that were fetched and are still needed: one folder each, named for package and version."""

    downloads: Path

    def fetch(self, entry: Entry, source: Wheels, catalogue: Catalogue, target: Path, report: Report) -> None:
        """Put the files of `entry` into `target`, each checked against its sha256.

        Raises WEIGHTS_MISSING where a wheel cannot be had, and WEIGHTS_CORRUPT where it holds something else; that
        wheel is then discarded.
        """
        packages = packages_of(source, catalogue)
        total, before = sum(package.size for package in packages), 0
        for package in packages:
            with self._lock(package):
                wheel = self._wheel(entry.name, package, partial(_report_on, report, before, total))
                before += package.size
                report(before, total)
                try:
                    _extract(wheel, package, source.files, target)
                except (KeyError, EOFError, zipfile.BadZipFile) as error:
                    shutil.rmtree(self._home(package))
                    last = source.files[-1]
                    raise corrupt(entry.name, last.name, last.sha256, f"no readable {wheel.name}: {error}") from error
        for file in source.files:
            found = sha256_of(target / file.name)
            if found != file.sha256:
                self.discard(packages)
                raise corrupt(entry.name, file.name, file.sha256, found)

    def discard(self, packages: Iterable[Package]) -> None:
        """Remove the wheels of `packages`, where they are."""
        for package in packages:
            if self._home(package).exists():
                with self._lock(package):
                    shutil.rmtree(self._home(package), ignore_errors=True)

    def _lock(self, package: Package) -> FileLock:
        """Held while a wheel is fetched, read or removed."""
        return FileLock(self.downloads / f"{package.name}.lock")

    def _home(self, package: Package) -> Path:
        return self.downloads / f"{package.name}-{package.version}"

    def _wheel(self, name: str, package: Package, report: Callable[[int], None]) -> Path:
        """The wheel of `package`, fetched unless it is here."""
        home = self._home(package)
        if not home.is_dir():
            unfinished = self.downloads / f"{home.name}.partial"
            shutil.rmtree(unfinished, ignore_errors=True)
            temporary = unfinished / "temporary"
            temporary.mkdir(parents=True)
            try:
                _download(name, package, unfinished, temporary, report)
                shutil.rmtree(temporary)
                unfinished.rename(home)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        return next(home.iterdir())


def _report_on(report: Report, before: int, total: int, done: int) -> None:
    report(before + done, total)


def packages_of(source: Wheels, catalogue: Catalogue) -> list[Package]:
    """The packages that hold the files of `source`, in the order in which the parts are put together."""
    names = dict.fromkeys(part.package for file in source.files for part in file.parts)
    return [catalogue.package(name) for name in names]


def _download(name: str, package: Package, folder: Path, temporary: Path, report: Callable[[int], None]) -> None:
    """Let the pip of this interpreter put the wheel into `folder`; the user's pip configuration holds."""
    wanted = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", *PIP_OPTIONS, "--dest", str(folder), wanted]
    # pip collects a download in the temporary folder first, and /tmp may be small.
    environment = {**os.environ, "TMPDIR": str(temporary)}
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            for line in process.stdout or ():
                progress = re.match(r"Progress (\d+) of \d+", line)
                if progress:
                    report(int(progress[1]))
                else:
                    lines.append(line.strip())
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise CallAnnotateError(WEIGHTS_MISSING, name=name, cause=f"fetching {wanted} failed: {_reason(lines)}")


def _reason(lines: list[str]) -> str:
    """Why pip failed, in a few words, from what it printed."""
    if any("No space left on device" in line for line in lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if any("connection broken by" in line for line in lines):
        return "the package index cannot be reached"
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["pip gave no reason"])[-1]


def _extract(wheel: Path, package: Package, files: Iterable[WheelFile], target: Path) -> None:
    """Append the parts that the wheel of `package` holds to their files in `target`."""
    with zipfile.ZipFile(wheel) as archive:
        for file in files:
            for part in file.parts:
                if part.package == package.name:
                    with archive.open(part.member) as content, (target / file.name).open("ab") as output:
                        # A file that grows beyond its size is wrong whatever follows; its sha256 will tell.
                        while output.tell() <= file.size and (block := content.read(BLOCK)):
                            output.write(block)
