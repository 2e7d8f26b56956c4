"""Sections 8 and 9 of the customer's specification, against the server as users start it."""

import json
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import websocket

from tests.web.customer_client import CallAnnotateClient
from tests.web.process import Process, started

JAVASCRIPT = Path(__file__).with_name("customer_client.js")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("volume")) as running:
        yield running


@pytest.fixture(scope="module")
def completed(server: Process, short_call: Path) -> Any:
    """The customer's main program: submit, poll, fetch."""
    client = CallAnnotateClient(server.url)
    job = client.submit_job(str(short_call), {"description": "Test recording"})
    return client.poll_until_complete(job["job_id"], poll_interval=0.2)


def test_the_python_client_gets_its_result(completed: Any) -> None:
    assert completed["status"] == "completed"
    assert completed["processing_time"] > 0
    result = completed["result"]
    assert {speaker["speaker_id"] for speaker in result["speakers"]} == {"speaker_1", "speaker_2"}
    segment = result["speakers"][0]["segments"][0]
    assert set(segment) >= {"start_time", "end_time", "text", "confidence", "words"}
    stages = result["metadata"]["processing_stages"]
    assert set(stages) == {"diarization", "transcription", "recognition", "carddav_lookup", "annotation"}
    assert set(result["metadata"]) >= {"total_duration", "speaker_count", "word_count", "confidence_average"}


def test_the_commands_of_the_whole_cycle_work(server: Process, short_call: Path) -> None:
    """8.1, with curl."""

    def curl(*arguments: str) -> str:
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", *arguments],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        return done.stdout

    jobs = f"{server.url}/api/v1/jobs"
    job = json.loads(
        curl("-X", "POST", jobs, "-F", f"file=@{short_call}", "-F", 'metadata={"description":"Interview recording"}')
    )
    assert json.loads(curl(f"{jobs}/{job['job_id']}"))["metadata"]["description"] == "Interview recording"
    CallAnnotateClient(server.url).poll_until_complete(job["job_id"], poll_interval=0.2)
    assert json.loads(curl(f"{jobs}/{job['job_id']}/result"))["status"] == "completed"
    assert curl("-X", "DELETE", f"{jobs}/{job['job_id']}", "-w", "%{http_code}") == "204"


def test_a_client_of_the_library_websocket_follows_a_job(server: Process, short_call: Path) -> None:
    """The handling of messages of 8.2, in Python: ping, progress, result, close."""
    job = CallAnnotateClient(server.url).submit_job(str(short_call))
    connection = websocket.create_connection(f"{server.ws_url}/ws/{job['job_id']}", timeout=60)
    connection.send(json.dumps({"type": "ping", "timestamp": "2025-07-26T18:04:00Z"}))
    seen: dict[str, list[Any]] = {}
    while "result" not in seen:
        message = json.loads(connection.recv())
        seen.setdefault(message["type"], []).append(message)
    assert [pong["timestamp"] for pong in seen["pong"]] == ["2025-07-26T18:04:00Z"]
    percentages = [update["progress"]["percentage"] for update in seen["status_update"]]
    assert percentages == sorted(percentages)
    assert seen["result"][0]["result"]["speakers"]
    opcode, data = connection.recv_data(control_frame=True)
    while opcode == websocket.ABNF.OPCODE_PING:
        opcode, data = connection.recv_data(control_frame=True)
    assert (opcode, int.from_bytes(data[:2])) == (websocket.ABNF.OPCODE_CLOSE, 1000)
    connection.shutdown()  # type: ignore[no-untyped-call]


