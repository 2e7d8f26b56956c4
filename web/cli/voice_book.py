"""Voices as the command line sees them: those of a volume, or those of a server that is asked over REST."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from contracts.voices import SpeakerEnrolment, Voice, VoicePage, VoiceprintFormat, VoiceRequest, VoiceUpdate
from stages.sound import opened


class VoiceBook(Protocol):
    """What can be done with voices, wherever they are. Raises what the service raises."""

    async def page(self, name: str | None, limit: int, offset: int) -> VoicePage: ...
    async def get(self, voice_id: str) -> Voice: ...
    async def enrol(self, file: Path, wanted: VoiceRequest) -> Voice: ...
    async def add_sample(self, voice_id: str, file: Path) -> Voice: ...
    async def enrol_speaker(self, job_id: str, speaker_id: str, wanted: SpeakerEnrolment) -> Voice: ...
    async def rename(self, voice_id: str, wanted: VoiceUpdate) -> Voice: ...
    async def delete(self, voice_id: str, *, forget_results: bool) -> None: ...
    async def delete_sample(self, voice_id: str, sample_id: str) -> None: ...
    async def voiceprints(self, voice_id: str, kind: VoiceprintFormat) -> bytes: ...


@asynccontextmanager
async def open_book(url: str | None, volume: Path | None) -> AsyncIterator[VoiceBook]:
    """The voices that the user means."""
    if url is None:
        # Only what works on a volume needs the libraries of the networks, which take a second.
        from web.cli.local_book import open_local

        async with open_local(volume) as local:
            yield local
    else:
        from web.cli.remote_book import open_remote

        with open_remote(url) as remote:
            yield remote


@contextmanager
def opened_sample(file: Path) -> Iterator[BinaryIO]:
    """A file to read; raises FILE_NOT_FOUND, NOT_A_FILE or FILE_UNREADABLE."""
    with opened(file) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as content:
        yield content
