"""The database of jobs."""

import sqlite3
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from contracts.errors import DATABASE_NEWER, DATABASE_UNUSABLE, CallAnnotateError
from runtime.database import SCHEMA, Database
from runtime.job_store import JobRow, JobStore, Key
from runtime.voice_store import VoiceStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.sqlite3"


def row(job_id: str, priority: int = 0) -> JobRow:
    return JobRow(
        job_id=job_id, priority=priority, created_at=1.0, filename="call.wav", size=10, format="wav", duration=1.0,
        sample_rate=8000, channels=1, metadata=b"{}", options=b"{}", model="whisper-base",
    )  # fmt: skip


def nothing(_: JobRow) -> None:
    pass


async def add(store: JobStore, *rows: JobRow) -> None:
    for own in rows:
        await store.add(own, None, nothing)


async def claimed(store: JobStore, *taken: str) -> str | None:
    found = await store.claim(taken, 2.0, nothing)
    return None if found is None else found.job_id


async def test_jobs_are_claimed_by_priority_and_then_in_the_order_of_their_coming(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"), row("b", 5), row("c"), row("d", 5), row("e", 9))
    order: list[str] = []
    while (job_id := await claimed(store, *order)) is not None:
        order.append(job_id)
    assert order == ["e", "b", "d", "a", "c"]
    assert store.counts["processing"] == 5
    store.close()


async def test_a_job_that_was_interrupted_comes_before_every_other(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"))
    assert await claimed(store) == "a"
    await add(store, row("b", 9))
    store.close()
    store = JobStore(path)
    assert await claimed(store) == "a"
    assert await claimed(store, "a") == "b"
    found = await store.get("a")
    assert found is not None
    assert (found.starts, found.started_at) == (2, 2.0)
    assert dict(store.counts) == {"processing": 2, "queued": 0}
    store.close()


async def test_what_belongs_to_a_change_happens_before_the_next_one(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"), row("b"))
    taken: set[str] = set()
    found: list[str] = []

    async def worker() -> None:
        own = await store.claim(taken, 2.0, lambda row: taken.add(row.job_id))
        found.extend([own.job_id] if own is not None else [])

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(worker)
    assert sorted(found) == ["a", "b"]
    store.close()


async def test_a_key_that_was_used_adds_nothing_and_tells_what_it_was_used_for(path: Path) -> None:
    store = JobStore(path)
    assert await store.add(row("a"), Key("k", "one"), nothing) == (replace(row("a"), number=1), None)
    assert await store.add(row("b"), Key("k", "two"), nothing) == (replace(row("a"), number=1), "one")
    assert await store.get("b") is None
    assert store.counts == {"queued": 1}
    store.close()


async def test_a_job_that_is_hidden_is_found_nowhere_and_its_key_is_free(path: Path) -> None:
    store = JobStore(path)
    (own, _) = await store.add(row("a"), Key("k", "one"), nothing)
    assert await store.hide(own)
    assert not await store.hide(own)
    assert await store.get("a") is None
    assert await store.of_key("k") is None
    assert await store.page(None, 10, 0) == ([], 0)
    assert await claimed(store) is None
    assert [hidden.job_id for hidden in await store.in_state("deleted")] == ["a"]
    assert not await store.finish(replace(own, status="completed"), nothing)
    assert not await store.archive(own, nothing)
    await store.remove("a")
    assert await store.in_state("deleted") == []
    store.close()


async def test_a_job_ends_once(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"))
    await claimed(store)
    ended = replace(row("a"), status="completed", completed_at=3.0, processing_time=1.5, last_seq=7)
    assert await store.finish(ended, nothing)
    assert not await store.finish(replace(ended, status="failed"), nothing)
    found = await store.get("a")
    assert found is not None
    assert (found.status, found.completed_at, found.processing_time, found.last_seq) == ("completed", 3.0, 1.5, 7)
    assert await store.speeds(10) == [("whisper-base", 1.0, 1.5)]
    store.close()


async def test_jobs_that_ended_long_ago_are_found_the_oldest_first(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"), row("b"), row("c"), row("d"))
    for job_id, time in (("a", 30.0), ("b", 10.0), ("c", 99.0)):
        await store.finish(replace(row(job_id), status="failed", completed_at=time), nothing, ("queued",))
    assert [old.job_id for old in await store.ended_before(50.0, 10)] == ["b", "a"]
    store.close()


async def test_what_was_committed_is_there_for_another_connection_at_once(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"))
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT job_id, status FROM jobs").fetchall() == [("a", "queued")]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    store.close()


def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        other.execute("CREATE TABLE jobs (other TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(CallAnnotateError, match=f"schema {SCHEMA + 1}") as caught:
        JobStore(path)
    assert caught.value.fault is DATABASE_NEWER
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"This is no database. " * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_an_error(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CallAnnotateError) as caught:
        JobStore(path)
    assert caught.value.fault is DATABASE_UNUSABLE


async def test_a_commit_that_fails_changes_nothing_and_the_next_one_works(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"))
    with pytest.raises(CallAnnotateError) as caught:
        await add(store, row("a"))
    assert caught.value.fault is DATABASE_UNUSABLE
    await add(store, row("b"))
    assert store.counts == {"queued": 2}
    store.close()


async def test_a_run_that_found_more_in_its_journal_does_not_count_against_the_job(path: Path) -> None:
    store = JobStore(path)
    await add(store, row("a"))
    found: list[tuple[int, float]] = []
    for journaled in (0, 0, 3, 3, 3, 4):
        await claimed(store)
        found.append(await store.began("a", journaled, 10.0 + len(found)))
    assert found == [(1, 2.0), (2, 2.0), (1, 12.0), (2, 12.0), (3, 12.0), (1, 15.0)]
    assert await store.began("unknown", 1, 5.0) == (1, 5.0)
    store.close()


def test_a_database_without_its_tables_is_an_error(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA}")
    other.close()
    with pytest.raises(CallAnnotateError, match="no such table") as caught:
        JobStore(path)
    assert caught.value.fault is DATABASE_UNUSABLE


@pytest.fixture
def first_version(path: Path) -> Path:
    """A database that the version before voices wrote."""
    path.write_bytes((Path(__file__).parents[1] / "data" / "schema-1.sqlite3").read_bytes())
    return path


async def test_a_database_of_the_first_version_is_carried_over_with_its_jobs(first_version: Path) -> None:
    path = first_version
    store = JobStore(path)
    assert store.counts == {"queued": 1, "completed": 1}
    found = await store.of_key("call-1")
    assert found is not None
    assert (found.status, found.last_seq, found.metadata) == ("completed", 9, b'{"order":17}')
    voices = VoiceStore(store.database)
    assert await voices.page(None, 10, 0) == ([], 0)
    store.close()
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
        fresh = Database(path.with_name("fresh.sqlite3"))
        tables = "SELECT name, sql FROM sqlite_schema ORDER BY name"
        assert other.execute(tables).fetchall() == fresh.read_now(tables)
        fresh.close()
    other.close()


def test_carrying_over_that_fails_changes_nothing(first_version: Path) -> None:
    path = first_version
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE samples (in_the_way TEXT)")
    other.close()
    with pytest.raises(CallAnnotateError, match="samples"):
        JobStore(path)
    with sqlite3.connect(path) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (1,)
        assert other.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'voices'").fetchone() == (0,)
    other.close()
