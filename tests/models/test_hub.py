"""Whisper models from the Hugging Face hub: its real client against a small hub on loopback, from the command line."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.hubserver import REPOSITORY, Hub, serve
from tests.models.wheelhouse import sha256

WEIGHTS = b"weights " * 10_000


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {"README.md": b"read", "config.json": b"{}", "tokenizer.json": b"[]", "vocabulary.json": b"[1]"}
    with serve(Hub({**files, "model.bin": WEIGHTS}, large={"model.bin": sha256(WEIGHTS)})) as hub:
        yield hub


def models(hub_url: str, cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `callannotate models` with its own cache and hub."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "CALLANNOTATE_MODELS": str(cache / "models"),
        "HF_ENDPOINT": hub_url,
        "HF_HOME": str(cache / "hf"),
        "HF_HUB_DISABLE_XET": "1",
    }
    command = [sys.executable, "-m", "web.cli", "models", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=60, check=False,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


def test_a_model_is_pulled_by_its_id_and_then_needs_no_hub(hub: Hub, tmp_path: Path) -> None:
    done = models(hub.url, tmp_path, "pull", REPOSITORY)
    assert done.returncode == 0, done.stderr
    folder = Path(models(hub.url, tmp_path, "path", REPOSITORY).stdout.strip())
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json", "manifest.json", "model.bin", "tokenizer.json", "vocabulary.json"
    ]  # fmt: skip
    again = models("http://127.0.0.1:9", tmp_path, "pull", REPOSITORY)
    assert again.returncode == 0, again.stderr
    assert REPOSITORY in models("http://127.0.0.1:9", tmp_path, "list").stdout
    assert models("http://127.0.0.1:9", tmp_path, "remove", REPOSITORY).stdout == f"{REPOSITORY}: removed\n"
    assert not folder.exists()


def test_a_large_file_that_differs_from_the_hash_of_the_hub_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.large["model.bin"] = sha256(b"something else")
    done = models(hub.url, tmp_path, "pull", REPOSITORY)
    assert done.returncode == 22
    assert "model.bin has the wrong sha256" in done.stderr
    assert not list((tmp_path / "models").rglob("model.bin"))


def test_a_pull_that_broke_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.broken.add("vocabulary.json")
    broken = models(hub.url, tmp_path, "pull", REPOSITORY)
    assert broken.returncode == 23
    assert f"fetching {REPOSITORY} from the hub failed" in broken.stderr
    assert "config.json" in hub.fetched
    hub.broken.clear()
    hub.fetched.clear()
    assert models(hub.url, tmp_path, "pull", REPOSITORY).returncode == 0
    assert "config.json" not in hub.fetched
    assert "vocabulary.json" in hub.fetched


def test_a_repository_that_the_hub_does_not_have_is_an_unknown_model(hub: Hub, tmp_path: Path) -> None:
    done = models(hub.url, tmp_path, "pull", "org/nothing")
    assert done.returncode == 21
    assert "no transcription model is called 'org/nothing'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_repository_in_another_format_is_refused_before_it_is_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.files["pytorch_model.bin"] = hub.files.pop("model.bin")
    done = models(hub.url, tmp_path, "pull", REPOSITORY)
    assert done.returncode == 26
    assert "no model.bin" in done.stderr
    assert hub.fetched == []


def test_a_hub_that_cannot_be_reached_is_named_in_one_line(tmp_path: Path) -> None:
    done = models("http://127.0.0.1:9", tmp_path, "pull", "whisper-small")
    assert done.returncode == 23
    assert "fetching Systran/faster-whisper-small from the hub failed" in done.stderr
    assert "callannotate models pull whisper-small" in done.stderr
    assert done.stderr.count("\n") == 1
