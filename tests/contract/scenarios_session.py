"""`/v1/ws`: every operation of REST, uploads, subscriptions."""

import json
from typing import get_args

import anyio

from contracts.options import Format
from tests.contract.contract import Json
from tests.contract.conversation import Conversation, new_id
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.recordings import broken, short_speech, speech, tone


async def operations(lab: Lab) -> None:
    """Every operation, as it should be used."""
    async with lab.session() as talk:
        created = await talk.upload(tone(), filename="call.wav", metadata={"description": "tone", "order": 17})
        lab.require(created["status"] == 201, f"createJob: {created}")
        job_id = created["body"]["job_id"]
        lab.require(created["headers"]["Location"].endswith(job_id), f"Location: {created['headers']}")
        await _until(talk, job_id, "completed")
        for operation in (
            "getQueueStatus",
            "getHealth",
            "getRootHealth",
            "getInfo",
            "getRootInfo",
            "getMetrics",
            "getLogin",
        ):
            reply = await talk.ask(operation)
            lab.require(reply["status"] == 200, f"{operation}: {reply}")
        for operation in ("getOpenapi", "getAsyncapi"):
            lab.require((await talk.ask(operation))["status"] == 200, operation)
        old = await talk.ask("getOpenapi", parameters={"version": "3.0"})
        lab.require(old["body"]["openapi"].startswith("3.0"), "the document of 3.0")
        jobs = await talk.ask("listJobs", parameters={"status": "completed", "limit": 1000, "offset": 0})
        lab.require(job_id in [job["job_id"] for job in jobs["body"]["jobs"]], f"listJobs: {jobs}")
        whole = await talk.ask("getJob", parameters={"job_id": job_id, "include": "result"})
        lab.require(whole["body"]["result"] is not None, f"getJob with the result: {whole}")
        for kind in get_args(Format):
            talk.audio.clear()
            reply = await talk.ask("getJobResult", parameters={"job_id": job_id, "format": kind})
            lab.require(reply["status"] == 200, f"getJobResult {kind}: {reply}")
            await _bytes(talk, int(reply["headers"].get("Content-Length", 0)))
        await _audio(lab, talk, job_id)
        gone = await talk.ask("deleteJob", parameters={"job_id": job_id})
        lab.require(gone["status"] == 204 and gone["body"] is None, f"deleteJob: {gone}")


async def _audio(lab: Lab, talk: Conversation, job_id: str) -> None:
    """The recording comes back as it was sent, whole and in part."""
    for more, expected in (({}, tone()), ({"Range": "bytes=10-19"}, tone()[10:20])):
        talk.audio.clear()
        reply = await talk.ask("getJobAudio", parameters={"job_id": job_id, **more})
        lab.require(reply["status"] == (206 if more else 200), f"getJobAudio: {reply}")
        await _bytes(talk, len(expected))
        lab.require(bytes(talk.audio) == expected, "the recording is another one")


async def _bytes(talk: Conversation, size: int) -> None:
    """Wait for so many; frames keep their order, but nothing says that a pong has to wait for a recording."""
    with anyio.fail_after(10):
        while len(talk.audio) < size:
            await talk.ping()


async def _until(talk: Conversation, job_id: str, status: str) -> None:
    """Wait for a state by asking; the messages of jobs are another scenario."""
    with anyio.fail_after(60):
        while (await talk.ask("getJob", parameters={"job_id": job_id}))["body"]["status"] != status:
            await talk.ping()


