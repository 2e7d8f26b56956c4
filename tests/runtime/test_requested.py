"""Jobs of requests that wait for them."""

from pathlib import Path

import anyio
import pytest

from contracts.errors import JOB_NOT_FOUND, CallAnnotateError
from runtime.engine import Engine
from runtime.settings import Settings
from tests.runtime.serving import gated, serving

pytestmark = pytest.mark.anyio


def left_of(volume: Path, job_id: str) -> list[Path]:
    """Files of a job."""
    return list(volume.rglob(f"{job_id}*"))


async def test_a_job_whose_request_was_cut_off_with_the_server_is_gone_at_the_next_start(
    engine: Engine, blip: bytes, tmp_path: Path
) -> None:
    settings = Settings(volume_path=tmp_path, log_console=False)
    slow, gate = gated(engine)
    async with serving(settings, slow) as service:
        ids = []
        for passing in (True, True, False):
            async with service.upload("call.wav") as upload:
                await upload.write(blip)
                ids.append((await service.submit(upload, b"{}", passing=passing)).job_id)
        await gate.until_asked()
        gate.go.set()
        # The body ends as a process does that is killed: nobody has removed anything.
        assert (await service.job(ids[0])).status == "processing"
    async with serving(settings, engine) as service:
        for job_id in ids[:2]:
            with pytest.raises(CallAnnotateError) as caught:
                await service.job(job_id)
            assert caught.value.fault is JOB_NOT_FOUND
            assert left_of(tmp_path, job_id) == []
        with anyio.fail_after(60):
            async with service.watch(ids[2]) as messages:
                assert [message async for message in messages]
