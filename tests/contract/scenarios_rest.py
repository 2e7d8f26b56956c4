"""Every error of every operation of REST: schemathesis knows no recordings and no limits, and never meets them."""

import json
from functools import partial
from typing import Any, get_args

import anyio
import httpx

from contracts.options import Format
from tests.contract.conversation import new_id
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.recordings import broken, short_speech, tone, voiceprint
from tests.contract.rest import Rest, rest_of

BOUNDARY = "frontier"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def form(data: bytes, **metadata: Any) -> dict[str, Any]:
    """The form of a recording."""
    return {"files": {"file": ("call.wav", data)}, "data": {"metadata": json.dumps(metadata)}}


async def rest_refusals(lab: Lab) -> None:
    """What cannot be done with a job."""
    failed, done = await lab.finished(broken()), await lab.finished()
    async with rest_of(lab) as rest:
        for operation in ("getJob", "getJobResult", "getJobAudio", "deleteJob"):
            await rest.refused("JOB_NOT_FOUND", operation, UNKNOWN_JOB)
        await rest.refused("INVALID_FIELD", "getJob", done["job_id"], params={"include": "all"})
        await rest.refused("INVALID_FIELD", "listJobs", params={"limit": 1001})
        await rest.refused("INVALID_FIELD", "getOpenapi", params={"version": "2.0"})
        await rest.refused("INVALID_FIELD", "getJobResult", done["job_id"], params={"format": "doc"})
        await rest.refused("NOT_ACCEPTABLE", "getJobResult", done["job_id"], headers={"Accept": "text/html"})
        await rest.refused("WRONG_STATE", "getJobResult", failed["job_id"])
        await rest.refused("RANGE_NOT_SATISFIABLE", "getJobAudio", done["job_id"], headers={"Range": "bytes=9999999-"})
        for kind in get_args(Format):
            await rest.ask("getJobResult", done["job_id"], params={"format": kind})
        await rest.ask("getJobAudio", done["job_id"], headers={"Range": "bytes=0-99"})
        await rest.ask("deleteJob", done["job_id"])


async def rest_refused_uploads(lab: Lab) -> None:
    """What cannot be taken."""
    async with rest_of(lab) as rest:
        for code, data in (
            ("FILE_EMPTY", b""),
            ("UNSUPPORTED_FORMAT", b"hello " * 100),
            ("NO_AUDIO", tone(0.0)),
            ("TOO_MANY_CHANNELS", tone(channels=3)),
            ("UNSUPPORTED_SAMPLE_RATE", tone(1.0, rate=1000)),
            ("AUDIO_TOO_SHORT", tone(0.01)),
        ):
            await rest.refused(code, "createJob", **form(data))
        await rest.refused("INVALID_FIELD", "createJob", **form(tone(), priority=10))
        await rest.refused("INVALID_JSON", "createJob", files={"file": tone()}, data={"metadata": "{"})
        await rest.refused("MISSING_FILE", "createJob", files={"metadata": (None, "{}")})
        await rest.refused("SEVERAL_FILES", "createJob", files=[("file", tone()), ("file", tone())])
        await rest.refused("UNSUPPORTED_MEDIA_TYPE", "createJob", json={})
        cut_off = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        await rest.refused("MALFORMED_UPLOAD", "createJob", content=cut_off.encode(), headers=kind)
        key = {"Idempotency-Key": new_id()}
        first = await rest.ask("createJob", **form(tone()), headers=key)
        again = await rest.ask("createJob", **form(tone()), headers=key)
        lab.require(first.json()["job_id"] == again.json()["job_id"], "another job for the same key")
        lab.require(again.headers.get("Idempotency-Replayed") == "true", "a replay that does not say so")
        await rest.refused("IDEMPOTENCY_CONFLICT", "createJob", **form(tone(0.5)), headers=key)


