"""Examples of everything that travels: the answers of REST, the messages on the WebSockets, and every error."""

import json
from datetime import UTC, datetime
from string import Formatter
from typing import Final, cast, get_args

import msgspec
from msgspec import Raw, Struct

from contracts import job_messages as messages
from contracts.access_examples import ACCESS_DETAILS, ACCESS_RESPONSES, ACCESS_SPECIAL_DETAILS
from contracts.annotation import (
    Annotation,
    Metadata,
    ModelUsed,
    Notice,
    ProcessingStages,
    Segment,
    Speaker,
    Turn,
    Word,
)
from contracts.contact_examples import CONTACT_DETAILS, CONTACT_RESPONSES, CONTACT_SPECIAL_DETAILS, FOUND_CONTACT
from contracts.correction_examples import CORRECTION_RESPONSES
from contracts.errors import INVALID_MESSAGE, PROCESSING_FAILED, CallAnnotateError, Fault, Language
from contracts.jobs import (
    DiskUsage,
    ErrorBody,
    ErrorDetail,
    FileInfo,
    HealthComponents,
    HealthStatus,
    Job,
    JobFailure,
    JobPage,
    JobProgress,
    JobRequest,
    JobResult,
    JobStatus,
    MemoryUsage,
    QueuedJob,
    QueueStatus,
    ServiceInfo,
)
from contracts.openai import OpenAIErrorBody
from contracts.openai_errors import openai_error
from contracts.openai_examples import OPENAI_RESPONSES, OPENAI_SPECIAL_DETAILS
from contracts.options import Format
from contracts.voice_examples import VOICE_DETAILS, VOICE_RESPONSES, VOICE_SPECIAL_DETAILS
from contracts.waveform import Waveform
from contracts.webhook_examples import WEBHOOK_DETAILS, WEBHOOK_RESPONSES

JOB_ID: Final = "550e8400-e29b-41d4-a716-446655440000"
_NEXT_JOB_ID: Final = "550e8400-e29b-41d4-a716-446655440001"
REQUEST_ID: Final = f"req_{JOB_ID}"


def _at(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 11, 22, 18, minute, second, tzinfo=UTC)


METADATA: Final = JobRequest(description="Phone call recording", priority=1, caller="+7 495 000-00-00", language="ru")
_FILE: Final = FileInfo(
    filename="audio.wav", size=1048576, format="wav", duration=65.5, sample_rate=8000, channels=1
)  # fmt: skip

ANNOTATION: Final = Annotation(
    speakers=(
        Speaker(
            speaker_id="speaker_1",
            segments=(
                Segment(
                    start_time=0.4,
                    end_time=1.9,
                    text="Добро пожаловать.",
                    confidence=0.89,
                    language="ru",
                    words=(Word("Добро", 0.4, 0.9, 0.86), Word("пожаловать.", 0.9, 1.9, 0.92)),
                ),
            ),
            identified_as="Иван Петров",
            confidence=0.92,
            voice_embedding_source="ivan.vec",
            contact=FOUND_CONTACT,
        ),
        Speaker(
            speaker_id="speaker_2",
            segments=(
                Segment(
                    start_time=2.3,
                    end_time=3.1,
                    text="Спасибо.",
                    confidence=0.94,
                    language="ru",
                    words=(Word("Спасибо.", 2.3, 3.1, 0.94),),
                ),
            ),
            identified_as="unknown",
            carddav_search_performed=True,
        ),
    ),
    turns=(Turn("speaker_1", 0.4, 1.9), Turn("speaker_2", 2.3, 3.1)),
    metadata=Metadata(
        total_duration=65.5,
        speaker_count=2,
        word_count=3,
        confidence_average=0.91,
        processing_stages=ProcessingStages(recognition="completed", carddav_lookup="completed"),
        languages=("ru",),
        channels="mono",
        engine="onnx",
        models=(
            ModelUsed(
                "transcription", "whisper-base", "9f1c1d3b1e0a5f4b6d7c8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
            ),
        ),
        processing_time=14.2,
        real_time_factor=0.217,
        version="1.0.0",
        warnings=(Notice("TRUNCATED", "audio.wav: breaks off after 65.50 s (unexpected end of file)"),),
    ),
)
_STAGES: Final = ("validation", "preprocessing", "diarization", "transcription", "recognition", "annotation")
_HALFWAY: Final = JobProgress(
    percentage=45,
    current_stage="diarization",
    stage_progress=78,
    stages_completed=_STAGES[:2],
    stages_remaining=_STAGES[3:],
    estimated_completion=_at(6),
)
_WAITING: Final = JobProgress(percentage=0, stages_remaining=_STAGES)
_DONE: Final = JobProgress(percentage=100, stages_completed=_STAGES)
FAILURE: Final = JobFailure(
    code=PROCESSING_FAILED.code,
    message="stage diarization failed: the segmentation gave no frames",
    advice=PROCESSING_FAILED.advice,
    stage="diarization",
    details={"stage": "diarization", "cause": "the segmentation gave no frames"},
)


