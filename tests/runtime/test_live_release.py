"""However a live session ends, nothing is left of it: no task, thread, file or memory."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable

import anyio
import msgspec
import psutil
import pytest

from contracts.errors import INVALID_JSON, CallAnnotateError
from contracts.live import AudioEnd, Pause, SessionStart, TranscriptFinal
from runtime.engine import Engine
from runtime.live_outbox import Outbox
from runtime.live_run import LiveRun
from runtime.live_service import LiveService
from runtime.live_session import LiveConnection, LiveSession
from runtime.settings import Settings
from runtime.spool import Spool
from tests.runtime.live_parts import PHONE, Client, noise, released, say, spools
from tests.runtime.serving import serving

START = SessionStart(audio=PHONE)
OURS = (LiveSession, LiveRun, LiveConnection, Outbox, Spool)
Way = Callable[[Client, LiveConnection], Awaitable[None]]


pytestmark = pytest.mark.usefixtures("echo")


@pytest.fixture
def live(live: Settings) -> Settings:
    return msgspec.structs.replace(live, live_resume_window_s=0.05, live_idle_timeout_s=0.3)


async def ends_well(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(1.2), AudioEnd(bytes_sent=19_200))
    await client.ended()


async def disappears(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(1.2))
    await client.message(TranscriptFinal)


async def disappears_in_a_pause(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(0.7), Pause())
    await client.message(TranscriptFinal)


async def disappears_while_its_result_is_made(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(0.7), AudioEnd(bytes_sent=11_200))
    await client.message(TranscriptFinal)


async def falls_silent(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(0.7))
    await client.until(lambda: client.failure is not None)


async def sends_garbage(client: Client, connection: LiveConnection) -> None:
    await say(connection, noise(0.7))
    await connection.fault(CallAnnotateError(INVALID_JSON, field="message", cause="injected"))
    await client.until(lambda: client.failure is not None)


WAYS: list[Way] = [
    ends_well,
    disappears,
    disappears_in_a_pause,
    disappears_while_its_result_is_made,
    falls_silent,
    sends_garbage,
]


async def one(service: LiveService, way: Way) -> None:
    """One session, up to where its client has no more to do with it."""
    client = Client(service)
    async with client.connected(START) as connection:
        await way(client, connection)


async def forgotten(tasks: int) -> None:
    """Wait until the last messages of every session are forgotten."""
    while len(asyncio.all_tasks()) > tasks:
        await anyio.lowlevel.checkpoint()


def held() -> list[object]:
    """Objects of ours that are still there."""
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, OURS)]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
async def test_nothing_is_left_of_a_session_whose_client(live: Settings, engine: Engine, way: Way) -> None:
    async with serving(live, engine) as service:
        tasks, before = len(asyncio.all_tasks()), held()
        # What is opened the first time, such as readers of the database, stays.
        await one(service.live, ends_well)
        await one(service.live, way)
        await released(service.live)
        await forgotten(tasks)
        threads, descriptors = threading.active_count(), psutil.Process().num_fds()
        for _ in range(3):
            await one(service.live, way)
        await released(service.live)
        await forgotten(tasks)
        assert [found for found in held() if all(found is not known for known in before)] == []
        assert psutil.Process().num_fds() <= descriptors
        assert threading.active_count() <= threads + 1  # anyio's own workers wait for more to do
        assert spools(live) == []
