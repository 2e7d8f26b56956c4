"""The REST interface, over a real connection."""

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest
import srt
from anyio import fail_after

from contracts.errors import CATALOGUE
from contracts.jobs import HealthStatus, Job, JobPage, JobResult, QueueStatus, ServiceInfo
from contracts.routes import FORMAT_MEDIA_TYPES, ROUTES
from runtime.engine import Engine
from runtime.service import JobService
from tests.web.serving import Server, serving, wav
from web.app import create_app
from web.pages import PATHS

REQUEST_ID = re.compile("req_[0-9a-f-]{36}")
UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine) as running:
        yield running


@pytest.fixture(scope="module")
async def call(server: Server, recording: bytes) -> Any:
    """The sample call, completed."""
    job = await server.submit(recording, '{"description": "the sample"}', "../calls/sample call.flac")
    with fail_after(120):
        await server.completed(job["job_id"])
    return job


def assert_error(response: httpx.Response, code: str, language: str = "en") -> Any:
    """The specified body, with the status of the catalogue; returns the details."""
    fault = CATALOGUE[code]
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (fault.http_status, code), response.text
    assert error["request_id"] == response.headers["X-Request-ID"]
    assert REQUEST_ID.fullmatch(error["request_id"])
    assert error["retryable"] == fault.retryable
    assert ("Retry-After" in response.headers) == fault.retryable
    assert response.headers["Content-Language"] == language
    assert datetime.fromisoformat(error["timestamp"]).tzinfo
    assert "Traceback" not in response.text
    return error["details"]


async def test_every_route_of_the_table_is_bound_and_no_other(server: Server) -> None:
    app = create_app(server.service)
    bound = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        if not rule.websocket
        for method in (rule.methods or set()) - {"HEAD"}
    }
    described = {(route.path.replace("{", "<").replace("}", ">"), route.method) for route in ROUTES}
    assert bound == described | {(path, "GET") for path in PATHS}


async def test_a_submitted_job_is_answered_with_what_the_specification_names(server: Server) -> None:
    audio = wav()
    response = await server.post(audio, '{"description": "Phone call recording", "priority": 1, "mine": [1]}', "a.wav")
    job = msgspec.json.decode(response.content, type=Job)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/jobs/{job.job_id}" == job.progress_url
    assert job.websocket_url == f"/ws/{job.job_id}"
    assert (job.status, job.priority) == ("queued", 1)
    assert (job.file_info.filename, job.file_info.size, job.file_info.format) == ("a.wav", len(audio), "wav")
    assert job.file_info.duration == pytest.approx(0.5)
    assert job.metadata == {"description": "Phone call recording", "priority": 1, "mine": [1]}


async def test_a_completed_job_has_its_result(server: Server, call: Any) -> None:
    job = msgspec.json.decode((await server.http.get(call["progress_url"])).content, type=Job)
    assert (job.status, job.progress.percentage) == ("completed", 100)
    response = await server.http.get(call["progress_url"] + "/result")
    found = msgspec.json.decode(response.content, type=JobResult)
    assert found.result.metadata.speaker_count == 2
    included = await server.http.get(call["progress_url"], params={"include": "result"})
    assert included.json()["result"] == response.json()["result"]


@pytest.mark.parametrize(
    ("ask", "media_type"),
    [
        ({"params": {"format": "srt"}}, "application/x-subrip; charset=utf-8"),
        ({"headers": {"Accept": "text/vtt"}}, "text/vtt; charset=utf-8"),
        ({"headers": {"Accept": "text/plain;q=0.9, image/png"}}, "text/plain; charset=utf-8"),
        ({"headers": {"Accept": "text/x-rttm"}}, "text/x-rttm; charset=utf-8"),
        ({"params": {"format": "eaf"}}, "text/x-eaf+xml; charset=utf-8"),
        ({"params": {"format": "docx"}}, FORMAT_MEDIA_TYPES["docx"]),
        ({"headers": {"Accept": "text/vtt"}, "params": {"format": "json"}}, "application/json"),
        ({"headers": {"Accept": "*/*"}}, "application/json"),
    ],
)
async def test_a_result_comes_in_the_format_that_is_asked_for(
    server: Server, call: Any, ask: Any, media_type: str
) -> None:
    response = await server.http.get(call["progress_url"] + "/result", **ask)
    assert (response.status_code, response.headers["Content-Type"]) == (200, media_type)
    assert "Accept" in response.headers["Vary"]
    if media_type.startswith("application/x-subrip"):
        assert list(srt.parse(response.text))
    if media_type.startswith("text/x-rttm"):
        assert response.text.startswith("SPEAKER sample_call 1 ")


