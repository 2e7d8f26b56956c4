"""What a graph promises while it runs: order, back-pressure, flushing, one error, nothing left behind."""

import asyncio
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint

from contracts.errors import FILE_NOT_FOUND, NO_AUDIO, CallAnnotateError
from runtime.graph import Flow, Graph, Running, Source, Stage, StageFailed, Watcher
from tests.runtime.parts import Collect, Count, Endless, Fail, Gate, Silent, Stamp, Tick, Tock, ToTock


def chain(*stages: tuple[str, Stage[Tick, Tick]], buffer: int = 1) -> Flow[Tick, Tick]:
    """A graph of stages in a row."""
    graph = Graph("chain")
    ticks = stream = graph.source(Tick)
    for name, stage in stages:
        stream = stream.then(name, stage, buffer=buffer)
    return graph.flow(ticks, stream, buffer=buffer)


async def drain(flow: Flow[Tick, Tick], source: Source[Tick], watch: Watcher | None = None) -> list[Tick]:
    """Everything that comes out."""
    with anyio.fail_after(10):
        async with flow.open(source, watch=watch) as running:
            return [tick async for tick in running.receive]


def tasks() -> int:
    return len(asyncio.all_tasks())


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


@dataclass(frozen=True)
class ClosesBoth:
    """Uses anyio's habit of closing both streams, and fails inside it if told so; then it has something to clear up."""

    fail_at: int | None = None

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        try:
            async with receive, send:
                async for tick in receive:
                    if tick.number == self.fail_at:
                        raise ValueError("odd tick")
                    await send.send(tick)
        finally:
            for _ in range(5):
                await checkpoint()


async def test_using_a_stream_after_closing_it_is_the_stage_s_failure() -> None:
    for stage in (SendsAfterClosing(), ReceivesAfterClosing()):
        with pytest.raises(StageFailed, match="stage a failed: ClosedResourceError") as caught:
            await drain(chain(("a", stage)), Count(5))
        assert caught.value.stage == "a"


@dataclass(frozen=True)
class SendsAfterClosing:
    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        await send.aclose()
        await send.send(await receive.receive())


@dataclass(frozen=True)
class ReceivesAfterClosing:
    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        await receive.aclose()
        await send.send(await receive.receive())


async def test_a_stage_that_raises_reaches_the_caller_as_one_error_with_its_name() -> None:
    flow = chain(("a", Stamp("a")), ("bad", Fail(partial(ZeroDivisionError, "by\nnothing"), at=3)), ("c", Stamp("c")))
    with pytest.raises(StageFailed) as caught:
        await drain(flow, Endless())
    assert caught.value.stage == "bad"
    assert caught.value.fault.code == "STAGE_FAILED"
    assert caught.value.message == "stage bad failed: ZeroDivisionError: by nothing"
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert cause.__traceback__ is not None


async def test_a_user_s_error_passes_through_unchanged() -> None:
    error = CallAnnotateError(NO_AUDIO, path="call.wav")
    with pytest.raises(CallAnnotateError) as caught:
        await drain(chain(("a", Fail(lambda: error))), Endless())
    assert caught.value is error


async def test_a_stage_that_fails_inside_its_streams_blocks_hides_nothing_and_flushes_nothing() -> None:
    end = EndSeen()
    with pytest.raises(StageFailed, match="stage a failed: ValueError: odd tick"):
        await drain(chain(("before", Stamp("before")), ("a", ClosesBoth(fail_at=2)), ("after", end)), Endless())
    assert not end.seen


@dataclass
class EndSeen:
    """Notes whether its input came to an end."""

    seen: bool = False

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            await send.send(tick)
        self.seen = True


@pytest.mark.parametrize("first", ["a", "b"])
async def test_of_two_failures_the_first_counts(first: str) -> None:
    gates = {"a": anyio.Event(), "b": anyio.Event()}
    graph = Graph("two")
    ticks = graph.source(Tick)
    a, b = (ticks.then(name, FailsOnCommand(name, gate), buffer=1) for name, gate in gates.items())
    with pytest.raises(StageFailed) as caught, anyio.fail_after(10):  # noqa: PT012
        async with graph.flow(ticks, a | b, buffer=1).open(Silent()):
            await anyio.wait_all_tasks_blocked()
            gates[first].set()
            await anyio.sleep_forever()
    assert caught.value.stage == first


