"""Limits: each scenario needs a server with settings that make its limit small (see runner.PROFILES)."""

from contextlib import AsyncExitStack, suppress

import anyio

from tests.contract.conversation import new_id
from tests.contract.lab import Lab
from tests.contract.raw import PING, raw_socket
from tests.contract.recordings import short_speech, speech, tone
from tests.contract.scenarios_session import require_error

TOO_SLOW = 11.3
"""Seconds without reading: the server gives up 10 after its next heartbeat, and its last words wait for 2."""
PINGS = 3000
"""Their pongs are more than the network holds for a reader with small segments and a small buffer."""
ATTEMPTS = 3
"""On a machine under load a server may be late, or be done before its last words are read."""


async def large_long_and_stalled_uploads(lab: Lab) -> None:
    """MAX_FILE_SIZE, MAX_DURATION, UPLOAD_STALL_TIMEOUT; the connection goes on after each."""
    async with lab.session() as talk:
        identifier = new_id()
        await talk.send({"type": "request", "id": identifier, "operation": "createJob"})
        await talk.expect("upload.ready", id=identifier)
        for _ in range(4):
            await talk.send_bytes(bytes(100_000))
        reply = await talk.expect("reply", id=identifier)
        require_error(lab, reply, "FILE_TOO_LARGE", "400,000 bytes")
        # Frames that were on their way are thrown away, up to the end.
        await talk.send_bytes(bytes(1000))
        await talk.send({"type": "upload.end", "id": identifier, "size": 401_000})
        await talk.ping()
        require_error(lab, await talk.upload(tone(9.0)), "AUDIO_TOO_LONG", "9 s")
        await talk.send({"type": "request", "id": "stalled", "operation": "createJob"})
        await talk.expect("upload.ready", id="stalled")
        await talk.send_bytes(tone()[:1000])
        require_error(lab, await talk.expect("reply", id="stalled"), "UPLOAD_STALLED", "nothing more")
        await talk.send({"type": "upload.end", "id": "stalled", "size": 1000})
        await talk.ping()


async def full_queue(lab: Lab) -> None:
    """QUEUE_LIMIT."""
    jobs = [await lab.submit(short_speech(7.0))]
    async with lab.session() as talk:
        for _ in range(4):
            reply = await talk.upload(tone())
            if reply["status"] != 201:
                break
            jobs.append(reply["body"])
        require_error(lab, reply, "QUEUE_FULL", "more than fit")
        lab.require(int(reply["headers"]["Retry-After"]) > 0, f"no Retry-After: {reply['headers']}")
    for job in jobs:
        await lab.delete(job["job_id"])


async def idle(lab: Lab) -> None:
    """HEARTBEAT_TIMEOUT: a client that answers nothing."""
    job = await lab.submit(speech())
    for channel, path in ((lab.job_channel, f"/ws/{job['job_id']}"), (lab.session_channel, "/v1/ws")):
        async with raw_socket(lab.url, path) as socket:
            code, reason, said = await socket.close_frame()
        if (code, reason) == (1000, ""):
            lab.require(False, "the job was done before the client was idle for long enough")
        lab.require((code, reason) == (4408, "IDLE"), f"{path}: {code} {reason}")
        lab.require(b'"IDLE"' in said[-1], f"{path}: no error before the close: {said[-1:]}")
        lab.findings.exercised.add(("close", channel.name, str(code), reason))
        lab.findings.error(reason)
    await lab.delete(job["job_id"])


async def too_many_connections(lab: Lab) -> None:
    """MAX_CONNECTIONS; one that ends makes room."""
    job = await lab.finished()
    async with AsyncExitStack() as stack:
        talks = []
        for _ in range(20):
            talk = await stack.enter_async_context(lab.session())
            talks.append(talk)
            with anyio.move_on_after(0.1):
                await talk.end(1013, "TOO_MANY_CONNECTIONS")
                break
        lab.require(talks[-1].closed_with is not None, "20 connections are open")
        await talks[0].ping()
        async with lab.watch(job["job_id"]) as talk:
            await talk.end(1013, "TOO_MANY_CONNECTIONS")
    async with lab.session() as talk:
        await talk.ping()


async def heartbeats(lab: Lab) -> None:
    """HEARTBEAT_INTERVAL: the server asks, the client answers, nothing else happens."""
    job = await lab.submit(speech())
    async with lab.watch(job["job_id"]) as watching, lab.session() as asking:
        for talk in (watching, asking):
            for _ in range(2):
                await talk.expect("server_ping")
            await talk.ping()
    await lab.delete(job["job_id"])


async def slow_readers(lab: Lab) -> None:
    """A client that does not read is cut off, on both channels; needs a short HEARTBEAT_INTERVAL."""
    jobs = [await lab.submit(speech(), '{"priority": 9}') for _ in range(3)]
    # Behind the others, so that it is not done before its watcher is too slow.
    jobs.append(job := await lab.submit())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_slow_reader, lab, lab.session_channel.name, "/v1/ws")
        tasks.start_soon(_slow_reader, lab, lab.job_channel.name, f"/ws/{job['job_id']}")
    for job in reversed(jobs):
        await lab.delete(job["job_id"])


async def _slow_reader(lab: Lab, channel: str, path: str) -> None:
    for _ in range(ATTEMPTS):
        async with raw_socket(lab.url, path, small=True) as socket:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream, TimeoutError):
                await socket.send_many(PING, bytes(125), PINGS)
                await anyio.sleep(TOO_SLOW)
                with anyio.fail_after(5):
                    code, reason, _ = await socket.close_frame()
                lab.require((code, reason) == (1008, "SLOW_READER"), f"{path}: {code} {reason}")
                lab.findings.exercised.add(("close", channel, "1008", "SLOW_READER"))
                lab.findings.error("SLOW_READER")
                return
    lab.require(False, f"{path}: not cut off")


async def rate_limited(lab: Lab) -> None:
    """RATE_LIMIT: replies, frames and handshakes."""
    job_id = (await lab.submit())["job_id"]
    async with lab.session() as talk:
        for _ in range(200):
            reply = await talk.ask("getInfo")
            if reply["status"] != 200:
                break
        require_error(lab, reply, "RATE_LIMITED", "getInfo again and again")
        lab.require(int(reply["headers"]["Retry-After"]) > 0, f"no Retry-After: {reply['headers']}")
        lab.require((await talk.ask("getHealth"))["status"] == 200, "what watches over the service is limited")
        for _ in range(1000):
            if talk.closed_with is not None:
                break
            await talk.send_as_it_is('{"type": "pong"}')
        await talk.end(4429, "RATE_LIMITED")
    async with lab.session() as talk:
        await talk.end(4429, "RATE_LIMITED")
    async with lab.watch(job_id) as talk:
        await talk.end(4429, "RATE_LIMITED")


async def full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk: no upload, and the server says that it is unhealthy."""
    async with lab.session() as talk:
        require_error(lab, await talk.upload(tone()), "STORAGE_FULL", "an upload")
        health = await talk.ask("getHealth")
        lab.require(health["status"] == 503, f"getHealth: {health}")
        lab.require(health["body"]["status"] == "unhealthy" and health["body"]["problems"], f"getHealth: {health}")
