"""`callannotate keys`, run as users run it, beside a server on the same volume and without one."""

import json
from pathlib import Path

import pytest
from anyio import to_thread
from click.testing import CliRunner, Result

from contracts.access_errors import KEY_NOT_FOUND, KEY_REQUIRED
from contracts.errors import VOLUME_UNUSABLE, CallAnnotateError, Fault
from contracts.fault import SECRET
from runtime.engine import Engine
from runtime.health_pass import read_pass
from tests.web.serving import serving
from web.cli import cli


def keys(volume: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments], env={"VOLUME_PATH": str(volume)})


def assert_fails(result: Result, fault: Fault) -> str:
    """The command has failed with this error; what it says."""
    assert isinstance(result.exception, CallAnnotateError), result.output
    assert result.exception.fault is fault
    return str(result.exception)


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
    assert keys(volume, "revoke", secret).exit_code == 0
    states = {key["key_id"]: key["state"] for key in json.loads(keys(volume, "list", "--json").stdout)}
    assert states == {key_id: "revoked", machine["key_id"]: "valid"}
    again = keys(volume, "revoke", key_id)
    assert key_id in assert_fails(again, KEY_NOT_FOUND)
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
    assert done.exit_code != 0
    assert words in done.output + str(done.exception)
    assert json.loads(keys(tmp_path, "list", "--json").stdout) == []


def test_a_volume_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert_fails(keys(tmp_path / "file" / "volume", "add", "x", "--scope", "read"), VOLUME_UNUSABLE)


async def test_a_server_that_runs_takes_note_of_keys_at_once(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server:
        assert (await server.http.get("/info")).status_code == 200
        made = await to_thread.run_sync(keys, tmp_path, "add", "x", "--scope", "read")
        own = {"X-API-Key": made.stdout.strip()}
        assert (await server.http.get("/info")).status_code == 401
        assert (await server.http.get("/info", headers=own)).status_code == 200
        await to_thread.run_sync(keys, tmp_path, "revoke", own["X-API-Key"])
        assert (await server.http.get("/info", headers=own)).status_code == 401
        # The health check of the container has a pass of its own.
        found = read_pass(tmp_path)
        assert found is not None
        assert (found.host, found.port) == (server.host, server.port)
        token = {"Authorization": f"Bearer {found.token}"}
        assert (await server.http.get("/health", headers=token)).status_code == 200
        assert (await server.http.get("/api/v1/jobs", headers=token)).status_code == 403
    assert read_pass(tmp_path) is None


async def test_the_commands_for_voices_send_the_key_of_the_environment(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server:
        made = await to_thread.run_sync(keys, tmp_path, "add", "x", "--scope", "read")

        def voices(**environment: str) -> Result:
            url = f"http://{server.host}:{server.port}"
            return CliRunner().invoke(cli, ["voices", "list", "--url", url], env=environment)

        assert_fails(await to_thread.run_sync(voices), KEY_REQUIRED)
        allowed = await to_thread.run_sync(lambda: voices(CALLANNOTATE_KEY=made.stdout.strip()))
        assert allowed.exit_code == 0, allowed.output


async def test_a_server_that_everybody_reaches_warns_that_nobody_needs_a_key(engine: Engine, tmp_path: Path) -> None:
    def warnings() -> list[dict[str, str]]:
        lines = (tmp_path / "logs" / "callannotate.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines if "anonymous_on_network" in line]

    async with serving(tmp_path, engine):
        pass
    assert warnings() == []
    async with serving(tmp_path, engine, host="0.0.0.0"):
        pass
    (warning,) = warnings()
    assert (warning["level"], "callannotate keys add" in warning["advice"]) == ("WARNING", True)
    await to_thread.run_sync(keys, tmp_path, "add", "x", "--scope", "read")
    async with serving(tmp_path, engine, host="0.0.0.0"):
        pass
    assert len(warnings()) == 1
