"""Graphs of any shape: every path delivers in order, a failure has one name, and a cancel leaves nothing behind."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio
import anyio.to_thread
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from runtime.graph import Flow, Graph, StageFailed, Stream
from tests.runtime.parts import Collect, Count, Stamp, Tick

MAX_LENGTH = 12
"""Ticks that a source sends at most."""


@dataclass(frozen=True)
class InThread:
    """Sends each tick on by way of a thread."""

    name: str

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            await send.send(await anyio.to_thread.run_sync(self.stamp, tick))

    def stamp(self, tick: Tick) -> Tick:
        return Tick(tick.number, (*tick.path, self.name))


@dataclass(frozen=True)
class Failing:
    """Fails in the middle of its work, after some messages or, at the latest, at the end of its input."""

    after: int

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        taken = 0
        async with receive, send:
            async for tick in receive:
                taken += 1
                if taken > self.after:
                    break
                await send.send(tick)
            raise ArithmeticError("on purpose")


class Plan(Struct, frozen=True):
    """What hypothesis draws: a graph, node by node."""

    feeds: tuple[tuple[int, ...], ...]
    """For each stage the nodes, counted from the source, whose messages it merges."""
    kinds: tuple[str, ...]
    """For each stage what it does: stamp, thread or collect."""
    buffers: tuple[int, ...]
    """Messages, in front of each stage and of the result."""
    length: int
    """Ticks that the source sends."""


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    stages = draw(st.integers(1, 7))
    feeds = tuple(tuple(sorted(draw(st.sets(st.integers(0, node), min_size=1, max_size=3)))) for node in range(stages))
    kinds = tuple(draw(st.sampled_from(["stamp", "stamp", "thread", "collect"])) for _ in range(stages))
    buffers = tuple(draw(st.integers(0, 3)) for _ in range(stages + 1))
    return Plan(feeds, kinds, buffers, draw(st.integers(0, MAX_LENGTH)))


def build(plan: Plan, failing: tuple[int, int] | None = None) -> Flow[Tick, Tick]:
    """The plan as a graph; whatever is read by no stage goes to the result.

    :param failing: number of the stage that fails, and after how many messages
    """
    graph = Graph("plan")
    handles: list[Stream[Tick]] = [graph.source(Tick)]
    for number, (feeds, kind, buffer) in enumerate(zip(plan.feeds, plan.kinds, plan.buffers, strict=False)):
        merged = merge([handles[feed] for feed in feeds])
        name = f"stage_{number}"
        if failing is not None and failing[0] == number:
            handles.append(merged.then(name, Failing(failing[1]), buffer=buffer))
        elif kind == "collect":
            handles.append(merged.then(name, Collect(), buffer=buffer))
        elif kind == "thread":
            handles.append(merged.then(name, InThread(name), buffer=buffer))
        else:
            handles.append(merged.then(name, Stamp(name), buffer=buffer))
    used = {feed for feeds in plan.feeds for feed in feeds}
    loose = [handle for number, handle in enumerate(handles) if number not in used]
    return graph.flow(handles[0], merge(loose), buffer=plan.buffers[-1])


def merge(handles: list[Stream[Tick]]) -> Stream[Tick]:
    merged, *others = handles
    for other in others:
        merged = merged | other
    return merged


def paths(plan: Plan) -> list[tuple[str, ...]]:
    """The stamps that a tick can carry out of the graph, once for each way that leads there."""
    stamps: list[list[tuple[str, ...]]] = [[()]]
    for number, (feeds, kind) in enumerate(zip(plan.feeds, plan.kinds, strict=True)):
        own = () if kind == "collect" else (f"stage_{number}",)
        stamps.append([(*path, *own) for feed in feeds for path in stamps[feed]])
    used = {feed for feeds in plan.feeds for feed in feeds}
    return [path for number, ways in enumerate(stamps) if number not in used for path in ways]


@settings(max_examples=150, deadline=None)
@given(plan=plans())
async def test_every_path_delivers_every_message_in_order_and_nothing_locks_up(plan: Plan) -> None:
    before = asyncio.all_tasks()
    came: dict[tuple[str, ...], list[int]] = defaultdict(list)
    with anyio.fail_after(20):
        async with build(plan).open(Count(plan.length)) as running:
            async for tick in running.receive:
                came[tick.path].append(tick.number)
    for path in set(paths(plan)):
        ways = paths(plan).count(path)
        assert sorted(came[path]) == sorted(list(range(plan.length)) * ways)
        if ways == 1:
            assert came[path] == list(range(plan.length))
    assert sum(map(len, came.values())) == plan.length * len(paths(plan))
    assert all(joint.highest <= joint.buffer and joint.fill == 0 for joint in running.statistics())
    assert asyncio.all_tasks() == before


@settings(max_examples=150, deadline=None)
@given(plan=plans(), number=st.integers(0, 6), after=st.integers(0, MAX_LENGTH))
async def test_a_failing_stage_gives_exactly_its_name(plan: Plan, number: int, after: int) -> None:
    number %= len(plan.kinds)
    before = asyncio.all_tasks()
    with anyio.fail_after(20), pytest.raises(StageFailed) as caught:  # noqa: PT012
        async with build(plan, failing=(number, after)).open(Count(plan.length)) as running:
            async for _ in running.receive:
                pass
    assert caught.value.stage == f"stage_{number}"
    assert isinstance(caught.value.__cause__, ArithmeticError)
    assert asyncio.all_tasks() == before


@settings(max_examples=150, deadline=None)
@given(plan=plans(), steps=st.integers(0, 60), leave=st.sampled_from(["cancel", "leave", "raise"]))
async def test_giving_up_at_any_moment_leaves_no_task_thread_or_stream(plan: Plan, steps: int, leave: str) -> None:
    before = asyncio.all_tasks()
    with anyio.fail_after(20), anyio.CancelScope() as scope:
        try:
            async with build(plan).open(Count(plan.length)) as running:
                for step in range(steps):
                    await (checkpoint() if step % 3 else poll(running.receive))
                if leave == "cancel":
                    scope.cancel()
                    await checkpoint()
                if leave == "raise":
                    raise LookupError(leave)
        except LookupError:
            assert leave == "raise"
    assert scope.cancelled_caught == (leave == "cancel")
    assert asyncio.all_tasks() == before
    assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
    # A stream that was not closed would warn when it is collected, and warnings are errors here.


async def poll(receive: ObjectReceiveStream[Tick]) -> None:
    """Take a tick if one comes soon."""
    with anyio.move_on_after(0):
        await receive.receive()


def test_no_worker_thread_outlives_the_event_loop() -> None:
    flow = build(Plan(((0,), (0,), (1, 2)), ("thread",) * 3, (1, 1, 1, 1), MAX_LENGTH))
    before = set(threading.enumerate())

    async def give_up(after: int) -> None:
        async with flow.open(Count(MAX_LENGTH)) as running:
            for _ in range(after):
                await running.receive.receive()

    def one(after: int) -> Callable[[], Awaitable[None]]:
        return lambda: give_up(after)

    for after in (0, 1, 5):
        anyio.run(one(after))
        for thread in set(threading.enumerate()) - before:
            thread.join(10)
            assert not thread.is_alive()
