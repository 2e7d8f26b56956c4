"""Small sources and stages that the tests of the graph are built from."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint
from msgspec import Struct

from runtime.graph import Flow, Graph, Source, Stage, Watcher


class Tick(Struct, frozen=True):
    """One second of nothing."""

    number: int
    path: tuple[str, ...] = ()
    """Names of the stages that it went through."""

    @property
    def end_time(self) -> float:
        """Seconds."""
        return self.number + 1.0


class Tock(Struct, frozen=True):
    """Another kind of message."""

    number: int
    end_time: float = 0.0


@dataclass(frozen=True)
class Count:
    """A source of `length` ticks."""

    length: int

    async def run(self, send: ObjectSendStream[Tick]) -> None:
        for number in range(self.length):
            await send.send(Tick(number))


@dataclass(frozen=True)
class Endless:
    """A source that never ends."""

    async def run(self, send: ObjectSendStream[Tick]) -> None:
        number = 0
        while True:
            await send.send(Tick(number))
            number += 1


@dataclass(frozen=True)
class Silent:
    """A source that neither sends nor ends."""

    async def run(self, send: ObjectSendStream[Tick]) -> None:  # noqa: ARG002
        await anyio.sleep_forever()


@dataclass(frozen=True)
class Stamp:
    """Sends each tick on with its own name on it."""

    name: str

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            await send.send(Tick(tick.number, (*tick.path, self.name)))


@dataclass(frozen=True)
class Collect:
    """Sends nothing before its input ends, and then everything that it got, in one go."""

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        for tick in [tick async for tick in receive]:
            await send.send(tick)


@dataclass(frozen=True)
class ToTock:
    """Turns ticks into tocks."""

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tock]) -> None:
        async for tick in receive:
            await send.send(Tock(tick.number, tick.end_time))


@dataclass(frozen=True)
class Fail:
    """Raises when the given tick comes, or at the end of its input if it never does."""

    make: Callable[[], BaseException]
    at: int = 0

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            if tick.number == self.at:
                break
            await send.send(tick)
        raise self.make()


@dataclass(frozen=True)
class Gate:
    """Lets a tick through whenever the test opens it, and tells when one has come."""

    came: anyio.Event = field(default_factory=anyio.Event)
    opened: anyio.Event = field(default_factory=anyio.Event)

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            self.came.set()
            await self.opened.wait()
            await send.send(tick)


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


@dataclass
class EndSeen:
    """Notes whether its input came to an end."""

    seen: bool = False

    async def run(self, receive: ObjectReceiveStream[Tick], send: ObjectSendStream[Tick]) -> None:
        async for tick in receive:
            await send.send(tick)
        self.seen = True


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
    """How many there are in the event loop."""
    return len(asyncio.all_tasks())
