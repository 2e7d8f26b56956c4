"""Corrections of results: kept beside the machine's version, one file for each job that has any."""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CancelScope, CapacityLimiter, Lock, to_thread
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.corrections import (
    Corrections,
    CorrectionsUpdate,
    SegmentCorrection,
    SpeakerCorrection,
    WordCorrection,
)
from contracts.errors import CORRECTIONS_CHANGED, INVALID_FIELD, CallAnnotateError
from runtime.corrected import corrected
from runtime.job_views import moment
from runtime.volume import Volume, room_needed, write_whole

log: Final = structlog.get_logger()


class CorrectionFiles:
    """The files of all corrections. Every method is for the event loop; none of them blocks it."""

    def __init__(self, volume: Volume) -> None:
        self._volume: Final = volume
        self._lock: Final = Lock()
        """Held from reading to writing: a change rests on what was read."""
        self.limiter: Final = CapacityLimiter(1)

    async def read(self, job_id: str) -> Corrections:
        """None of them where there is no file."""
        return await to_thread.run_sync(_read, self._volume.corrections(job_id), job_id, limiter=self.limiter)

    async def change(
        self, job_id: str, change: Callable[[Corrections], Corrections], check: Callable[[str], Awaitable[object]]
    ) -> Corrections:
        """Write what `change` makes of them, unless that is what they are.

        `check` raises where the job is gone by then; whatever is raised, nothing is left of the change.
        """
        with CancelScope(shield=True):
            async with self._lock:
                found = await self.read(job_id)
                changed = change(found)
                if changed is found:
                    return found
                made = replace(changed, revision=found.revision + 1, updated_at=moment(time.time()))
                path = self._volume.corrections(job_id)
                await to_thread.run_sync(_save, path, made, limiter=self.limiter)
                try:
                    await check(job_id)
                except (CallAnnotateError, FileNotFoundError):
                    # It was deleted or archived meanwhile.
                    await to_thread.run_sync(_remove, path, limiter=self.limiter)
                    raise
        log.info("result_corrected", job_id=job_id, revision=made.revision)
        return made


class CorrectionStore:
    """The corrections of all jobs, held against their results."""

    def __init__(self, files: CorrectionFiles, result: Callable[[str], Awaitable[Annotation]]) -> None:
        """`result` gives the machine's version; raises JOB_NOT_FOUND or WRONG_STATE."""
        self._files: Final = files
        self._result: Final = result

    async def get(self, job_id: str) -> Corrections:
        """Raises JOB_NOT_FOUND or WRONG_STATE."""
        await self._result(job_id)
        return await self._files.read(job_id)

    async def applied(self, job_id: str, annotation: Annotation) -> Annotation:
        """The result with its corrections."""
        found = await self._files.read(job_id)
        return await to_thread.run_sync(corrected, annotation, found, limiter=self._files.limiter)

    async def change(self, job_id: str, update: CorrectionsUpdate, etag: str | None) -> Corrections:
        """Make and take back corrections; nothing is changed where `etag` is another one's.

        Raises JOB_NOT_FOUND, WRONG_STATE, INVALID_FIELD, CORRECTIONS_CHANGED or STORAGE_FULL.
        """
        annotation = await self._result(job_id)
        check_places(update, annotation)
        return await self._write(job_id, etag, lambda found: merged(found, update))

    async def clear(self, job_id: str, etag: str | None) -> Corrections:
        """Take all corrections back. Raises as `change` does."""
        await self._result(job_id)
        return await self._write(job_id, etag, lambda found: replace(found, speakers=(), segments=(), words=()))

    async def _write(self, job_id: str, etag: str | None, change: Callable[[Corrections], Corrections]) -> Corrections:
        def changed(found: Corrections) -> Corrections:
            if etag is not None and etag != etag_of(found):
                raise CallAnnotateError(CORRECTIONS_CHANGED, job_id=job_id)
            return change(found)

        return await self._files.change(job_id, changed, self._result)


def etag_of(corrections: Corrections) -> str:
    """Names this state of them; in quotes, as headers have it."""
    return f'"{corrections.job_id}-{corrections.revision}"'


def merged(corrections: Corrections, update: CorrectionsUpdate) -> Corrections:
    """The corrections after a change, each kind in the order of its places."""
    speakers = {one.speaker_id: one for one in corrections.speakers}
    for speaker in update.speakers:
        speakers.pop(speaker.speaker_id, None)
        if speaker.name is not None:
            speakers[speaker.speaker_id] = SpeakerCorrection(speaker_id=speaker.speaker_id, name=speaker.name)
    segments = {(one.speaker_id, one.segment): one for one in corrections.segments}
    for segment in update.segments:
        place = (segment.speaker_id, segment.segment)
        segments.pop(place, None)
        if segment.said_by not in {None, segment.speaker_id}:
            segments[place] = SegmentCorrection(
                speaker_id=segment.speaker_id, segment=segment.segment, said_by=segment.said_by or ""
            )
    words = {(one.speaker_id, one.segment, one.word): one for one in corrections.words}
    for word in update.words:
        spot = (word.speaker_id, word.segment, word.word)
        words.pop(spot, None)
        if word.text is not None:
            words[spot] = WordCorrection(
                speaker_id=word.speaker_id, segment=word.segment, word=word.word, text=word.text.strip()
            )
    return replace(
        corrections,
        speakers=tuple(value for _, value in sorted(speakers.items())),
        segments=tuple(value for _, value in sorted(segments.items())),
        words=tuple(value for _, value in sorted(words.items())),
    )


def without_name(corrections: Corrections, speaker_id: str, is_name: Callable[[str], bool]) -> Corrections:
    """The corrections where the speaker is not called that any more; the same object where it was not."""
    kept = tuple(one for one in corrections.speakers if one.speaker_id != speaker_id or not is_name(one.name))
    return corrections if len(kept) == len(corrections.speakers) else replace(corrections, speakers=kept)


def check_places(update: CorrectionsUpdate, annotation: Annotation) -> None:
    """Raises INVALID_FIELD where the machine's version has no such place."""
    lengths = {
        (speaker.speaker_id, number): len(segment.words)
        for speaker in annotation.speakers
        for number, segment in enumerate(speaker.segments)
    }
    for index, segment in enumerate(update.segments):
        if (segment.speaker_id, segment.segment) not in lengths:
            raise _misplaced(f"segments[{index}]", f"{segment.speaker_id} has no segment {segment.segment}")
    for index, word in enumerate(update.words):
        length = lengths.get((word.speaker_id, word.segment))
        if length is None:
            raise _misplaced(f"words[{index}]", f"{word.speaker_id} has no segment {word.segment}")
        if word.word >= length:
            raise _misplaced(f"words[{index}]", f"segment {word.segment} of {word.speaker_id} has {length} words")


def _misplaced(field: str, problem: str) -> CallAnnotateError:
    return CallAnnotateError(
        INVALID_FIELD, field=field, problem=problem, allowed="places of the machine's version, counted from 0"
    )


def _read(path: Path, job_id: str) -> Corrections:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Corrections)
    except FileNotFoundError:
        return Corrections(job_id=job_id)


def _save(path: Path, corrections: Corrections) -> None:
    with room_needed():
        write_whole(path, msgspec.json.encode(corrections))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
