"""Live sessions that are kept as jobs (`save`): their audio, and their result where they came to one.

The job has the id of its session. While the session goes on, a note beside its audio says what job it is to become; so
after a crash, or when the disk refused, the next start makes the job. Audio without a note is nobody's, and is removed.
"""

import os
import time
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from msgspec import Struct
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.errors import DATABASE_UNUSABLE, FILE_UNREADABLE, STORAGE_FULL, CallAnnotateError
from contracts.jobs import JobRequest
from contracts.live import SessionConfig
from contracts.options import AnnotateOptions
from runtime.intake import Intake, new_row
from runtime.job_store import JobRow, JobStore
from runtime.live_config import job_options
from runtime.settings import Settings
from runtime.spool import finish_spool
from runtime.volume import LIVE, PLACES, Volume, is_job_id, room_needed, write_whole
from stages.decode import open_audio

NOTE: Final = ".json"
OF_THE_DISK: Final = (STORAGE_FULL, DATABASE_UNUSABLE)
"""Errors after which it may work the next time."""

log: Final = structlog.get_logger()


class Note(Struct, frozen=True, kw_only=True):
    """What job a session is to become."""

    options: AnnotateOptions
    language: str | None
    created_at: float
    """Seconds since 1970."""


class LiveArchive:
    """The audio of live sessions on the volume."""

    def __init__(self, settings: Settings, volume: Volume, store: JobStore, intake: Intake) -> None:
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._intake: Final = intake
        self._limiter: Final = CapacityLimiter(2)

    async def prepare(self, session_id: str, config: SessionConfig) -> Path:
        """Where the audio of a new session goes; raises STORAGE_FULL."""
        if await to_thread.run_sync(self._volume.free, limiter=self._limiter) < self._settings.min_free_space:
            raise CallAnnotateError(STORAGE_FULL)
        if config.save:
            options = job_options(config, self._settings)
            note = Note(options=options, language=config.language, created_at=time.time())
            await to_thread.run_sync(self._write_note, session_id, note, limiter=self._limiter)
        return self._volume.spool(session_id)

    async def keep(
        self, session_id: str, created_at: float, config: SessionConfig, annotation: Annotation | None
    ) -> None:
        """Make a session's audio a job: a completed one with its result, or one that waits to be processed.

        Raises CallAnnotateError where that cannot be. What only the disk refused stays here for the next start.
        """
        note = Note(options=job_options(config, self._settings), language=config.language, created_at=created_at)
        try:
            await self._adopt(session_id, note, annotation)
        except CallAnnotateError as error:
            if error.fault not in OF_THE_DISK:
                await self.forget(session_id)
            raise

    async def forget(self, session_id: str) -> None:
        """Remove what there is of a session that is not kept."""
        await to_thread.run_sync(self._remove, session_id, limiter=self._limiter)

    async def recover(self) -> None:
        """Deal with what was left behind: sessions that were to be kept become jobs, all else is removed."""
        names = await to_thread.run_sync(os.listdir, self._volume.root / LIVE, limiter=self._limiter)
        for session_id in sorted({name.partition(".")[0] for name in names if not name.startswith(".")}):
            try:
                row = await self._store.get(session_id)
                note = await to_thread.run_sync(self._read_note, session_id, limiter=self._limiter)
                if row is not None:
                    await to_thread.run_sync(self._settle, row, limiter=self._limiter)
                elif note is not None:
                    await self._adopt(session_id, note, None)
                    log.info("session_adopted", job_id=session_id)
            except CallAnnotateError as error:
                log.warning("session_not_kept", session_id=session_id, code=error.fault.code, problem=error.message)
                if error.fault in OF_THE_DISK:
                    continue
            await self.forget(session_id)

    async def _adopt(self, session_id: str, note: Note, annotation: Annotation | None) -> None:
        spool, filename = self._volume.spool(session_id), f"live-{session_id}.wav"
        await to_thread.run_sync(_finish, spool, limiter=self._limiter)
        file = await to_thread.run_sync(open_audio, spool, note.options.channels, limiter=self._limiter)
        request = JobRequest(language=note.language)
        sent: dict[str, object] = {"source": "live", "session_id": session_id, "language": note.language or "auto"}
        row = new_row(session_id, filename, file, request, sent, note.options)
        row = replace(row, created_at=note.created_at)
        if annotation is not None:
            await to_thread.run_sync(self._write_result, session_id, annotation, limiter=self._limiter)
            row = replace(row, status="completed", started_at=note.created_at, completed_at=time.time())
        await self._intake.enlist(row, None, spool)
        await to_thread.run_sync(self._remove_note, session_id, limiter=self._limiter)

    def _write_note(self, session_id: str, note: Note) -> None:
        with room_needed():
            write_whole(self._note(session_id), msgspec.json.encode(note))

    def _write_result(self, session_id: str, annotation: Annotation) -> None:
        with room_needed():
            write_whole(self._volume.result(session_id), msgspec.json.encode(annotation))

    def _read_note(self, session_id: str) -> Note | None:
        if not is_job_id(session_id):
            return None
        try:
            return msgspec.json.decode(self._note(session_id).read_bytes(), type=Note)
        except (OSError, msgspec.DecodeError):
            return None

    def _note(self, session_id: str) -> Path:
        return self._volume.spool(session_id).with_suffix(NOTE)

    def _settle(self, row: JobRow) -> None:
        """Bring audio to its job that was not moved in time."""
        spool = self._volume.spool(row.job_id)
        if row.status in PLACES and spool.exists():
            self._volume.settle(row.job_id, row.format, row.status, spool)

    def _remove(self, session_id: str) -> None:
        self._volume.spool(session_id).unlink(missing_ok=True)
        self._remove_note(session_id)

    def _remove_note(self, session_id: str) -> None:
        self._note(session_id).unlink(missing_ok=True)


def _finish(spool: Path) -> None:
    """Bring audio to the disk as a whole recording; raises STORAGE_FULL or FILE_UNREADABLE."""
    try:
        with room_needed():
            finish_spool(spool)
    except OSError as error:
        raise CallAnnotateError(FILE_UNREADABLE, path=str(spool), cause=error.strerror or str(error)) from error
