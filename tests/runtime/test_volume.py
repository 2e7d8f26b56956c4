"""Files on the volume."""

import errno
import os
from pathlib import Path

import pytest

from contracts.errors import STORAGE_FULL, CallAnnotateError
from runtime.health import sized
from runtime.volume import Volume, is_job_id, room_needed, write_whole

JOB = "11111111-1111-4111-8111-111111111111"


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "result.json"
    write_whole(path, b"first")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CallAnnotateError) as caught, room_needed():
        write_whole(path, b"second")
    assert caught.value.fault is STORAGE_FULL
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("result.json", b"first")]


def test_a_volume_that_is_made_is_its_owners_alone_and_one_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    for _ in range(2):
        with Volume(tmp_path / "new" / "volume").opened():
            pass
        assert (tmp_path / "new" / "volume").stat().st_mode & 0o777 == 0o700
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o775)
    with Volume(tmp_path / "shared").opened():
        assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o775


def test_what_is_wrong_with_a_disk_that_is_not_full_stays_what_it_is() -> None:
    with pytest.raises(PermissionError), room_needed():
        raise PermissionError(errno.EACCES, "no")


def test_a_recording_that_is_nowhere_is_told(tmp_path: Path) -> None:
    volume = Volume(tmp_path)
    with volume.opened():
        assert not volume.settle(JOB, "wav", "processing")
        (tmp_path / "dropped").write_bytes(b"audio")
        assert volume.settle(JOB, "wav", "processing", tmp_path / "dropped")
        assert volume.recording(JOB, "wav", "processing").read_bytes() == b"audio"
        assert volume.settle(JOB, "wav", "processing", tmp_path / "dropped")


@pytest.mark.parametrize("text", ["", "..", JOB.replace("-", ""), f"{{{JOB}}}", JOB[:-1], "A" + JOB[1:]])
def test_only_an_id_as_we_write_it_is_one(text: str) -> None:
    assert is_job_id(JOB)
    assert not is_job_id(text)


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0MB"), (512_400_000, "512MB"), (9_999_999_999, "9999MB"), (50_000_000_000, "50GB")]
)
def test_sizes_are_shown_as_the_specification_has_them(count: int, shown: str) -> None:
    assert sized(count) == shown
