"""The service as the front doors use it, on real parts."""

from pathlib import Path

import anyio
import msgspec
import numpy as np
import pytest

from contracts.errors import (
    AUDIO_TOO_LONG,
    FILE_EMPTY,
    FILE_TOO_LARGE,
    IDEMPOTENCY_CONFLICT,
    INVALID_FIELD,
    INVALID_JSON,
    JOB_NOT_FOUND,
    QUEUE_FULL,
    SHUTTING_DOWN,
    STORAGE_FULL,
    UNSUPPORTED_FORMAT,
    WRONG_STATE,
    CallAnnotateError,
    Fault,
)
from contracts.job_messages import ResultMessage, StatusUpdate
from runtime.engine import Engine
from runtime.service import JobService
from runtime.settings import Settings
from tests.runtime.conftest import wav
from tests.runtime.serving import ended, gated, messages, serving, submit

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def files(settings: Settings) -> list[str]:
    """Recordings, results and work files on the volume."""
    folders = ("incoming", "incoming/.uploads", "processing", "completed", "failed")
    found = [path for folder in folders for path in (settings.volume_path / folder).iterdir() if path.is_file()]
    return sorted(str(path.relative_to(settings.volume_path)) for path in found)


async def test_a_job_goes_from_queued_to_its_result_and_its_files_go_with_it(
    settings: Settings, engine: Engine, speech: bytes
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, speech, description="a call", reference={"case": 7}, priority=3)
        assert (job.status, job.position, job.priority, job.error) == ("queued", 1, 3, None)
        assert job.metadata == {"description": "a call", "reference": {"case": 7}, "priority": 3}
        assert (job.file_info.format, job.file_info.duration, job.file_info.sample_rate) == ("wav", 6.0, 8000)
        assert job.estimated_duration is not None
        assert (job.progress_url, job.websocket_url) == (f"/api/v1/jobs/{job.job_id}", f"/ws/{job.job_id}")
        heard = await messages(service, job.job_id, 0)
        assert [message.seq for message in heard] == list(range(1, len(heard) + 1))
        assert isinstance(heard[0], StatusUpdate)
        assert heard[0].status == "queued"
        assert isinstance(heard[-1], ResultMessage)
        after = await service.job(job.job_id, include_result=True)
        assert (after.status, after.progress.percentage, after.position) == ("completed", 100, None)
        assert after.started_at is not None
        assert after.completed_at is not None
        assert after.created_at <= after.started_at <= after.completed_at
        result = await service.result(job.job_id)
        assert result.result == after.result == heard[-1].result
        assert result.result.metadata.word_count > 3
        assert result.processing_time > 0
        audio = await service.audio(job.job_id)
        assert (await anyio.Path(audio.path).read_bytes(), audio.size) == (speech, len(speech))
        assert (audio.media_type, audio.filename) == ("audio/wav", "call.wav")
        assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]


async def test_progress_never_goes_back_and_goes_through_the_stages(
    settings: Settings, engine: Engine, speech: bytes
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, speech)
        updates = [m for m in await messages(service, job.job_id, 0) if isinstance(m, StatusUpdate)]
    percentages = [update.progress.percentage for update in updates]
    assert percentages == sorted(percentages)
    assert [update.status for update in updates] == ["queued"] + ["processing"] * (len(updates) - 1)
    assert updates[1].progress.current_stage == "validation"
    for update in updates:
        done, left = update.progress.stages_completed, update.progress.stages_remaining
        assert sorted([*done, *left]) == sorted(updates[0].progress.stages_remaining)


