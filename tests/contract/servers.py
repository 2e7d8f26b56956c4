"""Servers of our own: `callannotate serve` in a process, with settings that make its limits easy to reach."""

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE

import anyio
import httpx
from anyio import fail_after
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

ROOT = Path(__file__).parents[2]
READY_WITHIN = 240.0
"""Seconds to fetch the models where they are not there, to load them, and to listen."""
SERVE = ("-m", "web.cli", "serve")
FAULTY = ("-m", "tests.contract.faulty_server")
BROKEN = (*FAULTY, "--everything")
GENEROUS = {"RATE_LIMIT": "1000000", "UPLOAD_LIMIT": "1000000", "QUEUE_LIMIT": "100000"}
"""Settings under which a suite meets no limit that it does not look for."""


@dataclass
class OwnServer:
    """A server that runs in a process of ours."""

    url: str
    process: Process
    volume: Path

    def stop(self) -> None:
        """Ask it to stop; does not wait."""
        self.process.terminate()


@asynccontextmanager
async def own_server(settings: dict[str, str], command: tuple[str, ...] = SERVE) -> AsyncIterator[OwnServer]:
    """A server with these settings on a fresh volume; it is stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="callannotate-contract-") as volume:
        environment = {**os.environ, **GENEROUS, **settings, "VOLUME_PATH": volume, "PORT": "0", "LOG_CONSOLE": "false"}
        environment.pop("CONFIG_PATH", None)
        async with await anyio.open_process(
            [sys.executable, *command], cwd=ROOT, env=environment, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
        ) as process:
            try:
                with fail_after(READY_WITHIN):
                    url = await _listening_at(process)
                    await _await_answer(url)
                yield OwnServer(url, process, Path(volume))
            finally:
                with fail_after(READY_WITHIN, shield=True):
                    if process.returncode is None:
                        process.terminate()
                    await process.wait()


async def _listening_at(process: Process) -> str:
    """The address that the server tells on standard error."""
    assert process.stderr is not None
    said = ""
    async for text in TextReceiveStream(process.stderr):
        said += text
        if "listening on " in said and said.endswith("\n"):
            return said.split("listening on ")[1].split()[0]
    raise RuntimeError(f"the server did not start: {said}")


async def _await_answer(url: str) -> None:
    """Wait until it answers: it listens before all is loaded."""
    async with httpx.AsyncClient(trust_env=False, timeout=READY_WITHIN) as http:
        while True:
            try:
                await http.get(f"{url}/info")
            except httpx.TransportError:
                await anyio.sleep(0.1)
            else:
                return
