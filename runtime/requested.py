"""Jobs of requests that wait for their result: in the queue like any other, and gone when the request is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from anyio import CancelScope, create_task_group, move_on_after
from anyio.abc import ObjectReceiveStream

from contracts.annotation import Annotation
from contracts.errors import CATALOGUE, PROCESSING_FAILED, SHUTTING_DOWN, CallAnnotateError
from contracts.job_messages import JobErrorMessage, JobMessage, ResultMessage
from contracts.jobs import JobFailure
from contracts.speech import Transcript
from runtime.service import JobService
from runtime.upload import Upload


class RequestedJob:
    """A job that somebody waits for."""

    def __init__(
        self, service: JobService, job_id: str, messages: ObjectReceiveStream[JobMessage], heard: list[Transcript]
    ) -> None:
        self.job_id: Final = job_id
        self.result: Annotation | None = None
        """None before the job has completed."""
        self._service: Final = service
        self._messages: Final = messages
        self._heard: Final = heard
        """What was written down and not yet taken, in the order of time."""

    def take(self) -> list[Transcript]:
        """What was written down since it was asked for last."""
        taken = list(self._heard)
        self._heard.clear()
        return taken

    async def completed(self) -> Annotation:
        """The result, as soon as it is there; raises as `news`."""
        while self.result is None:
            await self.news(None)
        return self.result

    async def news(self, patience: float | None) -> None:
        """Wait until the job has come further, at most so many seconds.

        Raises why the job failed, JOB_NOT_FOUND where somebody deleted it, SLOW_READER where nobody took its messages
        in time, or SHUTTING_DOWN.
        """
        message: JobMessage | None = None
        failure: CallAnnotateError | None = None
        async with create_task_group() as tasks:

            async def stopping() -> None:
                await self._service.stopping.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(stopping)
            try:
                with move_on_after(patience):
                    message = await self._messages.receive()
            except CallAnnotateError as error:  # raised again below, outside of the group
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if isinstance(message, ResultMessage):
            self.result = message.result
        elif isinstance(message, JobErrorMessage):
            raise error_of(message.error)
        elif self._service.stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)


@asynccontextmanager
async def requested_job(
    service: JobService, upload: Upload, metadata: bytes, *, read_along: bool = False
) -> AsyncIterator[RequestedJob]:
    """A job of an upload that is complete; it is cancelled and removed when the body is left.

    With `read_along` what is written down is told at once. With OPENAI_KEEP_JOBS the job stays and goes on. Raises as
    `JobService.submit`.
    """
    kept = service.settings.openai_keep_jobs
    heard: list[Transcript] = []
    if read_along:
        service.readers[upload.job_id] = heard.append
    try:
        job = await service.submit(upload, metadata, passing=not kept)
        async with service.watch(job.job_id) as messages:
            yield RequestedJob(service, job.job_id, messages, heard)
    finally:
        service.readers.pop(upload.job_id, None)
        if not kept:
            with CancelScope(shield=True), suppress(CallAnnotateError):
                await service.delete(upload.job_id)


def error_of(failure: JobFailure) -> CallAnnotateError:
    """Why a job failed, as it was raised."""
    return CallAnnotateError(CATALOGUE.get(failure.code, PROCESSING_FAILED), **failure.details)
