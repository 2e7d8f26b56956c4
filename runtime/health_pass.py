"""How the health check on the same machine gets in where keys are needed: a file on the volume that it alone can read.

What stands in it opens the health of this one server until it ends, and nothing else. The container's HEALTHCHECK runs
`callannotate health`, which reads it; so no key has to be made, mounted or rotated for it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

NAME: Final = "health.json"
ANY: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that mean all, and the one to ask at."""


class HealthPass(Struct, frozen=True):
    """Where the server is, and what opens its health."""

    host: str
    port: int
    token: str


def read_pass(volume: Path) -> HealthPass | None:
    """That of the server on this volume; None where none runs, or where it may not be read."""
    try:
        return msgspec.json.decode((volume / NAME).read_bytes(), type=HealthPass)
    except (OSError, msgspec.MsgspecError):
        return None


@contextmanager
def health_pass(volume: Path, host: str, port: int, token: str) -> Iterator[None]:
    """The file lies on the volume while the body runs; blocks for a moment. Raises OSError."""
    path, new = volume / NAME, volume / f"{NAME}.part"
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(HealthPass(ANY.get(host, host), port, token)))
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
