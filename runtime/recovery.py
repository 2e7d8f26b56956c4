"""What is done before the server begins: after a crash every job is where it was, and the database decides.

A change of state is one commit, and moving files follows it. So a crash in between leaves files where the state before
wanted them, and here they are moved on. A recording in `processing` that no job knows goes back to `incoming`, where
the hot folder takes it; any other file that no job knows is left alone and reported.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from msgspec.structs import replace

from contracts.errors import FILE_NOT_FOUND, CallAnnotateError
from runtime.job_feed import JobFeeds
from runtime.job_progress import WAITING
from runtime.job_store import JobRow, JobStore
from runtime.job_views import error_message, failure_of, queued_message
from runtime.volume import COMPLETED, FAILED, INCOMING, PLACES, PROCESSING, Volume, clear, is_job_id, move
from stages.sound import shown

WORK: Final = (".journal", ".messages")
"""Endings of what is of use only while a job runs."""

log: Final = structlog.get_logger()


async def recover(volume: Volume, store: JobStore, feeds: JobFeeds) -> None:
    """Bring the files in line with the database; nothing else may be at work."""
    limiter = CapacityLimiter(1)
    await store.hide_passing()
    for row in await store.in_state("deleted"):
        await to_thread.run_sync(volume.forget, row.job_id, row.format, limiter=limiter)
        await store.remove(row.job_id)
    for row in await store.in_state("processing", "queued"):
        await feeds.resume(queued_message(row, WAITING))
        there = await to_thread.run_sync(_settle, volume, row, limiter=limiter)
        if not there:
            await _lose(store, feeds, row)
        elif row.origin is not None:
            await store.settled(row.job_id)
        if there and row.status == "processing":
            log.info("job_recovered", job_id=row.job_id)
    await to_thread.run_sync(clear, volume.uploads, limiter=limiter)
    for folder in (PROCESSING, COMPLETED, FAILED):
        names = await to_thread.run_sync(os.listdir, volume.root / folder, limiter=limiter)
        for job_id, own in _by_job(names).items():
            known = await store.get(job_id) if job_id else None
            await to_thread.run_sync(_sort, volume, folder, own, known, limiter=limiter)
    for row in await store.in_state("completed"):
        if not await to_thread.run_sync(volume.result(row.job_id).exists, limiter=limiter):
            await _lose(store, feeds, row)


def _settle(volume: Volume, row: JobRow) -> bool:
    """Whether the recording of a job that has not ended is where it belongs."""
    spool = volume.spool(row.job_id)
    origin = spool if spool.is_file() else volume.uploads / row.job_id
    if row.origin is not None:
        dropped = volume.root / INCOMING / os.fsdecode(row.origin)
        if dropped.is_file() and dropped.stat().st_size == row.size:
            origin = dropped
    return volume.settle(row.job_id, row.format, row.status, origin)


async def _lose(store: JobStore, feeds: JobFeeds, row: JobRow) -> None:
    """The recording of a job that has not ended, or the result of one that has, is gone."""
    log.error("file_lost", job_id=row.job_id, filename=row.filename)
    last = feeds.last(row.job_id)
    ended = replace(
        row,
        status="failed",
        completed_at=time.time(),
        failure=msgspec.json.encode(failure_of(CallAnnotateError(FILE_NOT_FOUND, path=row.filename), row.filename)),
        last_seq=1 + (last.seq if last is not None else row.last_seq),
    )
    await store.finish(ended, lambda _: None, (row.status,))
    if last is not None:
        feeds.end(error_message(ended))


def _by_job(names: Iterable[str]) -> dict[str, list[str]]:
    """The names by the ids of the jobs that they may belong to; "" for those that belong to none."""
    found: dict[str, list[str]] = {}
    for name in names:
        stem = name.partition(".")[0]
        found.setdefault(stem if is_job_id(stem) else "", []).append(name)
    return found


def _sort(volume: Volume, folder: str, names: list[str], row: JobRow | None) -> None:
    """Deal with the files of a folder that belong to one job, or to none."""
    for name in names:
        path = volume.root / folder / name
        ended = row is None or row.status not in {"queued", "processing"}
        if name.startswith("."):
            if path.is_file():
                path.unlink()  # it was being written
        elif path.suffix in WORK:
            if ended and folder == PROCESSING:
                path.unlink()
        elif row is None:
            _report(volume, folder, path)
        elif row.status == "archived":
            path.unlink()
        elif path.suffix != ".json":
            volume.settle(row.job_id, row.format, row.status)


def _report(volume: Volume, folder: str, path: Path) -> None:
    """A file that no job knows."""
    if folder == PROCESSING and path.is_file():
        log.warning("orphan_adopted", file=shown(path))
        move(path, volume.root / PLACES["queued"] / path.name)
    elif not path.name.endswith(".error.json"):
        log.warning("orphan_found", file=shown(path))
