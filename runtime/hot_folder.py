"""The hot folder: complete recordings that somebody puts into `incoming` become jobs.

A file is complete when two looks in a row find it with the same size, time and inode. One that was renamed into place
is complete from the start, and is taken at the second look as well.
"""

import os
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
import structlog
from anyio import CapacityLimiter, sleep, to_thread

from contracts.errors import FILE_NOT_FOUND, FILE_UNREADABLE, CallAnnotateError
from contracts.jobs import JobRequest
from runtime.intake import Intake, new_row
from runtime.job_request import options_of, safe_name
from runtime.job_store import JobStore
from runtime.job_views import failure_of
from runtime.settings import Settings
from runtime.volume import FAILED, INCOMING, Volume, is_job_id, move, sync, write_whole

UNFINISHED: Final = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download")
"""Endings by which programs mark what they are still writing."""
LATER: Final = (FILE_NOT_FOUND, FILE_UNREADABLE)
"""What may be over at the next look."""

State = tuple[int, int, int]
"""Bytes, nanoseconds of the last change, inode."""

log: Final = structlog.get_logger()


class HotFolder:
    """Looks into `incoming` again and again."""

    def __init__(self, settings: Settings, volume: Volume, store: JobStore, intake: Intake) -> None:
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._intake: Final = intake
        self._limiter: Final = CapacityLimiter(1)
        self._seen: dict[str, State] = {}
        """Files as the look before found them."""

    async def run(self) -> None:
        """Look until cancelled; a disk that fails is for people to put right, and health says so meanwhile."""
        while True:
            try:
                await self.look()
            except (OSError, CallAnnotateError) as error:
                log.error("disk_fails", task="hot_folder", problem=str(error))
            await sleep(self._settings.queue_poll_interval)

    async def look(self) -> None:
        """Take the files that have not changed since the look before."""
        found = await to_thread.run_sync(files_in, self._volume.root / INCOMING, limiter=self._limiter)
        complete = [name for name, state in found.items() if self._seen.get(name) == state]
        self._seen = found
        for name in complete:
            stem = name.partition(".")[0]
            if not (is_job_id(stem) and await self._store.get(stem) is not None):
                await self._take(name)

    async def _take(self, name: str) -> None:
        path = self._volume.root / INCOMING / name
        options = options_of(JobRequest(), self._settings)
        try:
            self._intake.check_room()
        except CallAnnotateError:
            return  # it stays where it is until there is room
        filename = safe_name(os.fsencode(name).decode(errors="replace"))
        try:
            file = await self._intake.look_at(path, options, filename)
        except CallAnnotateError as error:
            if error.fault not in LATER:
                await self._reject(path, filename, error)
            return
        row = new_row(str(uuid4()), filename, file, JobRequest(), {}, options, os.fsencode(name))
        await to_thread.run_sync(sync, path, limiter=self._limiter)
        await self._intake.enlist(row, None, path)

    async def _reject(self, path: Path, filename: str, error: CallAnnotateError) -> None:
        """Put what is no recording away, with the reason beside it."""
        failure = failure_of(error, filename)
        log.warning("file_rejected", file=filename, code=failure.code, problem=failure.message)
        target = self._volume.root / FAILED / f"{uuid4()} {path.name}"
        await to_thread.run_sync(_put_away, path, target, msgspec.json.encode(failure), limiter=self._limiter)


def files_in(folder: Path) -> dict[str, State]:
    """The files of a folder that may be recordings, and how they are; blocks."""
    states: dict[str, State] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.lower().endswith(UNFINISHED):
                continue
            try:
                if not entry.is_file(follow_symlinks=False):
                    continue
                state = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if state.st_size:
                states[entry.name] = (state.st_size, state.st_mtime_ns, state.st_ino)
    return states


def _put_away(path: Path, target: Path, reason: bytes) -> None:
    move(path, target)
    write_whole(target.with_name(f"{target.name}.error.json"), reason)
