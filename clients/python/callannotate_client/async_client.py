"""The client for those who use asyncio."""

import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar, get_args
from urllib.parse import quote

import anyio
import httpx2
import msgspec
from anyio import create_memory_object_stream, create_task_group, to_thread
from anyio.streams.memory import MemoryObjectReceiveStream
from msgspec import Struct

from callannotate_client import watching
from callannotate_client.connection import PATIENCE, authorization
from callannotate_client.errors import failed
from callannotate_client.session import LiveSession
from callannotate_client.transport import Transport, failure, refusal
from callannotate_client.types import (
    HealthStatus,
    Job,
    JobErrorMessage,
    JobMessage,
    JobPage,
    JobResult,
    LiveServerMessage,
    QueueStatus,
    ServiceInfo,
    SessionEnded,
    SessionStart,
    Voice,
    VoicePage,
)
from callannotate_client.upload import File, Progress, Upload

HELD: Final = 256
"""Messages of a live session that wait for their reader; then nothing more is read from the server."""
T = TypeVar("T")
_LIVE: Final[msgspec.json.Decoder[LiveServerMessage]] = msgspec.json.Decoder(LiveServerMessage)
_LIVE_TYPES: Final = frozenset(kind.__struct_config__.tag for kind in get_args(LiveServerMessage))


class _Head(Struct):
    """What every message has."""

    type: str


class Live:
    """A live session that goes on: `async for message in live`, to its last one."""

    def __init__(
        self, session: LiveSession[LiveServerMessage], messages: MemoryObjectReceiveStream[LiveServerMessage]
    ) -> None:
        self.session: Final = session
        self._messages: Final = messages
        self.failure: Exception | None = None

    @property
    def ended(self) -> SessionEnded | None:
        """The last message, once it has come, with the result of the whole call."""
        return self.session.ended if isinstance(self.session.ended, SessionEnded) else None

    @property
    def resumes(self) -> int:
        """How often the session went on after a lost connection."""
        return self.session.resumes

    async def say(self, message: Struct) -> None:
        """Send a message beside the audio, such as Finalize; it is lost where there is no connection just then."""
        await self.session.say(message)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> LiveServerMessage:
        try:
            return await self._messages.receive()
        except anyio.EndOfStream:
            if self.failure is not None:
                raise self.failure from None
            raise StopAsyncIteration from None


