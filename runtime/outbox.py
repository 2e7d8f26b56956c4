"""Messages about jobs that have ended, until they are delivered: rows written in the commit that ends the job."""

import sqlite3
import time
from typing import Any, Final
from uuid import uuid4

import msgspec
from anyio import Event
from msgspec import Struct

from contracts.errors import CallAnnotateError
from contracts.options import DeliveryState
from contracts.webhook_errors import DELIVERY_NOT_FOUND
from contracts.webhooks import DeliveryProblem, WebhookMessage, WebhookType
from runtime.database import Database


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A message as it is kept. Times are seconds since 1970."""

    delivery_id: str
    job_id: str
    type: WebhookType
    url: str
    body: bytes
    """JSON: contracts.webhooks.WebhookMessage."""
    state: DeliveryState = "pending"
    created_at: float
    expires_at: float
    """When it is given up."""
    attempts: int = 0
    tries: int = 0
    """Attempts since it was made or was to be sent again; the pause after each grows with them."""
    next_at: float | None
    last_at: float | None = None
    status: int | None = None
    problem: DeliveryProblem | None = None


COLUMNS: Final = DeliveryRow.__struct_fields__
SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM deliveries"


class Outbox:
    """The messages of a database."""

    def __init__(self, database: Database) -> None:
        self._database: Final = database
        self.news = Event()
        """Set, and another one put in its place, when there may be something to deliver."""

    def wake(self) -> None:
        """Tell who delivers that there may be something to do."""
        self.news.set()
        self.news = Event()

    async def due(self, now: float, limit: int, busy: frozenset[str]) -> tuple[list[DeliveryRow], float | None]:
        """Those to be tried now, the one that has waited longest first; and when the next one is."""
        rows = await self._database.read(
            f"{SELECT} WHERE state = 'pending' ORDER BY next_at LIMIT ?", limit + len(busy) + 1
        )
        waiting = [row for row in map(_row, rows) if row.delivery_id not in busy]
        found = [row for row in waiting if (row.next_at or 0.0) <= now][:limit]
        later = next((row.next_at for row in waiting if row not in found), None)
        return found, later

    async def note(self, row: DeliveryRow) -> None:
        """Write down how an attempt went; not where somebody wants it sent again since, or where it is gone."""
        await self._database.write(
            lambda writer: writer.execute(
                "UPDATE deliveries SET state = ?, attempts = ?, tries = ?, next_at = ?, last_at = ?, status = ?,"
                " problem = ? WHERE delivery_id = ? AND attempts = ? AND expires_at = ?",
                (row.state, row.attempts, row.tries, row.next_at, row.last_at, row.status, row.problem,
                 row.delivery_id, row.attempts - 1, row.expires_at),
            )
        )  # fmt: skip

    async def again(self, delivery_id: str, now: float, lifetime: float) -> DeliveryRow:
        """Have a message sent again. Raises DELIVERY_NOT_FOUND."""

        def work(writer: sqlite3.Connection) -> tuple[Any, ...] | None:
            writer.execute(
                "UPDATE deliveries SET state = 'pending', next_at = ?, expires_at = ?, tries = 0 WHERE delivery_id = ?",
                (now, now + lifetime, delivery_id),
            )
            found: tuple[Any, ...] | None = writer.execute(f"{SELECT} WHERE delivery_id = ?", (delivery_id,)).fetchone()
            return found

        found = await self._database.write(work)
        if found is None:
            raise CallAnnotateError(DELIVERY_NOT_FOUND, delivery_id=delivery_id[:100])
        self.wake()
        return _row(found)

    async def page(self, state: DeliveryState | None, limit: int, offset: int) -> tuple[list[DeliveryRow], int]:
        """Messages, the newest first, and how many there are on all pages."""
        where, values = ("WHERE state = ?", [state]) if state is not None else ("", [])
        rows = await self._database.read(
            f"{SELECT} {where} ORDER BY number DESC LIMIT ? OFFSET ?", *values, limit, offset
        )
        ((total,),) = await self._database.read(f"SELECT count(*) FROM deliveries {where}", *values)
        return [_row(row) for row in rows], total

    async def counts(self) -> dict[str, int]:
        """Messages by state."""
        return dict(await self._database.read("SELECT state, count(*) FROM deliveries GROUP BY state"))

    async def clear(self, before: float) -> None:
        """Remove those that were made before this time and are not tried any more."""
        await self._database.write(
            lambda writer: writer.execute(
                "DELETE FROM deliveries WHERE state <> 'pending' AND created_at < ?", (before,)
            )
        )


def insert(writer: sqlite3.Connection, row: DeliveryRow) -> None:
    """Within the commit in which the job ends."""
    writer.execute(
        f"INSERT INTO deliveries ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
        msgspec.structs.astuple(row),
    )


def forget(writer: sqlite3.Connection, job_id: str) -> None:
    """Within the commit in which a job is removed: what names its recording and its metadata goes with it."""
    writer.execute("DELETE FROM deliveries WHERE job_id = ? AND type <> 'job.cancelled'", (job_id,))


def new_delivery(url: str, message: WebhookMessage, lifetime: float) -> DeliveryRow:
    """A message to be delivered from now on, for `lifetime` seconds."""
    now = time.time()
    return DeliveryRow(
        delivery_id=f"msg_{uuid4().hex}",
        job_id=message.data.job_id,
        type=message.type,
        url=url,
        body=msgspec.json.encode(message),
        created_at=now,
        expires_at=now + lifetime,
        next_at=now,
    )


def _row(values: tuple[object, ...]) -> DeliveryRow:
    return DeliveryRow(**dict(zip(COLUMNS, values, strict=True)))  # type: ignore[arg-type]  # the tables are STRICT
