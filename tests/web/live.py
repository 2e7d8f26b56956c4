"""What the tests of live sessions share: speech as frames, and a client by hand."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import soundfile
from anyio import fail_after
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.web.serving import Server

PATH: Final = "/v1/ws/transcribe"
RATE: Final = 8000
AUDIO: Final = {"encoding": "pcm_s16le", "sample_rate": RATE, "channels": 1}
FRAME: Final = RATE // 10 * 2
"""Bytes of 100 ms."""


def speech(path: Path, start: float = 0.0, seconds: float | None = None) -> bytes:
    """A stretch of a recording as AUDIO says."""
    stop = None if seconds is None else round((start + seconds) * RATE)
    samples, rate = soundfile.read(path, dtype="int16", start=round(start * RATE), stop=stop)
    assert rate == RATE
    return bytes(samples.astype("<i2").tobytes())


class Talk:
    """One connection, and what the server has said on it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket: Final = socket
        self.heard: Final[list[Any]] = []
        self.sent = 0
        """Bytes of audio."""

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a message."""
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def start(self, **fields: Any) -> Any:
        """Open a session; its session.started."""
        await self.say("session.start", **{"audio": AUDIO, "language": "en", **fields})
        return await self.until("session.started")

    async def send(self, audio: bytes, frame: int = FRAME) -> None:
        """Send audio in frames."""
        for at in range(0, len(audio), frame):
            await self.socket.send(audio[at : at + frame])
            self.sent += len(audio[at : at + frame])

    async def next(self) -> Any:
        """The next message, whatever it is."""
        with fail_after(60):
            self.heard.append(json.loads(await self.socket.recv()))
        return self.heard[-1]

    async def until(self, *kinds: str) -> Any:
        """The next message of one of these types."""
        while (message := await self.next())["type"] not in kinds:
            pass
        return message

    async def finish(self) -> Any:
        """Say that all was sent; the session.ended."""
        await self.say("audio.end", bytes_sent=self.sent)
        return await self.until("session.ended")

    async def closed(self) -> tuple[int | None, str]:
        """Code and reason with which the connection ends."""
        with fail_after(30), suppress(ConnectionClosed):
            while True:
                self.heard.append(json.loads(await self.socket.recv()))
        return self.socket.close_code, self.socket.close_reason or ""

    def of(self, kind: str) -> list[Any]:
        """What was said of this type."""
        return [message for message in self.heard if message["type"] == kind]

    @property
    def last_seq(self) -> int:
        """Of the last message that was heard."""
        return int(self.heard[-1]["seq"])


@asynccontextmanager
async def talking(server: Server, **options: Any) -> AsyncIterator[Talk]:
    """A connection."""
    async with server.socket(PATH, compression=None, **options) as socket:
        yield Talk(socket)


async def resumed(talk: Talk, started: Any, last_seq: int) -> Any:
    """Go on with a session; its session.resumed."""
    known = {name: started[name] for name in ("session_id", "resume_token")}
    await talk.say("session.resume", **known, last_seq=last_seq, id="back")
    return await talk.until("session.resumed", "error")


def numbers(messages: list[Any]) -> list[int]:
    """The `seq` of all."""
    return [message["seq"] for message in messages]


async def all_over(server: Server) -> None:
    """Wait until no session and no recording of one is left."""
    with fail_after(20):
        while "\ncallannotate_live_sessions 0.0\n" not in (await server.http.get("/metrics")).text:
            pass
    assert not list((server.service.settings.volume_path / "live").iterdir())