async def refusals(lab: Lab) -> None:
    """Operations that cannot be done, each with the error that the document names."""
    async with lab.session() as talk:
        failed = await lab.finished(broken())
        done = await lab.finished()
        for code, operation, parameters in (
            ("JOB_NOT_FOUND", "getJob", {"job_id": UNKNOWN_JOB}),
            ("JOB_NOT_FOUND", "deleteJob", {"job_id": "call-17"}),
            ("JOB_NOT_FOUND", "getJobResult", {"job_id": UNKNOWN_JOB}),
            ("WRONG_STATE", "getJobResult", {"job_id": failed["job_id"]}),
            ("NOT_ACCEPTABLE", "getJobResult", {"job_id": done["job_id"], "Accept": "text/html"}),
            ("INVALID_FIELD", "getJobResult", {"job_id": done["job_id"], "format": "doc"}),
            ("INVALID_FIELD", "getJob", {}),
            ("INVALID_FIELD", "getJob", {"job_id": done["job_id"], "include": "all"}),
            ("INVALID_FIELD", "getHealth", {"deep": True}),
            ("INVALID_FIELD", "listJobs", {"limit": 0}),
            ("INVALID_FIELD", "listJobs", {"offset": "many"}),
            ("RANGE_NOT_SATISFIABLE", "getJobAudio", {"job_id": done["job_id"], "Range": "bytes=9999999-"}),
            ("ROUTE_NOT_FOUND", "makeCoffee", {}),
        ):
            reply = await talk.ask(operation, parameters=parameters)
            require_error(lab, reply, code, f"{operation} {parameters}")


async def refused_uploads(lab: Lab) -> None:
    """Recordings and options that cannot be taken."""
    async with lab.session() as talk:
        for code, data, metadata in (
            ("FILE_EMPTY", b"", {}),
            ("UNSUPPORTED_FORMAT", b"hello " * 100, {}),
            ("NO_AUDIO", tone(0.0), {}),
            ("TOO_MANY_CHANNELS", tone(channels=3), {}),
            ("UNSUPPORTED_SAMPLE_RATE", tone(1.0, rate=1000), {}),
            ("AUDIO_TOO_SHORT", tone(0.01), {}),
            ("INVALID_FIELD", tone(), {"priority": 10}),
            ("INVALID_FIELD", tone(), {"description": "x" * 1001}),
            ("INVALID_FIELD", tone(), {"speakers": 2, "min_speakers": 2}),
            ("INVALID_FIELD", tone(), {"language": "tlh"}),
            ("INVALID_FIELD", tone(), {"model": "whisper-huge"}),
        ):
            require_error(lab, await talk.upload(data, metadata=metadata), code, f"createJob {metadata} {data[:20]!r}")
        # It may be installed; then the job is taken.
        reply = await talk.upload(tone(), metadata={"engine": "pyannote"})
        if reply["status"] != 201:
            require_error(lab, reply, "INVALID_FIELD", "createJob with pyannote")
        require_error(lab, await talk.upload(tone(), size=17), "MALFORMED_UPLOAD", "another size than arrived")


async def uploads(lab: Lab) -> None:
    """One at a time, with progress, idempotent by key, with ids that may not be used twice at once."""
    async with lab.session() as talk:
        identifier = new_id()
        await talk.send({"type": "request", "id": identifier, "operation": "createJob"})
        ready = await talk.expect("upload.ready", id=identifier)
        lab.require(ready["max_frame_bytes"] > 0, f"{ready}")
        second = await talk.ask("createJob")
        require_error(lab, second, "UPLOAD_IN_PROGRESS", "a second upload")
        wrong = {"type": "request", "id": identifier, "operation": "getInfo"}
        await talk.send_as_it_is(json.dumps(wrong))
        told = await talk.expect("connection_error", in_reply_to=identifier)
        lab.require(told["error"]["code"] == "INVALID_MESSAGE", f"an id in flight: {told}")
        data = tone(2.0)
        await talk.send_bytes(data[:1000])
        await anyio.sleep(1.2)
        await talk.send_bytes(data[1000:2000])
        told = await talk.expect("upload.progress", id=identifier)
        lab.require(told["bytes_received"] in {1000, 2000}, f"{told}")
        await talk.send_bytes(data[2000:])
        await talk.send({"type": "upload.end", "id": identifier, "size": len(data)})
        reply = await talk.expect("reply", id=identifier)
        lab.require(reply["status"] == 201, f"createJob: {reply}")
        await talk.send_as_it_is(json.dumps({"type": "upload.end", "id": "nothing", "size": 0}))
        told = await talk.expect("connection_error", in_reply_to="nothing")
        lab.require(told["error"]["code"] == "INVALID_MESSAGE", f"an end without an upload: {told}")
        await _idempotent(lab, talk)


