"""Workers: the order of jobs, cancelling, failing, stopping and going on."""

import dataclasses

import anyio
import msgspec
import pytest

from contracts.errors import AUDIO_TOO_LONG, JOB_NOT_FOUND, SERVER_FAILED, CallAnnotateError
from contracts.job_messages import JobErrorMessage, ResultMessage, StatusUpdate
from contracts.jobs import JobProgress
from runtime.engine import Engine
from runtime.hot_folder import HotFolder
from runtime.job_store import JobStore
from runtime.settings import Settings
from tests.runtime.serving import Broken, ended, gated, messages, serving, submit
from tests.runtime.test_recovery import change
from tests.runtime.test_service import files


async def test_the_highest_priority_runs_first_and_equals_in_the_order_of_their_coming(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        first = await submit(service, blip)
        await gate.until_asked()
        others = {name: await submit(service, blip, priority=p) for name, p in (("a", 0), ("b", 5), ("c", 0), ("d", 5))}
        gate.go.set()
        jobs = {name: await ended(service, job.job_id) for name, job in others.items()}
        began = {name: job.started_at for name, job in jobs.items() if job.started_at is not None}
        assert sorted(began, key=lambda name: began[name]) == ["b", "d", "a", "c"]
        assert (await service.job(first.job_id)).status == "completed"


async def test_as_many_jobs_run_side_by_side_as_the_setting_says(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(dataclasses.replace(engine, limiter=anyio.CapacityLimiter(4)))
    async with serving(msgspec.structs.replace(settings, jobs_at_once=2), blocked) as service:
        ids = [(await submit(service, blip)).job_id for _ in range(3)]
        while len((await service.queue()).processing_jobs) < 2:
            await anyio.lowlevel.checkpoint()
        queue = await service.queue()
        assert (set(queue.processing_jobs), queue.queue_length) == (set(ids[:2]), 1)
        gate.go.set()
        for job_id in ids:
            assert (await ended(service, job_id)).status == "completed"


async def test_deleting_a_job_that_runs_cancels_it_and_the_next_one_begins(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job, following = await submit(service, blip), await submit(service, blip)
        await gate.until_asked()
        async with service.watch(job.job_id) as watcher, anyio.create_task_group() as tasks:
            tasks.start_soon(service.delete, job.job_id)
            while (await service.jobs(status=None, limit=9, offset=0)).total == 2:
                await anyio.lowlevel.checkpoint()
            gate.go.set()
            with pytest.raises(CallAnnotateError) as caught:
                async for _ in watcher:
                    pass
        assert caught.value.fault is JOB_NOT_FOUND
        with pytest.raises(CallAnnotateError):
            await service.job(job.job_id)
        assert (await ended(service, following.job_id)).status == "completed"
        assert files(settings) == [f"completed/{following.job_id}.json", f"completed/{following.job_id}.wav"]


async def test_a_job_in_any_state_can_be_deleted_once(settings: Settings, engine: Engine, blip: bytes) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        running, waiting = await submit(service, blip), await submit(service, blip)
        await gate.until_asked()
        await service.delete(waiting.job_id)
        gate.go.set()
        await ended(service, running.job_id)
        await service.delete(running.job_id)
        for job in (waiting, running):
            with pytest.raises(CallAnnotateError) as caught:
                await service.delete(job.job_id)
            assert caught.value.fault is JOB_NOT_FOUND
        assert files(settings) == []
        assert (await service.queue()).queue_length == 0


async def test_a_job_whose_stage_fails_says_which_and_the_next_one_runs(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, dataclasses.replace(engine, segmentation=Broken())) as service:
        jobs = [await submit(service, blip) for _ in range(2)]
        for job in jobs:
            failed = await ended(service, job.job_id)
            assert (failed.status, failed.progress.percentage) == ("failed", 0)
            assert failed.error is not None
            assert (failed.error.code, failed.error.stage) == ("PROCESSING_FAILED", "diarization")
            assert "injected" in failed.error.message
            assert (await messages(service, job.job_id))[-1].seq == (await messages(service, job.job_id, 0))[-1].seq
            assert isinstance((await messages(service, job.job_id))[-1], JobErrorMessage)
        assert files(settings) == sorted(f"failed/{job.job_id}.wav" for job in jobs)
    async with serving(settings, engine) as service:
        (message,) = await messages(service, jobs[0].job_id)
        assert isinstance(message, JobErrorMessage)
        assert message.error == failed.error


async def test_a_recording_that_turns_out_to_be_too_long_fails(
    settings: Settings, engine: Engine, speech: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job = await submit(service, speech)
        await gate.until_asked()
        gate.go.set()
        # As if the file had not said how long it is.
        service._queue._settings = msgspec.structs.replace(settings, max_duration=1.0)  # type: ignore[misc]
        later = await submit(service, speech)
        failed = await ended(service, later.job_id)
        assert failed.error is not None
        assert failed.error.code == AUDIO_TOO_LONG.code
        await ended(service, job.job_id)


async def test_a_job_is_gone_on_with_after_a_stop_and_its_messages_go_on(
    settings: Settings, engine: Engine, speech: bytes
) -> None:
    blocked, gate = gated(engine)
    with anyio.fail_after(60):
        async with serving(settings, blocked) as service:
            job = await submit(service, speech)
            async with service.watch(job.job_id, 0) as watcher:
                before = [await watcher.receive() for _ in range(3)]
            gate.go.set()
        assert files(settings) == [f"processing/{job.job_id}{end}" for end in (".journal", ".messages", ".wav")]
        async with serving(settings, engine) as service:
            heard = await messages(service, job.job_id, 0)
            assert [message.seq for message in heard] == list(range(1, len(heard) + 1))
            assert heard[:3] == before
            assert isinstance(heard[-1], ResultMessage)
            assert (await service.job(job.job_id)).status == "completed"
        assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]


async def test_the_percentage_does_not_go_back_when_a_job_is_gone_on_with(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job = await submit(service, blip)
        await gate.until_asked()
        gate.go.set()
    path = settings.volume_path / "processing" / f"{job.job_id}.messages"
    last = msgspec.json.decode(path.read_bytes().splitlines()[-1], type=StatusUpdate)
    further = msgspec.structs.replace(last, seq=last.seq + 1, progress=JobProgress(percentage=40))
    path.write_bytes(path.read_bytes() + msgspec.json.encode(further) + b"\n")
    async with serving(settings, engine) as service:
        heard = await messages(service, job.job_id, 0)
    told = [message.progress.percentage for message in heard if isinstance(message, StatusUpdate)]
    assert told == sorted(told)
    assert heard[-1].seq > further.seq


async def test_a_job_that_takes_the_server_down_again_and_again_is_given_up(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, blip)
        await ended(service, job.job_id)
    change(
        settings,
        "UPDATE jobs SET status = 'processing', starts = 10, started_at = started_at - 601, stuck_since = NULL",
    )
    async with serving(settings, engine) as service:
        failed = await ended(service, job.job_id)
        assert failed.error is not None
        assert "stopped 10 times" in failed.error.message


async def test_a_task_that_dies_stops_the_service_with_an_error(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(_: HotFolder) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(HotFolder, "look", die)
    told: list[str] = []

    async def serve() -> None:
        async with serving(settings, engine) as service:
            await service.stopping.wait()
            told.append("stopping")

    with pytest.raises(CallAnnotateError, match=r"hot_folder failed: RuntimeError: injected") as caught:
        await serve()
    assert caught.value.fault is SERVER_FAILED
    assert told == ["stopping"]


async def test_a_body_that_does_not_listen_is_ended_when_a_task_dies(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_: object) -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(JobStore, "claim", die)
    with pytest.raises(CallAnnotateError, match="worker failed"):
        async with serving(msgspec.structs.replace(settings, shutdown_timeout=0.01), engine):
            await anyio.sleep_forever()


async def test_what_the_body_raises_comes_out_as_it_is(settings: Settings, engine: Engine) -> None:
    with pytest.raises(ValueError, match="of the body"):
        async with serving(settings, engine):
            raise ValueError("of the body")


async def test_jobs_that_come_and_go_at_once_leave_nothing_behind(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    kept: list[str] = []

    async def one(number: int) -> None:
        job = await submit(service, blip, priority=number % 10)
        for _ in range(number * 7 % 50):
            await anyio.lowlevel.checkpoint()
        if number % 2:
            await service.delete(job.job_id)
        else:
            kept.append(job.job_id)

    async with serving(msgspec.structs.replace(settings, jobs_at_once=2), engine) as service:
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(one, number)
        for job_id in kept:
            assert (await ended(service, job_id)).status == "completed"
        assert len(kept) == (await service.jobs(status="completed", limit=1, offset=0)).total == 20
        assert dict(+service._store.counts) == {"completed": 20}
        assert files(settings) == sorted(f"completed/{job_id}.{end}" for job_id in kept for end in ("json", "wav"))