@pytest.mark.parametrize(
    ("fault", "metadata"),
    [
        (INVALID_JSON, b"{"),
        (INVALID_JSON, b"[]"),
        (INVALID_JSON, b"\xff"),
        (INVALID_JSON, b'{"a": "\\ud800"}'),
        (INVALID_JSON, b'{"a": NaN}'),
        (INVALID_JSON, b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
        (INVALID_FIELD, b'{"description": "' + b"x" * 1001 + b'"}'),
        (INVALID_FIELD, b'{"description": 7}'),
        (INVALID_FIELD, b'{"padding": "' + b"x" * 65_536 + b'"}'),
        (INVALID_FIELD, b'{"priority": 10}'),
        (INVALID_FIELD, b'{"priority": 1.5}'),
        (INVALID_FIELD, b'{"language": "klingon"}'),
        (INVALID_FIELD, b'{"speakers": 2, "max_speakers": 3}'),
        (INVALID_FIELD, b'{"min_speakers": 3, "max_speakers": 2}'),
        (INVALID_FIELD, b'{"speakers": 0}'),
        (INVALID_FIELD, b'{"channels": "two-sided"}'),
        (INVALID_FIELD, b'{"channels": "three"}'),
        (INVALID_FIELD, b'{"model": "/etc"}'),
        (INVALID_FIELD, b'{"model": "somebody/something"}'),
        (INVALID_FIELD, b'{"engine": "pyannote"}'),
    ],
)
async def test_metadata_that_cannot_be_used_is_refused_and_nothing_is_kept(
    settings: Settings, engine: Engine, blip: bytes, fault: Fault, metadata: bytes
) -> None:
    async with serving(settings, engine) as service:
        async with service.upload("call.wav") as upload:
            await upload.write(blip)
            with pytest.raises(CallAnnotateError) as caught:
                await service.submit(upload, metadata)
        assert caught.value.fault is fault
        assert (await service.jobs(status=None, limit=10, offset=0)).total == 0
        assert files(settings) == []


@pytest.mark.parametrize(
    ("fault", "content"),
    [(FILE_EMPTY, b""), (UNSUPPORTED_FORMAT, b"This is not a recording.\n" * 100)],
)
async def test_what_is_no_recording_is_refused_by_the_name_that_the_client_gave(
    settings: Settings, engine: Engine, fault: Fault, content: bytes
) -> None:
    async with serving(settings, engine) as service:
        with pytest.raises(CallAnnotateError, match=r"^call\.wav: ") as caught:
            await submit(service, content, filename="/home/me/call.wav")
        assert caught.value.fault is fault
        assert files(settings) == []


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\calls\\one.wav", "one.wav"),
        ("a\x00b\nc.wav", "abc.wav"),
        ("..", "recording"),
        ("", "recording"),
        ("x" * 300 + ".wav", "x" * 255),
        ("\u0437\u0432\u043e\u043d\u043e\u043a.wav", "\u0437\u0432\u043e\u043d\u043e\u043a.wav"),
    ],
)
async def test_a_file_s_name_is_shown_without_folders_and_never_used_as_a_path(
    settings: Settings, engine: Engine, blip: bytes, sent: str, shown: str
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, blip, filename=sent)
        assert job.file_info.filename == shown
        assert (await ended(service, job.job_id)).status == "completed"
        assert files(settings) == [f"completed/{job.job_id}.json", f"completed/{job.job_id}.wav"]


async def test_what_is_strange_about_a_recording_is_told_by_the_name_that_the_client_gave(
    settings: Settings, engine: Engine
) -> None:
    async with serving(settings, engine) as service:
        job = await ended(service, (await submit(service, wav(np.zeros(16_000), 8000), filename="a call.wav")).job_id)
        (warning,) = (await service.result(job.job_id)).result.metadata.warnings
        assert warning.message.startswith("a call.wav: there is no signal")


