"""Jobs as the REST interface and the WebSocket show them: the customer's fields (specification, sections 3 and 5)."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from contracts.annotation import Annotation
from contracts.errors import CATALOGUE, CallAnnotateError, Language
from contracts.options import ChannelMode, Engine, Task

JobId = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with a zone."""
JobStatus = Literal["queued", "processing", "completed", "failed", "archived"]
StageName = Literal[
    "validation", "preprocessing", "diarization", "transcription", "recognition", "carddav_lookup", "annotation"
]
AudioFormat = Literal["wav", "mp3", "flac", "opus"]
Percentage = Annotated[int, Meta(ge=0, le=100)]
Health = Literal["healthy", "unhealthy"]


class JobRequest(Struct, frozen=True, kw_only=True):
    """What a client says of a recording: the form field `metadata`. Keys that are not here are the client's own."""

    description: Annotated[str, Meta(max_length=1000)] = ""
    priority: Annotated[int, Meta(ge=0, le=9)] = 0
    """The highest first; within one, first in first out."""
    caller: Annotated[str, Meta(max_length=200)] | None = None
    callee: Annotated[str, Meta(max_length=200)] | None = None
    language: Annotated[str, Meta(max_length=16)] | None = None
    """ISO 639-1 code; null or "auto" to detect it per stretch of speech."""
    speakers: Annotated[int, Meta(ge=1, le=50)] | None = None
    """The number of speakers where it is known; not together with bounds."""
    min_speakers: Annotated[int, Meta(ge=1, le=50)] | None = None
    max_speakers: Annotated[int, Meta(ge=1, le=50)] | None = None
    channels: ChannelMode = "auto"
    model: Annotated[str, Meta(max_length=200)] | None = None
    """Whisper weights by their name in the catalogue; null for the server's own choice."""
    engine: Engine | None = None
    """Diarization engine; null for the server's own choice."""
    recognise: bool = True
    """Whether known voices are named."""
    callback_url: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None
    """Where to say that the job has ended; docs/webhooks.md has what is sent, and which URLs are taken."""
    task: Task = "transcribe"
    """With "translate" the text is English, whatever is spoken; the languages told are those of the speech."""
    prompt: Annotated[str, Meta(max_length=2000)] = ""
    """Words that may be said, or text that might come before: the spelling and the style lean towards it."""


class FileInfo(Struct, frozen=True, kw_only=True):
    """The recording of a job."""

    filename: str
    """As the client named it, without folders; never used as a path."""
    size: Annotated[int, Meta(ge=1)]
    """Bytes."""
    format: AudioFormat
    duration: Annotated[float, Meta(ge=0)] | None = None
    """Seconds."""
    sample_rate: int | None = None
    """Hz."""
    channels: int | None = None


class JobProgress(Struct, frozen=True, kw_only=True):
    """How far a job has come."""

    percentage: Percentage
    """Of the whole job; never goes back while the job runs."""
    current_stage: StageName | None = None
    """The stage that is furthest behind; null while the job waits and once it has ended."""
    stage_progress: Percentage = 0
    """Of `current_stage`."""
    stages_completed: tuple[StageName, ...] = ()
    stages_remaining: tuple[StageName, ...] = ()
    estimated_completion: Moment | None = None


