"""The client for those who do not use asyncio: the same, in a thread of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from msgspec import Struct

from callannotate_client.async_client import AsyncClient, Live
from callannotate_client.connection import PATIENCE
from callannotate_client.types import (
    HealthStatus,
    Job,
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
from callannotate_client.upload import File, Progress

T = TypeVar("T")


class SyncLive:
    """A live session that goes on: `for message in live`, to its last one."""

    def __init__(self, portal: BlockingPortal, live: Live) -> None:
        self._portal: Final = portal
        self.live: Final = live

    @property
    def ended(self) -> SessionEnded | None:
        """The last message, once it has come, with the result of the whole call."""
        return self.live.ended

    @property
    def resumes(self) -> int:
        """How often the session went on after a lost connection."""
        return self.live.resumes

    def say(self, message: Struct) -> None:
        """Send a message beside the audio, such as Finalize; it is lost where there is no connection just then."""
        self._portal.call(self.live.say, message)

    def __iter__(self) -> Iterator[LiveServerMessage]:
        while True:
            try:
                yield self._portal.call(self.live.__anext__)
            except StopAsyncIteration:
                return


class Client:
    """Everything that programs do with a server; to be used as `with Client(...) as client`.

    What the methods do and raise: AsyncClient. Callbacks run in the client's thread.
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
        """As AsyncClient."""
        self._make: Final = partial(
            AsyncClient, url, api_key=api_key, language=language, timeout=timeout, retries=retries
        )
        self._exits: Final = ExitStack()
        self._portal: BlockingPortal
        self._client: AsyncClient

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            self._portal = exits.enter_context(start_blocking_portal())
            client = self._portal.call(self._make)
            self._client = exits.enter_context(self._portal.wrap_async_context_manager(client))
            self._exits.push(exits.pop_all())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.__exit__(kind, error, trace)

    def submit(
        self,
        file: File,
        *,
        filename: str | None = None,
        metadata: Mapping[str, object] | Struct | None = None,
        progress: Progress | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Submit a recording. What gets lost on the way is sent again, and is one job nevertheless."""
        return self._portal.call(
            partial(
                self._client.submit, file, filename=filename, metadata=metadata, progress=progress,
                idempotency_key=idempotency_key,
            )
        )  # fmt: skip

    def jobs(self, *, status: str | None = None, limit: int = 50, offset: int = 0) -> JobPage:
        """Jobs, the newest first."""
        return self._portal.call(partial(self._client.jobs, status=status, limit=limit, offset=offset))

    def job(self, job_id: str) -> Job:
        """State and progress of a job."""
        return self._portal.call(self._client.job, job_id)

    def watch(self, job_id: str, *, after_seq: int | None = None, patience: float = PATIENCE) -> Iterator[JobMessage]:
        """Follow a job: its state at once, then every change, to its `result` or why it failed."""
        messages = self._client.watch(job_id, after_seq=after_seq, patience=patience)
        try:
            while True:
                try:
                    yield self._portal.call(messages.__anext__)
                except StopAsyncIteration:
                    return
        finally:
            # Where the client was closed before, this went with it.
            with suppress(RuntimeError):
                self._portal.call(messages.aclose)

    def wait(self, job_id: str, progress: Callable[[JobMessage], None] | None = None) -> JobResult:
        """The result, as soon as there is one. Raises what the job failed with."""
        return self._portal.call(self._client.wait, job_id, progress)

    def result(self, job_id: str) -> JobResult:
        """The result of a completed job."""
        return self._portal.call(self._client.result, job_id)

    def export(self, job_id: str, format: str) -> bytes:  # noqa: A002 - as REST calls it
        """The result as a file: srt, vtt, txt, tsv, rttm, eaf, textgrid, docx or json; texts are UTF-8."""
        return self._portal.call(self._client.export, job_id, format)

    def download_audio(self, job_id: str, path: str | PathLike[str]) -> Path:
        """The recording as it was uploaded, into a file, which is there only once it is complete."""
        return self._portal.call(self._client.download_audio, job_id, path)

    def delete(self, job_id: str) -> None:
        """Cancel a job where it runs, and delete it with all that belongs to it."""
        self._portal.call(self._client.delete, job_id)

    def queue(self) -> QueueStatus:
        """Who runs and who waits."""
        return self._portal.call(self._client.queue)

    def health(self) -> HealthStatus:
        """How the server feels, also where it does not feel well."""
        return self._portal.call(self._client.health)

    def info(self) -> ServiceInfo:
        """What the server can do."""
        return self._portal.call(self._client.info)

    @contextmanager
    def live(
        self,
        start: SessionStart,
        audio: Iterable[bytes],
        *,
        notice: Callable[[str], None] = lambda _text: None,
        speed: float | None = 1.0,
        patience: float = PATIENCE,
    ) -> Iterator[SyncLive]:
        """Transcribe audio while it goes on: `with client.live(start, blocks) as live`. The blocks are asked for in
        another thread."""
        session = self._client.live(start, audio, notice=notice, speed=speed, patience=patience)
        with self._portal.wrap_async_context_manager(session) as live:
            yield SyncLive(self._portal, live)

    def voices(self, *, name: str | None = None, limit: int = 50, offset: int = 0) -> VoicePage:
        """Known voices in the order of their names; `name`: a part of it."""
        return self._portal.call(partial(self._client.voices, name=name, limit=limit, offset=offset))

    def voice(self, voice_id: str) -> Voice:
        """A known voice and its samples."""
        return self._portal.call(self._client.voice, voice_id)

    def enrol(
        self, file: File, name: str, *, note: str = "", filename: str | None = None, progress: Progress | None = None
    ) -> Voice:
        """Enrol a voice with its first sample: a recording of this one person, or a file of voiceprints."""
        return self._portal.call(
            partial(self._client.enrol, file, name, note=note, filename=filename, progress=progress)
        )

    def add_sample(
        self, voice_id: str, file: File, *, filename: str | None = None, progress: Progress | None = None
    ) -> Voice:
        """Add a sample to a voice."""
        return self._portal.call(partial(self._client.add_sample, voice_id, file, filename=filename, progress=progress))

    def enrol_speaker(
        self, job_id: str, speaker_id: str, *, name: str | None = None, voice_id: str | None = None
    ) -> Voice:
        """Enrol a speaker of a completed job: as a new voice by `name`, or as a sample of a known one by `voice_id`."""
        return self._portal.call(partial(self._client.enrol_speaker, job_id, speaker_id, name=name, voice_id=voice_id))

    def rename_voice(self, voice_id: str, name: str, *, note: str = "") -> Voice:
        """What results call it from now on."""
        return self._portal.call(partial(self._client.rename_voice, voice_id, name, note=note))

    def voiceprints(self, voice_id: str, format: str = "npy") -> bytes:  # noqa: A002 - as REST calls it
        """Its voiceprints as a file: npy or vec. These are biometric data."""
        return self._portal.call(self._client.voiceprints, voice_id, format)

    def delete_voice(self, voice_id: str, *, forget_results: bool = False) -> None:
        """Delete a voice; with `forget_results` its name in results as well."""
        self._portal.call(partial(self._client.delete_voice, voice_id, forget_results=forget_results))

    def delete_sample(self, voice_id: str, sample_id: str) -> None:
        """Delete a sample with its audio and its voiceprints."""
        self._portal.call(self._client.delete_sample, voice_id, sample_id)

    def request(
        self, method: str, path: str, kind: type[T], *, params: Mapping[str, str] | None = None, json: object = None
    ) -> T:
        """Any other operation of REST, such as request("GET", "/api/v1/contacts", ContactPage)."""
        return self._portal.call(partial(self._client.request, method, path, kind, params=params, json=json))
