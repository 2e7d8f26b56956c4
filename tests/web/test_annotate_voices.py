"""`callannotate annotate --voices`, run as users run it."""

from pathlib import Path

import msgspec
import pytest

from contracts.annotation import Annotation
from tests.voice_recordings import allison, first_half
from tests.web.test_voices_command import assert_failed, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings."""
    made = tmp_path_factory.mktemp("files")
    (made / "anna.wav").write_bytes(allison())
    (made / "call.wav").write_bytes(first_half())
    return made


@pytest.mark.parametrize("kind", ["volume", "files"])
def test_annotate_names_the_voices_of_a_volume_or_of_a_folder(folder: Path, tmp_path: Path, kind: str) -> None:
    volume, people = tmp_path / "volume", tmp_path / "people"
    assert run("voices", "add", "Анна", folder / "anna.wav", "--volume", volume).returncode == 0
    people.mkdir()
    assert run("voices", "export", "Анна", people / "Анна.vec", "--volume", volume).returncode == 0
    chosen = volume if kind == "volume" else people
    done = run("annotate", "--voices", chosen, "--format", "json", "--progress", "none", folder / "call.wav")
    assert done.returncode == 0, done.stderr
    result = msgspec.json.decode(done.stdout, type=Annotation)
    assert [speaker.identified_as for speaker in result.speakers] == ["Анна", "unknown"]
    source = "anna.wav" if kind == "volume" else "Анна.vec"
    assert result.speakers[0].voice_embedding_source == source
    assert result.metadata.processing_stages.recognition == "completed"


def test_annotate_says_when_there_are_no_voices(folder: Path, tmp_path: Path) -> None:
    assert_failed(run("annotate", "--voices", tmp_path / "none", folder / "call.wav"), "FILE_NOT_FOUND")
    assert_failed(run("annotate", "--voices", tmp_path, folder / "call.wav"), "INVALID_OPTION")
    (tmp_path / "x.vec").write_text("hello")
    assert_failed(run("annotate", "--voices", tmp_path, folder / "call.wav"), "VOICEPRINT_UNUSABLE")
