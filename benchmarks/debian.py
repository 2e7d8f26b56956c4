"""Recordings that Debian packages, fetched with apt-get and unpacked; nothing is installed."""

import subprocess
from pathlib import Path


class PackagesUnavailableError(Exception):
    """A package could not be fetched; str() says what to do."""


def unpacked(packages: list[str], cache: Path) -> Path:
    """The `usr/share` folder that holds the named packages' files, fetched once.

    Raises PackagesUnavailableError where apt-get is missing or refuses.
    """
    root = cache / "root"
    missing = [name for name in packages if not (root / "usr" / "share" / "doc" / name / "copyright").exists()]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        _download(missing, cache)
        for name in missing:
            for archive in sorted(cache.glob(f"{name}_*.deb")):
                subprocess.run(["dpkg", "-x", str(archive), str(root)], check=True)
    return root / "usr" / "share"


def _download(packages: list[str], cache: Path) -> None:
    command = ["apt-get", "download", "-q", *packages]
    try:
        done = subprocess.run(command, cwd=cache, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PackagesUnavailableError(
            "The calls are cut from recordings that Debian packages; apt-get is needed."
        ) from None
    if done.returncode:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("E:")), done.stderr.strip())
        raise PackagesUnavailableError(
            f"`{' '.join(command)}` failed ({reason}). "
            "Where a package is unknown, run `apt-get update` once as root and try again."
        )
