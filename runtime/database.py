"""The file of the database: its tables, its version, what can be wrong with it, and how it is written and read.

Writing happens in one thread at a time, reading in another, over a connection of its own: a reader never waits for the
disk. What is deleted is overwritten with zeros (`secure_delete`), for voiceprints are biometric data.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from anyio import CapacityLimiter, to_thread

from contracts.errors import DATABASE_NEWER, DATABASE_UNUSABLE, STORAGE_FULL, CallAnnotateError

NAME: Final = "callannotate.sqlite3"
JOBS: Final = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'completed', 'failed', 'archived', 'deleted')),
    priority INTEGER NOT NULL,
    created_at REAL NOT NULL,
    started_at REAL,
    completed_at REAL,
    filename TEXT NOT NULL,
    size INTEGER NOT NULL,
    format TEXT NOT NULL,
    duration REAL,
    sample_rate INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    metadata BLOB NOT NULL,
    options BLOB NOT NULL,
    model TEXT NOT NULL,
    origin BLOB,
    failure BLOB,
    processing_time REAL,
    last_seq INTEGER NOT NULL DEFAULT 1,
    starts INTEGER NOT NULL DEFAULT 0,
    journaled INTEGER NOT NULL DEFAULT 0,
    stuck_since REAL,
    request_id TEXT
) STRICT;
CREATE INDEX jobs_in_order ON jobs (status, priority DESC, number);
CREATE TABLE keys (
    key TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL
) STRICT;
CREATE INDEX keys_of_jobs ON keys (job_id);
"""
VOICES: Final = """
CREATE TABLE voices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    voice_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    note TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL
) STRICT;
CREATE TABLE samples (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sample_id TEXT NOT NULL UNIQUE,
    voice_id TEXT NOT NULL REFERENCES voices (voice_id) ON DELETE CASCADE,
    created_at REAL NOT NULL,
    source TEXT NOT NULL CHECK (source IN ('upload', 'job', 'import')),
    filename TEXT NOT NULL,
    job_id TEXT,
    speaker_id TEXT,
    duration REAL,
    speech REAL,
    model TEXT NOT NULL,
    vectors BLOB NOT NULL,
    audio_kept INTEGER NOT NULL
) STRICT;
CREATE INDEX samples_of_voices ON samples (voice_id, number);
"""
WEBHOOKS: Final = """
ALTER TABLE jobs ADD COLUMN callback_url TEXT;
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id TEXT NOT NULL UNIQUE,
    job_id TEXT NOT NULL,
    type TEXT NOT NULL,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    next_at REAL,
    last_at REAL,
    status INTEGER,
    problem TEXT
) STRICT;
CREATE INDEX deliveries_in_order ON deliveries (state, next_at);
CREATE INDEX deliveries_of_jobs ON deliveries (job_id);
"""
PASSING: Final = "ALTER TABLE jobs ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;"
SCHEMAS: Final = (JOBS, VOICES, WEBHOOKS, PASSING)
"""What each version of the tables adds to the one before; the first is version 1."""
SCHEMA: Final = len(SCHEMAS)
"""Version of the tables; kept in user_version."""
TRIES: Final = 3
"""Times that the log is tried to be emptied."""
T = TypeVar("T")


class Database:
    """A database, open."""

    def __init__(self, path: Path, prepared: Callable[[sqlite3.Connection, Path], None] | None = None) -> None:
        """Open or create it; blocks. `prepared` gives it tables of its own; else it has those of the jobs.

        Raises DATABASE_NEWER or DATABASE_UNUSABLE.
        """
        self.path: Final = path
        self._writing: Final = CapacityLimiter(1)
        self._reading: Final = CapacityLimiter(1)
        with explained(path):
            self._writer: Final = connect(path)
            try:
                (prepared or prepare)(self._writer, path)
                self._reader: Final = connect(path)
            except BaseException:
                self._writer.close()
                raise

    def close(self) -> None:
        """Write the log into the database and let go of it."""
        self._reader.close()
        self._writer.close()

    async def write(self, work: Callable[[sqlite3.Connection], T], then: Callable[[T], None] = lambda _: None) -> T:
        """One transaction in the writer's thread, and what belongs to it. Cancelling comes before or after it.

        Raises STORAGE_FULL or DATABASE_UNUSABLE; then nothing has changed.
        """

        def transaction() -> T:
            with explained(self.path):
                self._writer.execute("BEGIN IMMEDIATE")
                try:
                    result = work(self._writer)
                    self._writer.execute("COMMIT")
                except BaseException:
                    if self._writer.in_transaction:
                        self._writer.execute("ROLLBACK")
                    raise
            then(result)
            return result

        return await to_thread.run_sync(transaction, limiter=self._writing)

    async def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Raises DATABASE_UNUSABLE."""

        return await to_thread.run_sync(self.read_now, query, *values, limiter=self._reading)

    def read_now(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The same where blocking is no matter."""
        with explained(self.path):
            return self._reader.execute(query, values).fetchall()

    async def scrub(self) -> bool:
        """Leave no byte of what was deleted in the files: also not in free pages, and not in the log.

        `secure_delete` overwrites rows that are deleted, but not what a page that was split or joined once held.
        Returns whether the log could be emptied: somebody else may be reading it.
        """

        def work() -> bool:
            with explained(self.path):
                self._writer.execute("VACUUM")
                # Each try waits for readers as long as the connection's timeout says.
                return any(
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0 for _ in range(TRIES)
                )

        return await to_thread.run_sync(work, limiter=self._writing)


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from any thread, by one at a time."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    # What is vacuumed would lie in a file of the system's own folder otherwise.
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check what is there and add what is missing; raises DATABASE_NEWER, DATABASE_UNUSABLE or sqlite3.Error."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA:
        raise CallAnnotateError(DATABASE_NEWER, path=str(path), found=found, known=SCHEMA)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise CallAnnotateError(DATABASE_UNUSABLE, path=str(path), cause=problem)
    if found < SCHEMA:
        tables = "".join(SCHEMAS[found:])
        connection.executescript(f"BEGIN IMMEDIATE; {tables} PRAGMA user_version = {SCHEMA}; COMMIT;")


def marks(values: Sized) -> str:
    """The place holders of so many values in a statement."""
    return ", ".join("?" * len(values))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite says of a file into STORAGE_FULL or DATABASE_UNUSABLE."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise CallAnnotateError(STORAGE_FULL) from error
        raise CallAnnotateError(DATABASE_UNUSABLE, path=str(path), cause=str(error)) from error
