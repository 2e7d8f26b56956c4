"""Clients that misbehave: what they are told, whether others notice, and whether anything is left of them."""

import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
from anyio import create_task_group, move_on_after
from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.live_scores import finals_of
from benchmarks.live_stream import Streamed, stream
from benchmarks.materials import Material
from benchmarks.service import MEGABYTE, Server, serving
from web.live_audio import FileSource
from web.live_client import address

SETTINGS: Final = {
    "HEARTBEAT_INTERVAL": "1", "HEARTBEAT_TIMEOUT": "4", "LIVE_IDLE_TIMEOUT_S": "3", "LIVE_RESUME_WINDOW_S": "3",
    "LIVE_START_TIMEOUT_S": "2", "LIVE_SESSIONS": "4",
}  # fmt: skip
FRAME: Final = 1600
"""Bytes of 100 ms."""
AUDIO: Final = {"encoding": "pcm_s16le", "sample_rate": 8000, "channels": 1}
DEAF: Final = 7.0
"""Seconds without reading: more than HEARTBEAT_TIMEOUT, less than a server waits for the answer to its close."""
ROUNDS: Final = 5
"""Times that all of them come, of which the last is compared with the one before."""
SETTLING: Final = 20
"""Seconds that a server has to let go: idle threads are kept for ten, memory for five."""
PATIENCE: Final = 40.0
"""Seconds for a server to end a client that misbehaves."""


class Ended(Struct, frozen=True):
    """How a connection ended."""

    code: int | None
    reason: str
    errors: tuple[str, ...]
    """Codes of the `error` messages before it."""
    started: dict[str, Any] | None = None
    """The `session.started`."""


class Client:
    """A connection to `/v1/ws/transcribe` by hand."""

    def __init__(self, socket: ClientConnection, samples: bytes) -> None:
        self.socket: Final = socket
        self.samples: Final = samples
        """Speech, as AUDIO says."""

    async def say(self, kind: str, **fields: object) -> None:
        """Send a message."""
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def start(self, **audio: object) -> None:
        """Open a session."""
        await self.say("session.start", audio={**AUDIO, **audio}, language="en")

    async def frame(self, number: int) -> None:
        """Send the 100 ms with this number."""
        at = number * FRAME % (len(self.samples) - FRAME)
        await self.socket.send(self.samples[at : at + FRAME])

    async def speak(self, frames: int, pause: float) -> None:
        """Send so many frames, with so many seconds between them."""
        for number in range(frames):
            await self.frame(number)
            await anyio.sleep(pause)

    async def ended_while(self, frames: int, pause: float) -> Ended:
        """The same, reading beside it."""

        async def speak() -> None:
            with suppress(ConnectionClosed):
                await self.speak(frames, pause)

        async with create_task_group() as tasks:
            tasks.start_soon(speak)
            ended = await self.ended()
            tasks.cancel_scope.cancel()
        return ended

    async def ended(self) -> Ended:
        """Read to the end of the connection."""
        errors, started = [], None
        with move_on_after(PATIENCE) as scope, suppress(ConnectionClosed):
            while True:
                message = json.loads(await self.socket.recv())
                if message["type"] == "error":
                    errors.append(message["code"])
                elif message["type"] == "session.started":
                    started = message
        if scope.cancelled_caught:
            return Ended(None, f"still open after {PATIENCE:.0f} s", tuple(errors), started)
        return Ended(self.socket.close_code, self.socket.close_reason or "", tuple(errors), started)


async def too_fast(client: Client) -> Ended:
    """All of it at once."""
    await client.start()
    return await client.ended_while(400, 0.0)


async def wrong_pace(client: Client) -> Ended:
    """Twice as many samples a second as it has announced, as with a wrong `sample_rate`."""
    await client.start()
    return await client.ended_while(600, 0.05)


async def wrong_rate(client: Client) -> Ended:
    """A rate that no telephone has."""
    await client.start(sample_rate=4000)
    return await client.ended()


async def never_reads(client: Client) -> Ended:
    """Speech at real time, and not one message read, until the server has had enough."""
    await client.start()
    with suppress(ConnectionClosed), move_on_after(DEAF):
        await client.speak(1000, 0.1)
    return await client.ended()


async def garbage(client: Client) -> Ended:
    """Half samples and messages that are none, which are told; then text that is no JSON."""
    await client.start()
    for frame in (b"", b"\x00", bytes(3), bytes(60_000)):
        await client.socket.send(frame)
    for text in ("{}", '{"type": 7}', '{"type": "dance"}', '{"type": "audio.end", "bytes_sent": -1}'):
        await client.socket.send(text)
    await client.socket.send("\x00 garbage")
    return await client.ended()


async def stops(client: Client) -> Ended:
    """A second of audio, then nothing."""
    await client.start()
    await client.speak(10, 0.0)
    return await client.ended()


async def silent(client: Client) -> Ended:
    """A connection and nothing else."""
    return await client.ended()


