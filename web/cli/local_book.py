"""Voices of a volume that no server works on."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from anyio import to_thread

from contracts.voices import SpeakerEnrolment, Voice, VoiceprintFormat, VoiceRequest
from runtime.settings import load_settings
from runtime.upload import Upload
from runtime.voice_folder import VolumeVoices, open_volume_voices
from web.cli.voice_book import opened_sample

BLOCK: Final = 1 << 20
"""Bytes that are copied at a time."""


class LocalBook:
    """Those of a volume."""

    def __init__(self, own: VolumeVoices) -> None:
        self._own: Final = own
        self.page: Final = own.voices.page
        self.get: Final = own.voices.get
        self.rename: Final = own.voices.rename
        self.delete_sample: Final = own.voices.delete_sample

    async def enrol(self, file: Path, wanted: VoiceRequest) -> Voice:
        """A new voice."""
        async with self._own.uploads.open(file.name) as upload:
            await _copy(file, upload)
            return await self._own.voices.enrol(upload, msgspec.json.encode(wanted))

    async def add_sample(self, voice_id: str, file: Path) -> Voice:
        """Another sample."""
        async with self._own.uploads.open(file.name) as upload:
            await _copy(file, upload)
            return await self._own.voices.add_sample(voice_id, upload, b"{}")

    async def enrol_speaker(self, job_id: str, speaker_id: str, wanted: SpeakerEnrolment) -> Voice:
        """A speaker of a job."""
        return await self._own.enrol_speaker(job_id, speaker_id, wanted)

    async def delete(self, voice_id: str, *, forget_results: bool) -> None:
        """A voice."""
        await self._own.voices.delete(voice_id, forget_results=forget_results)

    async def voiceprints(self, voice_id: str, kind: VoiceprintFormat) -> bytes:
        """As a file."""
        return (await self._own.voices.voiceprints(voice_id, kind)).content


@asynccontextmanager
async def open_own(volume: Path | None) -> AsyncIterator[VolumeVoices]:
    """The voices of a volume, by default the one of the settings, without lines on standard error."""
    settings = msgspec.structs.replace(load_settings(os.environ), log_console=False)
    if volume is not None:
        settings = msgspec.structs.replace(settings, volume_path=volume)
    async with open_volume_voices(settings) as own:
        yield own


@asynccontextmanager
async def open_local(volume: Path | None) -> AsyncIterator[LocalBook]:
    """The same as a VoiceBook."""
    async with open_own(volume) as own:
        yield LocalBook(own)


async def _copy(file: Path, upload: Upload) -> None:
    """As if the file were uploaded. Raises as `opened_sample`, FILE_TOO_LARGE or STORAGE_FULL."""
    with opened_sample(file) as content:
        while block := await to_thread.run_sync(content.read, BLOCK):
            await upload.write(block)