async def test_a_format_that_does_not_exist_is_told(server: Server, call: Any) -> None:
    path = call["progress_url"] + "/result"
    assert_error(await server.http.get(path, headers={"Accept": "image/png"}), "NOT_ACCEPTABLE")
    assert assert_error(await server.http.get(path, params={"format": "odt"}), "INVALID_FIELD")["field"] == "format"


async def test_the_recording_comes_back_byte_for_byte(server: Server, call: Any, recording: bytes) -> None:
    response = await server.http.get(call["progress_url"] + "/audio")
    assert response.content == recording
    assert response.headers["Content-Type"] == "audio/flac"
    assert response.headers["Content-Disposition"] == 'attachment; filename="sample call.flac"'
    head = await server.http.head(call["progress_url"] + "/audio")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-5", -5, None), ("bytes=7-99999999", 7, None)],
)
async def test_a_range_of_the_recording_is_answered_with_206(
    server: Server, call: Any, recording: bytes, wanted: str, start: int, stop: int | None
) -> None:
    response = await server.http.get(call["progress_url"] + "/audio", headers={"Range": wanted})
    whole = recording
    assert (response.status_code, response.content) == (206, whole[start:stop])
    first = whole.index(response.content) if stop else len(whole) - len(response.content)
    last = first + len(response.content) - 1
    assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize("wanted", ["bytes=9-3", "lines=1-2", "bytes=0-1,5-6", "nonsense"])
async def test_a_range_that_is_not_understood_is_ignored(
    server: Server, call: Any, recording: bytes, wanted: str
) -> None:
    response = await server.http.get(call["progress_url"] + "/audio", headers={"Range": wanted})
    assert (response.status_code, len(response.content)) == (200, len(recording))


async def test_a_range_beyond_the_end_is_416_with_the_size(server: Server, call: Any, recording: bytes) -> None:
    response = await server.http.get(call["progress_url"] + "/audio", headers={"Range": "bytes=99999999-"})
    assert_error(response, "RANGE_NOT_SATISFIABLE")
    assert response.headers["Content-Range"] == f"bytes */{len(recording)}"


async def test_a_range_of_another_version_is_the_whole_file(server: Server, call: Any) -> None:
    path = call["progress_url"] + "/audio"
    etag = (await server.http.head(path)).headers["ETag"]
    same = await server.http.get(path, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = await server.http.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (same.status_code, other.status_code) == (206, 200)


async def test_jobs_are_listed_newest_first_by_pages_and_state(server: Server, call: Any) -> None:
    newest = await server.submit(wav())
    await server.completed(newest["job_id"])
    page = msgspec.json.decode((await server.http.get("/api/v1/jobs?limit=1")).content, type=JobPage)
    assert [job.job_id for job in page.jobs] == [newest["job_id"]]
    following = await server.http.get("/api/v1/jobs", params={"limit": 1000, "offset": 1})
    assert call["job_id"] in {job["job_id"] for job in following.json()["jobs"]}
    assert following.json()["total"] == page.total == len(following.json()["jobs"]) + 1
    failed = await server.http.get("/api/v1/jobs", params={"status": "failed"})
    assert all(job["status"] == "failed" for job in failed.json()["jobs"])


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "offset=-1", "status=asleep"])
async def test_a_wrong_parameter_is_named(server: Server, query: str) -> None:
    details = assert_error(await server.http.get(f"/api/v1/jobs?{query}"), "INVALID_FIELD")
    assert details["field"] == query.partition("=")[0]
    assert details["allowed"]


async def test_a_deleted_job_is_gone_with_all_that_belongs_to_it(server: Server) -> None:
    job = await server.submit(wav())
    await server.completed(job["job_id"])
    response = await server.http.delete(job["progress_url"])
    assert (response.status_code, response.content) == (204, b"")
    for path in ("", "/result", "/audio"):
        assert_error(await server.http.get(job["progress_url"] + path), "JOB_NOT_FOUND")
    assert_error(await server.http.delete(job["progress_url"]), "JOB_NOT_FOUND")


