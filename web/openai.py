"""The operations for clients of OpenAI: each request is a job, and gone with its answer."""

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter, to_thread

from contracts.annotation import Annotation
from contracts.errors import INTERNAL, INVALID_FIELD, PROCESSING_FAILED, CallAnnotateError
from contracts.jobs import JobRequest
from contracts.openai import (
    OWN_MODEL,
    OpenAIEvent,
    OpenAIModel,
    OpenAIModels,
    OpenAITextDelta,
    OpenAITextDone,
    OpenAITranscriptionForm,
    OpenAITranslationForm,
)
from contracts.openai_errors import MODEL_NOT_FOUND
from contracts.speech import Transcript
from models.catalogue import default_catalogue
from runtime.requested import RequestedJob, requested_job
from runtime.service import JobService
from runtime.upload import Upload
from stages.annotate import UNSPACED
from web.answers import JSON, Answer, Call, Handler, json_answer, refusal
from web.labels import labelled_segments
from web.openai_form import checked, fields_of, wrong
from web.openai_formats import AnyForm, languages_of, rendered, speaker_segments

CHARACTERS: Final = 2000
"""Of a prompt, its last ones: more than the decoder takes tokens."""
MEDIA_TYPES: Final = {"text": "text/plain", "srt": "application/x-subrip", "vtt": "text/vtt"}
EVENT_STREAM: Final = "text/event-stream"
OF_FORM: Final = {"metadata.language": "language", "metadata.task": "model"}
"""What fields of a job are called in the form of a request."""
LOG: Final = structlog.get_logger("callannotate.web")


def model_names() -> tuple[str, ...]:
    """Models that may be asked for, the server's own first."""
    known = [model.name for model in default_catalogue().models if model.kind == "transcription"]
    return (OWN_MODEL, *known)


