"""Jobs that ended long ago are archived."""

import os

import msgspec
import pytest

from contracts.errors import WRONG_STATE, CallAnnotateError
from contracts.job_messages import StatusUpdate
from runtime.engine import Engine
from runtime.retention import Retention
from runtime.settings import Settings
from tests.runtime.serving import ended, messages, serving, submit
from tests.runtime.test_recovery import change
from tests.runtime.test_service import files


async def test_recording_and_result_of_an_old_job_are_removed_and_the_job_is_still_known(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        old = await submit(service, blip, "key")
        young = await submit(service, blip)
        for job in (old, young):
            await ended(service, job.job_id)
    change(settings, f"UPDATE jobs SET completed_at = completed_at - 31 * 86400 WHERE job_id = '{old.job_id}'")
    async with serving(settings, engine) as service:
        await Retention(settings, service._volume, service._store).look()
        archived = await service.job(old.job_id)
        assert archived.status == "archived"
        assert files(settings) == [f"completed/{young.job_id}.json", f"completed/{young.job_id}.wav"]
        for ask in (service.result, service.audio):
            with pytest.raises(CallAnnotateError, match="is archived") as caught:
                await ask(old.job_id)
            assert caught.value.fault is WRONG_STATE
        (message,) = await messages(service, old.job_id)
        assert isinstance(message, StatusUpdate)
        assert message.status == "archived"
        assert (await service.job(old.job_id, include_result=True)).result is None
        await service.delete(old.job_id)


async def test_archiving_that_was_cut_off_is_finished_at_the_next_start(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, blip)
        await ended(service, job.job_id)
    change(settings, "UPDATE jobs SET status = 'archived'")
    async with serving(settings, engine) as service:
        assert files(settings) == []
        assert (await service.job(job.job_id)).status == "archived"


async def test_what_the_hot_folder_put_away_goes_after_the_same_time_and_other_files_stay(
    settings: Settings, engine: Engine
) -> None:
    async with serving(msgspec.structs.replace(settings, retention_days=1e-9), engine) as service:
        failed = settings.volume_path / "failed"
        for name in ("x letter.txt", "x letter.txt.error.json", "mine.txt"):
            (failed / name).write_bytes(b"x")
            os.utime(failed / name, (1, 1))
        await Retention(service.settings, service._volume, service._store).look()
        assert [path.name for path in failed.iterdir()] == ["mine.txt"]
