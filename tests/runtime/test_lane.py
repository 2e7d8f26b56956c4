"""The live lane: one call at a time, the most urgent next."""

import threading
from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.from_thread
import pytest
from anyio import CancelScope, CapacityLimiter, Event, create_task_group, fail_after, get_cancelled_exc_class

from runtime.engine import Engine, outline
from runtime.lane import Lane, Priority

pytestmark = pytest.mark.anyio


@pytest.fixture
def idle() -> Engine:
    return replace(outline("onnx"), limiter=CapacityLimiter(2))


class Held:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.began = Event()
        self._go = threading.Event()

    def work(self) -> None:
        anyio.from_thread.run_sync(self.began.set)
        assert self._go.wait(10)

    def let_go(self) -> None:
        self._go.set()


async def test_the_most_urgent_work_comes_next_and_the_oldest_of_a_kind_first(idle: Engine) -> None:
    lane, held, order = Lane(idle), Held(), list[str]()

    def note(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    with fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            kinds = (Priority.PARTIAL, Priority.FINAL, Priority.DRAFT, Priority.FINAL)
            for number, kind in enumerate(kinds):
                tasks.start_soon(lane.run, kind, note(f"{kind.name} {number}"))
                await anyio.wait_all_tasks_blocked()
            held.let_go()
    assert order == ["FINAL 1", "FINAL 3", "DRAFT 2", "PARTIAL 0"]


async def test_work_that_is_cancelled_before_its_turn_is_never_done(idle: Engine) -> None:
    lane, held, done = Lane(idle), Held(), list[str]()
    with fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.FINAL, held.work)
            await held.began.wait()
            with CancelScope() as scope:
                tasks.start_soon(lane.run, Priority.ACTIVITY, lambda: done.append("kept"))
                scope.cancel()
                await lane.run(Priority.FINAL, lambda: done.append("cancelled"))
            held.let_go()
    assert done == ["kept"]
    assert await lane.run(Priority.FINAL, lambda: 7) == 7


async def test_who_is_cancelled_as_its_turn_comes_gives_it_on(idle: Engine) -> None:
    lane, held, done = Lane(idle), Held(), list[str]()
    with fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.FINAL, held.work)
            await held.began.wait()
            scope = CancelScope()

            async def doomed() -> None:
                with scope:
                    try:
                        await lane.run(Priority.FINAL, lambda: done.append("doomed"))
                    except get_cancelled_exc_class():
                        done.append("cancelled")
                        raise

            tasks.start_soon(doomed)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(lane.run, Priority.PARTIAL, lambda: done.append("next"))
            await anyio.wait_all_tasks_blocked()
            held.let_go()
            scope.cancel()
    assert done == ["cancelled", "next"]


async def test_work_that_fails_gives_its_turn_on(idle: Engine) -> None:
    lane = Lane(idle)

    def fail() -> None:
        raise ValueError("broken")

    with fail_after(10):
        with pytest.raises(ValueError, match="broken"):
            await lane.run(Priority.FINAL, fail)
        assert await lane.run(Priority.PARTIAL, lambda: 7) == 7


async def test_an_open_session_takes_one_token_from_the_files_and_the_last_one_gives_it_back(idle: Engine) -> None:
    lane = Lane(idle)
    with lane.session():
        with lane.session():
            assert (lane.sessions, idle.limiter.total_tokens) == (2, 1)
        assert (lane.sessions, idle.limiter.total_tokens) == (1, 1)
    assert (lane.sessions, idle.limiter.total_tokens) == (0, 2)


async def test_files_keep_the_only_token_of_one_core() -> None:
    engine = replace(outline("onnx"), limiter=CapacityLimiter(1))
    with Lane(engine).session():
        assert engine.limiter.total_tokens == 1


async def test_the_wait_of_finals_and_the_load_are_forgotten(idle: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("runtime.lane.perf_counter", lambda: now)
    lane = Lane(idle)

    def last(seconds: float) -> None:
        nonlocal now
        now += seconds

    with fail_after(10):
        for _ in range(20):
            await lane.run(Priority.FINAL, lambda: last(1.0))
        assert lane.load > 0.8
        held = Held()
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            tasks.start_soon(lane.run, Priority.FINAL, lambda: None)
            await anyio.wait_all_tasks_blocked()
            last(40.0)
            held.let_go()
    assert lane.wait > 10
    last(120.0)
    assert lane.wait < 0.01
    assert lane.load < 0.01


async def test_a_look_at_voice_activity_does_not_wait_for_other_work(idle: Engine) -> None:
    lane, held = Lane(idle), Held()
    with fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            assert await lane.run(Priority.ACTIVITY, lambda: "seen") == "seen"
            held.let_go()


async def test_a_voiceprint_does_not_wait_for_the_text_of_others(idle: Engine) -> None:
    lane, held = Lane(idle), Held()
    with fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.DRAFT, held.work)
            await held.began.wait()
            assert await lane.run(Priority.VOICEPRINT, lambda: "whose") == "whose"
            held.let_go()


async def test_a_final_that_would_wait_takes_the_token_of_the_files_and_gives_it_back(idle: Engine) -> None:
    lane, held, spare = Lane(idle), Held(), Held()
    with lane.session(), fail_after(10):
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            tasks.start_soon(lane.run, Priority.DRAFT, spare.work)
            await spare.began.wait()
            assert idle.limiter.available_tokens == 0
            tasks.start_soon(lane.run, Priority.FINAL, lambda: None)
            await anyio.wait_all_tasks_blocked()
            assert lane.wait == 0
            spare.let_go()
            held.let_go()
    assert idle.limiter.borrowed_tokens == 0


async def test_a_final_waits_for_its_turn_while_the_files_use_their_token(idle: Engine) -> None:
    lane, held, order = Lane(idle), Held(), list[str]()
    with lane.session(), fail_after(10):
        async with create_task_group() as tasks, idle.limiter:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            tasks.start_soon(lane.run, Priority.FINAL, lambda: order.append("final"))
            await anyio.wait_all_tasks_blocked()
            assert order == []
            held.let_go()
    assert order == ["final"]


async def test_a_call_that_is_the_only_one_gets_all_the_threads(idle: Engine) -> None:
    lane, held = Lane(idle), Held()

    def narrow() -> str:
        return "one"

    def alone() -> str:
        return f"all, {idle.limiter.borrowed_tokens} borrowed"

    with lane.session(), fail_after(10):
        assert await lane.run(Priority.PARTIAL, narrow, alone) == "all, 1 borrowed"
        assert idle.limiter.borrowed_tokens == 0
        async with idle.limiter:
            assert await lane.run(Priority.FINAL, narrow, alone) == "one"
        with lane.session():
            assert await lane.run(Priority.FINAL, narrow, alone) == "one"
        async with create_task_group() as tasks:
            tasks.start_soon(lane.run, Priority.PARTIAL, held.work)
            await held.began.wait()
            assert await lane.run(Priority.FINAL, narrow, alone) == "one"
            held.let_go()


async def test_all_the_threads_are_given_back_after_a_failure(idle: Engine) -> None:
    lane = Lane(idle)

    def fail() -> None:
        raise ValueError("broken")

    with lane.session(), fail_after(10):
        with pytest.raises(ValueError, match="broken"):
            await lane.run(Priority.FINAL, lambda: None, fail)
        assert idle.limiter.borrowed_tokens == 0
        assert await lane.run(Priority.FINAL, lambda: 7) == 7
