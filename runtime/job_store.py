"""The state of every job and the keys of idempotent requests, in SQLite: WAL, every commit on the disk.

What has to happen together with a change of state, such as moving the recording, is done in the writer's thread right
after the commit (`then`), so that no other change comes in between.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final, get_args

import msgspec
from msgspec import Struct

from contracts.jobs import JobFailure, JobStatus
from contracts.webhooks import WebhookJob, WebhookMessage
from runtime.clock import moment
from runtime.database import Database, marks
from runtime.outbox import Outbox, forget, insert, new_delivery


class JobRow(Struct, frozen=True, kw_only=True):
    """A job as it is kept. Times are seconds since 1970."""

    number: int = 0
    """In the order of creation; given by the database."""
    job_id: str
    status: JobStatus = "queued"
    priority: int
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None
    filename: str
    size: int
    """Bytes."""
    format: str
    """Of contracts.jobs.AudioFormat; also the ending of the file's name on the volume."""
    duration: float | None
    """Seconds."""
    sample_rate: int
    """Hertz."""
    channels: int
    metadata: bytes
    """JSON: the object that the client sent."""
    options: bytes
    """JSON: contracts.options.AnnotateOptions."""
    model: str
    """Whisper weights; the measured speed is kept for each."""
    origin: bytes | None = None
    """Name in `incoming` of a file that has not got the job's name yet."""
    failure: bytes | None = None
    """JSON: contracts.jobs.JobFailure."""
    processing_time: float | None = None
    """Seconds."""
    last_seq: int = 1
    """Number of the job's last message, once it has ended."""
    starts: int = 0
    """Times that a worker began since the job came further."""
    journaled: int = 0
    """Answers that the last run found in its journal."""
    stuck_since: float | None = None
    """When the job came further last; None before it did."""
    request_id: str | None = None
    """Of the request that made the job; it is in every log line about it."""
    callback_url: str | None = None
    """Where to say that the job has ended."""
    passing: bool = False
    """Whether the job is there for one request alone, which waits for it: nobody asks for it afterwards."""


class Key(Struct, frozen=True):
    """An Idempotency-Key and what it was used for."""

    key: str
    fingerprint: str
    """Hash of the upload."""


COLUMNS: Final = JobRow.__struct_fields__
STATES: Final = get_args(JobStatus)
LIFETIME: Final = 86_400.0
"""Seconds for which it is tried to say that a job has ended, unless the settings say otherwise."""
SELECT: Final = f"SELECT {', '.join(COLUMNS)} FROM jobs"