def javascript_client(node: str, server: Process, job_id: str) -> list[str]:
    """What the client of 8.2 prints."""
    done = subprocess.run(
        [node, "--experimental-websocket", str(JAVASCRIPT), server.url.removeprefix("http://"), job_id],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.splitlines()


def ported_client(server: Process, job_id: str) -> list[str]:
    """What it prints, said in Python."""
    printed: list[str] = []

    def on_message(socket: Any, text: str) -> None:
        message = json.loads(text)
        match message["type"]:
            case "status_update":
                progress = message["progress"]
                printed.append(f"Progress: {progress['percentage']}% - {progress['current_stage']}")
            case "result":
                printed.append(f"Processing completed: {json.dumps(message['result'])}")
                socket.close()

    client = websocket.WebSocketApp(
        f"{server.ws_url}/ws/{job_id}",
        on_open=lambda _socket: printed.append("Connected to CallAnnotate"),
        on_message=on_message,
        on_close=lambda _socket, _code, _reason: printed.append("Disconnected from CallAnnotate"),
    )
    client.run_forever()
    return printed


def test_the_javascript_client_prints_progress_and_result(server: Process, short_call: Path) -> None:
    """8.2, in Node.js where it is installed."""
    job_id = CallAnnotateClient(server.url).submit_job(str(short_call))["job_id"]
    node = shutil.which("node")
    lines = ported_client(server, job_id) if node is None else javascript_client(node, server, job_id)
    assert lines[0] == "Connected to CallAnnotate"
    assert lines[-1] == "Disconnected from CallAnnotate"
    assert any(line.startswith("Progress: ") for line in lines)
    (result,) = (line.removeprefix("Processing completed: ") for line in lines if line.startswith("Processing comp"))
    assert json.loads(result)["metadata"]["speaker_count"] == 2


class TestCallAnnotateAPI:
    """9.2; what its tests return to each other is a helper here, since pytest wants tests to return nothing."""

    def create_test_audio(self, duration: float = 5, sample_rate: int = 16000) -> str:
        """Создание тестового аудиофайла"""
        samples = np.sin(2 * np.pi * 440 * np.linspace(0, duration, int(sample_rate * duration)))
        samples = (samples * 32767).astype(np.int16)

        with tempfile.NamedTemporaryFile(suffix=".wav", delete=False) as f:
            with wave.open(f.name, "wb") as wf:
                wf.setnchannels(1)
                wf.setsampwidth(2)
                wf.setframerate(sample_rate)
                wf.writeframes(samples.tobytes())
            return f.name

    def submit(self, server: Process) -> str:
        audio_file = self.create_test_audio()

        with open(audio_file, "rb") as f:  # noqa: PTH123 - the customer's code
            response = requests.post(
                f"{server.url}/api/v1/jobs", files={"file": f}, data={"metadata": '{"test": true}'}, timeout=20
            )
        Path(audio_file).unlink()

        assert response.status_code == 201
        job = response.json()
        assert "job_id" in job
        assert job["status"] == "queued"

        job_id: str = job["job_id"]
        return job_id

    def test_health_check(self, server: Process) -> None:
        response = requests.get(f"{server.url}/health", timeout=20)
        assert response.status_code == 200
        assert response.json()["status"] == "healthy"

    def test_submit_job(self, server: Process) -> None:
        assert self.submit(server)

    def test_job_status(self, server: Process) -> None:
        job_id = self.submit(server)

        response = requests.get(f"{server.url}/api/v1/jobs/{job_id}", timeout=20)
        assert response.status_code == 200

        status = response.json()
        assert status["job_id"] == job_id
        assert status["status"] in ["queued", "processing", "completed", "failed"]


def test_the_requests_of_the_postman_collection_are_answered(server: Process, completed: Any) -> None:
    """9.1, with the fields that section 3 shows."""
    api = f"{server.url}/api/v1"
    health = requests.get(f"{api}/health", timeout=20).json()
    assert set(health) >= {"status", "version", "uptime", "queue_status", "components"}
    assert set(health["components"]) >= {"queue_manager", "volume_access", "audio_processing", "memory_usage"}
    info = requests.get(f"{api}/info", timeout=20).json()
    assert info["api_endpoints"] == {"rest": "/api/v1", "websocket": "/ws"}
    assert info["supported_formats"] == ["wav", "mp3", "flac", "opus"]
    queue = requests.get(f"{api}/queue/status", timeout=20).json()
    assert set(queue) >= {"queue_length", "processing_job", "average_processing_time", "jobs"}
    job = requests.get(f"{api}/jobs/{completed['job_id']}", timeout=20).json()
    assert set(job["progress"]) >= {"percentage", "current_stage", "stages_completed", "stages_remaining"}
    deleted = requests.delete(f"{api}/jobs/{completed['job_id']}", timeout=20)
    assert (deleted.status_code, deleted.content) == (204, b"")
