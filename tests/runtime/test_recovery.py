"""After a crash every job is where it was, wherever between two steps it came."""

import os
import sqlite3
from pathlib import Path

import anyio
import msgspec
import pytest

from contracts.errors import VOLUME_LOCKED, VOLUME_UNUSABLE, CallAnnotateError
from contracts.job_messages import ResultMessage
from runtime.engine import Engine
from runtime.service import open_service
from runtime.settings import Settings
from tests.runtime.serving import ended, gated, messages, serving, submit
from tests.runtime.test_service import files

ORPHAN = "11111111-1111-4111-8111-111111111111"


async def stopped_with(settings: Settings, engine: Engine, recording: bytes, status: str) -> str:
    """A volume on which one job has this state; returns its id."""
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job = await submit(service, recording)
        if status == "completed":
            gate.go.set()
            await ended(service, job.job_id)
        else:
            await gate.until_asked()
            gate.go.set()
    if status == "queued":
        change(settings, "UPDATE jobs SET status = 'queued', started_at = NULL, starts = 0")
        move(settings, f"processing/{job.job_id}.wav", f"incoming/{job.job_id}.wav")
        for end in ("journal", "messages"):
            (settings.volume_path / "processing" / f"{job.job_id}.{end}").unlink()
    return job.job_id


def change(settings: Settings, statement: str) -> None:
    with sqlite3.connect(settings.volume_path / "callannotate.sqlite3") as database:
        database.execute(statement)
    database.close()


def move(settings: Settings, source: str, target: str) -> None:
    (settings.volume_path / source).rename(settings.volume_path / target)


@pytest.mark.parametrize("status", ["queued", "processing"])
@pytest.mark.parametrize("place", ["incoming/.uploads", "incoming", "processing", "completed", "failed"])
async def test_a_recording_is_moved_from_wherever_the_crash_left_it(
    settings: Settings, engine: Engine, blip: bytes, status: str, place: str
) -> None:
    job_id = await stopped_with(settings, engine, blip, status)
    name = job_id if place.endswith(".uploads") else f"{job_id}.wav"
    home = "incoming" if status == "queued" else "processing"
    move(settings, f"{home}/{job_id}.wav", f"{place}/{name}")
    async with serving(settings, engine) as service:
        assert (await ended(service, job_id)).status == "completed"
        assert (await service.jobs(status=None, limit=10, offset=0)).total == 1
    assert files(settings) == [f"completed/{job_id}.json", f"completed/{job_id}.wav"]


