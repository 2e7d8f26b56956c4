"""`callannotate keys`, run as users run it, beside a server on the same volume and without one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.errors import CATALOGUE
from contracts.fault import SECRET
from runtime.engine import Engine
from runtime.health_pass import read_pass
from tests.web.serving import serving

ROOT = Path(__file__).parents[2]


def keys(volume: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", "keys", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "VOLUME_PATH": str(volume)},
    )  # fmt: skip


def test_a_key_is_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    volume = tmp_path / "new"
    assert keys(volume, "list").stdout == ""
    made = keys(volume, "add", "Anna's browser", "--scope", "read", "--scope", "live", "--expires", "90d")
    secret = made.stdout.strip()
    assert SECRET.fullmatch(secret), made.stderr
    key_id = secret.split("_")[1]
    assert f"{key_id}: monitor, read, live, until " in made.stderr
    machine = json.loads(keys(volume, "add", "robot", "--scope", "submit", "--json").stdout)
    assert (machine["scopes"], machine["expires_at"]) == (["monitor", "submit"], None)
    listed = keys(volume, "list").stdout.splitlines()
    assert [line.split()[:4] for line in listed] == [
        [key_id, "valid", "monitor,read,live", "never"],
        [machine["key_id"], "valid", "monitor,submit", "never"],
    ]
    assert listed[0].endswith("Anna's browser")
    assert keys(volume, "revoke", secret).returncode == 0
    states = {key["key_id"]: key["state"] for key in json.loads(keys(volume, "list", "--json").stdout)}
    assert states == {key_id: "revoked", machine["key_id"]: "valid"}
    again = keys(volume, "revoke", key_id)
    assert again.returncode == CATALOGUE["KEY_NOT_FOUND"].exit_code
    assert key_id in again.stderr
    assert secret.encode() not in b"".join(path.read_bytes() for path in volume.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "x"), "--scope"),
        (("add", "x", "--scope", "write"), "'write' is not one of"),
        (("add", " ", "--scope", "read"), "NAME"),
        (("add", "a\tb", "--scope", "read"), "printable"),
        (("add", "x", "--scope", "read", "--expires", "soon"), "such as 90d"),
        (("add", "x", "--scope", "read", "--expires", "0d"), "such as 90d"),
        (("add", "x", "--scope", "read", "--expires", "999999d"), "such as 90d"),
    ],
)
def test_what_cannot_be_made_is_told_and_nothing_is_made(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    done = keys(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert json.loads(keys(tmp_path, "list", "--json").stdout) == []


def test_a_volume_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = keys(tmp_path / "file" / "volume", "add", "x", "--scope", "read")
    assert done.returncode == CATALOGUE["VOLUME_UNUSABLE"].exit_code
    assert "Traceback" not in done.stderr


async def test_a_server_that_runs_takes_note_of_keys_at_once(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server:
        assert (await server.http.get("/info")).status_code == 200
        made = keys(tmp_path, "add", "x", "--scope", "read")
        own = {"X-API-Key": made.stdout.strip()}
        assert (await server.http.get("/info")).status_code == 401
        assert (await server.http.get("/info", headers=own)).status_code == 200
        keys(tmp_path, "revoke", own["X-API-Key"])
        assert (await server.http.get("/info", headers=own)).status_code == 401
        # The health check of the container has a pass of its own.
        found = read_pass(tmp_path)
        assert found is not None
        assert (found.host, found.port) == (server.host, server.port)
        token = {"Authorization": f"Bearer {found.token}"}
        assert (await server.http.get("/health", headers=token)).status_code == 200
        assert (await server.http.get("/api/v1/jobs", headers=token)).status_code == 403
    assert read_pass(tmp_path) is None


def test_a_server_that_everybody_reaches_warns_that_nobody_needs_a_key(tmp_path: Path) -> None:
    from tests.web.process import started

    with started(tmp_path, HOST="0.0.0.0") as server:
        server.stop(15)
    log = (tmp_path / "logs" / "callannotate.jsonl").read_text()
    (warning,) = [json.loads(line) for line in log.splitlines() if "anonymous_on_network" in line]
    assert (warning["level"], "callannotate keys add" in warning["advice"]) == ("WARNING", True)
    assert keys(tmp_path, "add", "x", "--scope", "read").returncode == 0
    with started(tmp_path, HOST="0.0.0.0") as server:
        server.stop(15)
    assert (tmp_path / "logs" / "callannotate.jsonl").read_text().count("anonymous_on_network") == 1
