"""Results that forget a voice: after it was deleted, nothing is to say its name."""

import time
from pathlib import Path
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread
from msgspec.structs import replace

from contracts.annotation import Annotation, Speaker
from contracts.recognition import UNKNOWN
from runtime.job_feed import JobFeeds
from runtime.job_store import JobStore
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

    def __init__(self, volume: Volume, store: JobStore, feeds: JobFeeds) -> None:
        self._volume: Final = volume
        self._store: Final = store
        self._feeds: Final = feeds
        self._limiter: Final = CapacityLimiter(1)

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
