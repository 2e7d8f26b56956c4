"""Voices of a server that is asked over REST."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import niquests
from anyio import to_thread

from contracts.errors import CATALOGUE, SERVER_UNREACHABLE, CallAnnotateError
from contracts.jobs import ErrorBody
from contracts.voices import SpeakerEnrolment, Voice, VoicePage, VoiceprintFormat, VoiceRequest, VoiceUpdate
from web.cli.key import authorization
from web.cli.voice_book import opened_sample

PATIENCE: Final = (10.0, 600.0)
"""Seconds for a connection, and for an answer: enrolment takes its time where jobs run."""
REST: Final = "/api/v1"


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
        with opened_sample(file) as content:
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


@contextmanager
def open_remote(url: str) -> Iterator[RemoteBook]:
    """The voices of the server at `url`, asked with the key of the environment."""
    with niquests.Session() as session:
        # Neither proxies nor passwords of the environment: a server of calls is asked itself.
        session.trust_env = False
        for name, value in authorization().items():
            session.headers[name] = value
        yield RemoteBook(url, session)


def _voice(content: bytes) -> Voice:
    return msgspec.json.decode(content, type=Voice)
