"""The operations, by their names in the route table; every front door calls these."""

from contextlib import suppress
from typing import Final

import structlog
from anyio import CapacityLimiter, to_thread
from msgspec.structs import replace
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import dump_options_header, parse_accept_header, quote_etag

from contracts.errors import INTERNAL, JOB_NOT_FOUND, NOT_ACCEPTABLE, CallAnnotateError, Language
from contracts.jobs import Job
from contracts.options import BINARY_FORMATS, Format
from contracts.routes import FORMAT_MEDIA_TYPES
from runtime.service import JobAudio, JobService
from web.access import AccessOperations
from web.answers import JSON, Answer, Call, Handler, json_answer, refusal
from web.contacts import ContactOperations
from web.corrections import CorrectionOperations
from web.documents import asyncapi_json, openapi_json
from web.exports import render
from web.files import FileSpan, open_file
from web.openai import OpenAIOperations
from web.parameters import value_of
from web.ranges import wanted_range
from web.rate_limits import RateLimits
from web.voices import VoiceOperations
from web.webhooks import WebhookOperations

MOVES: Final = 5
"""Folders that a recording passes on its way, and one more."""
LOG: Final = structlog.get_logger("callannotate.web")


class Operations:
    """Every operation of the route table, over one service."""

    def __init__(self, service: JobService) -> None:
        self._service: Final = service
        self.limits: Final = RateLimits(service.settings)
        self._rendering: Final = CapacityLimiter(1)
        """Threads that write transcripts: a long one takes a moment, which the event loop has no time for."""
        self.handlers: Final[dict[str, Handler]] = {
            "createJob": self.create_job,
            "listJobs": self.list_jobs,
            "getJob": self.get_job,
            "deleteJob": self.delete_job,
            "getJobResult": self.get_job_result,
            "getJobAudio": self.get_job_audio,
            "getJobPeaks": self.get_job_peaks,
            "getQueueStatus": self.get_queue_status,
            "getHealth": self.get_health,
            "getRootHealth": self.get_health,
            "getInfo": self.get_info,
            "getRootInfo": self.get_info,
            "getMetrics": self.get_metrics,
            "getOpenapi": self.get_openapi,
            "getAsyncapi": self.get_asyncapi,
            **CorrectionOperations(service).handlers,
            **VoiceOperations(service).handlers,
            **ContactOperations(service).handlers,
            **AccessOperations(service).handlers,
            **WebhookOperations(service).handlers,
            **OpenAIOperations(service).handlers,
        }

    async def answer(self, call: Call) -> Answer:
        """Run the operation that is asked for; whatever goes wrong is an answer as well."""
        headers = {"X-Request-ID": call.request_id}
        try:
            if call.route.limited:
                headers |= await self.limits.headers(call.client, upload=call.route.takes_recording)
                headers |= await self.limits.request(call.client, upload=call.route.takes_recording)
            call.holder()
            found = await self.handlers[call.route.operation_id](call)
        except CallAnnotateError as error:
            found = refusal(error, call)
        except Exception:
            LOG.exception("request_failed", operation=call.route.operation_id)
            unexpected = CallAnnotateError(INTERNAL, stage=call.route.operation_id, cause="an unexpected error")
            found = refusal(unexpected, call)
        return found.with_headers(headers)

    async def create_job(self, call: Call) -> Answer:
        """A recording becomes a job, or the one that it has become with the same Idempotency-Key."""
        key = value_of(call, "Idempotency-Key")
        await self._service.admit(key)
        assert call.form is not None  # the route table says that this operation has an upload
        async with call.form.receive(self._service) as submission:
            job = await self._service.submit(submission.upload, submission.metadata, idempotency_key=key)
        headers = {"Location": job.progress_url}
        if job.job_id != submission.upload.job_id:
            headers["Idempotency-Replayed"] = "true"
        return json_answer(201, told_in(call.language, job), headers)

    async def list_jobs(self, call: Call) -> Answer:
        """One page of jobs."""
        page = await self._service.jobs(
            status=value_of(call, "status"), limit=value_of(call, "limit"), offset=value_of(call, "offset")
        )
        return json_answer(200, replace(page, jobs=tuple(told_in(call.language, job) for job in page.jobs)))

    async def get_job(self, call: Call) -> Answer:
        """One job."""
        include = value_of(call, "include") == "result"
        job = await self._service.job(call.values["job_id"], include_result=include)
        return json_answer(200, told_in(call.language, job))

    async def delete_job(self, call: Call) -> Answer:
        """Cancel and forget a job."""
        await self._service.delete(call.values["job_id"])
        return Answer(204, "")

    async def get_job_result(self, call: Call) -> Answer:
        """The result, or the transcript in another format."""
        chosen = wanted_format(value_of(call, "format"), call.values.get("Accept"))
        job_id = call.values["job_id"]
        found = await self._service.result(job_id, value_of(call, "version"))
        if chosen == "json":
            return json_answer(200, found, {"Vary": "Accept"})
        job = await self._service.job(job_id)
        name = job.file_info.filename.rpartition(".")[0] or job.file_info.filename
        content = await to_thread.run_sync(render, found.result, chosen, name, limiter=self._rendering)
        media_type = FORMAT_MEDIA_TYPES[chosen]
        if chosen not in BINARY_FORMATS:
            media_type += "; charset=utf-8"
        return Answer(200, media_type, content, {"Vary": "Accept"})

    async def get_job_audio(self, call: Call) -> Answer:
        """The recording, or a range of its bytes."""
        job_id = call.values["job_id"]
        audio, descriptor = await self._open_audio(job_id)
        etag = f"{job_id}-{audio.size}"
        headers = {
            "Accept-Ranges": "bytes",
            "ETag": quote_etag(etag),
            "Content-Disposition": dump_options_header("attachment", {"filename": audio.filename}),
        }
        whole = FileSpan(descriptor, 0, audio.size)
        try:
            found = wanted_range(call.values.get("Range"), call.values.get("If-Range"), etag, audio.size)
        except CallAnnotateError:
            whole.close()
            raise
        if found is None:
            return Answer(200, audio.media_type, whole, headers)
        start, stop = found
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{audio.size}"
        return Answer(206, audio.media_type, whole.part(start, stop), headers)

    async def get_job_peaks(self, call: Call) -> Answer:
        """What the recording looks like."""
        content = await self._service.peaks(call.values["job_id"])
        return Answer(200, JSON, content, {"Cache-Control": "private, max-age=86400"})

    async def _open_audio(self, job_id: str) -> tuple[JobAudio, int]:
        """The recording and a descriptor of its file; looked up again where it was moved in between."""
        for _ in range(MOVES):
            audio = await self._service.audio(job_id)
            with suppress(FileNotFoundError):
                return audio, await open_file(audio.path)
        raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id)

    async def get_queue_status(self, _call: Call) -> Answer:
        """The queue as a whole."""
        return json_answer(200, await self._service.queue())

    async def get_health(self, _call: Call) -> Answer:
        """Every component; 503 as soon as one is unhealthy."""
        health = await self._service.health()
        return json_answer(200 if health.status == "healthy" else 503, health)

    async def get_info(self, _call: Call) -> Answer:
        """What the service can do."""
        return json_answer(200, self._service.info())

    async def get_metrics(self, _call: Call) -> Answer:
        """Figures for Prometheus."""
        return Answer(200, CONTENT_TYPE_LATEST, self._service.metrics())

    async def get_openapi(self, call: Call) -> Answer:
        """The description of REST."""
        version = value_of(call, "version")
        return Answer(200, JSON, await to_thread.run_sync(openapi_json, version, limiter=self._rendering))

    async def get_asyncapi(self, _call: Call) -> Answer:
        """The description of the WebSockets."""
        return Answer(200, JSON, await to_thread.run_sync(asyncapi_json, limiter=self._rendering))


def told_in(language: Language, job: Job) -> Job:
    """The job with the reason of its failure in the language of whoever asks."""
    return job if job.error is None else replace(job, error=job.error.told_in(language))


def wanted_format(chosen: Format | None, accept: str | None) -> Format:
    """The format that a client asks for by `format` or by the header Accept; JSON where it does not mind.

    Raises NOT_ACCEPTABLE.
    """
    if chosen is not None:
        return chosen
    if not accept:
        return "json"
    best = parse_accept_header(accept, MIMEAccept).best_match(list(FORMAT_MEDIA_TYPES.values()))
    for kind, media_type in FORMAT_MEDIA_TYPES.items():
        if media_type == best:
            return kind
    raise CallAnnotateError(NOT_ACCEPTABLE, wanted=accept[:200], allowed=", ".join(FORMAT_MEDIA_TYPES.values()))