async def _idempotent(lab: Lab, talk: Conversation) -> None:
    key = {"Idempotency-Key": new_id()}
    first = await talk.upload(tone(), parameters=key)
    again = await talk.upload(tone(), parameters=key)
    lab.require(again["body"]["job_id"] == first["body"]["job_id"], f"another job for the same key: {again}")
    lab.require(again["headers"].get("Idempotency-Replayed") == "true", f"{again['headers']}")
    require_error(lab, await talk.upload(tone(0.5), parameters=key), "IDEMPOTENCY_CONFLICT", "another upload")
    for wrong in ("", "with space", "x" * 256):
        reply = await talk.upload(tone(), parameters={"Idempotency-Key": wrong})
        require_error(lab, reply, "INVALID_FIELD", f"Idempotency-Key {wrong[:20]!r}")


async def subscriptions(lab: Lab) -> None:
    """The messages of several jobs on one connection."""
    async with lab.session() as talk:
        long, wrong = await lab.submit(short_speech(15.0)), await lab.submit(broken())
        reply = await _subscribe(talk, long["job_id"])
        lab.require(reply["body"]["job_id"] == long["job_id"], f"subscribe: {reply}")
        await _subscribe(talk, wrong["job_id"])
        await talk.expect("status_update", job_id=long["job_id"])
        # Again, from the first message on: the first subscription is over.
        await _subscribe(talk, long["job_id"], after_seq=0)
        replayed = await talk.expect("status_update", job_id=long["job_id"], seq=1)
        lab.require(replayed["status"] == "queued", f"the first message is {replayed}")
        await talk.expect("result", job_id=long["job_id"])
        await talk.expect("job_error", job_id=wrong["job_id"])
        await _subscribe(talk, long["job_id"])
        await talk.expect("result", job_id=long["job_id"])
        unknown = await _subscribe(talk, UNKNOWN_JOB)
        require_error(lab, unknown, "JOB_NOT_FOUND", "subscribe")


async def ended_subscriptions(lab: Lab) -> None:
    """After unsubscribe nothing comes any more; a deleted job says that it is gone."""
    async with lab.session() as talk:
        job = await lab.submit(speech())
        for _ in range(2):
            # The second time there is nothing to end, which is as good.
            await _subscribe(talk, job["job_id"])
            await talk.expect("status_update", job_id=job["job_id"])
            reply = await _unsubscribe(talk, job["job_id"])
            lab.require(reply["status"] == 204, f"unsubscribe: {reply}")
            reply = await _unsubscribe(talk, job["job_id"])
            lab.require(reply["status"] == 204, f"unsubscribe without a subscription: {reply}")
        identifier = new_id()
        await talk.send({"type": "subscribe", "id": identifier, "job_id": job["job_id"]})
        await talk.expect("reply", id=identifier)
        await lab.delete(job["job_id"])
        told = await talk.expect("connection_error", in_reply_to=identifier)
        lab.require(told["error"]["code"] == "JOB_NOT_FOUND", f"a deleted job: {told}")
        await talk.ping()


async def _subscribe(talk: Conversation, job_id: str, **more: int) -> Json:
    identifier = new_id()
    await talk.send({"type": "subscribe", "id": identifier, "job_id": job_id, **more})
    return await talk.expect("reply", id=identifier)


async def _unsubscribe(talk: Conversation, job_id: str) -> Json:
    identifier = new_id()
    await talk.send({"type": "unsubscribe", "id": identifier, "job_id": job_id})
    return await talk.expect("reply", id=identifier)


def require_error(lab: Lab, reply: Json, code: str, what: str) -> None:
    body = reply["body"]
    told = body["error"]["code"] if isinstance(body, dict) and "error" in body else None
    lab.require(told == code, f"{what}: {reply['status']} {told or body} instead of {code}")
