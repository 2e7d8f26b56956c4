"""The one place where files are opened and given to libsndfile."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import soundfile

from contracts import errors
from contracts.errors import CallAnnotateError
from stages.byte_view import Bytes, Splice
from stages.container import NotReadableError, Stream

KINDS: Final = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}
"""What a path may lead to that is no file, by the type bits of its mode."""


class Sound(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """A stream that is only read forwards.

    soundfile seeks after each block that it reads from a file that can be sought: in MP3 that costs the frames that the
    next one builds on, and libmpg123 complains on standard error.
    """

    def seekable(self) -> bool:
        """Never."""
        return False


def shown(path: Path) -> str:
    """A path as it can be printed, whatever bytes its name is made of."""
    return os.fsencode(path).decode(errors="backslashreplace")


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """A descriptor of a regular file; raises the catalogue's errors, for what happens inside as well."""
    name = shown(path)
    try:
        kind = KINDS.get(stat.S_IFMT(path.stat().st_mode))
        if kind is not None:
            # Opening a pipe would wait for its writer, and opening a device may do anything.
            raise CallAnnotateError(errors.NOT_A_FILE, path=name, kind=kind)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        raise CallAnnotateError(errors.FILE_NOT_FOUND, path=name) from None
    except OSError as error:
        raise CallAnnotateError(errors.FILE_UNREADABLE, path=name, cause=error.strerror or str(error)) from error


def open_sound(source: Bytes, stream: Stream) -> tuple[Sound, Splice]:
    """A stream as libsndfile's decoder and the bytes behind it; raises NotReadableError, or OSError of the disk."""
    splice = Splice(source, stream.pieces)
    try:
        return Sound(splice), splice
    except soundfile.LibsndfileError as error:
        if splice.failure is not None:
            raise splice.failure from error
        reason = error.error_string.removeprefix("Error : ").strip(" .")
        raise NotReadableError(reason[:1].lower() + reason[1:]) from error
