"""Webhooks of real jobs: what their ends are told as, and which addresses are refused at once."""

from typing import Any

import msgspec
import pytest

from contracts.errors import CallAnnotateError
from contracts.webhooks import WebhookMessage
from runtime.engine import Engine
from runtime.settings import Settings
from tests.contract.recordings import broken
from tests.runtime.receivers import LOOPBACK, receiving
from tests.runtime.serving import ended, serving, submit


async def test_the_end_of_a_job_is_told_completed_failed_and_cancelled(
    settings: Settings, engine: Engine, blip: bytes, speech: bytes
) -> None:
    async with receiving() as receiver:
        chosen = msgspec.structs.replace(settings, webhook_ports=str(receiver.port), **LOOPBACK)
        async with serving(chosen, engine) as service:
            own: dict[str, Any] = {"callback_url": receiver.url(), "order": 17}
            done = await submit(service, speech, **own)
            gone = await submit(service, blip, **own)
            await service.delete(gone.job_id)
            lost = await submit(service, broken(), **own)
            assert (await ended(service, done.job_id)).status == "completed"
            assert (await ended(service, lost.job_id)).status == "failed"
            said = [msgspec.json.decode(got.body, type=WebhookMessage) for got in await receiver.requests(3)]
            told = {each.type: each.data for each in said}
            assert {kind: job.job_id for kind, job in told.items()} == {
                "job.completed": done.job_id, "job.cancelled": gone.job_id, "job.failed": lost.job_id,
            }  # fmt: skip
            completed, failed, cancelled = (told[f"job.{kind}"] for kind in ("completed", "failed", "cancelled"))  # type: ignore[index]
            assert (completed.metadata, completed.error) == (own, None)
            assert completed.result_url == f"/api/v1/jobs/{done.job_id}/result"
            assert failed.error is not None
            assert (failed.error.code, failed.result_url) == ("INVALID_SAMPLES", None)
            assert (cancelled.metadata, cancelled.filename, cancelled.result_url) == ({}, None, None)
            await service.delete(done.job_id)
            left = (await service.webhooks.page(None, 100, 0)).deliveries
            assert {each.job_id for each in left} == {gone.job_id, lost.job_id}


async def test_a_job_with_a_url_that_will_not_be_called_is_refused(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        with pytest.raises(CallAnnotateError) as caught:
            await submit(service, blip, callback_url="https://10.0.0.1/")
        assert caught.value.details["field"] == "metadata.callback_url"