@dataclass(frozen=True)
class FailsOnCommand:
    """Fails when told to, and when cancelled."""

    name: str
    command: anyio.Event

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:  # noqa: ARG002
        try:
            await self.command.wait()
        finally:
            raise RuntimeError(self.name)


@pytest.mark.parametrize("error", [OSError("cable"), CallAnnotateError(FILE_NOT_FOUND, path="call.wav")])
async def test_a_failing_source_is_named_like_a_stage(error: Exception) -> None:
    graph = Graph("g")
    ticks = graph.source(Tick, "decode")
    flow = graph.flow(ticks, ticks.then("a", Stamp("a"), buffer=1), buffer=1)
    with pytest.raises(CallAnnotateError) as caught:
        await drain(flow, FailingSource(error))
    if isinstance(error, CallAnnotateError):
        assert caught.value is error
    else:
        assert isinstance(caught.value, StageFailed)
        assert caught.value.stage == "decode"
        assert caught.value.__cause__ is error


@dataclass(frozen=True)
class FailingSource:
    error: Exception

    async def run(self, send: ObjectSendStream[Tick]) -> None:
        await send.send(Tick(0))
        raise self.error


async def test_a_stage_that_returns_before_its_input_ends_has_failed() -> None:
    with pytest.raises(StageFailed, match="stage hasty failed: EndedEarlyError") as caught:
        await drain(chain(("a", Stamp("a")), ("hasty", TakesOne())), Count(5))
    assert caught.value.stage == "hasty"


@dataclass(frozen=True)
class TakesOne:
    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        await send.send(await receive.receive())


async def test_a_group_of_exceptions_inside_a_stage_comes_out_as_one_error() -> None:
    error = CallAnnotateError(NO_AUDIO, path="call.wav")
    with pytest.raises(CallAnnotateError) as caught:
        await drain(chain(("a", GroupOf((anyio.BrokenResourceError(), ValueError("x"), error)))), Count(5))
    assert caught.value is error
    with pytest.raises(StageFailed, match="stage a failed: ValueError: x") as failed:
        await drain(chain(("a", GroupOf((anyio.BrokenResourceError(), ValueError("x"))))), Count(5))
    assert isinstance(failed.value.__cause__, ExceptionGroup)


@dataclass(frozen=True)
class GroupOf:
    """Fails in tasks of its own, with all the errors at once."""

    errors: tuple[Exception, ...]

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:  # noqa: ARG002
        async def fail(error: Exception) -> None:
            raise error

        async with anyio.create_task_group() as group:
            for error in self.errors:
                group.start_soon(fail, error)


@pytest.mark.parametrize("make", [lambda: ValueError("mine"), KeyboardInterrupt, SystemExit, StopAsyncIteration])
async def test_what_the_body_raises_passes_through_unchanged(make: Callable[[], BaseException]) -> None:
    error = make()
    before = tasks()
    with anyio.fail_after(10), pytest.raises(type(error)) as caught:  # noqa: PT012
        async with chain(("a", Stamp("a"))).open(Endless()) as running:
            await running.receive.receive()
            raise error
    assert caught.value is error
    assert tasks() == before


async def test_a_body_that_stumbles_over_a_stage_s_failure_does_not_hide_it() -> None:
    with anyio.fail_after(10), pytest.raises(StageFailed, match="a failed: ValueError: first"):  # noqa: PT012
        async with chain(("a", Fail(partial(ValueError, "first")))).open(Count(1)) as running:
            try:
                await running.receive.receive()
            finally:
                raise RuntimeError("second")


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


@dataclass(frozen=True)
class Threaded:
    """Works in a thread until it is told to stop or cancelled."""

    inside: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        self.inside.set()
        while not self.stop.wait(0.001):
            anyio.from_thread.check_cancelled()

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            await anyio.to_thread.run_sync(self.work)
            await send.send(tick)


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


async def test_a_failure_waits_for_the_thread_of_another_stage() -> None:
    stage = Threaded()
    graph = Graph("g")
    ticks = graph.source(Tick)
    both = ticks.then("a", stage, buffer=1) | ticks.then("b", Fail(partial(ValueError, "x"), at=1), buffer=1)
    with pytest.raises(StageFailed, match="stage b failed"):
        await drain(graph.flow(ticks, both, buffer=1), Endless())
    assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0


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
