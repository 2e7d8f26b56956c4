"""A live session, over one connection or several: every message of the server is held against those before it."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from tests.contract.contract import Channel, Json, ViolationError
from tests.contract.conversation import Conversation, Findings, connected, new_id, reading
from tests.contract.lab import Lab

CONNECTION_ERRORS = {"TAKEN_OVER", "INVALID_CONFIG", "UNKNOWN_SESSION", "SESSION_EXPIRED", "REPLAY_GONE"}
"""Of the connection and not of the session: numbered, and never sent again."""
ANSWERS = {
    "session.start": "session.started",
    "session.resume": "session.resumed",
    "finalize": "finalized",
    "pause": "paused",
    "resume": "resumed",
    "config.update": "config.updated",
    "keepalive": "keepalive.ack",
    "audio.end": "session.ended",
}
TELEPHONE: Json = {"encoding": "mulaw", "sample_rate": 8000, "channels": 1}
PCM: Json = {"encoding": "pcm_s16le", "sample_rate": 16000, "channels": 1}
FLOATS: Json = {"encoding": "pcm_f32le", "sample_rate": 8000, "channels": 1}
TWO_SIDED: Json = {"encoding": "alaw", "sample_rate": 8000, "channels": 2}
BUSY = 0.5
"""Seconds after which a server that was busy is asked again."""
ATTEMPTS = 120
"""For so long a server may be busy with sessions of before."""
STEP = 1600
"""Bytes: 200 ms of the telephone."""


@dataclass
class Trail:
    """What is known of a session, whatever connection it came on."""

    said: dict[int, str] = field(default_factory=dict)
    """Text frames of the server by their `seq`."""
    asked: dict[str, str] = field(default_factory=dict)
    """Type of the message by its id."""
    revisions: dict[str, int] = field(default_factory=dict)
    """The last of each segment."""
    finals: dict[str, Json] = field(default_factory=dict)
    started: Json = field(default_factory=dict)
    """`session.started`."""
    sent: int = 0
    """Bytes of audio that should be there."""
    acked: int = 0

    @property
    def last_seq(self) -> int:
        """Of the last message that was read; 0 before the first."""
        return max(self.said, default=0)

    def resuming(self, **changes: Any) -> Json:
        """The message with which to go on."""
        return {
            "type": "session.resume",
            "id": new_id(),
            "session_id": self.started["session_id"],
            "resume_token": self.started["resume_token"],
            "last_seq": self.last_seq,
            **changes,
        }


class LiveTalk(Conversation):
    """One connection to a live session."""

    def __init__(
        self, socket: ClientConnection, channel: Channel, findings: Findings, label: str, trail: Trail
    ) -> None:
        super().__init__(socket, channel, findings, label)
        self.trail = trail
        self._before: int | None = None
        """`seq` of the message before on this connection, or after which it goes on."""
        self._lost = False

    async def say(self, kind: str, **more: Any) -> Json:
        """Send a message with an id and wait for what answers it."""
        payload = {"type": kind, "id": new_id(), **more}
        await self.send(payload)
        return await self.expect(ANSWERS[kind], in_reply_to=payload["id"])

    async def refused(self, code: str, **payload: Any) -> Json:
        """Send a message that is answered by this error."""
        payload = {"id": new_id(), **payload}
        await self.send(payload)
        return await self.told(code, in_reply_to=payload["id"])

    async def told(self, code: str, **fields: Any) -> Json:
        """The next error with this code."""
        return await self.expect("live_error", code=code, **fields)

    async def play(self, audio: bytes, step: int) -> None:
        """Send audio, so many bytes at a time."""
        for start in range(0, len(audio), step):
            await self.send_bytes(audio[start : start + step])
        self.trail.sent += len(audio)

    async def finish(self) -> Json:
        """End the audio and wait for the result and the close."""
        ended = await self.say("audio.end", bytes_sent=self.trail.sent)
        await self.end(1000)
        return ended

    async def lose(self) -> None:
        """Cut the connection without a word."""
        self._lost = True
        self._socket.transport.abort()
        await self.ended()

    async def send(self, payload: Json) -> None:
        """Send a message that belongs here."""
        if payload["type"] == "session.resume":
            self._before = payload["last_seq"]
        if isinstance(payload.get("id"), str):
            self.trail.asked[payload["id"]] = payload["type"]
        await super().send(payload)

    def _check_close(self, code: int, reason: str) -> None:
        if not self._lost:
            super()._check_close(code, reason)

    async def _note(self, frame: str, payload: Json, text: str) -> None:
        self._exercise(frame)
        if frame == "live_error":
            self._note_error(payload)
        elif frame == "warning":
            self.findings.exercised.add(("warning", self.channel.name, payload["code"]))
        self._check_seq(frame, payload, text)
        self._check_answer(frame, payload)
        self._check_transcript(frame, payload)
        if frame == "audio.ack":
            if not self.trail.acked <= payload["bytes_received"]:
                raise ViolationError(f"{payload['bytes_received']} bytes are acknowledged after {self.trail.acked}")
            self.trail.acked = payload["bytes_received"]
        elif frame == "session.started":
            self.trail.started = payload

    def _note_error(self, payload: Json) -> None:
        code = payload["code"]
        self.findings.error(code)
        if code in self.channel.errors:
            self.findings.exercised.add(("error message", self.channel.name, code))
        if payload["fatal"] == (code in self.channel.errors):
            raise ViolationError(f"{code} is told as {'fatal' if payload['fatal'] else 'not fatal'}")
        if not payload["advice"]:
            raise ViolationError(f"{code} comes without advice")

    def _check_seq(self, frame: str, payload: Json, text: str) -> None:
        seq, before = payload["seq"], self._before
        self._before = seq
        of_connection = frame == "live_error" and payload["code"] in CONNECTION_ERRORS
        if seq != (before or 0) + 1 and not (of_connection and seq == 1):
            raise ViolationError(f"seq {seq} after {before}")
        if of_connection:
            return
        known = self.trail.said.get(seq)
        if known is not None and known != text and json.loads(known)["type"] != "session.resumed":
            raise ViolationError(f"seq {seq} was {known[:200]} and is {text[:200]}")
        self.trail.said[seq] = text
        if known is not None:
            raise ViolationError(f"seq {seq} came twice, though it had been read")

    def _check_answer(self, frame: str, payload: Json) -> None:
        if payload["in_reply_to"] is None:
            return
        asked = self.trail.asked.get(payload["in_reply_to"])
        if asked is None:
            raise ViolationError(f"{frame} answers {payload['in_reply_to']!r}, which was not asked")
        if frame not in {ANSWERS[asked], "live_error", "warning"}:
            raise ViolationError(f"{frame} answers {asked}")

    def _check_transcript(self, frame: str, payload: Json) -> None:
        if frame == "transcript.partial":
            segment = payload["segment_id"]
            if segment in self.trail.finals:
                raise ViolationError(f"a partial of {segment} after its final")
            if payload["revision"] != self.trail.revisions.get(segment, 0) + 1:
                raise ViolationError(f"{segment}: revision {payload['revision']} after {self.trail.revisions}")
            self.trail.revisions[segment] = payload["revision"]
        elif frame == "transcript.final":
            self._check_final(payload)
        elif frame == "speaker.updated":
            named = {segment for update in payload["updates"] for segment in update["segment_ids"]}
            if unknown := named - set(self.trail.finals):
                raise ViolationError(f"the speaker of {unknown} is revised, which have no final")

    def _check_final(self, payload: Json) -> None:
        segment = payload["segment_id"]
        if segment in self.trail.finals:
            raise ViolationError(f"a second final of {segment}")
        if not payload["text"] and segment not in self.trail.revisions:
            raise ViolationError(f"{segment} has no text, and never had one")
        self.trail.finals[segment] = payload
        moments = [payload["start_ms"], payload["end_ms"]]
        if payload["words"]:
            moments[1:1] = [word["start_ms"] for word in payload["words"]]
            text = " ".join(word["word"] for word in payload["words"])
            if text != payload["text"]:
                raise ViolationError(f"{segment}: the words are {text!r} and the text {payload['text']!r}")
        if moments[0] > moments[-1]:
            raise ViolationError(f"{segment}: ends before it starts: {moments}")


@asynccontextmanager
async def live(lab: Lab, trail: Trail | None = None, language: str | None = None) -> AsyncIterator[LiveTalk]:
    """A connection to `/v1/ws/transcribe`, of a new session or of one that is known."""
    channel = lab.channel("live")
    label = f"{lab.label} {channel.address}"
    async with AsyncExitStack() as stack:
        for _ in range(ATTEMPTS):
            socket = await _admitted(stack, lab.url + channel.address, language)
            if socket is not None:
                break
            await anyio.sleep(BUSY)
        else:
            raise ViolationError(f"{label}: the server stays busy")
        talk = LiveTalk(socket, channel, lab.findings, label, trail or Trail())
        yield await stack.enter_async_context(reading(talk))


async def _admitted(stack: AsyncExitStack, url: str, language: str | None) -> ClientConnection | None:
    """A connection; None where the machine is still busy with a session of before."""
    try:
        return await stack.enter_async_context(connected(url, "", language))
    except InvalidStatus as error:
        if error.response.status_code != 503:
            raise
        return None


@asynccontextmanager
async def started(
    lab: Lab, audio: Json | None = None, language_of_errors: str | None = None, **more: Any
) -> AsyncIterator[LiveTalk]:
    """A session; where it has not ended at the end of the body, it is ended then."""
    async with AsyncExitStack() as stack:
        start = {"type": "session.start", "id": new_id(), "audio": audio or TELEPHONE, **more}
        for _ in range(ATTEMPTS):
            talk = await _opened(stack, lab, start, language_of_errors)
            if talk is not None:
                break
            await anyio.sleep(BUSY)
        else:
            raise ViolationError(f"{lab.label}: the server stays busy")
        yield talk
        if talk.closed_with is None:
            await talk.finish()


async def _opened(stack: AsyncExitStack, lab: Lab, start: Json, language: str | None) -> LiveTalk | None:
    """A session; None where the machine is still busy with one of before."""
    talk = await stack.enter_async_context(live(lab, language=language))
    await talk.send(start)
    answers = {"session.started", "live_error"}
    answer = await talk.expect_any(lambda frame: frame.name in answers, in_reply_to=start["id"])
    if answer.name == "live_error":
        if answer.payload["code"] not in {"LIVE_OVERLOADED", "TOO_MANY_SESSIONS"}:
            raise ViolationError(f"{lab.label}: session.start {start} is answered by {answer.payload}")
        return None
    return talk
