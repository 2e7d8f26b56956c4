"""A disk that is slow or full: nobody else waits, and nothing half-written stays."""

import errno
import os
import threading

import anyio
import pytest

from contracts.errors import STORAGE_FULL, CallAnnotateError
from contracts.jobs import Job
from runtime import job_queue
from runtime.engine import Engine
from runtime.settings import Settings
from runtime.volume import write_whole
from tests.runtime.serving import ended, gated, messages, serving, submit
from tests.runtime.test_service import files


async def test_while_an_upload_waits_for_the_disk_everything_else_is_answered(
    settings: Settings, engine: Engine, blip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, go, fsync = threading.Event(), threading.Event(), os.fsync
    jobs: list[Job] = []

    def slow(descriptor: int) -> None:
        waiting.set()
        assert go.wait(60)
        fsync(descriptor)

    async with serving(settings, engine) as service:
        first = await submit(service, blip)
        await ended(service, first.job_id)
        monkeypatch.setattr(os, "fsync", slow)

        async def upload() -> None:
            jobs.append(await submit(service, blip))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(upload)
            await anyio.to_thread.run_sync(waiting.wait, 60)
            assert (await service.jobs(status=None, limit=10, offset=0)).total == 1
            assert (await service.job(first.job_id, include_result=True)).result is not None
            assert (await service.health()).status == "healthy"
            assert len(await messages(service, first.job_id)) == 1
            go.set()
        assert (await ended(service, jobs[0].job_id)).status == "completed"


@pytest.mark.parametrize("function", ["write", "fsync"])
async def test_a_disk_that_becomes_full_during_an_upload_refuses_it_and_keeps_nothing(
    settings: Settings, engine: Engine, blip: bytes, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with serving(settings, engine) as service:
        async with service.upload("call.wav") as upload:
            await upload.write(blip)
            with monkeypatch.context() as patch:
                patch.setattr(os, function, full)
                with pytest.raises(CallAnnotateError) as caught:
                    await service.submit(upload, b"{}")
        assert caught.value.fault is STORAGE_FULL
        assert files(settings) == []
        assert (await ended(service, (await submit(service, blip)).job_id)).status == "completed"


async def test_a_result_waits_until_there_is_room_for_it(
    settings: Settings, engine: Engine, blip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = anyio.Event()

    def full(*_: object) -> None:
        anyio.from_thread.run_sync(tried.set)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with serving(settings, engine) as service:
        monkeypatch.setattr(job_queue, "write_whole", full)
        job = await submit(service, blip)
        await tried.wait()
        assert (await service.job(job.job_id)).status == "processing"
        monkeypatch.setattr(job_queue, "write_whole", write_whole)
        assert (await ended(service, job.job_id)).status == "completed"


async def test_a_large_upload_is_written_piece_by_piece(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service, service.upload("call.wav") as upload:
        for _ in range(70):
            await upload.write(bytes(500_000))
        assert upload.size == 35_000_000
        assert len(upload._buffer) < 2**20
        assert (await anyio.Path(upload.path).stat()).st_size + len(upload._buffer) == upload.size
    assert files(settings) == []


async def test_a_job_whose_disk_takes_no_journal_is_completed_without_one(
    settings: Settings, engine: Engine, blip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job = await submit(service, blip)
        await gate.until_asked()

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "pwrite", full)
        gate.go.set()
        assert (await ended(service, job.job_id)).status == "completed"
