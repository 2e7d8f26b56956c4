"""Transcripts to files and to standard output: whole or not at all."""

import errno
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from contracts.errors import DISK_FULL, INVALID_OPTION, OUTPUT_UNWRITABLE, CallAnnotateError
from contracts.options import Format


def prepare_folder(folder: Path, files: Sequence[Path]) -> None:
    """Make the output folder and try it, before hours of work depend on it.

    Raises OUTPUT_UNWRITABLE, DISK_FULL, or INVALID_OPTION where two recordings would be written to one name.
    """
    clashing = [name for name, count in Counter(file.stem for file in files).items() if count > 1]
    if clashing:
        raise CallAnnotateError(
            INVALID_OPTION, option="--output", problem=f"several recordings would be written to {clashing[0]!r}",
            allowed="recordings with different names, or a folder for each",
        )  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"0")
    except OSError as error:
        raise _unwritable(folder, error) from error


def write_whole(texts: Mapping[Path, str]) -> None:
    """Write files by atomic rename, after all are on the disk: a reader sees the old ones or the whole new ones.

    Raises as prepare_folder, with nothing left behind.
    """
    written: dict[Path, Path] = {}
    path = next(iter(texts))
    try:
        for path, text in texts.items():
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=".", delete=False) as file:
                written[path] = Path(file.name)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            written[path].chmod(0o666 & ~_umask())
        for path, temporary in written.items():
            temporary.replace(path)
    except BaseException as error:
        for temporary in written.values():
            with suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def write_file(path: Path, content: bytes) -> None:
    """Write one file by atomic rename, for its owner's eyes only. Raises OUTPUT_UNWRITABLE or DISK_FULL."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            temporary = Path(file.name)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_standard_output(text: str) -> None:
    """Write to standard output in UTF-8, whatever the locale says. Raises as prepare_folder."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable("standard output", error) from error


def output_name(file: Path, transcript_format: Format) -> str:
    """`call.wav` becomes `call.srt`."""
    return f"{file.stem}.{transcript_format}"


def _unwritable(path: Path | str, error: OSError) -> CallAnnotateError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CallAnnotateError(DISK_FULL, path=str(path))
    return CallAnnotateError(OUTPUT_UNWRITABLE, path=str(path), cause=error.strerror or str(error))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
