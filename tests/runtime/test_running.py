"""What a graph promises while it runs: order, back-pressure, flushing, statistics, and a watcher that looks on."""

from dataclasses import dataclass, field

import anyio
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint

from runtime.graph import Flow, Graph, Running
from tests.runtime.parts import ClosesBoth, Collect, Count, Endless, Gate, Stamp, Tick, Tock, ToTock, chain, drain


async def test_every_message_comes_out_in_order() -> None:
    ticks = await drain(chain(("a", Stamp("a")), ("b", Stamp("b"))), Count(50))
    assert ticks == [Tick(number, ("a", "b")) for number in range(50)]


async def test_the_end_of_the_source_flushes_every_stage() -> None:
    ticks = await drain(chain(("a", Collect()), ("b", Collect()), ("c", Stamp("c"))), Count(9))
    assert [tick.number for tick in ticks] == list(range(9))


async def test_an_empty_source_ends_the_result() -> None:
    assert await drain(chain(("a", Stamp("a"))), Count(0)) == []


async def test_a_graph_without_stages_hands_the_source_to_the_caller() -> None:
    assert await drain(chain(), Count(3)) == [Tick(0), Tick(1), Tick(2)]


async def test_a_live_caller_sends_and_reads_by_turns_and_ends_the_input_by_closing() -> None:
    send, receive = anyio.create_memory_object_stream[Tick](0)
    with anyio.fail_after(10):
        async with chain(("a", Stamp("a"))).open(Relay(receive)) as running:
            for number in range(3):
                await send.send(Tick(number))
                assert await running.receive.receive() == Tick(number, ("a",))
            send.close()
            assert [tick async for tick in running.receive] == []


@dataclass(frozen=True)
class Relay:
    """A source that passes on what comes through a stream."""

    receive: ObjectReceiveStream[Tick]

    async def run(self, send: ObjectSendStream[Tick]) -> None:
        async with self.receive:
            async for tick in self.receive:
                await send.send(tick)


async def test_a_flow_opens_again_and_many_times_at_once() -> None:
    flow = chain(("a", Stamp("a")))
    async with anyio.create_task_group() as group:
        for length in (5, 10, 15):
            group.start_soon(drain, flow, Count(length))
    assert len(await drain(flow, Count(4))) == 4


async def test_a_handle_used_twice_sends_the_same_object_to_each() -> None:
    graph = Graph("broadcast")
    ticks = graph.source(Tick)
    kept = {name: Keep() for name in ("left", "right")}
    left, right = (ticks.then(name, stage, buffer=1) for name, stage in kept.items())
    await drain(graph.flow(ticks, left | right, buffer=1), Count(5))
    assert [tick.number for tick in kept["left"].seen] == list(range(5))
    assert all(one is other for one, other in zip(kept["left"].seen, kept["right"].seen, strict=True))


@dataclass(frozen=True)
class Keep:
    """Keeps what it has seen and sends nothing."""

    seen: list[Tick] = field(default_factory=list)

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:  # noqa: ARG002
        async for tick in receive:
            self.seen.append(tick)


async def test_a_merge_carries_both_kinds_each_in_its_order() -> None:
    graph = Graph("merge")
    ticks = graph.source(Tick)
    tocks = ticks.then("tock", ToTock(), buffer=2)
    flow: Flow[Tick, Tick | Tock] = graph.flow(ticks, ticks | tocks, buffer=2)
    with anyio.fail_after(10):
        async with flow.open(Count(20)) as running:
            messages = [message async for message in running.receive]
    for kind in (Tick, Tock):
        assert [message.number for message in messages if isinstance(message, kind)] == list(range(20))


async def test_the_slowest_branch_holds_the_source_back() -> None:
    gate = Gate()
    graph = Graph("pressure")
    ticks = graph.source(Tick)
    slow = ticks.then("slow", gate, buffer=2)
    fast = Keep()
    flow = graph.flow(ticks, slow | ticks.then("fast", fast, buffer=100), buffer=1)
    with anyio.fail_after(10):
        async with flow.open(Count(50)) as running:
            await anyio.wait_all_tasks_blocked()
            # One in the slow stage's hands, two in its buffer, and one that the source cannot get rid of.
            assert [tick.number for tick in fast.seen] == [0, 1, 2, 3]
            gate.opened.set()
            assert len([tick async for tick in running.receive]) == 50
    assert len(fast.seen) == 50


async def test_a_stage_may_close_its_streams_itself() -> None:
    ticks = await drain(chain(("a", ClosesBoth()), ("b", Collect())), Count(5))
    assert [tick.number for tick in ticks] == [0, 1, 2, 3, 4]


async def test_statistics_tell_what_went_through_each_joint() -> None:
    gate = Gate()
    with anyio.fail_after(10):
        async with chain(("a", Stamp("a")), ("gate", gate), buffer=3).open(Count(10)) as running:
            await anyio.wait_all_tasks_blocked()
            first, second, last = running.statistics()
            assert (first.name, second.name, last.name) == ("source -> a", "a -> gate", "gate -> result")
            assert (second.buffer, second.fill, second.highest, second.sent) == (3, 3, 3, 4)
            assert (last.fill, last.highest, last.sent, last.full_seconds) == (0, 0, 0, 0)
            gate.opened.set()
            assert len([tick async for tick in running.receive]) == 10
    first, second, last = running.statistics()
    assert [joint.sent for joint in (first, second, last)] == [10, 10, 10]
    assert [joint.fill for joint in (first, second, last)] == [0, 0, 0]
    assert second.full_seconds > 0
    assert last.empty_seconds > 0


@dataclass
class Onlooker:
    """Waits for the end, or fails."""

    error: Exception | None = None
    sent: int = 0

    async def run(self, running: Running[object]) -> None:
        if self.error is not None:
            raise self.error
        await running.finished.wait()
        await checkpoint()
        self.sent = running.statistics()[-1].sent


async def test_a_watcher_sees_the_end() -> None:
    watcher = Onlooker()
    await drain(chain(("a", Stamp("a"))), Count(5), watcher)
    assert watcher.sent == 5


async def test_what_a_watcher_raises_passes_through_unchanged() -> None:
    error = BrokenPipeError()
    with pytest.raises(BrokenPipeError) as caught:
        await drain(chain(("a", Stamp("a"))), Endless(), Onlooker(error))
    assert caught.value is error


async def test_a_watcher_is_cancelled_when_the_body_leaves_early() -> None:
    watcher = Onlooker()
    with anyio.fail_after(10):
        async with chain(("a", Stamp("a"))).open(Endless(), watch=watcher) as running:
            await running.receive.receive()
    assert watcher.sent == 0
