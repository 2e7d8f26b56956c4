"""The customer's specification: its paths, fields, statuses and codes are in our documents, with values of its kind."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from asyncapi.builder import asyncapi_document
from contracts.openapi import openapi_document

OPENAPI: Any = openapi_document()
ASYNCAPI: Any = asyncapi_document()
JOB_ID = "550e8400-e29b-41d4-a716-446655440000"
FILE = {"filename": "audio.wav", "size": 1048576, "format": "wav", "duration": 120.5}

# Section 3.3 to 7.3, as they stand there.
REST_EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    ("HealthStatus", {"status": "healthy", "version": "1.0.0", "uptime": 3600, "queue_status": "active"}),
    (
        "ServiceInfo",
        {
            "service": "CallAnnotate",
            "version": "1.0.0",
            "supported_formats": ["wav", "mp3", "flac", "opus"],
            "max_file_size": 1073741824,
            "processing_mode": "asynchronous",
            "api_endpoints": {"rest": "/api/v1", "websocket": "/ws"},
        },
    ),
    (
        "Job",
        {
            "job_id": JOB_ID,
            "status": "queued",
            "created_at": "2025-07-26T18:00:00Z",
            "estimated_duration": 300,
            "file_info": FILE,
            "progress_url": f"/api/v1/jobs/{JOB_ID}",
            "websocket_url": f"/ws/{JOB_ID}",
        },
    ),
    (
        "Job",
        {
            "job_id": JOB_ID,
            "status": "processing",
            "progress": {
                "percentage": 45,
                "current_stage": "diarization",
                "stages_completed": ["validation", "preprocessing"],
                "stages_remaining": ["transcription", "recognition", "annotation"],
            },
            "created_at": "2025-07-26T18:00:00Z",
            "started_at": "2025-07-26T18:01:00Z",
            "estimated_completion": "2025-07-26T18:06:00Z",
            "file_info": FILE,
        },
    ),
    (
        "JobResult",
        {
            "job_id": JOB_ID,
            "status": "completed",
            "completed_at": "2025-07-26T18:05:30Z",
            "processing_time": 330,
            "result": {
                "speakers": [
                    {
                        "speaker_id": "speaker_1",
                        "identified_as": "Иван Петров",
                        "confidence": 0.92,
                        "voice_embedding_source": "/app/embeddings/ivan.vec",
                        "segments": [
                            {
                                "start_time": 0.0,
                                "end_time": 15.2,
                                "text": "Добро пожаловать в нашу компанию",
                                "confidence": 0.89,
                            }
                        ],
                    },
                    {
                        "speaker_id": "speaker_2",
                        "identified_as": "unknown",
                        "confidence": 0.0,
                        "carddav_search_performed": True,
                        "segments": [],
                    },
                ],
                "metadata": {
                    "total_duration": 120.5,
                    "speaker_count": 2,
                    "word_count": 156,
                    "confidence_average": 0.91,
                    "processing_stages": {
                        "diarization": "completed",
                        "transcription": "completed",
                        "recognition": "completed",
                        "carddav_lookup": "completed",
                        "annotation": "completed",
                    },
                },
            },
        },
    ),
    (
        "QueueStatus",
        {
            "queue_length": 3,
            "processing_job": JOB_ID,
            "average_processing_time": 280,
            "jobs": [
                {"job_id": JOB_ID, "status": "queued", "position": 1, "estimated_start": "2025-07-26T18:10:00Z"},
            ],
        },
    ),
    (
        "ErrorBody",
        {
            "error": {
                "code": "FILE_TOO_LARGE",
                "message": "Размер файла превышает максимально допустимый (1 ГБ)",
                "details": {"file_size": 1073741825, "max_allowed": 1073741824},
                "timestamp": "2025-07-26T18:00:00Z",
                "request_id": f"req_{JOB_ID}",
            }
        },
    ),
    (
        "HealthStatus",
        {
            "status": "healthy",
            "components": {
                "queue_manager": "healthy",
                "volume_access": "healthy",
                "audio_processing": "healthy",
                "memory_usage": {"used": "512MB", "available": "1536MB", "percentage": 25},
                "disk_usage": {"volume_free": "50GB", "logs_size": "100MB"},
            },
            "uptime": 3600,
            "version": "1.0.0",
        },
    ),
]
SOCKET_EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    (
        "StatusUpdate",
        {
            "type": "status_update",
            "job_id": JOB_ID,
            "status": "processing",
            "progress": {"percentage": 45, "current_stage": "diarization", "stage_progress": 78},
            "timestamp": "2025-07-26T18:03:00Z",
        },
    ),
    (
        "ResultMessage",
        {
            "type": "result",
            "job_id": JOB_ID,
            "status": "completed",
            "result": {"speakers": [], "metadata": {}},
            "timestamp": "2025-07-26T18:05:30Z",
        },
    ),
    (
        "JobErrorMessage",
        {
            "type": "error",
            "job_id": JOB_ID,
            "error": {
                "code": "PROCESSING_FAILED",
                "message": "Ошибка при диаризации аудиофайла",
                "stage": "diarization",
            },
            "timestamp": "2025-07-26T18:03:30Z",
        },
    ),
    ("Ping", {"type": "ping", "timestamp": "2025-07-26T18:04:00Z"}),
    ("Pong", {"type": "pong", "timestamp": "2025-07-26T18:04:00Z"}),
]


def partial(node: Any) -> Any:
    """The schemas with nothing required and nothing unnamed allowed: we may say more than the customer, not less."""
    if isinstance(node, list):
        return [partial(item) for item in node]
    if not isinstance(node, dict):
        return node
    loose = {key: partial(value) for key, value in node.items() if not (key == "required" and isinstance(value, list))}
    if loose.get("type") == "object" and "properties" in loose:
        loose.setdefault("additionalProperties", False)
    return loose


def problems(document: Any, name: str, example: dict[str, Any]) -> list[str]:
    schema = {"$ref": f"#/components/schemas/{name}", "components": partial(document["components"])}
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(example)]


@pytest.mark.parametrize(("name", "example"), REST_EXAMPLES)
def test_what_the_specification_shows_of_rest_can_be_said(name: str, example: dict[str, Any]) -> None:
    assert problems(OPENAPI, name, example) == []


@pytest.mark.parametrize(("name", "example"), SOCKET_EXAMPLES)
def test_what_the_specification_shows_of_the_websocket_can_be_said(name: str, example: dict[str, Any]) -> None:
    assert problems(ASYNCAPI, name, example) == []


def test_a_field_that_we_do_not_have_would_be_noticed() -> None:
    assert problems(OPENAPI, "Job", {"job_id": JOB_ID, "colour": "red"}) != []
    assert problems(OPENAPI, "Job", {"status": "sleeping"}) != []


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/health", "get", {"200", "503", "500"}),
        ("/info", "get", {"200", "429", "500"}),
        ("/api/v1/health", "get", {"200", "503", "500"}),
        ("/api/v1/info", "get", {"200", "429", "500"}),
        ("/api/v1/jobs", "post", {"201", "400", "413", "415", "429", "500", "503"}),
        ("/api/v1/jobs/{job_id}", "get", {"200", "404", "429", "500"}),
        ("/api/v1/jobs/{job_id}/result", "get", {"200", "404", "409", "429", "500"}),
        ("/api/v1/jobs/{job_id}", "delete", {"204", "404", "429", "500"}),
        ("/api/v1/queue/status", "get", {"200", "429", "500"}),
    ],
)
def test_every_path_of_the_specification_is_there_with_its_statuses(path: str, method: str, statuses: set[str]) -> None:
    assert statuses <= set(OPENAPI["paths"][path][method]["responses"])


def test_the_values_of_the_specification_are_ours() -> None:
    schemas = OPENAPI["components"]["schemas"]
    job = schemas["Job"]["properties"]
    assert set(job["status"]["enum"]) == {"queued", "processing", "completed", "failed", "archived"}
    stages = schemas["JobProgress"]["properties"]["stages_completed"]["items"]["enum"]
    assert set(stages) == {
        "validation",
        "preprocessing",
        "diarization",
        "transcription",
        "recognition",
        "carddav_lookup",
        "annotation",
    }
    assert set(schemas["FileInfo"]["properties"]["format"]["enum"]) == {"wav", "mp3", "flac", "opus"}
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(OPENAPI["components"]["headers"])
    assert ASYNCAPI["channels"]["job"]["address"] == "/ws/{job_id}"
    assert OPENAPI["info"]["version"] == ASYNCAPI["info"]["version"] == "1.0.0"
