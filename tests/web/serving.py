"""A real server on loopback for tests: the real service on a real volume behind Hypercorn, in the test's event loop."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import soundfile
from anyio import create_task_group, fail_after
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from runtime.engine import Engine
from runtime.engines import Engines
from runtime.service import JobService, open_service
from runtime.settings import Settings
from web.server import listening, serve_service


@dataclass
class Server:
    """A server that runs."""

    service: JobService
    engine: Engine
    host: str
    port: int
    http: httpx.AsyncClient

    def socket(self, path: str, **options: Any) -> connect:
        """A WebSocket of the library `websockets`."""
        options = {"max_size": None, "proxy": None, **options}
        return connect(f"ws://{self.host}:{self.port}{path}", **options)

    async def submit(self, audio: bytes, metadata: str = "{}", name: str = "call.wav", **headers: str) -> Any:
        """The job of a recording."""
        response = await self.post(audio, metadata, name, **headers)
        assert response.status_code == 201, response.text
        return response.json()

    async def post(self, audio: bytes, metadata: str = "{}", name: str = "call.wav", **headers: str) -> httpx.Response:
        """Submit a recording, whatever comes of it."""
        return await self.http.post(
            "/api/v1/jobs", files={"file": (name, audio)}, data={"metadata": metadata}, headers=headers
        )

    async def completed(self, job_id: str) -> Any:
        """The last message of a job."""
        async with self.socket(f"/ws/{job_id}") as socket:
            async for text in socket:
                last = text
        return last

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """While the body runs, no network computes anything: a job that has begun goes on afterwards."""
        tokens = [object() for _ in range(int(self.engine.limiter.total_tokens))]
        for token in tokens:
            await self.engine.limiter.acquire_on_behalf_of(token)
        try:
            yield
        finally:
            for token in tokens:
                self.engine.limiter.release_on_behalf_of(token)


@asynccontextmanager
async def serving(volume: Path, engine: Engine, **changes: Any) -> AsyncIterator[Server]:
    """A server with these settings; what is left of it ends within 10 s."""
    settings = Settings(
        volume_path=volume, **{"log_console": False, "rate_limit": 100_000, "upload_limit": 100_000, **changes}
    )
    listener = listening(settings.host, 0)
    host, port = "127.0.0.1", listener.getsockname()[1]
    stop = anyio.Event()
    engines = Engines(load=lambda _options, _threads: engine)
    with listener:
        async with open_service(settings, engines=engines) as service, create_task_group() as tasks:
            tasks.start_soon(serve_service, service, listener, stop, lambda _host, _port: None)
            async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=20, trust_env=False) as http:
                try:
                    yield Server(service, engine, host, port, http)
                finally:
                    stop.set()


def wav(seconds: float = 0.5, rate: int = 8000) -> bytes:
    """A recording with a tone, which nobody can mistake for speech."""
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)
    file = io.BytesIO()
    soundfile.write(file, tone, rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


async def next_json(socket: ClientConnection, *kinds: str) -> Any:
    """The next message that is no ping, or the next one of these types."""
    with fail_after(30):
        while True:
            message = json.loads(await socket.recv())
            if message["type"] in kinds or (not kinds and message["type"] != "ping"):
                return message


async def closed(socket: ClientConnection) -> tuple[int, str, list[Any]]:
    """Code and reason of the close frame, and what was said before it."""
    said: list[Any] = []
    with fail_after(20), suppress(ConnectionClosed):
        while True:
            said.append(json.loads(await socket.recv()))
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or "", said
