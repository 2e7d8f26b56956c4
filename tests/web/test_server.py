"""`callannotate serve` as a process: how it starts, stops and fails."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from contracts.errors import CATALOGUE
from tests.web.process import COMMAND, ROOT, started

FAULTY = """
import sys
from anyio import Event, sleep
from runtime import hot_folder

async def run(self, *_):
    await sleep(0.5)
    raise OSError("the folder is gone")

hot_folder.HotFolder.run = run
from web.cli import main
sys.argv[1:] = ["serve", "--port", "0"]
main()
"""


def log_lines(volume: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (volume / "logs" / "callannotate.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_within_ten_seconds_while_a_job_runs(tmp_path: Path, short_call: Path, number: int) -> None:
    with started(tmp_path) as server:
        with short_call.open("rb") as file:
            job = requests.post(f"{server.url}/api/v1/jobs", files={"file": file}, timeout=20).json()
        with connect(server.ws_url + job["websocket_url"], proxy=None) as watcher:
            while json.loads(watcher.recv(20)).get("status") != "processing":
                pass
            began = time.monotonic()
            server.popen.send_signal(number)
            with suppress(ConnectionClosed):
                while True:
                    said = json.loads(watcher.recv(20))
            assert (said["type"], watcher.close_code) == ("session.closing", 1012)
        assert server.popen.wait(12) == 0
        assert time.monotonic() - began < 10
    with started(tmp_path) as server:
        found = requests.get(server.url + job["progress_url"], timeout=20).json()
        assert found["status"] in ("queued", "processing", "completed")


def test_an_idle_server_stops_at_once(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        requests.get(f"{server.url}/health", timeout=20)
        began = time.monotonic()
        assert server.stop(signal.SIGTERM) == 0
        assert time.monotonic() - began < 3


def test_a_connection_that_its_client_has_closed_is_let_go_of(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        process = psutil.Process(server.popen.pid)
        before = process.num_fds()
        for _ in range(8):
            assert requests.get(f"{server.url}/health", timeout=20).ok
        limit = time.monotonic() + 10
        while process.num_fds() > before + 1 and time.monotonic() < limit:  # one of the database's, perhaps
            time.sleep(0.1)
        assert process.num_fds() <= before + 1


def test_an_upload_that_never_ends_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as stream:
            stream.sendall(
                b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
            )
            while not list((tmp_path / "incoming" / ".uploads").iterdir()):
                pass
            began = time.monotonic()
            assert server.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began < 10
        assert not list((tmp_path / "incoming" / ".uploads").iterdir())


def test_a_part_of_the_server_that_dies_stops_it_with_an_error(tmp_path: Path) -> None:
    with started(tmp_path, sys.executable, "-c", FAULTY) as server:
        code = server.popen.wait(15)
        assert server.popen.stderr is not None
        said = server.popen.stderr.read()
    assert code == CATALOGUE["SERVER_FAILED"].exit_code, said
    assert "the server stopped because hot_folder failed: OSError: the folder is gone" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND[:-1], port], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, "VOLUME_PATH": str(tmp_path)},
        )  # fmt: skip
    assert done.returncode == CATALOGUE["PORT_UNAVAILABLE"].exit_code
    assert done.stderr.startswith(f"callannotate: 127.0.0.1:{port}: cannot be listened on")


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "VOLUME_PATH": str(tmp_path), "RATE_LIMIT": "many"},
    )  # fmt: skip
    assert done.returncode == CATALOGUE["SETTING_INVALID"].exit_code
    assert "RATE_LIMIT" in done.stderr


def test_every_log_line_of_a_request_has_its_id(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        ids = [requests.get(f"{server.url}{path}", timeout=20).headers["X-Request-ID"] for path in ("/info", "/nope")]
        assert server.stop(signal.SIGTERM) == 0
    lines = log_lines(tmp_path)
    for request_id in ids:
        (line,) = (line for line in lines if line.get("request_id") == request_id)
        assert line["event"] == "request_completed"
    assert {"timestamp", "level", "service", "event"} <= set(lines[0])


def test_the_help_has_examples() -> None:
    done = subprocess.run([*COMMAND[:4], "--help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "callannotate serve --host 0.0.0.0 --port 8080" in done.stdout
    assert "curl -F file=@call.wav" in done.stdout
