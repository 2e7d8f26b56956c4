"""Progress is the slowest stage's, never goes back, and is 1 exactly at the end."""

from dataclasses import dataclass, field
from itertools import pairwise

import anyio
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from runtime.graph import Flow, Graph, Stage
from runtime.joints import Position
from runtime.progress import NOT_YET, Progress, ProgressReporter, StageProgress, measure
from tests.runtime.parts import Collect, Count, Endless, Gate, Stamp, Tick


def chain(**stages: Stage[Tick, Tick]) -> Flow[Tick, Tick]:
    graph = Graph("chain")
    ticks = stream = graph.source(Tick, "decode")
    for name, stage in stages.items():
        stream = stream.then(name, stage, buffer=2)
    return graph.flow(ticks, stream, buffer=20)


def test_a_call_is_as_far_as_its_slowest_stage() -> None:
    positions = [Position("decode", 60.0, finished=True), Position("segment", 50.0), Position("transcribe", 15.0)]
    progress = measure(positions, total=60.0, elapsed=5.0)
    assert progress.fraction == 0.25
    assert progress.speed == 3.0
    assert progress.remaining == 15.0
    assert progress.stages[1] == StageProgress("segment", 50.0, 60.0, finished=False)


def test_a_finished_stage_has_done_everything_though_the_end_was_silent() -> None:
    positions = [Position("decode", 60.0, finished=True), Position("segment", 48.0, finished=True)]
    progress = measure(positions, total=60.0, elapsed=2.0)
    assert [stage.done for stage in progress.stages] == [60.0, 60.0]
    assert (progress.fraction, progress.speed, progress.remaining) == (1.0, 30.0, 0.0)


def test_it_is_not_the_end_before_every_stage_has_returned() -> None:
    progress = measure([Position("decode", 99.0), Position("diarize", 60.1)], total=60.0, elapsed=2.0)
    assert progress.fraction == NOT_YET
    assert progress.stages[0].done == 60.0


def test_a_live_call_has_a_speed_and_no_end() -> None:
    progress = measure([Position("receive", 8.0), Position("transcribe", 6.0)], total=None, elapsed=6.0)
    assert (progress.fraction, progress.remaining, progress.speed) == (None, None, 1.0)
    assert progress.stages[0] == StageProgress("receive", 8.0, None, finished=False)


@pytest.mark.parametrize("total", [0.0, 60.0])
def test_nothing_is_promised_at_the_start(total: float) -> None:
    progress = measure([Position("decode"), Position("transcribe")], total=total, elapsed=0.0)
    assert (progress.fraction, progress.speed, progress.remaining) == (0.0, 0.0, None)


async def test_a_stage_that_answers_at_the_end_counts_what_it_has_taken_in() -> None:
    with anyio.fail_after(10):
        async with chain(collect=CollectThenWait()).open(Count(5)) as running:
            await anyio.wait_all_tasks_blocked()
            decode, collect = running.positions()
    assert (decode.done, decode.finished) == (5.0, True)
    assert (collect.done, collect.finished) == (5.0, False)


@dataclass(frozen=True)
class CollectThenWait:
    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:  # noqa: ARG002
        async for _ in receive:
            pass
        await anyio.sleep_forever()


async def test_a_stage_that_works_in_batches_counts_what_it_sends() -> None:
    gate = anyio.Event()
    with anyio.fail_after(10):
        async with chain(batch=Batch(4, gate)).open(Count(12)) as running:
            await anyio.wait_all_tasks_blocked()
            assert running.positions()[1].done == 3.0  # the fourth of the first batch is still in its hands
            gate.set()
            for _ in range(4):
                await running.receive.receive()
            await anyio.wait_all_tasks_blocked()
            assert running.positions()[1].done == 4.0  # the second batch is taken in, and nothing of it sent


@dataclass(frozen=True)
class Batch:
    """Sends the first batch when the gate opens, and the second never."""

    size: int
    gate: anyio.Event

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        batch = [await receive.receive() for _ in range(self.size)]
        await self.gate.wait()
        for tick in batch:
            await send.send(tick)
        batch = [await receive.receive() for _ in range(self.size)]
        await anyio.sleep_forever()


async def test_a_message_counts_when_the_stage_asks_for_the_next() -> None:
    gate = Gate()
    with anyio.fail_after(10):
        async with chain(gate=gate).open(Count(1)) as running:
            await gate.came.wait()
            await anyio.wait_all_tasks_blocked()
            assert running.positions()[1].done == 0.0
            gate.opened.set()
            await running.receive.receive()
            assert running.positions()[1].done == 1.0


@dataclass
class Sampled:
    """Keeps the reports and opens the gate after some of them."""

    gate: Gate
    wanted: int
    reports: list[Progress] = field(default_factory=list)

    def __call__(self, progress: Progress) -> None:
        self.reports.append(progress)
        if len(self.reports) == self.wanted:
            self.gate.opened.set()


async def test_the_reporter_samples_until_the_end_and_ends_with_one() -> None:
    gate = Gate()
    sampled = Sampled(gate, wanted=5)
    watch = ProgressReporter(sampled, total=10.0, interval=0.001)
    with anyio.fail_after(10):
        async with chain(a=Stamp("a"), gate=gate, collect=Collect()).open(Count(10), watch=watch) as running:
            assert len([tick async for tick in running.receive]) == 10
    fractions = [report.fraction or 0.0 for report in sampled.reports]
    assert len(fractions) >= 6
    assert all(earlier <= later for earlier, later in pairwise(fractions))
    assert fractions[4] < 0.1
    assert fractions[-1] == 1.0
    assert all(fraction <= NOT_YET for fraction in fractions[:-1])
    assert sampled.reports[-1].remaining == 0.0
    assert all(stage.finished for stage in sampled.reports[-1].stages)


async def test_a_run_that_is_left_early_gets_no_last_report() -> None:
    reports: list[Progress] = []
    with anyio.fail_after(10):
        watch = ProgressReporter(reports.append, total=None, interval=0.001)
        async with chain(a=Stamp("a")).open(Endless(), watch=watch) as running:
            await running.receive.receive()
    count = len(reports)
    await checkpoint()
    assert len(reports) == count
    assert not any(report.stages[0].finished for report in reports)


async def test_a_reporter_that_cannot_report_stops_the_run() -> None:
    def broken(_: Progress) -> None:
        raise BrokenPipeError

    watch = ProgressReporter(broken, total=None)
    with anyio.fail_after(10), pytest.raises(BrokenPipeError):
        async with chain(a=Stamp("a")).open(Endless(), watch=watch):
            await anyio.sleep_forever()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=30))
def test_a_stage_never_goes_back(notes: list[tuple[bool, float]]) -> None:
    position = Position("any")
    done = [0.0]
    for sends, end_time in notes:
        if sends:
            position.sent(Until(end_time))
        else:
            position.consumed(end_time)
        done.append(position.done)
    assert done == sorted(done)


@dataclass(frozen=True)
class Until:
    end_time: float
