"""API keys and logins as they are kept: of each only the SHA-256 of its secret.

A slow hash, as for passwords, would gain nothing: it is there to make guessing dear, and a secret of 256 random bits
cannot be guessed however cheap a guess is. So every request can be checked at the price of one SHA-256.

The file is one of its own, so that `callannotate keys` can write it while a server runs and without touching the jobs.
"""

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from contracts.errors import DATABASE_NEWER, CallAnnotateError
from contracts.scopes import Scope
from runtime.database import Database

NAME: Final = "access.sqlite3"
SCHEMA: Final = 1
TABLES: Final = """
CREATE TABLE api_keys (
    key_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash BLOB NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL,
    used_at REAL
) STRICT;
CREATE TABLE logins (
    login_id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES api_keys (key_id) ON DELETE CASCADE,
    hash BLOB NOT NULL,
    expires_at REAL NOT NULL
) STRICT;
"""
LOGINS: Final = 1000
"""Logins of a key that are kept at most, so that none logs out those of another; the oldest go first."""


class KeyRow(Struct, frozen=True, kw_only=True):
    """A key. Times are seconds since 1970."""

    key_id: str
    name: str
    scopes: tuple[Scope, ...]
    hash: bytes
    """SHA-256 of the whole key."""
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float | None = None

    def valid(self, now: float) -> bool:
        """Whether it opens anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class LoginRow(Struct, frozen=True):
    """A login that was made of a key."""

    login_id: str
    key_id: str
    hash: bytes
    """SHA-256 of the whole cookie."""
    expires_at: float


class AccessStore:
    """The file, open. Several processes may have it open."""

    def __init__(self, path: Path) -> None:
        """Open or create it; blocks. Raises DATABASE_NEWER or DATABASE_UNUSABLE."""
        # Before SQLite would make it for everybody to read; what it writes beside it gets the same rights.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._database: Final = Database(path, _prepare)

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def version(self) -> int:
        """Another number whenever something has been written, by whichever process; takes microseconds."""
        return int(self._database.read_now("PRAGMA data_version")[0][0])

    def keys(self) -> dict[str, KeyRow]:
        """Every key that was ever made, by its id."""
        rows = self._database.read_now(
            "SELECT key_id, name, scopes, hash, created_at, expires_at, revoked_at, used_at FROM api_keys"
            " ORDER BY created_at, key_id"
        )
        names = KeyRow.__struct_fields__
        return {row[0]: msgspec.convert({**dict(zip(names, row, strict=True)), "scopes": row[2].split()}, KeyRow)
                for row in rows}  # fmt: skip

    def logins(self) -> dict[str, LoginRow]:
        """Every login, by its id."""
        rows = self._database.read_now("SELECT login_id, key_id, hash, expires_at FROM logins")
        return {row[0]: LoginRow(*row) for row in rows}

    async def add(self, row: KeyRow) -> None:
        """A new key."""
        values = (row.key_id, row.name, " ".join(row.scopes), row.hash, row.created_at, row.expires_at)
        await self._database.write(
            lambda writer: writer.execute("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)", values)
        )

    async def revoke(self, key_id: str, now: float) -> bool:
        """Make a key open nothing any more, with its logins; False where there is none that does."""

        def work(writer: sqlite3.Connection) -> bool:
            writer.execute("DELETE FROM logins WHERE key_id = ?", (key_id,))
            return bool(
                writer.execute(
                    "UPDATE api_keys SET revoked_at = ? WHERE key_id = ? AND revoked_at IS NULL", (now, key_id)
                ).rowcount
            )

        return await self._database.write(work)

    async def used(self, times: Mapping[str, float]) -> None:
        """Note when keys were used."""
        rows = [(when, key_id) for key_id, when in times.items()]
        await self._database.write(
            lambda writer: writer.executemany("UPDATE api_keys SET used_at = ? WHERE key_id = ?", rows)
        )

    async def add_login(self, row: LoginRow, now: float) -> None:
        """A new login; those that have expired are removed."""

        def work(writer: sqlite3.Connection) -> None:
            writer.execute("DELETE FROM logins WHERE expires_at <= ?", (now,))
            writer.execute("INSERT INTO logins VALUES (?, ?, ?, ?)", (*msgspec.structs.astuple(row),))
            writer.execute(
                "DELETE FROM logins WHERE key_id = ?1 AND login_id NOT IN"
                " (SELECT login_id FROM logins WHERE key_id = ?1 ORDER BY expires_at DESC LIMIT ?2)",
                (row.key_id, LOGINS),
            )

        await self._database.write(work)

    async def remove_login(self, login_id: str) -> None:
        """End a login."""
        await self._database.write(lambda writer: writer.execute("DELETE FROM logins WHERE login_id = ?", (login_id,)))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Raises DATABASE_NEWER or sqlite3.Error."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > SCHEMA:
            raise CallAnnotateError(DATABASE_NEWER, path=str(path), found=found, known=SCHEMA)
        if found < SCHEMA:
            for statement in TABLES.split(";\n")[:-1]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
    finally:
        connection.execute("COMMIT")
