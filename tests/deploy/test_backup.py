"""A backup that is made while the server works, and restored elsewhere, loses nothing."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import requests
from websockets.sync.client import connect

from tests.web.process import ROOT, Process, started


def submit(server: Process, recording: Path) -> str:
    with recording.open("rb") as file:
        answer = requests.post(f"{server.url}/api/v1/jobs", files={"file": file}, timeout=60)
    return str(answer.json()["job_id"])


def completed(server: Process, job_id: str) -> bytes:
    """The result, once the job has ended."""
    job = requests.get(f"{server.url}/api/v1/jobs/{job_id}", timeout=60).json()
    if job["status"] != "completed":
        with connect(f"{server.ws_url}/ws/{job_id}", proxy=None) as watcher:
            while (status := json.loads(watcher.recv(120)).get("status")) != "completed":
                assert status != "failed"
    return requests.get(f"{server.url}/api/v1/jobs/{job_id}/result", timeout=60).content


def test_a_backup_of_a_server_that_works_is_restored_with_every_job(tmp_path: Path, short_call: Path) -> None:
    volume, restored = tmp_path / "volume", tmp_path / "restored"
    with started(volume) as server:
        ended = submit(server, short_call)
        result = completed(server, ended)
        waiting = [submit(server, short_call) for _ in range(2)]
        done = subprocess.run(
            [sys.executable, "-"], input=(ROOT / "deploy" / "backup.py").read_bytes(), capture_output=True, check=True,
            env={**os.environ, "VOLUME_PATH": str(volume)}, cwd=tmp_path,
        )  # fmt: skip
        assert not list(volume.glob(".backup-*"))
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        names = archive.getnames()
        archive.extractall(restored, filter="data")
    assert "callannotate.sqlite3" in names
    assert f"completed/{ended}.json" in names
    assert not {"health.json", "contacts.sqlite3", "callannotate.sqlite3-wal"} & set(names)
    with started(restored) as server:
        assert completed(server, ended) == result
        for job_id in waiting:
            assert completed(server, job_id)


def test_a_folder_that_is_no_volume_is_told_instead_of_saved(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        done = subprocess.run(
            [sys.executable, ROOT / "deploy" / "backup.py"], env={"VOLUME_PATH": str(folder)}, capture_output=True,
            check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (1, b"")
        assert f"{folder} is no volume".encode() in done.stderr
