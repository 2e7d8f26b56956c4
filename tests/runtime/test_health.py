"""Health tells the truth, and metrics count it."""

import dataclasses
import re
import sqlite3

import anyio
import msgspec
import pytest

from contracts.jobs import HealthStatus
from runtime import health
from runtime.engine import Engine
from runtime.job_queue import JobQueue
from runtime.settings import Settings
from runtime.volume import Volume
from tests.runtime.serving import Broken, ended, gated, messages, serving, submit


async def test_a_service_at_work_is_healthy_and_says_what_it_needs(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        status = await service.health()
    assert (status.status, status.queue_status, status.problems) == ("healthy", "active", ())
    assert re.fullmatch(r"\d+(MB|GB)", status.components.memory_usage.used)
    assert re.fullmatch(r"\d+(MB|GB)", status.components.memory_usage.available)
    assert 0 < status.components.memory_usage.percentage < 100
    assert re.fullmatch(r"\d+(MB|GB)", status.components.disk_usage.volume_free)
    assert status.components.disk_usage.logs_size == "0MB"


async def test_many_who_ask_at_once_get_one_answer(settings: Settings, engine: Engine) -> None:
    found: list[HealthStatus] = []

    async with serving(settings, engine) as service, anyio.create_task_group() as tasks:

        async def ask() -> None:
            found.append(await service.health())

        for _ in range(20):
            tasks.start_soon(ask)
    assert len({id(status) for status in found}) == 1
    assert found[0].status == "healthy"


async def test_a_full_volume_is_unhealthy(settings: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(settings, min_free_space=2**62), engine) as service:
        status = await service.health()
    assert (status.status, status.components.volume_access) == ("unhealthy", "unhealthy")
    assert (status.components.queue_manager, status.components.models) == ("healthy", "healthy")
    assert "are free, at least" in status.problems[0]


async def test_a_volume_that_became_read_only_is_unhealthy(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(_: Volume) -> None:
        raise OSError(30, "Read-only file system")

    async with serving(settings, engine) as service:
        monkeypatch.setattr(Volume, "check_writable", read_only)
        status = await service.health()
    assert status.components.volume_access == "unhealthy"
    assert status.problems == ("volume_access: it cannot be written (Read-only file system)",)
    assert status.components.disk_usage.volume_free != "unknown"


async def test_a_folder_that_is_gone_is_unhealthy(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        (settings.volume_path / "failed").rmdir()
        assert (await service.health()).components.volume_access == "unhealthy"


async def test_a_volume_that_does_not_answer_is_unhealthy(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = anyio.Event()
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    async with serving(settings, engine) as service:
        monkeypatch.setattr(Volume, "check_writable", lambda _: anyio.from_thread.run(blocked.wait))
        assert "does not answer" in (await service.health()).problems[0]
        blocked.set()


async def test_a_database_that_fails_is_unhealthy(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        with sqlite3.connect(settings.volume_path / "callannotate.sqlite3") as database:
            database.execute("ALTER TABLE jobs RENAME TO lost")
        database.close()
        status = await service.health()
    assert status.components.queue_manager == "unhealthy"
    assert "no such table" in status.problems[0]


async def test_a_dead_worker_is_unhealthy(settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def idle(_: JobQueue) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(JobQueue, "work", idle)
    async with serving(settings, engine) as service:
        status = await service.health()
    assert (status.components.audio_processing, status.queue_status) == ("unhealthy", "stopped")
    assert status.problems == ("audio_processing: 1 of 1 workers are dead",)


async def test_a_job_that_does_not_come_further_is_unhealthy(
    settings: Settings, engine: Engine, blip: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked, gate = gated(engine)
    monkeypatch.setattr(health, "STUCK", -1.0)
    async with serving(settings, blocked) as service:
        job = await submit(service, blip)
        await gate.until_asked()
        assert job.job_id in (await service.health()).problems[0]
        gate.go.set()


async def test_a_server_that_stops_says_so(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        service.stopping.set()
        assert (await service.health()).queue_status == "stopping"


def value(text: bytes, name: str) -> float:
    """Of a metric, its labels included in the name."""
    (found,) = [line.split(" ")[-1] for line in text.decode().splitlines() if line.startswith(f"{name} ")]
    return float(found)


async def test_metrics_count_jobs_by_state_and_what_was_computed(
    settings: Settings, engine: Engine, speech: bytes
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, speech)
        async with service.watch(job.job_id):
            assert value(service.metrics(), "callannotate_watchers") == 1
        await messages(service, job.job_id)
        service.websockets(3)
        text = service.metrics()
    assert value(text, 'callannotate_jobs{state="completed"}') == 1
    assert value(text, 'callannotate_jobs{state="queued"}') == value(text, "callannotate_queue_length") == 0
    assert value(text, 'callannotate_jobs_ended_total{status="completed"}') == 1
    assert value(text, 'callannotate_stage_seconds_total{stage="transcription"}') > 0
    assert value(text, 'callannotate_stage_seconds_total{stage="diarization"}') > 0
    assert value(text, "callannotate_real_time_factor_count") == 1
    assert value(text, 'callannotate_network_answers_total{network="words",source="computed"}') > 0
    assert value(text, "callannotate_websocket_sessions") == 3
    assert value(text, "callannotate_memory_bytes") > 1e6


async def test_metrics_know_the_jobs_of_before_and_those_that_failed(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, dataclasses.replace(engine, segmentation=Broken())) as service:
        await ended(service, (await submit(service, blip)).job_id)
        assert value(service.metrics(), 'callannotate_jobs_ended_total{status="failed"}') == 1
    async with serving(settings, engine) as service:
        assert value(service.metrics(), 'callannotate_jobs{state="failed"}') == 1
        (page,) = (await service.jobs(status="failed", limit=1, offset=0)).jobs
        await service.delete(page.job_id)
        assert value(service.metrics(), 'callannotate_jobs{state="failed"}') == 0
