"""The file of the database: its tables, its version, and what can be wrong with it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from contracts.errors import DATABASE_NEWER, DATABASE_UNUSABLE, STORAGE_FULL, CallAnnotateError

SCHEMA: Final = 1
"""Of the tables below; kept in user_version."""
TABLES: Final = """
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


def connect(path: Path) -> sqlite3.Connection:
    """A connection that may be used from any thread, by one at a time."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check what is there and make what is missing; raises DATABASE_NEWER, DATABASE_UNUSABLE or sqlite3.Error."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > SCHEMA:
        raise CallAnnotateError(DATABASE_NEWER, path=str(path), found=found, known=SCHEMA)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    (problem,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise CallAnnotateError(DATABASE_UNUSABLE, path=str(path), cause=problem)
    if found == 0:
        connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite says of a file into STORAGE_FULL or DATABASE_UNUSABLE."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise CallAnnotateError(STORAGE_FULL) from error
        raise CallAnnotateError(DATABASE_UNUSABLE, path=str(path), cause=str(error)) from error
