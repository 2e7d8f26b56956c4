"""Recordings that Debian packages, fetched with apt-get and unpacked; nothing is installed."""

import subprocess
import sys
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
    """A fresh machine knows no packages yet: the list is brought up to date once and the download tried again."""
    print(f"Fetching {len(packages)} packages of recordings with apt-get ...", file=sys.stderr)
    refused = _apt_get(["download", "-q", *packages], cache)
    if refused:
        print(f"apt-get refuses ({refused}); asking for the list of packages (apt-get update) ...", file=sys.stderr)
        refused = _apt_get(["update", "-q"], cache) or _apt_get(["download", "-q", *packages], cache)
    if refused:
        raise PackagesUnavailableError(
            f"apt-get does not give {', '.join(packages)} ({refused}). "
            "Run `apt-get update` once as root on Debian 12 or newer, and try again."
        )


def _apt_get(arguments: list[str], folder: Path) -> str:
    """Why it failed, or nothing."""
    try:
        done = subprocess.run(["apt-get", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PackagesUnavailableError(
            "The calls are cut from recordings that Debian packages: apt-get is needed, and is not here."
        ) from None
    if not done.returncode:
        return ""
    return next((line for line in done.stderr.splitlines() if line.startswith("E:")), f"exit code {done.returncode}")
