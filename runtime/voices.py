"""Known voices: enrolled, listed, renamed, deleted, and handed to those who recognise them.

What is enrolled is a FLAC file of one person's speech: its voiceprints go into the database, and the file itself to
`voices/<voice_id>/` on the volume, unless `keep_voice_samples` is off. Neither a name, nor a file's name, nor a
voiceprint is ever logged.
"""

import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

import structlog
from anyio import CancelScope, CapacityLimiter, Lock, sleep_forever, to_thread
from msgspec import Struct
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.errors import STORAGE_FULL, CallAnnotateError
from contracts.recognition import Enrolled
from contracts.voice_errors import SPEAKER_NOT_FOUND, VOICE_STALE
from contracts.voices import (
    SampleRequest,
    SampleSource,
    SpeakerEnrolment,
    Voice,
    VoicePage,
    VoiceprintFormat,
    VoiceRequest,
    VoiceUpdate,
)
from models.store import ensure
from runtime.call import enrol_voice
from runtime.engine import VOICEPRINT, Engine
from runtime.job_views import renamed
from runtime.json_request import read_struct
from runtime.sample_audio import save_sample, save_turns, spans_of
from runtime.settings import Settings
from runtime.upload import Upload
from runtime.voice_files import Vectors, read_voiceprints, write_voiceprints
from runtime.voice_results import ResultForgetter, voices_in, without_voices
from runtime.voice_store import SampleRow, VoiceRow, VoiceStore
from runtime.voice_views import voice_view
from runtime.volume import VOICES, Volume, move, room_needed, sync
from stages.decode import open_audio
from stages.matching import KnownVoices

log: Final = structlog.get_logger()


class VoiceprintFile(Struct, frozen=True):
    """Voiceprints on their way out."""

    content: bytes
    model: str
    """sha256 of the model that made them."""


class _Sample(Struct, frozen=True):
    """A sample that was found good."""

    vectors: Vectors
    source: SampleSource
    filename: str
    speech: float | None = None
    """Seconds."""
    duration: float | None = None
    """Seconds."""
    audio: Path | None = None
    """FLAC; None for voiceprints."""
    job_id: str | None = None
    speaker_id: str | None = None