class AsyncClient:
    """Everything that programs do with a server; to be used as `async with AsyncClient(...) as client`.

    All methods raise CallAnnotateError, and OSError for files of one's own.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        language: str | None = None,
        timeout: float = 60.0,
        retries: int = 5,
    ) -> None:
        """
        :param url: of the server, such as https://calls.example
        :param api_key: where the server wants one
        :param language: of the server's messages, such as "ru"
        :param timeout: seconds to wait for an answer, and for the network to move
        :param retries: how often a request is sent again that got no answer, or was refused with `retryable`; only
            where that does nothing twice
        """
        headers = {
            **({} if api_key is None else authorization(api_key)),
            **({} if language is None else {"Accept-Language": language}),
        }
        self._transport: Final = Transport(url, headers, timeout, retries)
        self.url: Final = self._transport.url

    async def __aenter__(self) -> Self:
        await self._transport.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.http.__aexit__(kind, error, trace)

    # --- Jobs -----------------------------------------------------------------------------------------------------

    async def submit(
        self,
        file: File,
        *,
        filename: str | None = None,
        metadata: Mapping[str, object] | Struct | None = None,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Submit a recording. What gets lost on the way is sent again, and is one job nevertheless.

        :param metadata: JobRequest, or a mapping with its keys and any of your own
        :param progress: is told the bytes that were sent and how many there are; begins anew where it is sent again
        :param idempotency_key: of your own, if another process is to send the same again
        """
        upload = Upload(file, filename, {} if metadata is None else metadata, progress, self._transport.limiter)
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        answer = await self._transport.ask("POST", "/api/v1/jobs", upload=upload, headers=headers, repeatable=True)
        return self._transport.decoded(answer, Job)

    async def jobs(self, *, status: str | None = None, limit: int = 50, offset: int = 0) -> JobPage:
        """Jobs, the newest first."""
        return await self._transport.get("/api/v1/jobs", JobPage, status=status, limit=limit, offset=offset)

    async def job(self, job_id: str) -> Job:
        """State and progress of a job."""
        return await self._transport.get(f"/api/v1/jobs/{_segment(job_id)}", Job)

    def watch(
        self, job_id: str, *, after_seq: int | None = None, patience: float = PATIENCE
    ) -> AsyncGenerator[JobMessage, None]:
        """Follow a job: its state at once, then every change, to its `result` or why it failed.

        Lost connections are made again, and nothing is missing or comes twice.

        :param after_seq: begin after the message with this number, instead of with the state as it is
        :param patience: seconds without a connection after which it is given up
        """
        return watching.watch(self.url, _segment(job_id), self._transport.headers, after_seq, patience)

    async def wait(self, job_id: str, progress: Callable[[JobMessage], None] | None = None) -> JobResult:
        """The result, as soon as there is one. Raises what the job failed with."""
        async for message in self.watch(job_id):
            if progress is not None:
                progress(message)
            if isinstance(message, JobErrorMessage):
                raise failed(message.error)
        return await self.result(job_id)

    async def result(self, job_id: str) -> JobResult:
        """The result of a completed job."""
        return await self._transport.get(f"/api/v1/jobs/{_segment(job_id)}/result", JobResult)

    async def export(self, job_id: str, format: str) -> bytes:  # noqa: A002 - as REST calls it
        """The result as a file: srt, vtt, txt, tsv, rttm, eaf, textgrid, docx or json; texts are UTF-8."""
        path = f"/api/v1/jobs/{_segment(job_id)}/result"
        return await self._transport.file(path, format=format)

    async def download_audio(self, job_id: str, path: str | PathLike[str]) -> Path:
        """The recording as it was uploaded, into a file, which is there only once it is complete."""
        return await self._transport.download(f"/api/v1/jobs/{_segment(job_id)}/audio", Path(path))

    async def delete(self, job_id: str) -> None:
        """Cancel a job where it runs, and delete it with all that belongs to it."""
        await self._transport.delete(f"/api/v1/jobs/{_segment(job_id)}")

    async def queue(self) -> QueueStatus:
        """Who runs and who waits."""
        return await self._transport.get("/api/v1/queue/status", QueueStatus)

    async def health(self) -> HealthStatus:
        """How the server feels, also where it does not feel well."""
        try:
            answer = await self._transport.http.get("/health")
        except httpx2.RequestError as error:
            raise failure(self.url, error) from error
        if answer.status_code not in {200, 503}:
            raise refusal(answer)
        return self._transport.decoded(answer, HealthStatus)

    async def info(self) -> ServiceInfo:
        """What the server can do."""
        return await self._transport.get("/info", ServiceInfo)

    # --- Live -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def live(
        self,
        start: SessionStart,
        audio: AsyncIterator[bytes] | Iterable[bytes],
        *,
        notice: Callable[[str], None] = lambda _text: None,
        speed: float | None = 1.0,
        patience: float = PATIENCE,
    ) -> AsyncIterator[Live]:
        """Transcribe audio while it goes on: `async with client.live(start, blocks) as live`.

        The audio is sent as its blocks come, however long they are, and what got lost with a connection is sent again.
        Messages have to be read for it to go on. Who leaves early gives the session up.

        :param notice: is told when the connection is lost and when it is back
        :param speed: times real time that audio is sent at most; None: as fast as the server takes it, where it allows
            that
        :param patience: seconds without a connection after which the session is given up
        """
        send, receive = create_memory_object_stream[LiveServerMessage](HELD)
        session: LiveSession[LiveServerMessage] = LiveSession(
            self.url,
            start,
            decode_live,
            send.send,
            notice,
            headers=self._transport.headers,
            speed=speed,
            patience=patience,
        )
        live = Live(session, receive)

        async def run() -> None:
            async with send:
                try:
                    await session.run(self._blocks(audio))
                except Exception as error:
                    live.failure = error

        try:
            async with receive, create_task_group() as tasks:
                tasks.start_soon(run)
                yield live
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # There is only what was raised where the session is used.
            raise group.exceptions[0] from None

    async def _blocks(self, audio: AsyncIterator[bytes] | Iterable[bytes]) -> AsyncIterator[bytes]:
        if isinstance(audio, AsyncIterator):
            async for block in audio:
                yield block
            return
        blocks = iter(audio)

        def following() -> bytes | None:
            return next(blocks, None)

        data: bytes | None
        while (data := await to_thread.run_sync(following, limiter=self._transport.limiter)) is not None:
            yield data

    # --- Voices ---------------------------------------------------------------------------------------------------

    async def voices(self, *, name: str | None = None, limit: int = 50, offset: int = 0) -> VoicePage:
        """Known voices in the order of their names; `name`: a part of it."""
        return await self._transport.get("/api/v1/voices", VoicePage, name=name, limit=limit, offset=offset)

    async def voice(self, voice_id: str) -> Voice:
        """A known voice and its samples."""
        return await self._transport.get(f"/api/v1/voices/{_segment(voice_id)}", Voice)

    async def enrol(
        self, file: File, name: str, *, note: str = "", filename: str | None = None, progress: Progress | None = None
    ) -> Voice:
        """Enrol a voice with its first sample: a recording of this one person, or a file of voiceprints."""
        upload = Upload(file, filename, {"name": name, "note": note}, progress, self._transport.limiter)
        return self._transport.decoded(await self._transport.ask("POST", "/api/v1/voices", upload=upload), Voice)

    async def add_sample(
        self, voice_id: str, file: File, *, filename: str | None = None, progress: Progress | None = None
    ) -> Voice:
        """Add a sample to a voice."""
        upload = Upload(file, filename, {}, progress, self._transport.limiter)
        return self._transport.decoded(
            await self._transport.ask("POST", f"/api/v1/voices/{_segment(voice_id)}/samples", upload=upload), Voice
        )

    async def enrol_speaker(
        self, job_id: str, speaker_id: str, *, name: str | None = None, voice_id: str | None = None
    ) -> Voice:
        """Enrol a speaker of a completed job: as a new voice by `name`, or as a sample of a known one by `voice_id`."""
        body = {key: value for key, value in (("name", name), ("voice_id", voice_id)) if value is not None}
        path = f"/api/v1/jobs/{_segment(job_id)}/speakers/{_segment(speaker_id)}/enrol"
        return self._transport.decoded(await self._transport.ask("POST", path, json=body), Voice)

    async def rename_voice(self, voice_id: str, name: str, *, note: str = "") -> Voice:
        """What results call it from now on."""
        body = {"name": name, "note": note}
        answer = await self._transport.ask("PUT", f"/api/v1/voices/{_segment(voice_id)}", json=body, repeatable=True)
        return self._transport.decoded(answer, Voice)

    async def voiceprints(self, voice_id: str, format: str = "npy") -> bytes:  # noqa: A002 - as REST calls it
        """Its voiceprints as a file: npy or vec. These are biometric data."""
        path = f"/api/v1/voices/{_segment(voice_id)}/voiceprints"
        return await self._transport.file(path, format=format)

    async def delete_voice(self, voice_id: str, *, forget_results: bool = False) -> None:
        """Delete a voice; with `forget_results` its name in results as well."""
        params = {"forget_results": "true"} if forget_results else {}
        await self._transport.delete(f"/api/v1/voices/{_segment(voice_id)}", **params)

    async def delete_sample(self, voice_id: str, sample_id: str) -> None:
        """Delete a sample with its audio and its voiceprints."""
        await self._transport.delete(f"/api/v1/voices/{_segment(voice_id)}/samples/{_segment(sample_id)}")

    # --- Requests -------------------------------------------------------------------------------------------------

    async def request(
        self, method: str, path: str, kind: type[T], *, params: Mapping[str, str] | None = None, json: object = None
    ) -> T:
        """Any other operation of REST, such as request("GET", "/api/v1/contacts", ContactPage).

        :param kind: of the answer; type(None) of one without a body, as deletions have it
        """
        repeatable = method in {"GET", "PUT", "DELETE"}
        answer = await self._transport.ask(method, path, params=params, json=json, repeatable=repeatable)
        return self._transport.decoded(answer, kind)


def _segment(text: str) -> str:
    """As a part of a path."""
    return quote(text, safe="")


def decode_live(text: str | bytes) -> LiveServerMessage | None:
    """A message; None where a later server says what is not known here."""
    return _LIVE.decode(text) if msgspec.json.decode(text, type=_Head).type in _LIVE_TYPES else None