def _job(status: JobStatus, progress: JobProgress, **more: object) -> Job:
    job = Job(
        job_id=JOB_ID,
        status=status,
        created_at=_at(0),
        priority=1,
        progress=progress,
        estimated_duration=15,
        file_info=_FILE,
        metadata=cast("dict[str, object]", msgspec.to_builtins(METADATA)) | {"order": 1742},
        progress_url=f"/api/v1/jobs/{JOB_ID}",
        websocket_url=f"/ws/{JOB_ID}",
    )
    return msgspec.structs.replace(job, **more)


QUEUED_JOB: Final = _job("queued", _WAITING, position=1, estimated_completion=_at(6))
RUNNING_JOB: Final = _job("processing", _HALFWAY, started_at=_at(1), estimated_completion=_at(6))
COMPLETED_JOB: Final = _job("completed", _DONE, started_at=_at(1), completed_at=_at(5, 30))
FAILED_JOB: Final = _job("failed", _HALFWAY, started_at=_at(1), completed_at=_at(3, 30), error=FAILURE)
RESULT: Final = JobResult(job_id=JOB_ID, completed_at=_at(5, 30), processing_time=14.2, result=ANNOTATION)

_COMPONENTS: Final = HealthComponents(
    queue_manager="healthy",
    volume_access="healthy",
    audio_processing="healthy",
    models="healthy",
    memory_usage=MemoryUsage(used="512MB", available="1536MB", percentage=25),
    disk_usage=DiskUsage(volume_free="50GB", logs_size="100MB"),
)
_HEALTHY: Final = HealthStatus(
    status="healthy", version="1.0.0", uptime=3600, queue_status="active", components=_COMPONENTS
)
_SICK: Final = msgspec.structs.replace(
    _HEALTHY,
    status="unhealthy",
    components=msgspec.structs.replace(
        _COMPONENTS,
        volume_access="unhealthy",
        disk_usage=DiskUsage(volume_free="0MB", logs_size="100MB"),
    ),
    problems=("volume_access: the volume has 0 MB left, 64 MB are needed",),
)
_INFO: Final = ServiceInfo(
    version="1.0.0",
    max_file_size=1073741824,
    max_duration=14400.0,
    model="whisper-base",
    engine="onnx",
    languages=("en", "ru"),
)
_QUEUE: Final = QueueStatus(
    queue_length=1,
    processing_job=JOB_ID,
    processing_jobs=(JOB_ID,),
    average_processing_time=14.2,
    jobs=(QueuedJob(job_id=_NEXT_JOB_ID, position=1, estimated_start=_at(10)),),
)
_TEXTS: Final = {
    "srt": "1\n00:00:00,400 --> 00:00:02,165\nИван Петров: Добро пожаловать.\n",
    "vtt": "WEBVTT\n\n00:00:00.400 --> 00:00:01.900\n<v Иван Петров>Добро пожаловать.</v>\n",
    "txt": "[00:00:00.400 - 00:00:01.900] Иван Петров (ru): Добро пожаловать.\n",
    "tsv": "start\tend\tspeaker\tlanguage\ttext\n400\t1900\tИван Петров\tru\tДобро пожаловать.\n",
    "rttm": "SPEAKER audio 1 0.400 1.500 <NA> <NA> speaker_1 <NA> <NA>\n",
    "eaf": '<?xml version="1.0" encoding="UTF-8"?>\n<ANNOTATION_DOCUMENT',
    "textgrid": 'File type = "ooTextFile"\nObject class = "TextGrid"\n',
    "metrics": '# TYPE callannotate_jobs gauge\ncallannotate_jobs{status="queued"} 1.0\n',
}

RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("createJob", 201): {"queued": QUEUED_JOB},
    ("listJobs", 200): {"page": JobPage(jobs=(RUNNING_JOB,), total=1, limit=50, offset=0)},
    ("getJob", 200): {
        "queued": QUEUED_JOB,
        "processing": RUNNING_JOB,
        "completed": COMPLETED_JOB,
        "failed": FAILED_JOB,
        "with_result": msgspec.structs.replace(COMPLETED_JOB, result=ANNOTATION),
    },
    ("getJobResult", 200): {"result": RESULT, **{kind: _TEXTS[kind] for kind in _TEXTS if kind != "metrics"}},
    ("getJobPeaks", 200): {"peaks": Waveform(job_id=JOB_ID, duration=0.1, rate=50.0, channels=((0, 17, 201, 88, 9),))},
    ("getQueueStatus", 200): {"queue": _QUEUE},
    ("getHealth", 200): {"healthy": _HEALTHY},
    ("getHealth", 503): {"unhealthy": _SICK},
    ("getRootHealth", 200): {"healthy": _HEALTHY},
    ("getRootHealth", 503): {"unhealthy": _SICK},
    ("getInfo", 200): {"info": _INFO},
    ("getRootInfo", 200): {"info": _INFO},
    ("getMetrics", 200): {"metrics": _TEXTS["metrics"]},
    **ACCESS_RESPONSES,
    **WEBHOOK_RESPONSES,
    **CONTACT_RESPONSES,
    **CORRECTION_RESPONSES,
    **OPENAI_RESPONSES,
    **VOICE_RESPONSES,
}
"""Of each answer with a body: Structs for JSON, text for the other media types; documents and audio have none."""

_DETAILS: Final[dict[str, str | float]] = {
    "ahead_ms": 10250,
    "advice": "Binary frames belong between upload.ready and upload.end",
    "after_seq": 3,
    "allowed": "1 to 1000",
    "cause": "unexpected end at byte 17",
    "count": 101,
    "duration": 15000.0,
    "duration_ms": 1500,
    "engine": "pyannote",
    "first": 41,
    "field": "limit",
    "found": "text/plain",
    "highest": 192000,
    "host": "127.0.0.1",
    "job_id": JOB_ID,
    "last_seq": 7,
    "kind": "transcription",
    "language": "tlh",
    "limit": 120,
    "lowest": 4000,
    "max_allowed": 1073741824,
    "message": "finalize",
    "method": "PATCH",
    "multiple": 2,
    "model": "whisper-base",
    "name": "whisper-huge",
    "needed": "Wait until it has completed",
    "option": "speakers",
    "path": "audio.wav",
    "place": "after audio.end",
    "problem": "is 0",
    "queued": 1000,
    "range": "bytes=2000000-",
    "retry_after": 30,
    "sample_rate": 2000,
    "seconds": 60,
    "session_id": JOB_ID,
    "shortest": 0.1,
    "size": 1048576,
    "stage": "diarization",
    "status": "processing",
    "time": 12.5,
    "wanted": "text/html",
    "channels": 6,
    **ACCESS_DETAILS,
    **WEBHOOK_DETAILS,
    **CONTACT_DETAILS,
    **VOICE_DETAILS,
}
"""A value for every detail that an error of the server may carry."""
_SPECIAL_DETAILS: Final[dict[str, dict[str, str | float]]] = {
    "FIXED_FIELD": {"field": "audio", "allowed": "language, partials, words, vocabulary"},
    "FRAME_TOO_LARGE": {"size": 65538, "max_allowed": 65536},
    "FRAME_TOO_LONG": {"max_allowed": 8000},
    "INVALID_CONFIG": {"field": "audio.sample_rate", "problem": "is 96000", "allowed": "8000 to 48000"},
    "LIVE_OVERLOADED": {"cause": "2 sessions take 83 % of it"},
    "ODD_FRAME": {"size": 321},
    "SESSION_EXPECTED": {"cause": "its type is keepalive"},
    "SESSION_TOO_LONG": {"max_allowed": 14400},
    "START_TIMEOUT": {"seconds": 5},
    "TOO_FAST": {"max_allowed": 10000},
    "TOO_MANY_SESSIONS": {"limit": 4},
    "WRONG_ORDER": {"allowed": "keepalive"},
    "AUDIO_TOO_LONG": {"max_allowed": 14400.0},
    "AUDIO_TOO_SHORT": {"duration": 0.05},
    "INTERNAL": {"stage": "createJob", "cause": "unexpected error"},
    "INVALID_MESSAGE": {"cause": "Object missing required field `id`", "allowed": "request, subscribe, ping, pong"},
    "INVALID_JSON": {"field": "metadata"},
    "MESSAGE_TOO_BIG": {"max_allowed": 1048576},
    "METHOD_NOT_ALLOWED": {"allowed": "GET, POST"},
    "NOT_ACCEPTABLE": {"allowed": ", ".join(get_args(Format))},
    "PROTOCOL_ERROR": {"cause": "Invalid opcode 0xf"},
    "ROUTE_NOT_FOUND": {"path": "/api/v1/job"},
    "UNKNOWN_LANGUAGE": {"allowed": "en, ru"},
    "UNKNOWN_MODEL": {"allowed": "whisper-base, whisper-tiny"},
    "UNSUPPORTED_MEDIA_TYPE": {"allowed": "multipart/form-data"},
    "BODY_TOO_LARGE": {"max_allowed": 65536},
    **ACCESS_SPECIAL_DETAILS,
    **CONTACT_SPECIAL_DETAILS,
    **OPENAI_SPECIAL_DETAILS,
    **VOICE_SPECIAL_DETAILS,
}