class JobFailure(Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    """From the error catalogue."""
    message: str
    advice: str = ""
    stage: str | None = None
    details: dict[str, str | float] = {}
    """What the message is made of."""

    def told_in(self, language: Language) -> "JobFailure":
        """The same in another language."""
        fault = CATALOGUE.get(self.code)
        if fault is None:
            return self
        error = CallAnnotateError(fault, **self.details)
        return replace(self, message=error.message_in(language), advice=error.advice_in(language))


class Job(Struct, frozen=True, kw_only=True):
    """One job."""

    job_id: JobId
    """UUID."""
    status: JobStatus
    created_at: Moment
    started_at: Moment | None = None
    completed_at: Moment | None = None
    """When it completed or failed."""
    priority: int = 0
    position: int | None = None
    """Place in the queue, counted from 1; null unless queued."""
    progress: JobProgress
    estimated_duration: int | None = None
    """Seconds that processing takes by the speed measured on this machine; null where the length is unknown."""
    estimated_completion: Moment | None = None
    file_info: FileInfo
    metadata: dict[str, object] = {}
    """What the client sent with the recording, its own keys included."""
    error: JobFailure | None = None
    """Of a failed job."""
    progress_url: str
    websocket_url: str
    result: Annotation | UnsetType | None = UNSET
    """Only with `?include=result`: the result of a completed job, null before."""


class JobPage(Struct, frozen=True, kw_only=True):
    """Jobs, the newest first."""

    jobs: tuple[Job, ...]
    total: int
    """Jobs that the filter lets through, on all pages."""
    limit: int
    offset: int


class JobResult(Struct, frozen=True, kw_only=True):
    """The result of a completed job."""

    job_id: JobId
    status: Literal["completed"] = "completed"
    completed_at: Moment
    processing_time: float
    """Seconds."""
    result: Annotation


class QueuedJob(Struct, frozen=True, kw_only=True):
    """A job that waits."""

    job_id: JobId
    status: Literal["queued"] = "queued"
    position: Annotated[int, Meta(ge=1)]
    estimated_start: Moment | None = None


class QueueStatus(Struct, frozen=True, kw_only=True):
    """The queue as a whole."""

    queue_length: int
    processing_job: JobId | None = None
    """The job that runs, the oldest of them where several do."""
    processing_jobs: tuple[JobId, ...] = ()
    average_processing_time: float = 0.0
    """Seconds, over the last jobs; 0 before the first."""
    jobs: tuple[QueuedJob, ...] = ()
    """The first hundred in the order in which they will run."""


class MemoryUsage(Struct, frozen=True, kw_only=True):
    """Memory of the server's process, and what the machine or the container still has."""

    used: str
    """Such as "512MB"."""
    available: str
    percentage: Percentage


class DiskUsage(Struct, frozen=True, kw_only=True):
    """Room on the volume."""

    volume_free: str
    """Such as "50GB"."""
    logs_size: str


class HealthComponents(Struct, frozen=True, kw_only=True):
    """Every part of the service."""

    queue_manager: Health
    volume_access: Health
    audio_processing: Health
    models: Health
    memory_usage: MemoryUsage
    disk_usage: DiskUsage


class HealthStatus(Struct, frozen=True, kw_only=True):
    """How the service feels: unhealthy as soon as one component is."""

    status: Health
    version: str
    uptime: int
    """Seconds."""
    queue_status: Literal["active", "stopping", "stopped"]
    live_sessions: Annotated[int, Meta(ge=0)] = 0
    """Live sessions that have not ended."""
    components: HealthComponents
    problems: tuple[str, ...] = ()
    """One line for each thing that is wrong."""


class Endpoints(Struct, frozen=True, kw_only=True):
    """Where the interfaces begin."""

    rest: str = "/api/v1"
    websocket: str = "/ws"


class ServiceInfo(Struct, frozen=True, kw_only=True):
    """What the service can do."""

    service: Literal["CallAnnotate"] = "CallAnnotate"
    version: str
    supported_formats: tuple[AudioFormat, ...] = ("wav", "mp3", "flac", "opus")
    max_file_size: int
    """Bytes."""
    max_duration: float
    """Seconds."""
    processing_mode: Literal["asynchronous"] = "asynchronous"
    model: str
    engine: Engine
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes that the model knows."""
    api_endpoints: Endpoints = Endpoints()


class ErrorDetail(Struct, frozen=True, kw_only=True):
    """One error as every front door tells it."""

    code: str
    """From the error catalogue."""
    message: str
    """What was wrong and where, in the language of `Accept-Language`."""
    advice: str = ""
    """What is allowed and what to do."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    details: dict[str, str | float] = {}
    timestamp: Moment
    request_id: str


class ErrorBody(Struct, frozen=True):
    """The body of every answer that is an error."""

    error: ErrorDetail
