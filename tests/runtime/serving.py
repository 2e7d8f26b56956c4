"""What the tests of the service share: a service on a loaded engine, and networks that wait until they are told."""

import dataclasses
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import msgspec
import numpy as np
import numpy.typing as npt

from contracts.job_messages import JobMessage
from contracts.jobs import Job
from models.networks import SegmentationNetwork
from runtime.engine import Engine
from runtime.engines import Engines
from runtime.service import JobService, open_service
from runtime.settings import Settings

PATIENCE = 60.0


@asynccontextmanager
async def serving(settings: Settings, engine: Engine) -> AsyncIterator[JobService]:
    """A service that finds its engine loaded."""
    with anyio.fail_after(PATIENCE):
        loaded = Engines(load=lambda _options, _threads: engine, try_out=lambda _: (10.0, 1.0))
        async with open_service(settings, engines=loaded) as service:
            yield service


async def submit(
    service: JobService, recording: bytes, key: str | None = None, *, filename: str = "call.wav", **metadata: object
) -> Job:
    """Upload a recording and make a job of it."""
    async with service.upload(filename) as upload:
        await upload.write(recording)
        return await service.submit(upload, msgspec.json.encode(metadata), idempotency_key=key)


async def messages(service: JobService, job_id: str, after_seq: int | None = None) -> list[JobMessage]:
    """All messages of a job to its last one."""
    async with service.watch(job_id, after_seq) as stream:
        return [message async for message in stream]


async def ended(service: JobService, job_id: str) -> Job:
    """The job once it has ended."""
    await messages(service, job_id)
    return await service.job(job_id)


@dataclass(eq=False)
class Gate:
    """A segmentation network that tells when it is asked, and waits until it is let go."""

    inner: SegmentationNetwork
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.asked.set()
        assert self.go.wait(PATIENCE)
        return self.inner.scores(windows)

    async def until_asked(self) -> None:
        await anyio.to_thread.run_sync(self.asked.wait, PATIENCE)


def gated(engine: Engine) -> tuple[Engine, Gate]:
    """The engine with a gate in it."""
    gate = Gate(engine.segmentation)
    return dataclasses.replace(engine, segmentation=gate), gate


@dataclass(eq=False)
class Broken:
    """A segmentation network that fails."""

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:  # noqa: ARG002
        raise RuntimeError("injected")