async def test_a_crash_between_the_commit_of_the_end_and_the_moves_is_put_right(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    job_id = await stopped_with(settings, engine, blip, "completed")
    move(settings, f"completed/{job_id}.wav", f"processing/{job_id}.wav")
    for end in ("journal", "messages"):
        (settings.volume_path / "processing" / f"{job_id}.{end}").write_bytes(b"left over")
    (settings.volume_path / "completed" / f".{job_id}.json.part").write_bytes(b"left over")
    (settings.volume_path / "processing" / ".writable").write_bytes(b"?")
    async with serving(settings, engine) as service:
        assert files(settings) == [f"completed/{job_id}.json", f"completed/{job_id}.wav"]
        (message,) = await messages(service, job_id)
        assert isinstance(message, ResultMessage)


async def test_a_result_that_was_written_without_its_commit_is_written_again_once(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    job_id = await stopped_with(settings, engine, blip, "processing")
    (settings.volume_path / "completed" / f"{job_id}.json").write_bytes(b"{}")
    async with serving(settings, engine) as service:
        assert (await ended(service, job_id)).status == "completed"
        assert (await service.result(job_id)).result.metadata.total_duration == 0.5


async def test_a_deletion_that_was_cut_off_is_finished(settings: Settings, engine: Engine, blip: bytes) -> None:
    job_id = await stopped_with(settings, engine, blip, "processing")
    change(settings, "UPDATE jobs SET status = 'deleted'")
    async with serving(settings, engine) as service:
        assert files(settings) == []
        with pytest.raises(CallAnnotateError):
            await service.job(job_id)


async def test_a_recording_that_is_gone_fails_its_job(settings: Settings, engine: Engine, blip: bytes) -> None:
    job_id = await stopped_with(settings, engine, blip, "processing")
    (settings.volume_path / "processing" / f"{job_id}.wav").unlink()
    async with serving(settings, engine) as service:
        job = await service.job(job_id)
        assert job.error is not None
        assert (job.status, job.error.code) == ("failed", "FILE_NOT_FOUND")
        heard = await messages(service, job_id, 0)
        assert [message.seq for message in heard] == list(range(1, len(heard) + 1))
    assert files(settings) == []


async def test_a_result_that_is_gone_fails_its_job(settings: Settings, engine: Engine, blip: bytes) -> None:
    job_id = await stopped_with(settings, engine, blip, "completed")
    (settings.volume_path / "completed" / f"{job_id}.json").unlink()
    async with serving(settings, engine) as service:
        assert (await service.job(job_id)).status == "failed"
        assert [type(message).__name__ for message in await messages(service, job_id)] == ["JobErrorMessage"]


async def test_uploads_that_nobody_finished_are_removed(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine):
        pass
    (settings.volume_path / "incoming" / ".uploads" / ORPHAN).write_bytes(b"half of it")
    async with serving(settings, engine):
        assert files(settings) == []


async def test_a_recording_in_processing_that_no_job_knows_becomes_a_job(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine):
        pass
    (settings.volume_path / "processing" / f"{ORPHAN}.wav").write_bytes(blip)
    (settings.volume_path / "processing" / f"{ORPHAN}.journal").write_bytes(b"left over")
    with anyio.fail_after(60):
        async with serving(settings, engine) as service:
            while not (page := await service.jobs(status="completed", limit=10, offset=0)).total:
                await anyio.lowlevel.checkpoint()
            (job,) = page.jobs
            assert job.file_info.filename == f"{ORPHAN}.wav"
    assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]


async def test_other_files_that_no_job_knows_are_left_alone_and_reported(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine):
        pass
    (settings.volume_path / "completed" / f"{ORPHAN}.wav").write_bytes(blip)
    (settings.volume_path / "failed" / "note.txt").write_text("mine")
    async with serving(settings, engine):
        pass
    assert files(settings) == [f"completed/{ORPHAN}.wav", "failed/note.txt"]
    reported = [line["file"] for line in lines(settings) if line["event"] == "orphan_found"]
    assert [Path(file).name for file in reported] == [f"{ORPHAN}.wav", "note.txt"]


def lines(settings: Settings) -> list[dict[str, str]]:
    text = (settings.volume_path / "logs" / "callannotate.jsonl").read_text()
    return [msgspec.json.decode(line) for line in text.splitlines()]


async def test_two_servers_do_not_work_on_one_volume(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine):
        with pytest.raises(CallAnnotateError) as caught:
            async with open_service(settings):
                pytest.fail("it was opened")
        assert caught.value.fault is VOLUME_LOCKED
    async with serving(settings, engine):
        pass


async def test_a_volume_that_is_no_folder_or_read_only_is_told_at_the_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.volume_path.parent.joinpath("file").write_bytes(b"")
    other = msgspec.structs.replace(settings, volume_path=settings.volume_path.parent / "file" / "volume")
    with pytest.raises(CallAnnotateError, match="Not a directory") as caught:
        async with open_service(other):
            pytest.fail("it was opened")
    assert caught.value.fault is VOLUME_UNUSABLE

    def read_only(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(CallAnnotateError, match="Read-only file system") as caught:
        async with open_service(settings):
            pytest.fail("it was opened")
    assert caught.value.fault is VOLUME_UNUSABLE
