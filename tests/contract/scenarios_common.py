"""What holds on both channels: broken frames, mutants, languages, refused handshakes."""

import json
from contextlib import suppress

import anyio
from anyio import EndOfStream
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.contract.contract import Channel, Json, parse
from tests.contract.conversation import Conversation
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.mutants import Mutant, mutants
from tests.contract.raw import CLOSE, RESERVED, TEXT, raw_socket
from tests.contract.recordings import speech


async def refused_handshakes(lab: Lab) -> None:
    """A wrong URL is answered over HTTP."""
    for channel, path, status, code in (
        (lab.job_channel, f"/ws/{UNKNOWN_JOB}?after_seq=soon", 400, "INVALID_FIELD"),
        (lab.job_channel, f"/ws/{UNKNOWN_JOB}?after_seq=-1", 400, "INVALID_FIELD"),
        (lab.job_channel, f"/ws/{UNKNOWN_JOB}/more", 404, "ROUTE_NOT_FOUND"),
        (lab.session_channel, "/v1/ws/more", 404, "ROUTE_NOT_FOUND"),
    ):
        refused = {"status": status, "error": code}
        lab.require(refused in channel.refusals, f"{refused} is not in the document")
        try:
            async with connect(lab.url.replace("http", "ws", 1) + path, proxy=None):
                lab.require(False, f"{path} was accepted")
        except InvalidStatus as error:
            body = json.loads(error.response.body)
            lab.require(error.response.status_code == status, f"{path}: {error.response.status_code}")
            lab.require(body["error"]["code"] == code, f"{path}: {body}")
            lab.findings.exercised.add(("refusal", channel.name, code))
            lab.findings.error(code)


async def session_broken_frames(lab: Lab) -> None:
    """On `/v1/ws`."""
    async with lab.session() as talk:
        await talk.send_as_it_is(b"RIFF")
        await talk.end(1003, "WRONG_FRAME")
    for text in ("hello", "[]", '"text"', "{", ""):
        async with lab.session() as talk:
            await talk.send_as_it_is(text)
            await talk.end(1007, "INVALID_JSON")
    await unreadable(lab, lab.session_channel, "/v1/ws")


async def job_broken_frames(lab: Lab) -> None:
    """On `/ws/{job_id}`, while the job is at work."""
    job = await lab.submit(speech())
    async with lab.watch(job["job_id"]) as talk:
        await talk.expect("status_update")
        await talk.send_as_it_is(b"RIFF")
        await talk.end(1003, "WRONG_FRAME")
    for text in ("hello", "[]", "{"):
        async with lab.watch(job["job_id"]) as talk:
            await talk.send_as_it_is(text)
            await talk.end(1007, "INVALID_JSON")
    await unreadable(lab, lab.job_channel, f"/ws/{job['job_id']}")
    await lab.delete(job["job_id"])


async def unreadable(lab: Lab, channel: Channel, path: str) -> None:
    """Frames that cannot be read."""
    for opcode, payload, code, reason in (
        (TEXT, b'{"type": "ping", "text": "\xff"}', 1007, "INVALID_ENCODING"),
        (TEXT, b'"' + b"x" * 20_000_000, 1009, "MESSAGE_TOO_BIG"),
        (RESERVED, b"", 1002, "PROTOCOL_ERROR"),
    ):
        async with raw_socket(lab.url, path) as socket:
            # It may close before it has read all of a frame that is too big.
            with suppress(anyio.BrokenResourceError):
                await socket.send(opcode, payload)
            try:
                found, said, before = await socket.close_frame()
            except EndOfStream:
                lab.require(False, f"{path}: {reason}: the connection ended without a close frame")
                return
            lab.require((found, said) == (code, reason), f"{path}: {found} {said} for {reason}")
            last = json.loads(before[-1]) if before else {}
            told = last.get("error", last).get("code")
            lab.require(told == reason, f"{path}: closed with {found} {said} after {told}")
            lab.findings.exercised.add(("close", channel.name, str(code), reason))
            lab.findings.error(reason)
            with suppress(anyio.BrokenResourceError):
                await socket.send(CLOSE, code.to_bytes(2, "big"))


async def session_mutants(lab: Lab) -> None:
    """Every mutant of every message on `/v1/ws`."""
    await _try_mutants(lab, lab.session_channel, "")


async def job_mutants(lab: Lab) -> None:
    """Every mutant of every message on `/ws/{job_id}`, while the job waits."""
    blocker = await lab.submit(speech(), '{"priority": 9}')
    job = await lab.submit(speech())
    await _try_mutants(lab, lab.job_channel, job["job_id"])
    await lab.delete(job["job_id"])
    await lab.delete(blocker["job_id"])


async def _try_mutants(lab: Lab, channel: Channel, job_id: str) -> None:
    left = list(mutants(channel))
    while left:
        async with lab.watch(job_id) if job_id else lab.session() as talk:
            while left:
                mutant = left.pop()
                if mutant.outcome(channel) == "not JSON":
                    await talk.send_as_it_is(mutant.text)
                    await talk.end(1007, "INVALID_JSON")
                    break
                try:
                    await _try_mutant(lab, talk, mutant)
                except Exception as error:
                    lab.findings.violations.append(f"{lab.label} {channel.address}: mutant {mutant.label}: {error}")
                    break


async def _try_mutant(lab: Lab, talk: Conversation, mutant: Mutant) -> None:
    """Send a mutant that leaves the connection open, and see that nothing but its answer comes."""
    outcome = mutant.outcome(talk.channel)
    if outcome in {"invalid", "upload.end"}:
        # No upload is under way, so its end does not belong here.
        await talk.send_as_it_is(mutant.text)
        told = await talk.expect("connection_error", in_reply_to=mutant.usable_id())
        lab.require(told["error"]["code"] == "INVALID_MESSAGE", f"answered by {told['error']['code']}")
    else:
        await _try_valid(lab, talk, parse(mutant.text))
    await talk.ping()
    left = [frame.name for frame in talk.unused() if frame.name not in {"status_update", "result", "job_error"}]
    lab.require(not left, f"left over: {left}")


async def _try_valid(lab: Lab, talk: Conversation, payload: Json) -> None:
    """A mutant that is a message nevertheless."""
    await talk.send(payload)
    match payload["type"]:
        case "request" | "subscribe" | "unsubscribe":
            first = await talk.expect_any(lambda frame: frame.name in {"reply", "upload.ready"}, id=payload["id"])
            if first.name == "upload.ready":
                await talk.send({"type": "upload.end", "id": payload["id"], "size": 0})
                first = await talk.expect_any(lambda frame: frame.name == "reply", id=payload["id"])
            lab.require(first.payload["status"] < 500, f"status {first.payload['status']}")
        case "ping":
            pong = await talk.expect("server_pong")
            same = (pong["timestamp"] or "")[:19] == (payload.get("timestamp") or "")[:19]
            lab.require(same, f"pong {pong} for {payload}")


async def russian(lab: Lab) -> None:
    """Errors come in the language of the handshake."""
    async with lab.session(language="ru,en;q=0.5") as talk:
        reply = await talk.ask("getJob", parameters={"job_id": UNKNOWN_JOB})
        lab.require("задачи" in reply["body"]["error"]["message"], f"not in Russian: {reply['body']}")
    async with lab.watch(UNKNOWN_JOB, language="ru") as talk:
        told = await talk.expect("connection_error")
        lab.require("задачи" in told["error"]["message"], f"not in Russian: {told}")
        await talk.end(4404, "JOB_NOT_FOUND")
