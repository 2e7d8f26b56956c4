"""Results that forget a voice: after it was deleted, nothing is to say its name."""

import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from msgspec.structs import replace

from contracts.annotation import Annotation, Speaker
from contracts.recognition import UNKNOWN
from contracts.voices import Voice
from runtime.corrections import CorrectionFiles, without_name
from runtime.job_feed import JobFeeds
from runtime.job_store import JobStore
from runtime.voice_store import name_key
from runtime.volume import Volume, room_needed, write_whole

log: Final = structlog.get_logger()


def voices_in(annotation: Annotation) -> set[str]:
    """Ids of the known voices that a result names, or that something in it rests on."""
    found = {evidence.voice_id for speaker in annotation.speakers for evidence in speaker.evidence}
    found |= {speaker.voice_id for speaker in annotation.speakers}
    return {voice_id for voice_id in found if voice_id is not None}


def without_voices(annotation: Annotation, voice_ids: set[str]) -> Annotation:
    """The result as if these voices had not been known when it was made."""
    return replace(annotation, speakers=tuple(_without(speaker, voice_ids) for speaker in annotation.speakers))


def _without(speaker: Speaker, voice_ids: set[str]) -> Speaker:
    if speaker.voice_id not in voice_ids:
        kept = tuple(evidence for evidence in speaker.evidence if evidence.voice_id not in voice_ids)
        return replace(speaker, evidence=kept)
    # Whatever else was found was found by the name of the voice, or agreed with it.
    return Speaker(
        speaker_id=speaker.speaker_id, segments=speaker.segments, channel=speaker.channel, identified_as=UNKNOWN
    )


class ResultForgetter:
    """Takes deleted voices out of the results of jobs that have completed."""

    def __init__(self, volume: Volume, store: JobStore, feeds: JobFeeds, corrections: CorrectionFiles) -> None:
        self._corrections: Final = corrections
        self._volume: Final = volume
        self._store: Final = store
        self._feeds: Final = feeds
        self._limiter: Final = CapacityLimiter(1)

    async def forget_names(self, voice: Voice) -> None:
        """Take the voice's name from speakers whom somebody named so by hand, where its samples were cut out of their
        calls. Raises STORAGE_FULL."""

        def is_name(name: str) -> bool:
            return name_key(name) == name_key(voice.name)

        for sample in voice.samples:
            if sample.job_id is not None and sample.speaker_id is not None:
                forget = partial(without_name, speaker_id=sample.speaker_id, is_name=is_name)
                # A job that is deleted meanwhile takes its corrections along.
                with suppress(FileNotFoundError):
                    await self._corrections.change(sample.job_id, forget, self._there)

    async def _there(self, job_id: str) -> None:
        await to_thread.run_sync(self._volume.result(job_id).stat, limiter=self._limiter)

    async def forget(self, voice_id: str, since: float = 0.0) -> int:
        """Rewrite every result that names the voice, of jobs that completed after `since` (seconds since 1970).

        Returns how many there were. Raises STORAGE_FULL.
        """
        began, count = time.monotonic(), 0
        for row in await self._store.in_state("completed"):
            if (row.completed_at or 0.0) < since:
                continue
            path = self._volume.result(row.job_id)
            if await to_thread.run_sync(_rewrite, path, voice_id, limiter=self._limiter):
                # Messages that are kept for replay have the result in them as well.
                self._feeds.forget(row.job_id)
                count += 1
        log.info("results_rewritten", voice_id=voice_id, count=count, seconds=round(time.monotonic() - began, 3))
        return count


def _rewrite(path: Path, voice_id: str) -> bool:
    """Whether the result named the voice; it does not any more."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False  # the job was deleted or archived meanwhile
    if voice_id.encode() not in content:
        return False
    annotation = msgspec.json.decode(content, type=Annotation)
    with room_needed():
        write_whole(path, msgspec.json.encode(without_voices(annotation, {voice_id})))
    return True
