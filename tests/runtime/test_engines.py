"""Engines are loaded once, in a thread, two at most."""

import threading

import anyio
import pytest

from contracts.errors import UNKNOWN_MODEL, CallAnnotateError
from contracts.options import AnnotateOptions
from runtime.engine import Engine, load_engine, outline
from runtime.engines import Engines


class Loader:
    """Loads engines that cannot do anything."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self.threads: list[threading.Thread] = []

    def __call__(self, options: AnnotateOptions, threads: int | None) -> Engine:
        assert threads == 3
        if options.model == "missing":
            raise CallAnnotateError(UNKNOWN_MODEL, kind="transcription", name="missing", allowed="others")
        self.loaded.append(options.model)
        self.threads.append(threading.current_thread())
        return outline("onnx")


def asking(model: str) -> AnnotateOptions:
    return AnnotateOptions(model=model)


async def test_jobs_that_ask_for_the_same_share_one_engine_that_is_loaded_in_a_thread() -> None:
    load = Loader()
    engines = Engines(3, load)
    found: list[Engine] = []

    async def one() -> None:
        async with engines.use(asking("a")) as engine:
            found.append(engine)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(one)
    assert len({id(engine) for engine in found}) == 1
    assert load.loaded == ["a"]
    assert load.threads[0] is not threading.main_thread()
    assert engines.loaded("a", "onnx") is found[0]
    assert engines.loaded("b", "onnx") is None


async def test_the_engine_that_was_not_asked_for_for_the_longest_time_makes_room() -> None:
    load = Loader()
    engines = Engines(3, load)
    for model in ("a", "b", "a", "c", "a", "b"):
        async with engines.use(asking(model)):
            pass
    assert load.loaded == ["a", "b", "c", "b"]


async def test_an_engine_in_use_is_not_taken_away_and_a_third_one_waits() -> None:
    load = Loader()
    engines = Engines(3, load)
    got = anyio.Event()

    async def third() -> None:
        async with engines.use(asking("c")):
            got.set()

    with anyio.fail_after(10):
        async with engines.use(asking("a")), anyio.create_task_group() as tasks:
            async with engines.use(asking("b")):
                tasks.start_soon(third)
                await anyio.wait_all_tasks_blocked()
                assert not got.is_set()
            await got.wait()
    assert load.loaded == ["a", "b", "c"]
    assert engines.loaded("a", "onnx") is not None
    assert engines.loaded("b", "onnx") is None


async def test_a_model_that_cannot_be_loaded_is_an_error_for_its_job_alone() -> None:
    load = Loader()
    engines = Engines(3, load)
    for _ in range(2):
        with pytest.raises(CallAnnotateError, match="missing"):
            async with engines.use(asking("missing")):
                pytest.fail("it was loaded")
    async with engines.use(asking("a")):
        pass
    assert load.loaded == ["a"]


def test_a_call_alone_has_a_model_with_all_threads_that_is_loaded_once_and_only_where_they_are_more() -> None:
    engine = load_engine(AnnotateOptions(), 2)
    found = engine.alone()
    assert found is not None
    assert found is not engine.whisper
    assert found is engine.alone()
    assert load_engine(AnnotateOptions(), 1).alone() is None