def _example(fault: Fault) -> CallAnnotateError:
    """The error as it might be raised."""
    known = _DETAILS | _SPECIAL_DETAILS.get(fault.code, {})
    wanted = {name for text in (fault.message, fault.advice) for _, name, _, _ in Formatter().parse(text) if name}
    return CallAnnotateError(fault, **{name: known[name] for name in sorted(wanted)})


def example_openai_error(fault: Fault, status: int) -> OpenAIErrorBody:
    """The error with this status as a client of OpenAI gets it."""
    return openai_error(_example(fault), "en", status)


def example_error(fault: Fault, language: Language = "en") -> ErrorDetail:
    """The error as a client gets it."""
    error = _example(fault)
    return ErrorDetail(
        code=fault.code,
        message=error.message_in(language),
        advice=error.advice_in(language),
        retryable=fault.retryable,
        details=error.details,
        timestamp=_at(0),
        request_id=REQUEST_ID,
    )


def example_error_body(fault: Fault, language: Language = "en") -> ErrorBody:
    """The body of an answer that is this error."""
    return ErrorBody(example_error(fault, language))


MESSAGES: Final[dict[str, dict[str, Struct]]] = {
    "status_update": {
        "queued": messages.StatusUpdate(job_id=JOB_ID, seq=1, status="queued", progress=_WAITING, timestamp=_at(0)),
        "processing": messages.StatusUpdate(
            job_id=JOB_ID, seq=7, status="processing", progress=_HALFWAY, timestamp=_at(3)
        ),
    },
    "result": {"result": messages.ResultMessage(job_id=JOB_ID, seq=12, result=ANNOTATION, timestamp=_at(5, 30))},
    "job_error": {"failed": messages.JobErrorMessage(job_id=JOB_ID, seq=9, error=FAILURE, timestamp=_at(3, 30))},
    "server_ping": {"ping": messages.Ping(timestamp=_at(4))},
    "server_pong": {"pong": messages.Pong(timestamp=_at(4)), "bare": messages.Pong()},
    "client_ping": {"ping": messages.Ping(timestamp=_at(4)), "bare": messages.Ping()},
    "client_pong": {"pong": messages.Pong(timestamp=_at(4)), "bare": messages.Pong()},
    "session.closing": {"stopping": messages.Closing(reason="SHUTTING_DOWN", deadline_ms=8000)},
    "subscribe": {
        "from_now": messages.Subscribe(id="s1", job_id=JOB_ID),
        "replay": messages.Subscribe(id="s2", job_id=JOB_ID, after_seq=7),
    },
    "unsubscribe": {"unsubscribe": messages.Unsubscribe(id="u1", job_id=JOB_ID)},
    "upload.end": {"end": messages.UploadEnd(id="r1", size=1048576)},
    "upload.ready": {"ready": messages.UploadReady(id="r1", max_frame_bytes=65536)},
    "upload.progress": {"progress": messages.UploadProgress(id="r1", bytes_received=524288)},
}
"""Of each message whose examples do not follow from the routes or the errors."""


def example_connection_error(fault: Fault) -> messages.ConnectionErrorMessage:
    """The error as a message of its own."""
    answered = "r1" if fault is INVALID_MESSAGE else None
    return messages.ConnectionErrorMessage(error=example_error(fault), in_reply_to=answered)


def example_reply(identifier: str, status: int, headers: dict[str, str], body: object) -> messages.Reply:
    """A reply with this body, which is encoded here; None for no body."""
    encoded = None if body is None else Raw(msgspec.json.encode(body))
    return messages.Reply(id=identifier, status=status, headers=headers, body=encoded)


def plain(value: object) -> object:
    """The Struct as its JSON reads; raw JSON in it is parsed."""
    return json.loads(msgspec.json.encode(value))
