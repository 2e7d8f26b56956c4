"""Corrections and peaks over REST and over `/v1/ws`: every operation as it should be used, and every error of each."""

from typing import Any

import anyio

from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.recordings import broken
from tests.contract.rest import rest_of
from tests.contract.scenarios_session import require_error
from tests.contract.scenarios_voices import JSON

NAMED = {"speakers": [{"speaker_id": "speaker_1", "name": "Анна"}]}
OPERATIONS = ("getJobPeaks", "getCorrections", "correctResult", "deleteCorrections")


def body_of(operation: str) -> dict[str, Any]:
    """What the operation cannot do without."""
    return {"json": NAMED} if operation == "correctResult" else {}


async def corrections(lab: Lab) -> None:
    """Every operation over `/v1/ws`, as it should be used."""
    chosen = {"job_id": (await lab.finished())["job_id"]}
    async with lab.session() as talk:
        lab.require((await talk.ask("getJobPeaks", parameters=chosen))["status"] == 200, "getJobPeaks")
        before = await talk.ask("getCorrections", parameters=chosen)
        lab.require(before["body"]["revision"] == 0, f"getCorrections: {before}")
        condition = {**chosen, "If-Match": before["headers"]["ETag"]}
        named = await talk.ask("correctResult", parameters=condition, body=NAMED)
        lab.require(named["body"]["speakers"] == NAMED["speakers"], f"correctResult: {named}")
        told = await talk.ask("getJobResult", parameters={**chosen, "version": "corrected", "format": "json"})
        names = [speaker["identified_as"] for speaker in told["body"]["result"]["speakers"]]
        lab.require("Анна" in names, f"getJobResult: {names}")
        stale = await talk.ask("correctResult", parameters=condition, body=NAMED)
        require_error(lab, stale, "CORRECTIONS_CHANGED", "a change of other corrections")
        wrong = await talk.ask("correctResult", parameters=chosen, body={"speakers": [{"speaker_id": "Anna"}]})
        require_error(lab, wrong, "INVALID_FIELD", "a speaker who is none")
        gone = await talk.ask("deleteCorrections", parameters=chosen)
        lab.require(gone["status"] == 204 and gone["body"] is None, f"deleteCorrections: {gone}")
    await lab.delete(chosen["job_id"])


async def rest_corrections(lab: Lab) -> None:
    """What cannot be corrected or drawn."""
    failed, done = (await lab.finished(broken()))["job_id"], (await lab.finished())["job_id"]
    other = {"If-Match": '"another"'}
    async with rest_of(lab) as rest:
        for operation in OPERATIONS:
            await rest.refused("JOB_NOT_FOUND", operation, UNKNOWN_JOB, **body_of(operation))
            await rest.refused("WRONG_STATE", operation, failed, **body_of(operation))
        for operation in ("correctResult", "deleteCorrections"):
            await rest.refused("CORRECTIONS_CHANGED", operation, done, headers=other, **body_of(operation))
        nowhere = {"words": [{"speaker_id": "speaker_1", "segment": 999, "word": 0, "text": "x"}]}
        await rest.refused("INVALID_FIELD", "correctResult", done, json=nowhere)
        await rest.refused("INVALID_JSON", "correctResult", done, content=b"{", headers=JSON)
        await rest.refused("UNSUPPORTED_MEDIA_TYPE", "correctResult", done, content=b"name=x")
        too_large = {"words": [{"speaker_id": "speaker_1", "segment": 0, "word": 0, "text": "x" * 70_000}]}
        await rest.refused("BODY_TOO_LARGE", "correctResult", done, json=too_large)
        await rest.refused("INVALID_FIELD", "getJobResult", done, params={"version": "best"})
        for operation in OPERATIONS:
            await rest.ask(operation, done, **body_of(operation))


async def rest_stalled_corrections(lab: Lab) -> None:
    """UPLOAD_STALL_TIMEOUT."""

    async def stalling() -> Any:
        yield b" "
        await anyio.sleep(2.0)

    async with rest_of(lab) as rest:
        await rest.refused("UPLOAD_STALLED", "correctResult", UNKNOWN_JOB, content=stalling(), headers=JSON)


async def rest_corrections_full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk: nothing can be written."""
    async with rest_of(lab) as rest:
        for operation in ("correctResult", "deleteCorrections"):
            await rest.refused("STORAGE_FULL", operation, UNKNOWN_JOB, **body_of(operation))
