"""Recordings that are put into `incoming`."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from contracts.jobs import Job, JobFailure
from runtime.engine import Engine
from runtime.hot_folder import HotFolder
from runtime.job_feed import JobFeeds
from runtime.service import JobService
from runtime.settings import Settings
from runtime.volume import Volume
from tests.runtime.serving import gated, serving, submit
from tests.runtime.test_service import files


def incoming(settings: Settings) -> Path:
    folder = settings.volume_path / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def looking(
    settings: Settings, engine: Engine
) -> AsyncIterator[tuple[JobService, Callable[[], Awaitable[None]]]]:
    """A service that looks into the folder when it is told; its own first look remembers nothing for a second."""
    async with serving(msgspec.structs.replace(settings, queue_poll_interval=1e6), engine) as service:
        yield service, HotFolder(service.settings, service._volume, service._store, service._intake).look


async def completed(service: JobService, count: int) -> tuple[Job, ...]:
    """The jobs once so many are completed."""
    while (page := await service.jobs(status="completed", limit=100, offset=0)).total < count:
        await anyio.lowlevel.checkpoint()
    return page.jobs


async def test_a_recording_that_is_renamed_into_place_becomes_one_job(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        part = incoming(settings) / "call.wav.part"
        part.write_bytes(blip)
        part.rename(incoming(settings) / "call.wav")
        (job,) = await completed(service, 1)
        assert (job.file_info.filename, job.file_info.size, job.metadata) == ("call.wav", len(blip), {})
    assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]


async def test_recordings_that_were_there_before_the_start_become_jobs(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    for name in ("a.wav", "b.mp3", "\u0437\u0432\u043e\u043d\u043e\u043a", "c"):
        (incoming(settings) / name).write_bytes(blip)
    (incoming(settings) / os.fsdecode(b"odd\xff.wav")).write_bytes(blip)
    async with serving(settings, engine) as service:
        jobs = await completed(service, 5)
    names = {job.file_info.filename for job in jobs}
    assert names == {"a.wav", "b.mp3", "\u0437\u0432\u043e\u043d\u043e\u043a", "c", "odd\ufffd.wav"}
    assert {job.file_info.format for job in jobs} == {"wav"}


async def test_a_recording_that_still_grows_is_left_alone(settings: Settings, engine: Engine, blip: bytes) -> None:
    async with looking(settings, engine) as (service, look):
        with (incoming(settings) / "call.wav").open("wb", buffering=0) as file:
            for place in range(0, len(blip), 2000):
                file.write(blip[place : place + 2000])
                await look()
                assert (await service.jobs(status=None, limit=1, offset=0)).total == 0
        await look()
        await look()
        assert (await service.jobs(status=None, limit=1, offset=0)).total == 1
        (job,) = await completed(service, 1)
        assert job.file_info.size == len(blip)


@pytest.mark.parametrize("name", [".hidden.wav", "call.wav.part", "call.wav.TMP", "call.crdownload"])
async def test_what_its_name_marks_as_unfinished_is_left_alone(
    settings: Settings, engine: Engine, blip: bytes, name: str
) -> None:
    async with looking(settings, engine) as (service, look):
        (incoming(settings) / name).write_bytes(blip)
        (incoming(settings) / "empty.wav").touch()
        (incoming(settings) / "folder").mkdir()
        (incoming(settings) / "link.wav").symlink_to("/etc/passwd")
        for _ in range(3):
            await look()
        assert (await service.jobs(status=None, limit=1, offset=0)).total == 0
    assert name in {path.name for path in incoming(settings).iterdir()}


async def test_what_is_no_recording_is_put_away_with_the_reason(settings: Settings, engine: Engine) -> None:
    async with looking(settings, engine) as (service, look):
        (incoming(settings) / "letter.txt").write_text("This is not a recording.\n" * 10)
        await look()
        await look()
        assert (await service.jobs(status=None, limit=1, offset=0)).total == 0
    kept, reason = sorted((settings.volume_path / "failed").iterdir())
    assert kept.name.endswith(" letter.txt")
    assert reason.name == f"{kept.name}.error.json"
    failure = msgspec.json.decode(reason.read_bytes(), type=JobFailure)
    assert failure.code == "UNSUPPORTED_FORMAT"
    assert failure.message.startswith("letter.txt: ")


async def test_uploads_that_wait_are_not_taken_for_dropped_files(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with looking(settings, blocked) as (service, look):
        await submit(service, blip)
        await gate.until_asked()
        await submit(service, blip)
        for _ in range(3):
            await look()
        assert (await service.jobs(status=None, limit=1, offset=0)).total == 2
        gate.go.set()
        await completed(service, 2)


async def test_files_stay_where_they_are_while_the_queue_is_full(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with looking(msgspec.structs.replace(settings, queue_limit=1), blocked) as (service, look):
        await submit(service, blip)
        await gate.until_asked()
        await submit(service, blip)
        (incoming(settings) / "call.wav").write_bytes(blip)
        await look()
        await look()
        assert (incoming(settings) / "call.wav").exists()
        gate.go.set()
        await completed(service, 2)
        await look()
        await completed(service, 3)


@pytest.mark.parametrize("renamed", [False, True])
async def test_a_crash_while_a_file_is_taken_makes_no_second_job(
    settings: Settings, engine: Engine, blip: bytes, renamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the power is gone")

    async def crashed() -> None:
        async with looking(settings, engine) as (_, look):
            await look()
            monkeypatch.setattr(JobFeeds, "begin", crash)
            if not renamed:
                monkeypatch.setattr(Volume, "settle", lambda *_: False)
            await look()

    (incoming(settings) / "call.wav").write_bytes(blip)
    with pytest.raises(RuntimeError, match="the power is gone"):
        await crashed()
    monkeypatch.undo()
    assert [name.startswith("incoming/call") for name in files(settings)] == [not renamed]
    async with serving(settings, engine) as service:
        (job,) = await completed(service, 1)
        assert (await service.jobs(status=None, limit=10, offset=0)).total == 1
    assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]
