"""Giving up by any way leaves no task and no thread behind, and flushes nothing."""

import asyncio
import signal
import threading
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from tests.runtime.parts import (
    Endless,
    EndSeen,
    Silent,
    Stamp,
    Threaded,
    chain,
    tasks,
)


async def test_leaving_the_body_early_cancels_and_flushes_nothing() -> None:
    before, end = tasks(), EndSeen()
    with anyio.fail_after(10):
        async with chain(("a", Stamp("a")), ("b", end)).open(Endless()) as running:
            await running.receive.receive()
    assert not end.seen
    assert tasks() == before


async def test_a_source_that_waits_is_cancelled_with_the_rest() -> None:
    before = tasks()
    with anyio.move_on_after(0.01) as scope:
        async with chain(("a", Stamp("a"))).open(Silent()) as running:
            await running.receive.receive()
    assert scope.cancelled_caught
    assert tasks() == before


async def test_a_cancel_from_plain_asyncio_stays_a_cancel() -> None:
    inside = anyio.Event()

    async def annotate() -> None:
        async with chain(("a", Stamp("a"))).open(Silent()):
            inside.set()
            await anyio.sleep_forever()

    before = tasks()
    task = asyncio.ensure_future(annotate())
    with anyio.fail_after(10):
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert task.cancelled()
    assert tasks() == before


async def test_cancelling_waits_for_the_thread_of_a_stage() -> None:
    stage = Threaded()
    limiter = anyio.to_thread.current_default_thread_limiter()
    with anyio.fail_after(10):
        with anyio.CancelScope() as scope:
            async with chain(("a", stage)).open(Endless()):
                await anyio.to_thread.run_sync(stage.inside.wait)
                scope.cancel()
                await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert limiter.borrowed_tokens == 0


@pytest.fixture
def interruptible() -> Iterator[None]:
    """As in the foreground: what a shell has put into the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_program_and_its_threads() -> None:
    stage = Threaded()

    async def main() -> None:
        async with chain(("a", stage)).open(Endless()):
            await anyio.to_thread.run_sync(stage.inside.wait)
            signal.raise_signal(signal.SIGINT)
            await anyio.sleep_forever()

    before = set(threading.enumerate())
    with pytest.raises(KeyboardInterrupt):
        anyio.run(main)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
