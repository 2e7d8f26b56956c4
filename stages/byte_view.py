"""A recording's bytes, read where they are needed, and put together anew where a container has to be put right."""

import io
import os
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Final

Piece = bytes | range
"""Bytes as they stand, or the range of the file's own bytes that comes next."""

WINDOW: Final = 1 << 20
"""Bytes that Bytes keeps in memory."""


class Bytes:
    """Random reading of a file through one buffer; what lies beyond the end is missing, never an error."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor: Final = descriptor
        self.size: Final = size
        self._start = 0
        self._buffer = b""

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes (at most WINDOW) from `offset` on."""
        inside = offset - self._start
        if inside < 0 or inside + count > len(self._buffer):
            self._buffer = os.pread(self._descriptor, min(WINDOW, max(0, self.size - offset)), offset)
            self._start, inside = offset, 0
        return self._buffer[inside : inside + count]

    def find(self, wanted: bytes, offset: int, stop: int) -> int | None:
        """Offset of the first occurrence that begins at or after `offset` and ends before `stop`."""
        while offset + len(wanted) <= stop:
            block = self.at(offset, min(WINDOW, stop - offset))
            if (found := block.find(wanted)) >= 0:
                return offset + found
            if len(block) < len(wanted):
                return None
            offset += len(block) - len(wanted) + 1
        return None


class Splice:
    """Pieces read as one file by libsndfile, through the callbacks of soundfile's virtual files."""

    def __init__(self, source: Bytes, pieces: Iterable[Piece]) -> None:
        self._source: Final = source
        self._pieces: Final = tuple(piece for piece in pieces if piece)
        self._starts: Final = [0, *accumulate(map(len, self._pieces))]
        """Offset of each piece, and the length of all."""
        self._position = 0
        self.failure: OSError | None = None
        """What the operating system refused; libsndfile has no way to pass it on."""

    def tell(self) -> int:
        """Bytes from the start."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As io.IOBase.seek."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; fewer only at the end, and where the file has become shorter or unreadable."""
        parts = []
        while count > 0 and self._position < self._starts[-1]:
            index = bisect_right(self._starts, self._position) - 1
            inside = self._position - self._starts[index]
            part = self._part(self._pieces[index], inside, min(count, WINDOW))
            if not part:
                break
            parts.append(part)
            self._position += len(part)
            count -= len(part)
        return b"".join(parts)

    def _part(self, piece: Piece, start: int, count: int) -> bytes:
        if isinstance(piece, bytes):
            return piece[start : start + count]
        try:
            return self._source.at(piece.start + start, min(count, len(piece) - start))
        except OSError as error:
            self.failure = error
            return b""
