"""Known voices for one run of the command line: those of a server's volume, or a folder of voiceprint files."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import msgspec
from anyio import to_thread

from contracts.annotation import Annotation
from contracts.errors import FILE_NOT_FOUND, INVALID_OPTION, JOB_NOT_FOUND, WRONG_STATE, CallAnnotateError
from contracts.recognition import KnownVoice
from contracts.voice_errors import VOICEPRINT_UNUSABLE
from contracts.voices import VOICEPRINT_SIZE, SpeakerEnrolment, Voice
from runtime.corrections import CorrectionFiles
from runtime.database import NAME, SCHEMA, explained
from runtime.engine import load_voice_engine
from runtime.job_feed import JobFeeds
from runtime.job_store import JobStore
from runtime.logs import open_logs
from runtime.settings import Settings
from runtime.upload import Uploads
from runtime.voice_files import read_voiceprints
from runtime.voice_results import ResultForgetter
from runtime.voice_store import KNOWN, VoiceStore, known_voices
from runtime.voices import Voices
from runtime.volume import LOGS, Volume

ENDINGS: Final = (".vec", ".npy")
"""Of files of voiceprints; the rest of the name is whose they are."""


def read_known(folder: Path, model: str) -> list[KnownVoice]:
    """The voices of a volume, whether a server works on it or not, or of the files in a folder. Blocks.

    :param model: sha256 of the present voiceprint model
    Raises FILE_NOT_FOUND, INVALID_OPTION where there are none, VOICEPRINT_UNUSABLE or DATABASE_UNUSABLE.
    """
    if not folder.is_dir():
        raise CallAnnotateError(FILE_NOT_FOUND, path=str(folder))
    database = folder / NAME
    found = _of_volume(database, model) if database.is_file() else _of_files(folder, model)
    if not found:
        raise CallAnnotateError(
            INVALID_OPTION, option="--voices", problem=f"{folder} has no voice that the present model knows",
            allowed="a server's volume with enrolled voices, or a folder of .vec and .npy files",
        )  # fmt: skip
    return found


def _of_volume(database: Path, model: str) -> list[KnownVoice]:
    with explained(database), closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as reader:
        (version,) = reader.execute("PRAGMA user_version").fetchone()
        return known_voices(reader.execute(KNOWN, (model,)).fetchall()) if version == SCHEMA else []


def _of_files(folder: Path, model: str) -> list[KnownVoice]:
    found = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS):
        vectors = read_voiceprints(path, str(path), model)
        if vectors is None:
            cause = "its content is neither .npy nor numbers"
            raise CallAnnotateError(VOICEPRINT_UNUSABLE, path=str(path), cause=cause, size=VOICEPRINT_SIZE)
        found.append(KnownVoice(path.name, path.stem, vectors, path.name))
    return found


class VolumeVoices:
    """The voices of a volume that no server works on, for a command that changes them."""

    def __init__(self, settings: Settings, volume: Volume, jobs: JobStore, voices: Voices) -> None:
        self.voices: Final = voices
        self.uploads: Final = Uploads(volume, settings)
        self._jobs: Final = jobs
        self._volume: Final = volume

    async def enrol_speaker(self, job_id: str, speaker_id: str, wanted: SpeakerEnrolment) -> Voice:
        """As `Voices.enrol_speaker`. Raises JOB_NOT_FOUND or WRONG_STATE as well."""
        row = await self._jobs.get(job_id)
        if row is None:
            raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id)
        if row.status != "completed":
            needed = "There is a result once a job is completed"
            raise CallAnnotateError(WRONG_STATE, job_id=job_id, status=row.status, needed=needed)
        content = await to_thread.run_sync(self._volume.result(job_id).read_bytes)
        annotation = msgspec.json.decode(content, type=Annotation)
        audio = self._volume.recording(job_id, row.format, row.status)
        return await self.voices.enrol_speaker(wanted, annotation, audio, row.filename, job_id, speaker_id)


@asynccontextmanager
async def open_volume_voices(settings: Settings) -> AsyncIterator[VolumeVoices]:
    """Hold a volume while the body lasts.

    Raises VOLUME_UNUSABLE, VOLUME_LOCKED, DATABASE_NEWER, DATABASE_UNUSABLE, and as `load_engine`.
    """
    volume = Volume(settings.volume_path)
    with volume.opened(), open_logs(volume.root / LOGS, settings):
        jobs = await to_thread.run_sync(JobStore, volume.root / NAME)
        try:
            engine = await to_thread.run_sync(load_voice_engine, settings.threads)
            feeds = JobFeeds(volume, settings.replay_buffer, settings.watcher_buffer)
            results = ResultForgetter(volume, jobs, feeds, CorrectionFiles(volume))
            voices = Voices(settings, volume, VoiceStore(jobs.database), engine, results)
            with volume.explained():
                await voices.recover()
            yield VolumeVoices(settings, volume, jobs, voices)
        finally:
            jobs.close()
