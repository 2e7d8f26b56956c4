"""What the networks have computed for a running job, in a file, so that a job that was cut off is gone on with.

The graph runs again from the start of the recording, and every call into a network that was answered before is answered
from the journal, which takes next to no time (runtime/journaled.py). A record's key is the hash of the weights and of
all that went into the call, so that an answer is never given to another question; the graph is deterministic, so that
the result is the one of an uninterrupted run.

The file only grows: MAGIC, then records of the length and the CRC-32 of what follows, the key, and the answer. A record
that was torn off at the end is cut off when the file is opened.
"""

import os
import threading
import zlib
from collections import Counter
from pathlib import Path
from struct import Struct as Layout
from typing import Final

import structlog

MAGIC: Final = b"callannotate journal 1\n"
HEADER: Final = Layout("<II")
"""Bytes of key and answer together, and their CRC-32."""
KEY: Final = 16
"""Bytes of a key."""
LARGEST: Final = 1 << 28
"""Bytes of a record at most; more is damage."""

log: Final = structlog.get_logger()


class Journal:
    """The answers of a job, open. It blocks; calls may come from several threads at once."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin a new one where there is none that can be read; raises OSError."""
        self.answered: Final[Counter[str]] = Counter()
        """Answers given from the file, by the network."""
        self.computed: Final[Counter[str]] = Counter()
        """Answers that had to be computed, by the network."""
        self.seconds: Final[dict[str, float]] = {}
        """Spent computing, by the network."""
        self._lock: Final = threading.Lock()
        self._places: Final[dict[bytes, tuple[int, int]]] = {}
        """Offset and length of each answer by its key."""
        self._unsynced = False
        self._broken = False
        self._descriptor: Final = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._end = self._read()
            os.ftruncate(self._descriptor, self._end)
        except BaseException:
            os.close(self._descriptor)
            raise
        self.found: Final = len(self._places)
        """Answers that were there when it was opened."""

    def _read(self) -> int:
        """Find every whole record; returns the offset after the last."""
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, MAGIC, 0)
                return len(MAGIC)
            end = len(MAGIC)
            while len(header := file.read(HEADER.size)) == HEADER.size:
                length, checksum = HEADER.unpack(header)
                if not KEY <= length <= LARGEST:
                    break
                body = file.read(length)
                if len(body) < length or zlib.crc32(body) != checksum:
                    break
                self._places[body[:KEY]] = (end + HEADER.size + KEY, length - KEY)
                end += HEADER.size + length
        return end

    def __len__(self) -> int:
        return len(self._places)

    def get(self, key: bytes) -> bytes | None:
        """The answer of a key."""
        with self._lock:
            place = self._places.get(key)
        return None if place is None else os.pread(self._descriptor, place[1], place[0])

    def put(self, key: bytes, answer: bytes) -> None:
        """Keep an answer. On a full or failing disk the job goes on without a journal from here on."""
        body = key + answer
        with self._lock:
            if self._broken or key in self._places:
                return
            try:
                self._append(HEADER.pack(len(body), zlib.crc32(body)) + body)
            except OSError as error:
                self._broken = True
                log.warning("journal_not_written", problem=str(error))
                os.ftruncate(self._descriptor, self._end)
                return
            self._places[key] = (self._end + HEADER.size + KEY, len(answer))
            self._end += HEADER.size + len(body)
            self._unsynced = True

    def _append(self, record: bytes) -> None:
        view, offset = memoryview(record), self._end
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written

    def sync(self) -> None:
        """Bring to the disk what is not there yet."""
        with self._lock:
            wanted, self._unsynced = self._unsynced, False
        if wanted:
            os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Bring everything to the disk and let go of the file."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def was_answered(self, network: str, answers: int) -> None:
        """Count what was answered from the file."""
        with self._lock:
            self.answered[network] += answers

    def was_computed(self, network: str, answers: int, seconds: float) -> None:
        """Count what had to be computed."""
        with self._lock:
            self.computed[network] += answers
            self.seconds[network] = self.seconds.get(network, 0.0) + seconds
