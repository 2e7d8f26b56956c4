"""Transcripts to files and to standard output: whole or not at all."""

import errno
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from contracts.errors import DISK_FULL, INVALID_OPTION, OUTPUT_UNWRITABLE, CallAnnotateError
from contracts.options import BINARY_FORMATS, Format

ENDINGS: Final[dict[Format, str]] = {"textgrid": "TextGrid"}
"""Of files, where they are not the format's name."""


def wanted_formats(formats: Sequence[Format], output: Path | None) -> tuple[Format, ...]:
    """What is written; raises INVALID_OPTION where standard output can't take it."""
    wanted = tuple(dict.fromkeys(formats)) or (("json",) if output else ("txt",))
    if len(wanted) > 1 and output is None:
        raise CallAnnotateError(
            INVALID_OPTION, option="--format", problem="several formats do not fit on standard output",
            allowed="one format, or several with --output DIR",
        )  # fmt: skip
    if output is None and BINARY_FORMATS.intersection(wanted) and sys.stdout.isatty():
        raise CallAnnotateError(
            INVALID_OPTION, option="--format", problem=f"{wanted[0]} is no text for a terminal",
            allowed="another format, --output DIR, or standard output sent to a file",
        )  # fmt: skip
    return wanted


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


def write_whole(contents: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Write files by atomic rename, after all are on the disk: a reader sees the old ones or the whole new ones.

    Raises as prepare_folder, with nothing left behind. Private ones are for their owner's eyes only.
    """
    written: dict[Path, Path] = {}
    path = next(iter(contents))
    try:
        for path, content in contents.items():
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                written[path] = Path(file.name)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            written[path].chmod(0o600 if private else 0o666 & ~_umask())
        for path, temporary in written.items():
            temporary.replace(path)
    except BaseException as error:
        for temporary in written.values():
            with suppress(OSError):
                temporary.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise


def write_standard_output(content: bytes) -> None:
    """Write to standard output. Raises as prepare_folder."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable("standard output", error) from error


def output_name(file: Path, transcript_format: Format) -> str:
    """`call.wav` becomes `call.srt`."""
    return f"{file.stem}.{ENDINGS.get(transcript_format, transcript_format)}"


def _unwritable(path: Path | str, error: OSError) -> CallAnnotateError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return CallAnnotateError(DISK_FULL, path=str(path))
    return CallAnnotateError(OUTPUT_UNWRITABLE, path=str(path), cause=error.strerror or str(error))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