class JobStore:
    """The database, open."""

    def __init__(self, path: Path, lifetime: float = LIFETIME) -> None:
        """Open or create it; blocks. `lifetime`: seconds for which it is tried to say that a job has ended.

        Raises DATABASE_NEWER or DATABASE_UNUSABLE.
        """
        self.database: Final = Database(path)
        """For others who keep something in it."""
        self.outbox: Final = Outbox(self.database)
        """What is to be said of jobs that have ended."""
        self._lifetime: Final = lifetime
        try:
            rows = self.database.read_now("SELECT status, count(*) FROM jobs GROUP BY status")
        except BaseException:
            self.close()
            raise
        self.counts: Final[Counter[str]] = Counter(dict(rows))
        """Jobs by state, as of the last commit."""

    def close(self) -> None:
        """Write the log into the database and let go of it."""
        self.database.close()

    async def add(self, row: JobRow, key: Key | None, then: Callable[[JobRow], None]) -> tuple[JobRow, str | None]:
        """Add a job; where the key was used already nothing is added.

        Returns the job and, of a key that was used already, the fingerprint of what it was used for.
        """

        def work(writer: sqlite3.Connection) -> tuple[JobRow, str | None]:
            if key is not None:
                known = writer.execute("SELECT job_id, fingerprint FROM keys WHERE key = ?", (key.key,)).fetchone()
                if known is not None:
                    return _only(writer, known[0]), known[1]
            values = {name: getattr(row, name) for name in COLUMNS if name != "number"}
            marks = ", ".join(f":{name}" for name in values)
            writer.execute(f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})", values)
            if key is not None:
                writer.execute("INSERT INTO keys VALUES (?, ?, ?)", (key.key, row.job_id, key.fingerprint))
            return _only(writer, row.job_id), None

        def moved(result: tuple[JobRow, str | None]) -> None:
            if result[1] is None:
                self.counts[row.status] += 1
                then(result[0])

        return await self.database.write(work, moved)

    async def claim(self, taken: Collection[str], now: float, then: Callable[[JobRow], None]) -> JobRow | None:
        """The job to be run next, from now on `processing`: one that was interrupted, or the first of the queue."""

        def work(writer: sqlite3.Connection) -> tuple[JobRow, str] | None:
            busy = tuple(taken)
            row = writer.execute(
                f"{SELECT} WHERE status IN ('processing', 'queued') AND job_id NOT IN ({marks(busy)})"
                " ORDER BY status = 'queued', priority DESC, number LIMIT 1",
                busy,
            ).fetchone()
            if row is None:
                return None
            found = _row(row)
            writer.execute(
                "UPDATE jobs SET status = 'processing', started_at = coalesce(started_at, ?), starts = starts + 1"
                " WHERE job_id = ?",
                (now, found.job_id),
            )
            return _only(writer, found.job_id), found.status

        def moved(result: tuple[JobRow, str] | None) -> None:
            if result is not None:
                self._count(result[1], "processing")
                then(result[0])

        claimed = await self.database.write(work, moved)
        return None if claimed is None else claimed[0]

    async def finish(
        self, ended: JobRow, then: Callable[[JobRow], None], before: Sequence[str] = ("processing",)
    ) -> bool:
        """Write down how a job ended: its status, completed_at, failure, processing_time and last_seq.

        False where its state is not one of `before` any more, because it was deleted meanwhile; then nothing changes.
        """

        def work(writer: sqlite3.Connection) -> str | None:
            state = _state(writer, ended.job_id, before)
            if state is not None:
                writer.execute(
                    "UPDATE jobs SET status = ?, completed_at = ?, failure = ?, processing_time = ?, last_seq = ?"
                    " WHERE job_id = ?",
                    (
                        ended.status, ended.completed_at, ended.failure, ended.processing_time, ended.last_seq,
                        ended.job_id,
                    ),
                )  # fmt: skip
                self._say(writer, ended, ended_message(ended))
            return state

        def moved(state: str | None) -> None:
            if state is not None:
                self._count(state, ended.status)
                then(ended)

        done = await self.database.write(work, moved) is not None
        self.outbox.wake()
        return done

    async def archive(self, row: JobRow, then: Callable[[JobRow], None]) -> bool:
        """Make a job that ended `archived`; False where it was deleted meanwhile."""
        return await self._set_status(row, "archived", (row.status,), then)

    async def hide(self, row: JobRow) -> bool:
        """Make a job `deleted`: nobody finds it any more, and its keys are free; False where it was so already."""
        hidden = await self._set_status(row, "deleted", STATES, lambda _: None)
        self.outbox.wake()
        return hidden

    async def hide_passing(self) -> None:
        """Make all jobs `deleted` that were there for requests: of a server that was cut off, nobody waits for them."""

        def work(writer: sqlite3.Connection) -> Counter[str]:
            where = "WHERE passing AND status <> 'deleted'"
            found = Counter(status for (status,) in writer.execute(f"SELECT status FROM jobs {where}").fetchall())
            writer.execute(f"UPDATE jobs SET status = 'deleted' {where}")
            return found

        def moved(found: Counter[str]) -> None:
            self.counts.subtract(found)
            self.counts["deleted"] += found.total()

        await self.database.write(work, moved)

    async def _set_status(
        self, row: JobRow, status: str, before: Sequence[str], then: Callable[[JobRow], None]
    ) -> bool:
        def work(writer: sqlite3.Connection) -> str | None:
            state = _state(writer, row.job_id, before)
            if state is not None:
                writer.execute("UPDATE jobs SET status = ? WHERE job_id = ?", (status, row.job_id))
                if status == "deleted":
                    writer.execute("DELETE FROM keys WHERE job_id = ?", (row.job_id,))
                    if state in {"queued", "processing"}:
                        self._say(writer, row, cancelled_message(row))
            return state

        def moved(state: str | None) -> None:
            if state is not None:
                self._count(state, status)
                then(row)

        return await self.database.write(work, moved) is not None

    async def settled(self, job_id: str) -> None:
        """Note that the recording has got the job's name."""
        await self.database.write(
            lambda writer: writer.execute("UPDATE jobs SET origin = NULL WHERE job_id = ?", (job_id,))
        )

    async def began(self, job_id: str, journaled: int, now: float) -> tuple[int, float]:
        """Note how many answers a run found in its journal.

        Returns how many runs in a row have found as many, and when the first of them was.
        """

        def work(writer: sqlite3.Connection) -> tuple[int, float]:
            writer.execute(
                "UPDATE jobs SET starts = 1, journaled = ?, stuck_since = ? WHERE job_id = ? AND journaled < ?",
                (journaled, now, job_id, journaled),
            )
            found = writer.execute(
                "SELECT starts, coalesce(stuck_since, started_at) FROM jobs WHERE job_id = ?", (job_id,)
            ).fetchone()
            return (found[0], found[1]) if found is not None else (1, now)

        return await self.database.write(work)

    async def remove(self, job_id: str) -> None:
        """Take a deleted job out, with its keys and what was to be said of it."""

        def work(writer: sqlite3.Connection) -> None:
            writer.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))
            forget(writer, job_id)

        await self.database.write(work)
        self.counts["deleted"] -= 1

    async def get(self, job_id: str) -> JobRow | None:
        """A job; None where there is none or where it is being deleted."""
        rows = await self.database.read(f"{SELECT} WHERE job_id = ? AND status <> 'deleted'", job_id)
        return _row(rows[0]) if rows else None

    async def check(self) -> None:
        """Find out whether jobs can be read and written; raises STORAGE_FULL or DATABASE_UNUSABLE."""
        await self.database.read("SELECT number FROM jobs LIMIT 1")
        await self.database.write(lambda writer: writer.execute("UPDATE jobs SET starts = starts WHERE number = 0"))

    async def of_key(self, key: str) -> JobRow | None:
        """The job that an Idempotency-Key was used for."""
        rows = await self.database.read(
            f"{SELECT} WHERE job_id = (SELECT job_id FROM keys WHERE key = ?) AND status <> 'deleted'", key
        )
        return _row(rows[0]) if rows else None

    async def page(self, status: JobStatus | None, limit: int, offset: int) -> tuple[list[JobRow], int]:
        """Jobs, the newest first, and how many there are on all pages."""
        where, values = ("status = ?", [status]) if status is not None else ("status <> 'deleted'", [])
        # In one query, so that both are of one moment.
        rows = await self.database.read(
            f"SELECT (SELECT count(*) FROM jobs WHERE {where}), page.* FROM (SELECT 1) LEFT JOIN"
            f" ({SELECT} WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?) AS page ORDER BY number DESC",
            *values, *values, limit, min(offset, 2**62),
        )  # fmt: skip
        total = rows[0][0]
        assert isinstance(total, int)
        return [_row(row[1:]) for row in rows if row[1] is not None], total

    async def in_state(self, *states: str) -> list[JobRow]:
        """All jobs in these states, in the order in which they are run."""
        rows = await self.database.read(
            f"{SELECT} WHERE status IN ({marks(states)}) ORDER BY status = 'queued', priority DESC, number", *states
        )
        return [_row(row) for row in rows]

    async def ended_before(self, time: float, limit: int) -> list[JobRow]:
        """Jobs that completed or failed before `time`, the oldest first."""
        rows = await self.database.read(
            f"{SELECT} WHERE status IN ('completed', 'failed') AND completed_at < ? ORDER BY completed_at LIMIT ?",
            time, limit,
        )  # fmt: skip
        return [_row(row) for row in rows]

    async def speeds(self, limit: int) -> list[tuple[str, float, float]]:
        """Model, seconds of audio and seconds of processing of the last completed jobs, the latest first."""
        rows = await self.database.read(
            "SELECT model, duration, processing_time FROM jobs WHERE processing_time > 0 AND duration > 0"
            " AND status IN ('completed', 'archived') ORDER BY completed_at DESC LIMIT ?",
            limit,
        )
        return msgspec.convert(rows, list[tuple[str, float, float]])

    def _say(self, writer: sqlite3.Connection, row: JobRow, message: WebhookMessage) -> None:
        """Put into the outbox that a job has ended, in the commit that ends it."""
        if row.callback_url is not None:
            insert(writer, new_delivery(row.callback_url, message, self._lifetime))

    def _count(self, before: str, after: str) -> None:
        self.counts[before] -= 1
        self.counts[after] += 1