async def test_a_running_job_can_be_deleted(server: Server, recording: bytes) -> None:
    async with server.held():
        job = await server.submit(recording, name="held.flac")
        async with server.socket(f"/ws/{job['job_id']}") as socket:
            with fail_after(30):
                while json.loads(await socket.recv()).get("status") != "processing":
                    pass
        assert_error(await server.http.get(job["progress_url"] + "/result"), "WRONG_STATE")
        status = await server.http.get("/api/v1/queue/status")
        assert status.json()["processing_job"] == job["job_id"]
    assert (await server.http.delete(job["progress_url"])).status_code == 204
    assert_error(await server.http.get(job["progress_url"]), "JOB_NOT_FOUND")


@pytest.mark.parametrize("job_id", [UNKNOWN, "nothing", "%2e%2e", "..%5c..%5cetc", "a%00b", "x" * 3000])
async def test_an_id_that_is_no_job_is_404(server: Server, job_id: str) -> None:
    for path in ("", "/result", "/audio"):
        assert_error(await server.http.get(f"/api/v1/jobs/{job_id}{path}"), "JOB_NOT_FOUND")


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/jobs/", "/api/v1/jobs/..%2f..%2fetc%2fpasswd", "/ws/x"])
async def test_a_path_that_leads_nowhere_is_404(server: Server, path: str) -> None:
    assert_error(await server.http.get(f"http://{server.host}:{server.port}{path}"), "ROUTE_NOT_FOUND")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
async def test_another_method_is_405_with_those_that_are_allowed(server: Server, method: str) -> None:
    response = await server.http.request(method, "/api/v1/jobs")
    assert_error(response, "METHOD_NOT_ALLOWED")
    assert response.headers["Allow"] == "GET, HEAD, POST"


async def test_errors_speak_russian_to_those_who_prefer_it(server: Server) -> None:
    response = await server.http.get("/nothing", headers={"Accept-Language": "ru-RU,ru;q=0.9,en;q=0.8"})
    assert_error(response, "ROUTE_NOT_FOUND", language="ru")
    assert re.search("[а-я]", response.json()["error"]["message"])
    english = await server.http.get("/nothing", headers={"Accept-Language": "de, en;q=0.5"})
    assert_error(english, "ROUTE_NOT_FOUND", language="en")


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
async def test_health_and_info_are_there_twice(server: Server, prefix: str) -> None:
    health = await server.http.get(f"{prefix}/health")
    assert msgspec.json.decode(health.content, type=HealthStatus).status == "healthy"
    info = await server.http.get(f"{prefix}/info")
    assert msgspec.json.decode(info.content, type=ServiceInfo).max_file_size == 1_073_741_824
    assert "X-RateLimit-Limit" not in health.headers
    assert REQUEST_ID.fullmatch(health.headers["X-Request-ID"])


async def test_an_unhealthy_service_says_so_with_503(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    healthy = await server.service.health()

    async def unwell(_service: JobService) -> HealthStatus:
        return msgspec.structs.replace(healthy, status="unhealthy", problems=("the volume is full",))

    monkeypatch.setattr(JobService, "health", unwell)
    response = await server.http.get("/health")
    assert (response.status_code, response.json()["status"]) == (503, "unhealthy")


async def test_the_queue_tells_who_waits(server: Server, recording: bytes) -> None:
    async with server.held():
        jobs = [await server.submit(recording, name="a.flac") for _ in range(3)]
        status = msgspec.json.decode((await server.http.get("/api/v1/queue/status")).content, type=QueueStatus)
        waiting = [job.job_id for job in status.jobs]
        assert waiting == [job["job_id"] for job in jobs if job["job_id"] in waiting]
        assert len(waiting) >= 2
        assert [job.position for job in status.jobs] == list(range(1, len(waiting) + 1))
    for job in jobs:
        await server.http.delete(job["progress_url"])


async def test_the_documents_describe_every_operation(server: Server) -> None:
    for version in ("3.0", "3.1"):
        document = (await server.http.get("/openapi.json", params={"version": version})).json()
        assert document["openapi"].startswith(version)
        operations = {entry["operationId"] for path in document["paths"].values() for entry in path.values()}
        assert operations == {route.operation_id for route in ROUTES}
    assert (await server.http.get("/asyncapi.json")).json()["asyncapi"].startswith("3.")


async def test_metrics_are_in_the_format_of_prometheus(server: Server) -> None:
    response = await server.http.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE" in response.text


async def test_a_mistake_of_ours_is_told_without_its_traceback(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_service: JobService) -> QueueStatus:
        raise RuntimeError("secret path /etc/shadow")

    monkeypatch.setattr(JobService, "queue", broken)
    response = await server.http.get("/api/v1/queue/status")
    assert_error(response, "INTERNAL")
    assert "secret" not in response.text
