"""What the server and its clients say on `/ws/{job_id}` and `/v1/ws`; every text frame is one of these, as JSON."""

from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from contracts.annotation import Annotation
from contracts.jobs import ErrorDetail, JobFailure, JobId, JobProgress, JobStatus, Moment

Sequence = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""Counts messages; as large as a number in JSON can be for every client."""
RequestId = Annotated[str, Meta(min_length=1, max_length=64)]


class StatusUpdate(Struct, frozen=True, kw_only=True, tag="status_update"):
    """A job has come further, or its state changed."""

    job_id: JobId
    seq: Sequence
    """Counts the messages of a job from 1 without a gap; `?after_seq=` replays what came after one."""
    status: JobStatus
    progress: JobProgress
    timestamp: Moment


class ResultMessage(Struct, frozen=True, kw_only=True, tag="result"):
    """The result of a completed job; the last message of the job."""

    job_id: JobId
    seq: Sequence
    status: Literal["completed"] = "completed"
    result: Annotation
    timestamp: Moment


class JobErrorMessage(Struct, frozen=True, kw_only=True, tag="error"):
    """The job failed; the last message of the job."""

    job_id: JobId
    seq: Sequence
    error: JobFailure
    timestamp: Moment


JobMessage = StatusUpdate | ResultMessage | JobErrorMessage


class ConnectionErrorMessage(Struct, frozen=True, kw_only=True, tag="error"):
    """What was wrong with a message of the client, or why the connection is about to be closed."""

    error: ErrorDetail
    in_reply_to: str | None = None
    """The `id` of the message that was wrong."""


class Ping(Struct, frozen=True, kw_only=True, tag="ping"):
    """Asks for a pong; either side may send it. The server does every 30 s."""

    timestamp: Moment | None = None


class Pong(Struct, frozen=True, kw_only=True, tag="pong"):
    """Answers a ping with the same timestamp."""

    timestamp: Moment | None = None


class Request(Struct, frozen=True, kw_only=True, tag="request"):
    """One REST operation on `/v1/ws`."""

    id: RequestId
    operation: str
    """The operationId of OpenAPI, such as `getJob`."""
    parameters: dict[str, str | int | float | bool] = {}
    """Of path, query and headers by their names, such as `job_id`, `limit` or `Idempotency-Key`."""
    metadata: dict[str, object] = {}
    """Of operations with an upload: the form field `metadata`, such as JobRequest for `createJob`."""
    filename: str | None = None
    """Of the upload, which follows in binary frames with an `upload.end` behind them."""
    body: dict[str, object] = {}
    """Of operations with a body of JSON, such as VoiceUpdate for `updateVoice`."""


class Subscribe(Struct, frozen=True, kw_only=True, tag="subscribe"):
    """Asks for the messages of a job, from the one after `after_seq` on."""

    id: RequestId
    job_id: str
    after_seq: Sequence | None = None


class Unsubscribe(Struct, frozen=True, kw_only=True, tag="unsubscribe"):
    """Asks for no more messages of a job."""

    id: RequestId
    job_id: str


class UploadEnd(Struct, frozen=True, kw_only=True, tag="upload.end"):
    """The upload of the request with this `id` is complete."""

    id: RequestId
    size: Sequence
    """Bytes that were sent, to be compared with those that arrived."""


class UploadReady(Struct, frozen=True, kw_only=True, tag="upload.ready"):
    """The file of the request with this `id` may be sent now: binary frames of at most `max_frame_bytes`."""

    id: str
    max_frame_bytes: int


class UploadProgress(Struct, frozen=True, kw_only=True, tag="upload.progress"):
    """Bytes of the upload that have been written; sent about once a second."""

    id: str
    bytes_received: int


class Reply(Struct, frozen=True, kw_only=True, tag="reply"):
    """The answer to the message with the same `id`; status, headers and body are those of REST."""

    id: str
    status: int
    headers: dict[str, str] = {}
    body: Raw | None = None
    """JSON as it is, any other text as a JSON string; null for 204."""


class Closing(Struct, frozen=True, kw_only=True, tag="session.closing"):
    """The server is about to close the connection, because it stops."""

    reason: str
    deadline_ms: int


WatcherMessage = Ping | Pong
"""What a client may say on `/ws/{job_id}`."""
ClientMessage = Request | Subscribe | Unsubscribe | UploadEnd | Ping | Pong
"""What a client may say on `/v1/ws`."""
