"""A connection on which every frame in both directions is held against the document."""

import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
from anyio import create_task_group, fail_after
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.contract.contract import Channel, Json, NotJsonObjectError, ViolationError, parse

WITH_BYTES = {"reply.getJobAudio", "reply.getJobResult", "reply.getVoiceprints"}
"""Replies that bytes may follow in frames of their own."""
PATIENCE = 60.0
"""Seconds to wait for a frame."""
PINGS = ("server_ping",)
C = TypeVar("C", bound="Conversation")


@dataclass
class Findings:
    """What a run has found."""

    exercised: set[tuple[str, ...]] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def error(self, code: str) -> None:
        """An error was told, by whatever means."""
        self.exercised.add(("error", code))


@dataclass
class Frame:
    """A frame of the server."""

    name: str
    payload: Json
    used: bool = False


class Conversation:
    """Talks on one connection; whatever is against the document is noted in the findings."""

    def __init__(self, socket: ClientConnection, channel: Channel, findings: Findings, label: str) -> None:
        self.channel = channel
        self.findings = findings
        self.frames: list[Frame] = []
        self.audio: bytearray = bytearray()
        self.closed_with: tuple[int, str] | None = None
        self._socket = socket
        self._label = label
        self._order = channel.order()
        self._changed = anyio.Event()
        self._asked: dict[str, str] = {}
        """Message of the document that answers, by the id of what was asked."""
        self._audio_left = 0
        self._pings = 0
        """Of the client, still to be answered."""
        self._seq: dict[str, int] = {}
        self._percentage: dict[str, int] = {}

    # What the client does.

    async def send(self, payload: Json) -> None:
        """Send a message that belongs here."""
        frame = self.channel.client_frame(payload)
        if frame is None:
            raise ValueError(f"no message of a client: {payload}")
        self._note_question(frame, payload)
        self._move("client", frame, payload)
        self._exercise(_client_message(self.channel, frame, payload))
        await self.send_as_it_is(json.dumps(payload, ensure_ascii=False))

    async def send_bytes(self, data: bytes) -> None:
        """Send a part of a recording."""
        (frame,) = self.channel.binary["client"]
        self._move("client", frame, {})
        self._exercise(frame)
        await self.send_as_it_is(data)

    async def send_as_it_is(self, data: str | bytes) -> None:
        """Send a frame that the document may know nothing of."""
        # Where the connection has ended meanwhile, what the server has said before is read in any case.
        with suppress(ConnectionClosed):
            await self._socket.send(data)

    async def close(self) -> None:
        """Say goodbye."""
        await self._socket.close()

    async def ask(self, operation: str, /, *, identifier: str | None = None, **more: Any) -> Json:
        """The reply to one operation of REST; `more` is what the request has beside the operation."""
        identifier = identifier or new_id()
        await self.send({"type": "request", "id": identifier, "operation": operation, **more})
        return await self.expect("reply", id=identifier)

    async def upload(
        self,
        data: bytes,
        *,
        operation: str = "createJob",
        size: int | None = None,
        identifier: str | None = None,
        **more: Any,
    ) -> Json:
        """The reply to an operation with an upload; one that is refused at once is not sent."""
        identifier = identifier or new_id()
        await self.send({"type": "request", "id": identifier, "operation": operation, **more})
        first = await self.expect_any(lambda frame: frame.name in {"upload.ready", "reply"}, id=identifier)
        if first.name == "reply":
            return first.payload
        step: int = first.payload["max_frame_bytes"]
        for start in range(0, len(data), step):
            await self.send_bytes(data[start : start + step])
        await self.send({"type": "upload.end", "id": identifier, "size": len(data) if size is None else size})
        return await self.expect("reply", id=identifier)

    async def ping(self) -> None:
        """Wait until the server has dealt with all that came before."""
        moment = f"2026-11-22T18:00:00.{uuid.uuid4().int % 10**6:06d}Z"
        await self.send({"type": "ping", "timestamp": moment})
        await self.expect_any(lambda frame: frame.name == "server_pong" and _same(frame.payload["timestamp"], moment))

    # What the server does.

    async def expect(self, name: str, **fields: Any) -> Json:
        """The next frame of this name with these fields that nobody has asked for yet."""
        return (await self.expect_any(lambda frame: frame.name == name, **fields)).payload

    async def expect_any(self, matches: Callable[[Frame], bool], **fields: Any) -> Frame:
        """The next frame for which `matches` is true. Raises ViolationError where the connection ends before."""
        try:
            with fail_after(PATIENCE):
                while True:
                    for frame in self.frames:
                        if not frame.used and matches(frame) and fields.items() <= frame.payload.items():
                            frame.used = True
                            return frame
                    if self.closed_with is not None:
                        raise ViolationError(f"{self._label}: closed with {self.closed_with} instead of {fields}")
                    await self._changed.wait()
        except TimeoutError as error:
            raise ViolationError(f"{self._label}: nothing like {fields} came in {PATIENCE} s") from error

    async def end(self, code: int, reason: str | None = None) -> None:
        """Wait until the server closes with this code. Raises ViolationError where it is another one."""
        found = await self.ended()
        if found[0] != code or (reason is not None and found[1] != reason):
            raise ViolationError(f"{self._label}: closed with {found} instead of {(code, reason)}")

    async def ended(self) -> tuple[int, str]:
        """Wait until the connection ends: code and reason."""
        with fail_after(PATIENCE):
            while self.closed_with is None:
                await self._changed.wait()
        return self.closed_with

    def unused(self) -> list[Frame]:
        """Frames that nobody has asked for, without heartbeats."""
        return [frame for frame in self.frames if not frame.used and frame.name not in PINGS]

    async def read(self) -> None:
        """Take all that the server says, until the connection ends."""
        try:
            async for data in self._socket:
                try:
                    await self._take(data)
                except ViolationError as error:
                    self.findings.violations.append(f"{self._label}: {error}")
                self._wake()
        except ConnectionClosed:
            pass
        received = self._socket.protocol.close_rcvd
        self.closed_with = (1006, "") if received is None else (received.code, received.reason)
        if not self._socket.protocol.close_rcvd_then_sent and received is not None:
            # The client was the first to close.
            self._wake()
            return
        try:
            self._check_close(*self.closed_with)
        except ViolationError as error:
            self.findings.violations.append(f"{self._label}: {error}")
        self._wake()

    async def _take(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._take_bytes(data)
            return
        try:
            payload = parse(data)
        except NotJsonObjectError as error:
            raise ViolationError(f"a text frame is no JSON object ({error}): {data[:200]}") from error
        frame = self.channel.server_frame(payload)
        self.frames.append(Frame(frame, payload))
        self._move("server", frame, payload)
        await self._note(frame, payload, data)

    async def _note(self, frame: str, payload: Json, text: str) -> None:  # noqa: ARG002 - of other channels
        """Hold a message against what came before."""
        if frame == "reply":
            self._take_reply(payload)
            return
        self._exercise(frame)
        if frame == "connection_error":
            code = payload["error"]["code"]
            self.findings.error(code)
            if code in self.channel.errors:
                self.findings.exercised.add(("error message", self.channel.name, code))
            if code == "MESSAGES_GONE":
                self._seq.clear()
        elif frame == "job_error":
            self.findings.error(payload["error"]["code"])
        if frame in {"status_update", "result", "job_error"}:
            self._check_sequence(payload)
        if frame == "server_pong":
            self._pings -= 1
            if self._pings < 0:
                raise ViolationError("a pong that nobody has asked for")
        if frame == "server_ping":
            await self.send({"type": "pong", "timestamp": payload["timestamp"]})

    def _take_bytes(self, data: bytes) -> None:
        if "audio.data" not in self.channel.messages:
            raise ViolationError("a binary frame, where the server never says anything in bytes")
        if len(data) > self._audio_left:
            raise ViolationError(f"{len(data)} bytes, where {self._audio_left} of a recording are missing")
        self._audio_left -= len(data)
        self.audio += data
        self._exercise("audio.data")

    def _take_reply(self, payload: Json) -> None:
        message = self._asked.pop(payload["id"], None)
        if message is None:
            raise ViolationError(f"a reply to {payload['id']!r}, which was not asked")
        self.channel.check(message, payload)
        self._exercise(message)
        if "X-Request-ID" not in payload["headers"] and message not in {"reply.unsubscribe"}:
            raise ViolationError(f"a {message} without X-Request-ID")
        if isinstance(body := payload["body"], dict) and "error" in body and payload["status"] >= 400:
            self.findings.error(body["error"]["code"])
            if body["error"]["code"] not in self.channel.messages[message]["x-errors"]:
                raise ViolationError(f"{message} told {body['error']['code']}, which the document does not name there")
        if message in WITH_BYTES and payload["status"] in {200, 206} and "Content-Length" in payload["headers"]:
            self._audio_left += int(payload["headers"]["Content-Length"])

    def _check_sequence(self, payload: Json) -> None:
        job_id, seq = payload["job_id"], payload["seq"]
        if job_id in self._seq and seq != self._seq[job_id] + 1:
            raise ViolationError(f"job {job_id}: seq {seq} after {self._seq[job_id]}")
        self._seq[job_id] = seq
        if payload["type"] == "status_update":
            percentage = payload["progress"]["percentage"]
            if percentage < self._percentage.get(job_id, 0) and payload["status"] == "processing":
                raise ViolationError(f"job {job_id}: {percentage} % after {self._percentage[job_id]} %")
            self._percentage[job_id] = percentage

    def _check_close(self, code: int, reason: str) -> None:
        if code == 1000:
            self._order.check_end()
        close = self.channel.close_code(code, reason)
        self.findings.exercised.add(("close", self.channel.name, str(code), reason if close["errors"] else ""))
        if close["errors"]:
            self.findings.error(reason)
        if (announced := close["announced_by"]) is None:
            return
        said = [frame for frame in self.frames if frame.name not in PINGS]
        told = said[-1] if said else None
        if announced == "live_closing":
            # The session goes on until the deadline.
            told = next((frame for frame in said if frame.name == announced), None)
        if told is None or told.name != announced:
            raise ViolationError(f"closed with {code} {reason} without {announced} before it")
        error = told.payload.get("error", told.payload)
        if announced in {"connection_error", "live_error"} and error["code"] != reason:
            raise ViolationError(f"closed with {code} {reason} after {error['code']}")

    # Bookkeeping.

    def _note_question(self, frame: str, payload: Json) -> None:
        if frame == "client_ping":
            self._pings += 1
        elif frame == "request":
            known = f"reply.{payload['operation']}" in self.channel.messages
            operation = payload["operation"] if known and payload["operation"] not in {"unknown"} else "unknown"
            self._asked[payload["id"]] = f"reply.{operation}"
        elif frame in {"subscribe", "unsubscribe"}:
            self._asked[payload["id"]] = f"reply.{frame}"
            if frame == "subscribe":
                # The messages begin anew, from wherever was asked for.
                self._seq.pop(payload["job_id"], None)
                self._percentage.pop(payload["job_id"], None)

    def _move(self, sender: str, frame: str, payload: Json) -> None:
        for machine, state, side, name in self._order.saw(sender, frame, payload):
            self.findings.exercised.add(("order", self.channel.name, machine, state, side, name))

    def _exercise(self, message: str) -> None:
        self.findings.exercised.add(("message", self.channel.name, message))

    def _wake(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()


def new_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex[:16]


def _same(moment: str | None, other: str) -> bool:
    """Whether both are one moment: trailing zeros may be left out."""
    return moment is not None and moment.rstrip("Z").rstrip("0") == other.rstrip("Z").rstrip("0")


def _client_message(channel: Channel, frame: str, payload: Json) -> str:
    """The message of the document that a frame of the client is."""
    name = f"request.{payload.get('operation')}"
    return name if frame == "request" and name in channel.messages else frame


@asynccontextmanager
async def connected(
    url: str, path: str, language: str | None = None, key: Mapping[str, str] | None = None
) -> AsyncIterator[ClientConnection]:
    """A connection that leaves everything to whoever talks on it; `key` is a header."""
    headers = {**({"Accept-Language": language} if language else {}), **(key or {})}
    address = url.replace("http", "ws", 1) + path
    connection = connect(
        address, additional_headers=headers, ping_interval=None, compression=None, max_size=None, proxy=None
    )
    async with connection as socket:
        yield socket


@asynccontextmanager
async def reading(talk: C) -> AsyncIterator[C]:
    """Read all that the server says meanwhile; at the end the connection is closed."""
    async with create_task_group() as tasks:
        tasks.start_soon(talk.read)
        try:
            yield talk
        finally:
            with fail_after(PATIENCE, shield=True):
                await talk.close()


@asynccontextmanager
async def converse(
    url: str, channel: Channel, findings: Findings, label: str, *, path: str | None = None,
    language: str | None = None, key: Mapping[str, str] | None = None,
) -> AsyncIterator[Conversation]:  # fmt: skip
    """A conversation on a channel; `path` is its address with the parameters filled in, `key` a header."""
    async with (
        connected(url, path or channel.address, language, key) as socket,
        reading(Conversation(socket, channel, findings, label)) as talk,
    ):
        yield talk