def _row(values: tuple[object, ...]) -> JobRow:
    return JobRow(**dict(zip(COLUMNS, values, strict=True)))  # type: ignore[arg-type]  # the tables are STRICT


def ended_message(row: JobRow) -> WebhookMessage:
    """What is said of a job that has completed or failed."""
    assert row.completed_at is not None
    ended, done = moment(row.completed_at), row.status == "completed"
    job = WebhookJob(
        job_id=row.job_id,
        status="completed" if done else "failed",
        filename=row.filename,
        created_at=moment(row.created_at),
        ended_at=ended,
        metadata=msgspec.json.decode(row.metadata, type=dict[str, object]),
        error=None if row.failure is None else msgspec.json.decode(row.failure, type=JobFailure),
        result_url=f"/api/v1/jobs/{row.job_id}/result" if done else None,
    )
    return WebhookMessage(type="job.completed" if done else "job.failed", timestamp=ended, data=job)


def cancelled_message(row: JobRow) -> WebhookMessage:
    """What is said of a job that was deleted before it had ended; nothing of it is kept, so nothing of it is said."""
    now = moment(time.time())
    job = WebhookJob(job_id=row.job_id, status="cancelled", created_at=moment(row.created_at), ended_at=now)
    return WebhookMessage(type="job.cancelled", timestamp=now, data=job)


def _state(connection: sqlite3.Connection, job_id: str, among: Sequence[str]) -> str | None:
    """The state of a job if it is one of these."""
    row = connection.execute("SELECT status FROM jobs WHERE job_id = ?", (job_id,)).fetchone()
    return row[0] if row is not None and row[0] in among else None


def _only(connection: sqlite3.Connection, job_id: str) -> JobRow:
    return _row(connection.execute(f"{SELECT} WHERE job_id = ?", (job_id,)).fetchone())
