"""`callannotate voices`, run as users run it: on a volume, and over a server."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from anyio import to_thread
from click.testing import CliRunner

from contracts.errors import CATALOGUE
from contracts.voices import Voice
from runtime.engine import Engine
from tests.voice_recordings import allison, wav
from tests.web.serving import Server, serving
from web.cli.voices import voices_group

ROOT = Path(__file__).parents[2]
Command = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "web.cli", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=200, env={**os.environ, **environment},
    )  # fmt: skip


def assert_failed(done: subprocess.CompletedProcess[str], code: str) -> None:
    assert done.returncode == CATALOGUE[code].exit_code, (done.stdout, done.stderr)
    (line,) = done.stderr.splitlines()
    assert line.startswith("callannotate: ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings and voiceprints."""
    made = tmp_path_factory.mktemp("files")
    (made / "anna.wav").write_bytes(allison())
    (made / "silence.wav").write_bytes(wav(np.zeros(16000)))
    vector = np.random.default_rng(7).normal(size=192)
    (made / "other.vec").write_text(" ".join(map(str, vector)))
    np.save(made / "third.npy", np.random.default_rng(8).normal(size=(2, 192)))
    return made


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("served"), engine) as started:
        yield started


async def test_voices_of_a_volume_from_their_enrolment_to_their_end(folder: Path, tmp_path: Path) -> None:
    await to_thread.run_sync(life_of_a_voice, partial(run, VOLUME_PATH=str(tmp_path / "volume")), folder, tmp_path)


async def test_voices_of_a_server_from_their_enrolment_to_their_end(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    url = f"http://{server.host}:{server.port}"

    def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        # Its own volume does not exist, and is not made.
        return run(*arguments, "--url", url, VOLUME_PATH=str(tmp_path / "none"))

    await to_thread.run_sync(life_of_a_voice, command, folder, tmp_path)
    assert not (tmp_path / "none").exists()


def life_of_a_voice(command: Command, folder: Path, made: Path) -> None:
    """The same wherever the voices are."""
    voices = partial(command, "voices")
    done = voices("add", "Анна Смирнова", folder / "anna.wav", folder / "other.vec", "--note", "Sales")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{folder / 'anna.wav'}: ")
    assert "s of clean speech; Анна Смирнова is " in first
    assert second.endswith(" with 2 samples")
    assert voices("import", "Bob", folder / "third.npy").returncode == 0
    assert_failed(voices("import", "Bob", folder / "anna.wav"), "VOICEPRINT_UNUSABLE")
    assert_failed(voices("add", "Eve", folder / "silence.wav"), "VOICE_TOO_SHORT")
    assert_failed(voices("add", "Eve", folder / "nothing.wav"), "FILE_NOT_FOUND")
    assert_failed(voices("add", " Eve\n", folder / "anna.wav"), "INVALID_OPTION")
    listed = voices("list").stdout.splitlines()
    assert [line.split("  ")[0] for line in listed] == ["NAME".ljust(4), "Bob", "Анна Смирнова"]
    assert len(voices("list", "--name", "СМИРН").stdout.splitlines()) == 2
    shown = msgspec.json.decode(voices("show", "анна смирнова").stdout, type=Voice)
    assert (shown.note, [sample.source for sample in shown.samples]) == ("Sales", ["upload", "import"])
    assert voices("rename", shown.voice_id, "Anna").returncode == 0
    assert json.loads(voices("show", "ANNA").stdout)["note"] == "Sales"
    assert_failed(voices("rename", "Anna", "bob"), "VOICE_EXISTS")
    for name in ("anna.vec", "anna.npy"):
        assert voices("export", "Anna", made / name).returncode == 0
        assert (made / name).stat().st_mode & 0o077 == 0
    vectors = np.loadtxt(made / "anna.vec", dtype=np.float32)
    assert np.array_equal(vectors, np.load(made / "anna.npy"))
    assert_failed(voices("export", "Anna", made / "anna.txt"), "INVALID_OPTION")
    assert voices("remove", "Anna", "--sample", shown.samples[1].sample_id).returncode == 0
    assert voices("remove", "Bob").returncode == 0
    assert_failed(voices("remove", "Bob"), "VOICE_NOT_FOUND")
    assert voices("remove", "Anna", "--forget-results").returncode == 0
    assert len(voices("list").stdout.splitlines()) == 1


async def test_a_speaker_of_a_job_is_enrolled_at_the_command_line(server: Server) -> None:
    url = f"http://{server.host}:{server.port}"
    job = await server.submit(allison())
    await server.completed(job["job_id"])
    voices = partial(run, "voices")
    done = await to_thread.run_sync(partial(voices, "enrol", job["job_id"], "speaker_1", "Anna", "--url", url))
    assert done.returncode == 0, done.stderr
    (voice,) = (await server.http.get("/api/v1/voices")).json()["voices"]
    assert (voice["name"], voice["samples"][0]["source"]) == ("Anna", "job")
    await server.http.delete(f"/api/v1/voices/{voice['voice_id']}")
    volume = str(server.service.settings.volume_path)
    done = await to_thread.run_sync(partial(voices, "list", "--volume", volume))
    assert_failed(done, "VOLUME_LOCKED")
    assert "--url" in done.stderr


def test_a_server_that_is_none_is_told_by_its_address(folder: Path) -> None:
    assert_failed(run("voices", "list", "--url", "http://127.0.0.1:1"), "SERVER_UNREACHABLE")
    assert_failed(run("voices", "list", "--url", "hello"), "SERVER_UNREACHABLE")
    assert_failed(
        run("voices", "add", "Anna", folder / "anna.wav", "--url", "http://127.0.0.1:1"), "SERVER_UNREACHABLE"
    )


@pytest.mark.parametrize(
    "command", ["", "list", "add", "import", "enrol", "show", "rename", "remove", "export", "re-enrol"]
)
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(voices_group, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output
