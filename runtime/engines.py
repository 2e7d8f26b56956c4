"""The engines of the server: loaded in a thread, at most two at a time, shared by all jobs that ask for the same."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from anyio import CapacityLimiter, Event, Lock, to_thread

from contracts.options import AnnotateOptions
from runtime.engine import Engine, load_engine
from runtime.speed import trial

LOADED: Final = 2
"""Engines in memory at most; a further one waits until one of them is not in use, and takes its place."""

Load = Callable[[AnnotateOptions, int | None], Engine]
Trial = Callable[[Engine], tuple[float, float]]


@dataclass(eq=False)
class _Loaded:
    engine: Engine
    users: int = 0


class Engines:
    """Loads the engine that a job asks for, or gives the one that is there."""

    def __init__(self, threads: int | None = None, load: Load = load_engine, try_out: Trial = trial) -> None:
        self._threads: Final = threads
        self._load: Final = load
        self.try_out: Final = try_out
        """Measures an engine; blocks."""
        self._limiter: Final = CapacityLimiter(1)
        self._turn: Final = Lock()
        """Held by who makes room and loads: two loads at once would need the memory of both."""
        self._freed = Event()
        self._loaded: Final[OrderedDict[tuple[str, str], _Loaded]] = OrderedDict()
        """The one that was not asked for for the longest time first."""

    def loaded(self, model: str, engine: str) -> Engine | None:
        """The engine if it is in memory."""
        found = self._loaded.get((model, engine))
        return found.engine if found is not None else None

    @asynccontextmanager
    async def use(self, options: AnnotateOptions) -> AsyncIterator[Engine]:
        """The engine for these options, which stays in memory until the body is left; raises as `load_engine`."""
        name = (options.model, options.engine)
        if name not in self._loaded:
            async with self._turn:
                if name not in self._loaded:
                    await self._make_room()
                    own = AnnotateOptions(model=options.model, engine=options.engine)
                    engine = await to_thread.run_sync(self._load, own, self._threads, limiter=self._limiter)
                    self._loaded[name] = _Loaded(engine)
        chosen = self._loaded[name]
        self._loaded.move_to_end(name)
        chosen.users += 1
        try:
            yield chosen.engine
        finally:
            chosen.users -= 1
            self._freed.set()

    async def _make_room(self) -> None:
        """Let go of the engine that was not asked for for the longest time, where there are too many for one more."""
        while len(self._loaded) >= LOADED:
            unused = [name for name, engine in self._loaded.items() if engine.users == 0]
            if unused:
                del self._loaded[unused[0]]
            else:
                self._freed = Event()
                await self._freed.wait()
