"""The folder that everything of the server lies in: recordings by the state of their jobs, results, database and logs.

A recording lies in the folder of its job's state, under the job's id. It moves by rename, and both folders are synced,
so that after a power cut it lies in the one or in the other. Everything here blocks and belongs into a thread.
"""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from filelock import FileLock, Timeout

from contracts.errors import STORAGE_FULL, VOLUME_LOCKED, VOLUME_UNUSABLE, CallAnnotateError

INCOMING: Final = "incoming"
PROCESSING: Final = "processing"
COMPLETED: Final = "completed"
FAILED: Final = "failed"
LOGS: Final = "logs"
MODELS: Final = "models"
LIVE: Final = "live"
VOICES: Final = "voices"
FOLDERS: Final = (INCOMING, PROCESSING, COMPLETED, FAILED, LOGS, MODELS, LIVE, VOICES)
UPLOADS: Final = ".uploads"
"""Within `incoming`: uploads that are still coming in."""
PLACES: Final = {"queued": INCOMING, "processing": PROCESSING, "completed": COMPLETED, "failed": FAILED}
"""The folder of a recording by the state of its job."""
FULL: Final = (errno.ENOSPC, errno.EDQUOT)
"""What the system says of a volume without room."""


def make_root(path: Path) -> None:
    """The folder of a volume, where there is none: its owner's alone, since calls and voiceprints come to lie in it.

    One that is there keeps its rights, also those to let others drop recordings. Raises OSError.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


class Volume:
    """The folders, made and locked: one server at a time works on a volume."""

    def __init__(self, root: Path) -> None:
        self.root: Final = root.absolute()
        self.uploads: Final = self.root / INCOMING / UPLOADS
        self._lock: Final = FileLock(self.root / ".lock")

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the volume; raises VOLUME_UNUSABLE or VOLUME_LOCKED."""
        with self.explained():
            make_root(self.root)
            for folder in FOLDERS:
                (self.root / folder).mkdir(exist_ok=True)
            self.uploads.mkdir(exist_ok=True)
            self.check_writable()
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise CallAnnotateError(VOLUME_LOCKED, path=str(self.root)) from None
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turns what the system says of the volume into VOLUME_UNUSABLE."""
        try:
            yield
        except OSError as error:
            cause = error.strerror or str(error)
            raise CallAnnotateError(VOLUME_UNUSABLE, path=str(self.root), cause=cause) from error

    def check_writable(self) -> None:
        """Write a byte into each folder and take it away; raises OSError."""
        for folder in FOLDERS:
            trial = self.root / folder / ".writable"
            descriptor = os.open(trial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, b"?")
            finally:
                os.close(descriptor)
                trial.unlink(missing_ok=True)

    def free(self) -> int:
        """Bytes that are free for this process."""
        state = os.statvfs(self.root)
        return state.f_bavail * state.f_frsize

    def size(self, folder: str) -> int:
        """Bytes of the files in a folder."""
        with os.scandir(self.root / folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file(follow_symlinks=False))

    def recording(self, job_id: str, extension: str, status: str) -> Path:
        """Where the recording of a job in this state belongs."""
        return self.root / PLACES[status] / f"{job_id}.{extension}"

    def result(self, job_id: str) -> Path:
        """The result of a completed job."""
        return self.root / COMPLETED / f"{job_id}.json"

    def peaks(self, job_id: str) -> Path:
        """What the recording of a completed job looks like."""
        return self.root / COMPLETED / f"{job_id}.peaks.json"

    def corrections(self, job_id: str) -> Path:
        """What people have corrected in the result of a completed job."""
        return self.root / COMPLETED / f"{job_id}.corrections.json"

    def journal(self, job_id: str) -> Path:
        """What the networks have computed for a running job."""
        return self.root / PROCESSING / f"{job_id}.journal"

    def messages(self, job_id: str) -> Path:
        """What watchers of a running job were told."""
        return self.root / PROCESSING / f"{job_id}.messages"

    def spool(self, session_id: str) -> Path:
        """The audio of a live session, which grows."""
        return self.root / LIVE / f"{session_id}.wav"

    def sample(self, voice_id: str, sample_id: str) -> Path:
        """The audio of a sample of a known voice."""
        return self.root / VOICES / voice_id / f"{sample_id}.flac"

    def settle(self, job_id: str, extension: str, status: str, origin: Path | None = None) -> bool:
        """Move the recording to where its state wants it, from wherever it is; False where it is nowhere.

        `origin` is where it was before it got the job's name.
        """
        target = self.recording(job_id, extension, status)
        if target.exists():
            return True
        others = [self.recording(job_id, extension, state) for state in PLACES]
        for source in [origin, *others] if origin is not None else others:
            if source.exists():
                move(source, target)
                return True
        return False

    def forget_work(self, job_id: str) -> None:
        """Remove what is of use only while a job runs."""
        self.journal(job_id).unlink(missing_ok=True)
        self.messages(job_id).unlink(missing_ok=True)

    def forget(self, job_id: str, extension: str) -> None:
        """Remove everything of a job."""
        for state in PLACES:
            self.recording(job_id, extension, state).unlink(missing_ok=True)
        for path in (self.result(job_id), self.peaks(job_id), self.corrections(job_id)):
            path.unlink(missing_ok=True)
        self.forget_work(job_id)


def move(source: Path, target: Path) -> None:
    """Rename within the volume, on the disk when it returns."""
    source.rename(target)
    sync(target.parent)
    sync(source.parent)


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Write a file that is there as a whole or not at all, on the disk when it returns; raises OSError."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear(folder: Path) -> None:
    """Remove everything in a folder."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def is_job_id(text: str) -> bool:
    """Whether it is a UUID as we write it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


@contextmanager
def room_needed() -> Iterator[None]:
    """Turns what the system says of a full volume into STORAGE_FULL."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise CallAnnotateError(STORAGE_FULL) from error
        raise
