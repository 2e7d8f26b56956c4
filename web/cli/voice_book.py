"""Voices as the command line sees them: those of a volume, or those of a server that is asked over REST."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import msgspec
import niquests
from anyio import to_thread

from contracts.errors import (
    CATALOGUE,
    SERVER_UNREACHABLE,
    CallAnnotateError,
)
from contracts.jobs import ErrorBody
from contracts.voices import SpeakerEnrolment, Voice, VoicePage, VoiceprintFormat, VoiceRequest, VoiceUpdate
from runtime.settings import Settings, load_settings
from runtime.upload import Upload
from runtime.voice_folder import VolumeVoices, open_volume_voices
from stages.sound import opened
from web.cli.key import authorization

PATIENCE: Final = (10.0, 600.0)
"""Seconds for a connection, and for an answer: enrolment takes its time where jobs run."""
REST: Final = "/api/v1"
BLOCK: Final = 1 << 20
"""Bytes that are copied at a time."""


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


class RemoteBook:
    """Those of a server."""

    def __init__(self, url: str, session: niquests.Session) -> None:
        self._url: Final = url.rstrip("/") + REST
        self._session: Final = session

    async def page(self, name: str | None, limit: int, offset: int) -> VoicePage:
        """Voices in the order of their names."""
        query: dict[str, Any] = {"limit": limit, "offset": offset, **({"name": name} if name else {})}
        return msgspec.json.decode(await self._ask("GET", "/voices", params=query), type=VoicePage)

    async def get(self, voice_id: str) -> Voice:
        """One voice."""
        return _voice(await self._ask("GET", f"/voices/{voice_id}"))

    async def enrol(self, file: Path, wanted: VoiceRequest) -> Voice:
        """A new voice."""
        return await self._upload("/voices", file, msgspec.json.encode(wanted))

    async def add_sample(self, voice_id: str, file: Path) -> Voice:
        """Another sample."""
        return await self._upload(f"/voices/{voice_id}/samples", file, b"{}")

    async def enrol_speaker(self, job_id: str, speaker_id: str, wanted: SpeakerEnrolment) -> Voice:
        """A speaker of a job."""
        return _voice(await self._send("POST", f"/jobs/{job_id}/speakers/{speaker_id}/enrol", wanted))

    async def rename(self, voice_id: str, wanted: VoiceUpdate) -> Voice:
        """Another name."""
        return _voice(await self._send("PUT", f"/voices/{voice_id}", wanted))

    async def delete(self, voice_id: str, *, forget_results: bool) -> None:
        """A voice."""
        await self._ask("DELETE", f"/voices/{voice_id}", params={"forget_results": str(forget_results).lower()})

    async def delete_sample(self, voice_id: str, sample_id: str) -> None:
        """A sample."""
        await self._ask("DELETE", f"/voices/{voice_id}/samples/{sample_id}")

    async def voiceprints(self, voice_id: str, kind: VoiceprintFormat) -> bytes:
        """As a file."""
        return await self._ask("GET", f"/voices/{voice_id}/voiceprints", params={"format": kind})

    async def _send(self, method: str, path: str, body: msgspec.Struct) -> bytes:
        headers = {"Content-Type": "application/json"}
        return await self._ask(method, path, data=msgspec.json.encode(body), headers=headers)

    async def _upload(self, path: str, file: Path, metadata: bytes) -> Voice:
        with _opened(file) as content:
            form = {"metadata": (None, metadata, "application/json"), "file": (file.name, content)}
            return _voice(await self._ask("POST", path, files=form))

    async def _ask(self, method: str, path: str, **more: Any) -> bytes:
        """Raises what the server tells, or SERVER_UNREACHABLE."""

        def ask() -> tuple[int, bytes]:
            answer = self._session.request(method, self._url + path, timeout=PATIENCE, allow_redirects=False, **more)
            return answer.status_code or 0, answer.content or b""

        try:
            status, content = await to_thread.run_sync(ask)
        except (niquests.exceptions.RequestException, OSError, ValueError) as error:
            raise CallAnnotateError(SERVER_UNREACHABLE, url=self._url, cause=type(error).__name__) from error
        if 200 <= status < 300:
            return content
        try:
            told = msgspec.json.decode(content, type=ErrorBody).error
            raise CallAnnotateError(CATALOGUE[told.code], **told.details)
        except (msgspec.DecodeError, KeyError) as error:
            raise CallAnnotateError(SERVER_UNREACHABLE, url=self._url, cause=f"it answers {status}") from error


@asynccontextmanager
async def open_book(url: str | None, volume: Path | None) -> AsyncIterator[VoiceBook]:
    """The voices that the user means."""
    if url is None:
        async with open_volume_voices(own_settings(volume)) as own:
            yield LocalBook(own)
        return
    with niquests.Session() as session:
        # Neither proxies nor passwords of the environment: a server of calls is asked itself.
        session.trust_env = False
        for name, value in authorization().items():
            session.headers[name] = value
        yield RemoteBook(url, session)


def own_settings(volume: Path | None) -> Settings:
    """As the server takes them, without lines on standard error."""
    settings = msgspec.structs.replace(load_settings(os.environ), log_console=False)
    return settings if volume is None else msgspec.structs.replace(settings, volume_path=volume)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    """A file to read; raises FILE_NOT_FOUND, NOT_A_FILE or FILE_UNREADABLE."""
    with opened(file) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as content:
        yield content


async def _copy(file: Path, upload: Upload) -> None:
    """As if the file were uploaded. Raises as `_opened`, FILE_TOO_LARGE or STORAGE_FULL."""
    with _opened(file) as content:
        while block := await to_thread.run_sync(content.read, BLOCK):
            await upload.write(block)


def _voice(content: bytes) -> Voice:
    return msgspec.json.decode(content, type=Voice)
