"""Whatever fails, wherever: the caller gets one error, and nothing mistakes it for the end of the data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.errors import FILE_NOT_FOUND, NO_AUDIO, CallAnnotateError
from runtime.graph import Graph, StageFailed
from tests.runtime.parts import (
    ClosesBoth,
    Count,
    Endless,
    EndSeen,
    Fail,
    Silent,
    Stamp,
    Threaded,
    Tick,
    chain,
    drain,
    tasks,
)


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


async def test_a_failure_waits_for_the_thread_of_another_stage() -> None:
    stage = Threaded()
    graph = Graph("g")
    ticks = graph.source(Tick)
    both = ticks.then("a", stage, buffer=1) | ticks.then("b", Fail(partial(ValueError, "x"), at=1), buffer=1)
    with pytest.raises(StageFailed, match="stage b failed"):
        await drain(graph.flow(ticks, both, buffer=1), Endless())
    assert anyio.to_thread.current_default_thread_limiter().borrowed_tokens == 0