async def test_an_upload_past_the_limit_is_refused_while_it_comes_in(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(msgspec.structs.replace(settings, max_file_size=len(blip)), engine) as service:
        async with service.upload("call.wav") as upload:
            await upload.write(blip)
            with pytest.raises(CallAnnotateError) as caught:
                await upload.write(b"x")
        assert caught.value.fault is FILE_TOO_LARGE
        assert files(settings) == []
        await submit(service, blip)


async def test_a_recording_that_lasts_too_long_is_refused(settings: Settings, engine: Engine, speech: bytes) -> None:
    async with serving(msgspec.structs.replace(settings, max_duration=5.9), engine) as service:
        with pytest.raises(CallAnnotateError) as caught:
            await submit(service, speech)
        assert caught.value.fault is AUDIO_TOO_LONG


async def test_an_upload_that_is_left_is_removed(settings: Settings, engine: Engine, blip: bytes) -> None:
    async with serving(settings, engine) as service:
        with anyio.CancelScope() as scope:
            async with service.upload("call.wav") as upload:
                await upload.write(blip)
                scope.cancel()
                await anyio.sleep_forever()
        assert files(settings) == []


async def test_a_volume_with_too_little_room_takes_no_upload(settings: Settings, engine: Engine, blip: bytes) -> None:
    async with serving(msgspec.structs.replace(settings, min_free_space=2**62), engine) as service:
        for refused in (service.admit, lambda: submit(service, blip)):
            with pytest.raises(CallAnnotateError) as caught:
                await refused()
            assert caught.value.fault is STORAGE_FULL
        assert files(settings) == []


async def test_a_queue_that_is_full_takes_no_upload(settings: Settings, engine: Engine, blip: bytes) -> None:
    blocked, gate = gated(engine)
    async with serving(msgspec.structs.replace(settings, queue_limit=1), blocked) as service:
        running = await submit(service, blip)
        await gate.until_asked()
        waiting = await submit(service, blip)
        for refused in (service.admit, lambda: submit(service, blip)):
            with pytest.raises(CallAnnotateError) as caught:
                await refused()
            assert caught.value.fault is QUEUE_FULL
        gate.go.set()
        for job in (running, waiting):
            assert (await ended(service, job.job_id)).status == "completed"
        await service.admit()


async def test_a_server_that_stops_takes_no_upload(settings: Settings, engine: Engine, blip: bytes) -> None:
    async with serving(settings, engine) as service:
        service.stopping.set()
        for refused in (service.admit, lambda: submit(service, blip)):
            with pytest.raises(CallAnnotateError) as caught:
                await refused()
            assert caught.value.fault is SHUTTING_DOWN


async def test_a_key_gives_the_same_job_again_even_after_a_restart(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        first = await submit(service, blip, "key", note=1)
        again = await submit(service, blip, "key", note=1)
        assert again.job_id == first.job_id
        other = await submit(service, blip, "other key", note=1)
        assert other.job_id != first.job_id
        await ended(service, other.job_id)
    async with serving(settings, engine) as service:
        again = await submit(service, blip, "key", note=1)
        assert (again.job_id, again.status) == (first.job_id, "completed")
        assert (await service.jobs(status=None, limit=10, offset=0)).total == 2


async def test_a_key_cannot_be_used_for_another_upload_until_its_job_is_deleted(
    settings: Settings, engine: Engine, blip: bytes, speech: bytes
) -> None:
    async with serving(settings, engine) as service:
        first = await submit(service, blip, "key")
        for other in (submit(service, speech, "key"), submit(service, blip, "key", note=1)):
            with pytest.raises(CallAnnotateError, match=first.job_id) as caught:
                await other
            assert caught.value.fault is IDEMPOTENCY_CONFLICT
        await service.delete(first.job_id)
        assert (await submit(service, speech, "key")).job_id != first.job_id


async def test_many_uploads_with_one_key_at_once_make_one_job(settings: Settings, engine: Engine, blip: bytes) -> None:
    found: list[str] = []

    async def one(service: JobService) -> None:
        found.append((await submit(service, blip, "key")).job_id)

    async with serving(settings, engine) as service:
        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(one, service)
        assert len(found) == 10
        assert len(set(found)) == 1
        await ended(service, found[0])
        assert files(settings) == [f"completed/{found[0]}.json", f"completed/{found[0]}.wav"]


async def test_jobs_are_listed_the_newest_first_by_state_and_by_page(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        ids = [(await submit(service, blip)).job_id for _ in range(4)]
        await gate.until_asked()
        page = await service.jobs(status="queued", limit=2, offset=1)
        assert ([job.job_id for job in page.jobs], page.total) == ([ids[2], ids[1]], 3)
        assert [job.position for job in page.jobs] == [2, 1]
        page = await service.jobs(status=None, limit=10, offset=3)
        assert ([job.job_id for job in page.jobs], page.total) == ([ids[0]], 4)
        assert page.jobs[0].status == "processing"
        assert (await service.jobs(status="failed", limit=10, offset=0)).jobs == ()
        gate.go.set()


async def test_the_queue_tells_who_runs_and_when_the_others_begin(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        assert (await service.queue()).queue_length == 0
        ids = [(await submit(service, blip)).job_id for _ in range(3)]
        await gate.until_asked()
        queue = await service.queue()
        assert (queue.queue_length, queue.processing_job, queue.processing_jobs) == (2, ids[0], (ids[0],))
        assert [(job.job_id, job.position) for job in queue.jobs] == [(ids[1], 1), (ids[2], 2)]
        first, second = (job.estimated_start for job in queue.jobs)
        assert first is not None
        assert second is not None
        assert first < second
        gate.go.set()
        for job_id in ids:
            await ended(service, job_id)
        assert (await service.queue()).average_processing_time > 0


async def test_the_result_and_the_recording_are_there_when_the_state_allows(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    blocked, gate = gated(engine)
    async with serving(settings, blocked) as service:
        job = await submit(service, blip)
        await gate.until_asked()
        with pytest.raises(CallAnnotateError, match="is processing") as caught:
            await service.result(job.job_id)
        assert caught.value.fault is WRONG_STATE
        assert (await service.job(job.job_id, include_result=True)).result is None
        audio = await service.audio(job.job_id)
        assert await anyio.Path(audio.path).read_bytes() == blip
        gate.go.set()
        await ended(service, job.job_id)
        await service.result(job.job_id)


async def test_a_job_that_nobody_knows_is_not_found_anywhere(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        for ask in (service.job, service.result, service.audio, service.delete, lambda job: messages(service, job)):
            for job_id in (UNKNOWN, "../etc", ""):
                with pytest.raises(CallAnnotateError) as caught:
                    await ask(job_id)
                assert caught.value.fault is JOB_NOT_FOUND


async def test_what_the_service_can_do_names_its_limits_and_languages(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        info = service.info()
        assert (info.max_file_size, info.model, info.engine) == (1_073_741_824, "whisper-base", "onnx")
        assert {"en", "ru"} < set(info.languages)


async def test_the_volume_may_be_anywhere_and_is_made(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    async with serving(msgspec.structs.replace(settings, volume_path=tmp_path / "a" / "b"), engine):
        names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
        assert {"incoming", "processing", "completed", "failed", "logs", "models"} <= names
