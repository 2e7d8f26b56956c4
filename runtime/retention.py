"""Archives jobs that ended long ago: recording and result are removed, the row is kept."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from anyio import CapacityLimiter, sleep, to_thread

from contracts.errors import CallAnnotateError
from runtime.job_store import JobRow, JobStore
from runtime.settings import Settings
from runtime.volume import FAILED, Volume

DAY: Final = 86_400
"""Seconds."""
AT_ONCE: Final = 100
"""Jobs that are asked for at a time."""

log: Final = structlog.get_logger()


class Retention:
    """Looks for jobs to archive again and again."""

    def __init__(self, settings: Settings, volume: Volume, store: JobStore) -> None:
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._limiter: Final = CapacityLimiter(1)

    async def run(self) -> None:
        """Look until cancelled; a disk that fails is for people to put right, and health says so meanwhile."""
        while True:
            try:
                await self.look()
            except (OSError, CallAnnotateError) as error:
                log.error("disk_fails", task="retention", problem=str(error))
            await sleep(self._settings.archive_interval)

    async def look(self) -> None:
        """Archive what is old enough."""
        oldest = time.time() - self._settings.retention_days * DAY
        while rows := await self._store.ended_before(oldest, AT_ONCE):
            for row in rows:
                if await self._store.archive(row, self._remove):
                    log.info("job_archived", job_id=row.job_id)
        await self._store.outbox.clear(oldest)
        await to_thread.run_sync(remove_rejected, self._volume.root / FAILED, oldest, limiter=self._limiter)

    def _remove(self, row: JobRow) -> None:
        self._volume.forget(row.job_id, row.format)


def remove_rejected(folder: Path, oldest: float) -> None:
    """Remove what the hot folder put away before that time; its reason lies beside it."""
    for reason in folder.glob("*.error.json"):
        with suppress(FileNotFoundError):  # somebody else may clear up at the same time
            if reason.stat().st_mtime < oldest:
                reason.with_name(reason.name.removesuffix(".error.json")).unlink(missing_ok=True)
                reason.unlink(missing_ok=True)
