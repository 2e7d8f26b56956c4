"""`callannotate models` at the terminal."""

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts.errors import UNKNOWN_MODEL, CallAnnotateError
from models.catalogue import default_catalogue
from models.store import PullProgress
from web.cli.models import models_group
from web.cli.pulling import megabytes, pull_display


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALLANNOTATE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(models_group, arguments)


def test_the_list_names_every_model_of_the_catalogue() -> None:
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [entry.name for entry in default_catalogue().models]
    assert next(line for line in lines if line.startswith("whisper-base")).split()[1:6] == [
        "transcription", "147.9", "MB", "MIT", "no"
    ]  # fmt: skip


def test_the_list_creates_nothing(empty_cache: Path) -> None:
    run("list")
    assert not empty_cache.exists()


def test_a_misspelt_name_is_found_before_anything_is_fetched(empty_cache: Path) -> None:
    result = run("pull", "whisper-base", "whisper-bass")
    assert isinstance(result.exception, CallAnnotateError)
    assert result.exception.fault is UNKNOWN_MODEL
    assert not empty_cache.exists()


@pytest.mark.parametrize("command", [[], ["list"], ["pull"], ["path"], ["remove"]], ids=" ".join)
def test_every_command_has_help(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output
    assert command == ["list"] or "callannotate models " in result.output, "an example"


def test_what_was_never_there_is_removed_without_fuss() -> None:
    assert run("remove", "base").output == "whisper-base: was not here\n"


def test_an_interrupted_pull_ends_at_once_with_one_line_and_leaves_nothing(empty_cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_index:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"http://127.0.0.1:{silent_index.getsockname()[1]}/simple",
        }
        command = [sys.executable, "-m", "web.cli", "models", "pull", "whisper-tiny.en"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
            cwd=Path(__file__).parents[2],
        ) as process:  # fmt: skip
            silent_index.settimeout(60)
            connection, _ = silent_index.accept()  # pip waits for an answer now
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
            connection.close()
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("callannotate: interrupted")
    assert "Traceback" not in errors
    assert not [path for path in empty_cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_plain_lines_say_each_step_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pull_display("lines") as shown:
        for done in (0, 1_000_000, 2_000_000):
            shown(PullProgress("words", "fetch", done, 2_000_000))
        shown(PullProgress("words", "verify"))
    assert capsys.readouterr().err == "words: fetching 2.0 MB\nwords: verifying\n"


def test_json_lines_carry_the_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    with pull_display("json") as shown:
        shown(PullProgress("words", "fetch", 1, 2))
    assert capsys.readouterr().err == '{"model":"words","step":"fetch","done":1,"total":2}\n'


@pytest.mark.parametrize("kind", ["auto", "none"])
def test_without_a_terminal_nothing_is_shown(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pull_display(kind) as shown:
        shown(PullProgress("words", "fetch", 1, 2))
    assert capsys.readouterr().err == ""


def test_on_a_terminal_a_bar_shows_model_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with pull_display("auto") as shown:
        shown(PullProgress("words", "fetch", 1_000_000, 2_000_000))
    assert "words: fetching" in terminal.getvalue()
    assert "1.0/2.0 MB" in terminal.getvalue()


@pytest.mark.parametrize(("size", "text"), [(2_309, "0.0 MB"), (81_010_833, "81.0 MB"), (3_091_000_000, "3.1 GB")])
def test_sizes_are_written_for_people(size: int, text: str) -> None:
    assert megabytes(size) == text