async def rest_limits(lab: Lab) -> None:
    """MAX_FILE_SIZE, MAX_DURATION, UPLOAD_STALL_TIMEOUT, QUEUE_LIMIT."""
    async with rest_of(lab) as rest:
        await rest.refused("FILE_TOO_LARGE", "createJob", **form(bytes(400_000)))
        await rest.refused("AUDIO_TOO_LONG", "createJob", **form(tone(9.0)))

        async def stalling() -> Any:
            yield b"--frontier\r\n"
            await anyio.sleep(2.0)

        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        await rest.refused("UPLOAD_STALLED", "createJob", content=stalling(), headers=kind)
        jobs = [await lab.submit(short_speech(7.0))]
        for _ in range(4):
            response = await rest.ask("createJob", **form(tone()))
            if response.status_code != 201:
                break
            jobs.append(response.json())
        lab.require(response.json().get("error", {}).get("code") == "QUEUE_FULL", f"told {response.text[:300]}")
    for job in jobs:
        await lab.delete(job["job_id"])


async def rest_rate_limited(lab: Lab) -> None:
    """RATE_LIMIT: every operation that counts, once it is reached; the others go on."""
    async with rest_of(lab) as rest:
        for _ in range(200):
            if (await rest.ask("getInfo")).status_code == 429:
                break
        for operation in rest.operations:
            response = await _somehow(rest, operation)
            unlimited = operation in {"getHealth", "getRootHealth", "getMetrics"}
            lab.require((response.status_code == 429) != unlimited, f"{operation}: {response.status_code}")


async def rest_mistakes(lab: Lab) -> None:
    """A mistake of the server's behind every operation; needs the broken server."""
    async with rest_of(lab) as rest:
        for operation in rest.operations:
            response = await _somehow(rest, operation)
            lab.require(response.status_code == 500, f"{operation}: {response.status_code}")
            lab.require("a mistake" not in response.text, f"{operation}: the mistake is told: {response.text}")


async def _somehow(rest: Rest, operation: str) -> httpx.Response:
    """Ask for an operation, with what it cannot do without."""
    kinds = rest.operations[operation][2].get("requestBody", {}).get("content", {})
    body = form(tone()) if "multipart/form-data" in kinds else {"json": {}} if kinds else {}
    return await rest.ask(operation, UNKNOWN_JOB, **body)


async def rest_full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk."""
    async with rest_of(lab) as rest:
        await rest.refused("STORAGE_FULL", "createJob", **form(tone()))
        for operation in ("getHealth", "getRootHealth"):
            lab.require((await rest.ask(operation)).status_code == 503, f"{operation} of a full volume")


async def rest_archived(lab: Lab) -> None:
    """The recording of an archived job is gone."""
    job = await lab.finished()
    async with rest_of(lab) as rest:
        with anyio.fail_after(60):
            while (await rest.ask("getJob", job["job_id"])).json()["status"] != "archived":
                await anyio.lowlevel.checkpoint()
        await rest.refused("WRONG_STATE", "getJobAudio", job["job_id"])


async def rest_stopping(lab: Lab) -> None:
    """An upload that is under way when the server is told to stop."""
    assert lab.own is not None
    own = lab.own

    async def slow() -> Any:
        yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'.encode()
        yield tone()[:1000]
        waiting.release()
        await stopping.wait()
        await anyio.sleep(1.0)
        yield tone()[1000:] + f"\r\n--{BOUNDARY}--\r\n".encode()

    waiting, stopping = anyio.Semaphore(0), anyio.Event()
    async with rest_of(lab) as rest:
        voice = (await rest.ask("createVoice", **form(voiceprint(), name="known"))).json()
        uploads = (
            ("createJob", ""), ("createVoice", ""), ("addSample", voice["voice_id"]), ("createTranscription", ""),
            ("createTranslation", ""),
        )  # fmt: skip
        async with anyio.create_task_group() as tasks:
            for operation, place in uploads:
                send = partial(rest.refused, content=slow(), headers=MULTIPART)
                tasks.start_soon(send, "SHUTTING_DOWN", operation, place)
            for _ in uploads:
                await waiting.acquire()
            own.stop()
            stopping.set()