class OpenAIOperations:
    """The operations, over one service."""

    def __init__(self, service: JobService) -> None:
        self._service: Final = service
        self._rendering: Final = CapacityLimiter(1)
        """Threads that write answers."""
        self.handlers: Final[dict[str, Handler]] = {
            "createTranscription": self.create_transcription,
            "createTranslation": self.create_translation,
            "listModels": self.list_models,
            "getModel": self.get_model,
        }

    async def list_models(self, _call: Call) -> Answer:
        """All models."""
        return json_answer(200, OpenAIModels(data=tuple(OpenAIModel(id=name) for name in model_names())))

    async def get_model(self, call: Call) -> Answer:
        """One model."""
        return json_answer(200, OpenAIModel(id=known_model(call.values["model"])))

    async def create_transcription(self, call: Call) -> Answer:
        """What is said in a recording."""
        await self._service.admit()
        kept = self._service.settings.openai_keep_jobs
        async with AsyncExitStack() as jobs:
            assert call.form is not None  # the route table says that this operation has a form
            async with call.form.receive(self._service) as submission:
                form = fields_of(submission.fields, OpenAITranscriptionForm)
                checked(form)
                await self._check_names(form.known_speaker_names)
                wanted = JobRequest(
                    language=form.language or next(iter(form.languages), None) or None,
                    prompt="\n".join(filter(None, (form.prompt, ", ".join(form.keywords))))[-CHARACTERS:],
                    recognise=kept or form.response_format == "diarized_json",
                )
                job = await self._job(jobs, submission.upload, form.model, wanted, read_along=form.stream)
            if form.stream:
                # From here on the job lives as long as the connection.
                call.closing.push_async_exit(jobs.pop_all())
                events = Transcripts(job, form, call, self._service.settings.heartbeat_interval)
                headers = {"X-Job-ID": job.job_id, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
                return Answer(200, f"{EVENT_STREAM}; charset=utf-8", events, headers)
            return await self._answered(call, form, job)

    async def create_translation(self, call: Call) -> Answer:
        """What a recording means, in English."""
        await self._service.admit()
        kept = self._service.settings.openai_keep_jobs
        async with AsyncExitStack() as jobs:
            assert call.form is not None  # the route table says that this operation has a form
            async with call.form.receive(self._service) as submission:
                form = fields_of(submission.fields, OpenAITranslationForm)
                wanted = JobRequest(task="translate", prompt=form.prompt[-CHARACTERS:], recognise=kept)
                job = await self._job(jobs, submission.upload, form.model, wanted)
            return await self._answered(call, form, job)

    async def _job(
        self, jobs: AsyncExitStack, upload: Upload, model: str, wanted: JobRequest, *, read_along: bool = False
    ) -> RequestedJob:
        """The job of a request, which lasts as long as `jobs`; raises what is wrong, by the names of the form."""
        own = None if known_model(model) == OWN_MODEL else model
        metadata = msgspec.json.encode(msgspec.structs.replace(wanted, model=own))
        try:
            return await jobs.enter_async_context(requested_job(self._service, upload, metadata, read_along=read_along))
        except CallAnnotateError as error:
            field = OF_FORM.get(str(error.details.get("field")))
            if error.fault is not INVALID_FIELD or field is None:
                raise
            raise CallAnnotateError(INVALID_FIELD, **{**error.details, "field": field}) from error

    async def _check_names(self, names: Sequence[str]) -> None:
        """Raises INVALID_FIELD where nobody of that name is enrolled."""
        for name in names:
            page = await self._service.voices.page(name, 1000, 0)
            if all(voice.name.casefold() != name.casefold() for voice in page.voices):
                allowed = "names of voices that were enrolled with POST /api/v1/voices"
                wrong("known_speaker_names[]", f"no voice is called {name!r}", allowed)

    async def _answered(self, call: Call, form: AnyForm, job: RequestedJob) -> Answer:
        """The answer in the format that the form asks for, once the job is done."""
        annotation = await completed(job, call)
        texts = [segment.text for _, segment in labelled_segments(annotation)]
        wanted = form.response_format == "verbose_json" and texts
        model = self._service.settings.model if form.model == OWN_MODEL else form.model
        tokens = await self._service.tokens(model, texts) if wanted else []
        content = await to_thread.run_sync(rendered, annotation, form, tokens, limiter=self._rendering)
        kind = MEDIA_TYPES.get(form.response_format)
        return Answer(200, f"{kind}; charset=utf-8" if kind else JSON, content, {"X-Job-ID": job.job_id})


async def completed(job: RequestedJob, call: Call) -> Annotation:
    """The result of a job; raises why there is none."""
    try:
        return await job.completed()
    except CallAnnotateError as error:
        raise told(error, call) from error


def told(error: CallAnnotateError, call: Call) -> CallAnnotateError:
    """Why there is no result, as one of the errors that the operation is known to answer."""
    if error.fault in call.route.errors:
        return error
    return CallAnnotateError(PROCESSING_FAILED, stage="validation", cause=str(error))


def known_model(name: str) -> str:
    """The name of a model that may be asked for. Raises MODEL_NOT_FOUND."""
    names = model_names()
    if name not in names:
        raise CallAnnotateError(MODEL_NOT_FOUND, model=name[:100], allowed=", ".join(names))
    return name


@dataclass(frozen=True)
class Transcripts:
    """The events of a transcription, while the job is at work."""

    job: RequestedJob
    form: OpenAITranscriptionForm
    call: Call
    heartbeat: float
    """Seconds after which a comment is sent where there is nothing else."""

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Deltas as they come, then the segments of the speakers where they are wanted, then the end; or an error."""
        said = Said()
        yield b": waiting\n\n"  # so that the head of the answer is sent
        try:
            while self.job.result is None:
                await self.job.news(self.heartbeat)
                deltas = said.deltas(self.job.take())
                for delta in deltas:
                    yield _event(delta)
                if not deltas and self.job.result is None:
                    yield b": working\n\n"
            for event in self._last(said.text, self.job.result):
                yield _event(event)
        except CallAnnotateError as error:
            yield b"event: error\ndata: " + _body(refusal(told(error, self.call), self.call)) + b"\n\n"
        except Exception:
            LOG.exception("request_failed", operation=self.call.route.operation_id)
            unexpected = CallAnnotateError(INTERNAL, stage="stream", cause="an unexpected error")
            yield b"event: error\ndata: " + _body(refusal(unexpected, self.call)) + b"\n\n"

    def _last(self, text: str, annotation: Annotation) -> Iterator[OpenAIEvent]:
        """What is known once the job is done."""
        if self.form.response_format == "diarized_json":
            yield from speaker_segments(annotation, self.form.known_speaker_names)
        yield OpenAITextDone(text=text, languages=languages_of(annotation))


@dataclass
class Said:
    """The text so far."""

    text: str = ""

    def deltas(self, heard: Sequence[Transcript]) -> list[OpenAITextDelta]:
        """What follows it."""
        found = []
        for transcript in heard:
            space = "" if transcript.language in UNSPACED else " "
            delta = (space if self.text else "") + space.join(word.text for word in transcript.words)
            self.text += delta
            found.append(OpenAITextDelta(delta=delta))
        return found


def _event(event: OpenAIEvent) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _body(answer: Answer) -> bytes:
    assert isinstance(answer.body, bytes)
    return answer.body
