"""The doors for clients of OpenAI: every format, and every error of each operation."""

import json
from functools import partial
from typing import Any, get_args

import anyio

from contracts.openai import TranscriptionFormat, TranslationFormat
from tests.contract.lab import Lab
from tests.contract.recordings import broken, short_speech, speech, tone
from tests.contract.rest import Rest, rest_of
from tests.contract.scenarios_rest import BOUNDARY, MULTIPART

OPERATIONS = ("createTranscription", "createTranslation")


def openai_form(data: bytes, **fields: Any) -> dict[str, Any]:
    """The form of a request."""
    return {"files": {"file": ("call.wav", data)}, "data": {"model": "whisper-1", **fields}}


async def openai(lab: Lab) -> None:
    """Every format, a stream, and the models."""
    async with rest_of(lab) as rest:
        models = (await rest.ask("listModels")).json()["data"]
        for model in models:
            lab.require((await rest.ask("getModel", model["id"])).json() == model, f"getModel: {model}")
        for operation, formats in zip(OPERATIONS, (TranscriptionFormat, TranslationFormat), strict=True):
            for wanted in get_args(formats):
                answer = await rest.ask(operation, **openai_form(tone(), response_format=wanted))
                lab.require(answer.status_code == 200, f"{operation} {wanted}: {answer.text[:300]}")
                lab.require((await rest.ask("getJob", answer.headers["X-Job-ID"])).status_code == 404, "it was kept")
        streamed = await rest.ask(OPERATIONS[0], **openai_form(short_speech(12.0), stream="true"))
        events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: ")]
        text = "".join(event.get("delta", "") for event in events)
        lab.require(bool(text) and events[-1]["text"] == text, f"a stream of {streamed.text[:300]}")


async def openai_refusals(lab: Lab) -> None:
    """What cannot be taken."""
    async with rest_of(lab) as rest:
        await rest.refused("MODEL_NOT_FOUND", "getModel", "gpt-9")
        for operation in OPERATIONS:
            for code, data in (
                ("FILE_EMPTY", b""),
                ("UNSUPPORTED_FORMAT", b"hello " * 100),
                ("NO_AUDIO", tone(0.0)),
                ("TOO_MANY_CHANNELS", tone(channels=3)),
                ("UNSUPPORTED_SAMPLE_RATE", tone(1.0, rate=1000)),
                ("AUDIO_TOO_SHORT", tone(0.01)),
                ("INVALID_SAMPLES", broken()),
            ):
                await rest.refused(code, operation, **openai_form(data))
            await rest.refused("INVALID_FIELD", operation, **openai_form(tone(), response_format="docx"))
            await rest.refused("MODEL_NOT_FOUND", operation, **openai_form(tone(), model="gpt-9"))
            await rest.refused("MISSING_FILE", operation, files={"model": (None, "whisper-1")})
            await rest.refused("SEVERAL_FILES", operation, files=[("file", tone()), ("file", tone())])
            await rest.refused("UNSUPPORTED_MEDIA_TYPE", operation, json={})
            cut_off = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
            await rest.refused("MALFORMED_UPLOAD", operation, content=cut_off.encode(), headers=MULTIPART)
            await _deleted(lab, rest, operation)


async def _deleted(lab: Lab, rest: Rest, operation: str) -> None:
    """Somebody deletes the job of a request."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(rest.refused, "JOB_NOT_FOUND", operation, **openai_form(speech())))
        with anyio.fail_after(60):
            while not (jobs := (await rest.ask("listJobs", params={"limit": 1})).json()["jobs"]) or (
                jobs[0]["status"] not in {"queued", "processing"}
            ):
                await anyio.lowlevel.checkpoint()
        await lab.delete(jobs[0]["job_id"])


async def openai_limits(lab: Lab) -> None:
    """MAX_FILE_SIZE, MAX_DURATION, UPLOAD_STALL_TIMEOUT, QUEUE_LIMIT."""

    async def stalling() -> Any:
        yield b"--frontier\r\n"
        await anyio.sleep(2.0)

    async with rest_of(lab) as rest:
        for operation in OPERATIONS:
            await rest.refused("FILE_TOO_LARGE", operation, **openai_form(bytes(400_000)))
            await rest.refused("AUDIO_TOO_LONG", operation, **openai_form(tone(9.0)))
            await rest.refused("UPLOAD_STALLED", operation, content=stalling(), headers=MULTIPART)
        jobs = [await lab.submit(short_speech(7.0)) for _ in range(2)]
        for _ in range(4):
            response = await rest.ask("createJob", files={"file": tone()})
            if response.status_code != 201:
                break
            jobs.append(response.json())
        for operation in OPERATIONS:
            await rest.refused("QUEUE_FULL", operation, **openai_form(tone()))
    for job in jobs:
        await lab.delete(job["job_id"])


async def openai_full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk."""
    async with rest_of(lab) as rest:
        for operation in OPERATIONS:
            await rest.refused("STORAGE_FULL", operation, **openai_form(tone()))


async def openai_mistake(lab: Lab) -> None:
    """A mistake of the server's in the graph; needs the faulty server."""
    async with rest_of(lab) as rest:
        for operation in OPERATIONS:
            await rest.refused("PROCESSING_FAILED", operation, **openai_form(tone()))