class Voices:
    """All known voices of a volume. Every method but `recover` is for the event loop; none of them blocks it."""

    def __init__(
        self, settings: Settings, volume: Volume, store: VoiceStore, engine: Engine, results: ResultForgetter
    ) -> None:
        self._settings: Final = settings
        self._volume: Final = volume
        self._store: Final = store
        self._engine: Final = engine
        self._results: Final = results
        self.model: Final = voiceprint_model(engine)
        """sha256 of the present voiceprint model."""
        self._files: Final = CapacityLimiter(1)
        self._enrolling: Final = Lock()
        """One sample at a time goes through the networks: jobs and live sessions need them too."""
        self._reading: Final = Lock()
        self._changes = 0
        """Times that what is known has changed."""
        self._snapshot: tuple[int, KnownVoices] | None = None
        """What was known after so many changes."""

    async def known(self) -> KnownVoices:
        """Every voice as it is now, for those who recognise."""
        async with self._reading:
            if self._snapshot is None or self._snapshot[0] != self._changes:
                changes = self._changes
                found = await self._store.known(self.model)
                known = await to_thread.run_sync(KnownVoices.of, found, limiter=self._files)
                self._snapshot = changes, known
            return self._snapshot[1]

    async def page(self, name: str | None, limit: int, offset: int) -> VoicePage:
        """Voices in the order of their names."""
        rows, total = await self._store.page(name, limit, offset)
        voices = tuple(voice_view(voice, samples, self.model) for voice, samples in rows)
        return VoicePage(voices=voices, total=total, limit=limit, offset=offset)

    async def get(self, voice_id: str) -> Voice:
        """Raises VOICE_NOT_FOUND."""
        voice, samples = await self._store.get(voice_id)
        return voice_view(voice, samples, self.model)

    async def admit(self) -> None:
        """Raises STORAGE_FULL where there is no room for a sample."""
        if await to_thread.run_sync(self._volume.free, limiter=self._files) < self._settings.min_free_space:
            raise CallAnnotateError(STORAGE_FULL)

    async def enrol(self, upload: Upload, metadata: bytes) -> Voice:
        """A new voice with its first sample: a recording, or voiceprints.

        Raises INVALID_JSON, INVALID_FIELD, VOICE_EXISTS, STORAGE_FULL, what is wrong with the file, or why it is no
        good sample.
        """
        request, _ = read_struct(metadata, VoiceRequest, "metadata")
        await self._store.check_name(request.name)
        sample = await self._sample_of(upload)
        return await self._add(request.name, request.note, sample)

    async def add_sample(self, voice_id: str, upload: Upload, metadata: bytes) -> Voice:
        """Another sample of a voice. Raises as `enrol`, or VOICE_NOT_FOUND, or VOICE_FULL."""
        read_struct(metadata, SampleRequest, "metadata")
        await self._store.check_room(voice_id)
        return await self._add_to(voice_id, await self._sample_of(upload))

    async def enrol_speaker(
        self, wanted: SpeakerEnrolment, annotation: Annotation, audio: Path, filename: str, job_id: str, speaker_id: str
    ) -> Voice:
        """A speaker of a job becomes a sample of a new voice, or of a known one.

        Raises SPEAKER_NOT_FOUND, VOICE_NOT_FOUND, VOICE_EXISTS, VOICE_FULL, STORAGE_FULL, FILE_NOT_FOUND where the
        recording was removed meanwhile, or why it is no good sample.
        """
        channels = {speaker.speaker_id: speaker.channel for speaker in annotation.speakers}
        if speaker_id not in channels:
            there = ", ".join(channels) or "none, for nobody speaks"
            raise CallAnnotateError(SPEAKER_NOT_FOUND, job_id=job_id, speaker_id=speaker_id, allowed=there)
        if isinstance(wanted.name, str):
            await self._store.check_name(wanted.name)
        if isinstance(wanted.voice_id, str):
            await self._store.check_room(wanted.voice_id)
        layout = annotation.metadata.channels

        def cut(target: Path) -> float:
            source = open_audio(audio, layout if layout == "two-sided" else "mono")
            spans = spans_of(annotation.turns, speaker_id, self._settings.max_sample_duration)
            return save_turns(source, target, spans, channels[speaker_id] or 0)

        name = f"{speaker_id} of {filename}"
        sample = await self._enrolled(cut, name, "job", job_id=job_id, speaker_id=speaker_id)
        if isinstance(wanted.name, str):
            return await self._add(wanted.name, wanted.note, sample)
        assert isinstance(wanted.voice_id, str)  # there is one of the two
        return await self._add_to(wanted.voice_id, sample)

    async def rename(self, voice_id: str, wanted: VoiceUpdate) -> Voice:
        """Raises VOICE_NOT_FOUND or VOICE_EXISTS."""
        await self._store.rename(voice_id, wanted.name.strip(), wanted.note, time.time())
        self._changed()
        await self._scrub()  # the old name
        return await self.get(voice_id)

    async def delete(self, voice_id: str, *, forget_results: bool = False) -> None:
        """Remove a voice and every trace of it on the volume, its name in results included where that is wanted.

        Raises VOICE_NOT_FOUND, or STORAGE_FULL where results cannot be written.
        """
        voice = await self.get(voice_id)
        began = time.time()
        with CancelScope(shield=True):
            if forget_results:
                # Before, so that it can be asked for again where the disk refuses; and again for what ended meanwhile.
                await self._results.forget(voice_id)
                await self._results.forget_names(voice)
            folder = self._volume.root / VOICES / voice_id
            await self._store.remove(voice_id, lambda _: _remove(folder))
            self._changed()
            await self._scrub()
            log.info("voice_deleted", voice_id=voice_id)
            if forget_results:
                await self._results.forget(voice_id, since=began)

    async def delete_sample(self, voice_id: str, sample_id: str) -> None:
        """Remove a sample and every trace of it on the volume. Raises VOICE_NOT_FOUND or SAMPLE_NOT_FOUND."""
        with CancelScope(shield=True):
            path = self._volume.sample(voice_id, sample_id)
            await self._store.remove_sample(voice_id, sample_id, time.time(), lambda _: path.unlink(missing_ok=True))
            self._changed()
            await self._scrub()
        log.info("sample_deleted", voice_id=voice_id, sample_id=sample_id)

    async def voiceprints(self, voice_id: str, kind: VoiceprintFormat) -> VoiceprintFile:
        """The voiceprints of a voice as a file. Raises VOICE_NOT_FOUND or VOICE_STALE."""
        await self._store.get(voice_id)
        vectors = await self._store.vectors(voice_id, self.model)
        if not len(vectors):
            raise CallAnnotateError(VOICE_STALE, voice_id=voice_id)
        return VoiceprintFile(write_voiceprints(vectors, kind, self.model), self.model)

    async def as_known_now(self, annotation: Annotation) -> Annotation:
        """A result without the voices that were deleted while it was made."""
        named = voices_in(annotation)
        gone = named - await self._store.ids() if named else set()
        return without_voices(annotation, gone) if gone else annotation

    async def recover(self) -> None:
        """Before anything else is at work: remove the audio that no sample in the database knows."""
        kept = {self._volume.sample(row.voice_id, row.sample_id) for row in await self._store.all_samples()}
        await to_thread.run_sync(_tidy, self._volume.root / VOICES, kept, limiter=self._files)

    async def run(self) -> None:
        """Make voiceprints by the present model of samples that have another one's, then wait to be cancelled."""
        try:
            await self.renew([row for row in await self._store.stale(self.model) if row.audio_kept])
        except (OSError, CallAnnotateError) as error:
            # They stay stale until the next start; health says what the disk is like.
            log.error("disk_fails", task="voices", problem=str(error))
        await sleep_forever()

    async def renew(self, rows: list[SampleRow]) -> int:
        """Enrol these samples anew from their audio; returns how many could be."""
        done = 0
        for row in rows:
            path = self._volume.sample(row.voice_id, row.sample_id)
            try:
                enrolled = await self._through_networks(path)
            except CallAnnotateError as error:
                log.warning("sample_stays_stale", sample_id=row.sample_id, code=error.fault.code)
                continue
            new = replace(row, model=self.model, speech=enrolled.seconds)
            await self._store.renew(new, enrolled.vectors)
            self._changed()
            done += 1
        if rows:
            log.info("samples_renewed", done=done, stale=len(rows) - done)
        return done

    async def renew_all(self) -> int:
        """Enrol all samples of all voices anew whose audio was kept."""
        return await self.renew([row for row in await self._store.all_samples() if row.audio_kept])

    async def renew_voice(self, voice_id: str) -> int:
        """Enrol all samples of a voice anew whose audio was kept. Raises VOICE_NOT_FOUND."""
        _, samples = await self._store.get(voice_id)
        return await self.renew([row for row in samples if row.audio_kept])

    async def _sample_of(self, upload: Upload) -> _Sample:
        """What was uploaded, found good."""
        await upload.finish()
        name = upload.filename
        vectors = await to_thread.run_sync(read_voiceprints, upload.path, name, self.model, limiter=self._files)
        if vectors is not None:
            return _Sample(vectors, "import", name)
        longest = self._settings.max_sample_duration

        def save(target: Path) -> float:
            return save_sample(open_audio(upload.path, "mono"), target, longest, name)

        return await self._enrolled(save, name, "upload")

    async def _enrolled(self, save: Callable[[Path], float], name: str, source: SampleSource, **origin: str) -> _Sample:
        """Write a sample's audio, and take its voiceprints. Raises why it is no good sample."""
        target = self._volume.uploads / f"{uuid4()}.flac"
        try:
            with _named(name):
                duration = await to_thread.run_sync(save, target, limiter=self._files)
                enrolled = await self._through_networks(target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        return _Sample(enrolled.vectors, source, name, enrolled.seconds, duration, target, **origin)

    async def _through_networks(self, path: Path) -> Enrolled:
        async with self._enrolling:
            file = await to_thread.run_sync(open_audio, path, "mono", limiter=self._files)
            return await enrol_voice(self._engine, file)

    async def _add(self, name: str, note: str, sample: _Sample) -> Voice:
        """Raises VOICE_EXISTS."""
        now, voice_id = time.time(), str(uuid4())
        voice = VoiceRow(voice_id=voice_id, name=name.strip(), note=note, created_at=now, updated_at=now)
        await self._keep(voice_id, sample, lambda row: self._store.add(voice, row, sample.vectors))
        log.info("voice_enrolled", voice_id=voice_id, source=sample.source)
        return await self.get(voice_id)

    async def _add_to(self, voice_id: str, sample: _Sample) -> Voice:
        """Raises VOICE_NOT_FOUND or VOICE_FULL."""
        await self._keep(voice_id, sample, lambda row: self._store.add_sample(row, sample.vectors))
        log.info("sample_added", voice_id=voice_id, source=sample.source)
        return await self.get(voice_id)

    async def _keep(self, voice_id: str, sample: _Sample, write: Callable[[SampleRow], Awaitable[None]]) -> None:
        """Put the audio where it belongs, or remove it, and write the sample down."""
        row = SampleRow(
            sample_id=str(uuid4()),
            voice_id=voice_id,
            created_at=time.time(),
            source=sample.source,
            filename=sample.filename,
            job_id=sample.job_id,
            speaker_id=sample.speaker_id,
            duration=sample.duration,
            speech=sample.speech,
            model=self.model,
            audio_kept=int(sample.audio is not None and self._settings.keep_voice_samples),
        )
        path = self._volume.sample(voice_id, row.sample_id)
        with CancelScope(shield=True):
            try:
                if sample.audio is not None and row.audio_kept:
                    await to_thread.run_sync(_place, sample.audio, path, limiter=self._files)
                await write(row)
            except BaseException:
                await to_thread.run_sync(_take_away, path, limiter=self._files)
                raise
            finally:
                if sample.audio is not None:
                    sample.audio.unlink(missing_ok=True)
        self._changed()

    def _changed(self) -> None:
        """What is known has changed; voices that were deleted are not to stay in memory either."""
        self._changes += 1
        self._snapshot = None

    async def _scrub(self) -> None:
        if not await self._store.database.scrub():
            log.warning("log_not_emptied")  # a reader from outside holds it; the next time, or the next start


def voiceprint_model(engine: Engine) -> str:
    """sha256 of the voiceprint model; it may block to tell where another pipeline diarizes."""
    found = next((model.sha256 for model in engine.models if model.kind == "voiceprint"), None)
    return found if found is not None else ensure(VOICEPRINT, "voiceprint").sha256


@contextmanager
def _named(filename: str) -> Iterator[None]:
    """Errors about a file of ours name the client's."""
    try:
        yield
    except CallAnnotateError as error:
        raise renamed(error, filename) from error


def _place(audio: Path, target: Path) -> None:
    """Move a sample's audio to its voice."""
    with room_needed():
        target.parent.mkdir(mode=0o700, exist_ok=True)
        move(audio, target)
        sync(target.parent.parent)


def _take_away(path: Path) -> None:
    """Remove the audio of a sample that could not be written down, and the folder that was made for it."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
        sync(folder.parent)


def _tidy(root: Path, kept: set[Path]) -> None:
    """Remove what is not to be kept, and folders that nothing is left in."""
    for folder in [entry for entry in root.iterdir() if entry.is_dir() and not entry.is_symlink()]:
        for path in folder.iterdir():
            if path not in kept:
                log.warning("sample_removed", path=str(path.relative_to(root)))
                path.unlink()
        with suppress(OSError):
            folder.rmdir()