async def too_large(client: Client) -> Ended:
    """A frame of 100 KB."""
    await client.start()
    await client.socket.send(bytes(100_000))
    return await client.ended()


async def disappears(client: Client) -> Ended:
    """Speech, then the connection is torn, and nobody comes back."""
    await client.start()
    await client.speak(20, 0.1)
    client.socket.transport.abort()
    return await client.ended()


Act = Callable[[Client], Awaitable[Ended]]
ACTS: Final[dict[str, tuple[Act, int, str]]] = {
    "sends too fast": (too_fast, 4429, "TOO_FAST"),
    "sends twice as many samples as announced": (wrong_pace, 4429, "TOO_FAST"),
    "announces the wrong rate": (wrong_rate, 4400, "INVALID_CONFIG"),
    "never reads": (never_reads, 1008, "SLOW_READER"),
    "sends garbage": (garbage, 1007, "INVALID_JSON"),
    "sends too large a frame": (too_large, 1009, "FRAME_TOO_LARGE"),
    "stops sending": (stops, 4408, "IDLE"),
    "says nothing at all": (silent, 4408, "START_TIMEOUT"),
    "disappears": (disappears, 1006, ""),
}
"""What they do, and the close code and its reason."""


class Outcome(Struct, frozen=True):
    """What became of it all."""

    ends: dict[str, Ended]
    after_expiry: Ended
    """Of the attempt to go on with the session of the client that disappeared."""
    alone: Streamed
    beside: Streamed
    left: dict[str, float]
    """What was there after the last round and not before it: threads, descriptors, files, sessions, MB."""
    memory: tuple[float, ...]
    """MB after each round."""

    @property
    def undisturbed(self) -> bool:
        """Whether the call that ran beside them has the very same finals."""
        told = [[(f.segment_id, f.text, f.start_ms) for f in finals_of(s.arrivals)] for s in (self.alone, self.beside)]
        return told[0] == told[1]


async def misbehave(material: Material) -> Outcome:
    """Stream a call alone, then beside all of them."""
    with (
        tempfile.TemporaryDirectory(prefix="callannotate-bench-") as volume,
        serving(VOLUME_PATH=volume, **SETTINGS) as server,
    ):
        samples = b"".join([block async for block in FileSource(material.path, "mono").blocks()])
        url = address(server.url)
        alone = await stream(url, material, language=material.language)
        standing = [await _standing(server, Path(volume))]
        # The first rounds fill what is kept for good, such as the memory of the networks and of the threads.
        for _ in range(ROUNDS):
            beside, ends = await _round(url, material, samples)
            standing.append(await _settled(server, Path(volume), standing[-1]))
        expired = await _come_back(url, ends["disappears"])
    before, after = standing[-2:]
    left = {name: after[name] - before[name] for name in before}
    return Outcome(ends, expired, alone, beside, left, tuple(found["MB"] for found in standing[1:]))


async def _round(url: str, material: Material, samples: bytes) -> tuple[Streamed, dict[str, Ended]]:
    """A call that is streamed as it should be, beside all the others; and time for what they leave to be removed."""
    ends: dict[str, Ended] = {}
    beside: list[Streamed] = []

    async def witness() -> None:
        beside.append(await stream(url, material, language=material.language))

    async with create_task_group() as tasks:
        tasks.start_soon(witness)
        for name, (act, _, _) in ACTS.items():
            async with connect(url, proxy=None, max_queue=2, compression=None) as socket:
                ends[name] = await act(Client(socket, samples))
    await anyio.sleep(float(SETTINGS["LIVE_RESUME_WINDOW_S"]) + 1.5)
    return beside[0], ends


async def _come_back(url: str, ended: Ended) -> Ended:
    assert ended.started is not None  # it was told before the connection was torn
    async with connect(url, proxy=None, compression=None) as socket:
        client = Client(socket, b"")
        known = {name: ended.started[name] for name in ("session_id", "resume_token")}
        await client.say("session.resume", **known, last_seq=1)
        return await client.ended()


async def _standing(server: Server, volume: Path) -> dict[str, float]:
    """What a server holds."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        text = (await client.get("/metrics")).text
    sessions = [line.split()[-1] for line in text.splitlines() if line.startswith("callannotate_live_sessions ")]
    return {
        "threads": server.process.num_threads(),
        "descriptors": server.process.num_fds(),
        "files": sum(1 for path in (volume / "live").rglob("*") if path.is_file()),
        "sessions": float(sessions[0]),
        "MB": server.process.memory_info().rss / MEGABYTE,
    }


async def _settled(server: Server, volume: Path, before: dict[str, float]) -> dict[str, float]:
    """The same once there is no more of it than before, or after SETTLING; each look has the server use its threads."""
    for _ in range(SETTLING):
        found = await _standing(server, volume)
        if all(value <= before[name] for name, value in found.items()):
            break
        await anyio.sleep(1.0)
    return found
