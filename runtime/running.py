"""One run of a graph: its channels are opened, every stage is a task, and the first failure is the one that counts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, Never, Protocol, TypeVar, cast

from anyio import (
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    Event,
    create_task_group,
    get_cancelled_exc_class,
)
from anyio.abc import ObjectReceiveStream

from contracts.errors import STAGE_FAILED, CallAnnotateError
from runtime.joints import Inlet, Joint, JointStatistics, Outlet, Position
from runtime.stage import Node, Source

Out = TypeVar("Out")
Out_co = TypeVar("Out_co", covariant=True)


class StageFailed(CallAnnotateError):  # noqa: N818 - the name of its entry in the catalogue
    """A stage raised something that is no error of the catalogue; `__cause__` is what it raised."""

    def __init__(self, stage: str, cause: BaseException) -> None:
        super().__init__(STAGE_FAILED, stage=stage, cause=_one_line(cause))
        self.stage = stage


class EndedEarlyError(Exception):
    """A stage returned although its input had not ended."""


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class Watcher(Protocol):
    """A task that looks on while the graph runs, such as one that reports progress."""

    async def run(self, running: "Running[object]") -> None:
        """Return once `running.finished` is set; raising stops the graph and reaches the caller unchanged."""


@dataclass(frozen=True, eq=False)
class Running(Generic[Out_co]):
    """A graph at work."""

    receive: ObjectReceiveStream[Out_co]
    """The result's messages; it ends when every stage is done."""
    finished: Event
    """Set when the source and every stage have returned."""
    _joints: Sequence[Joint[object]]
    _positions: Sequence[Position]

    def statistics(self) -> tuple[JointStatistics, ...]:
        """Of every joint, in the order of declaration; the last one leads to the caller."""
        return tuple(joint.statistics() for joint in self._joints)

    def positions(self) -> tuple[Position, ...]:
        """How far the source and each stage have come, in the order of declaration."""
        return tuple(self._positions)


@dataclass(eq=False)
class _Run:
    """What the tasks of one run share."""

    scope: CancelScope
    finished: Event = field(default_factory=Event)
    failure: BaseException | None = None
    """The first one; whatever follows from it is dropped."""
    left: int = 0
    """Tasks that still work, the source's among them."""

    def fail(self, failure: BaseException) -> None:
        """Note a failure and stop every task, before any stream is closed: no neighbour mistakes it for the end."""
        if self.failure is None:
            self.failure = failure
        self.scope.cancel()

    async def feed(self, source: Source[object], outlet: Outlet[object]) -> None:
        """The source's task."""
        try:
            await source.run(outlet)
        except Exception as error:
            self.fail(_named(outlet.position.stage, error))
        else:
            self._done(outlet)

    async def work(self, node: Node, inlet: Inlet[object], outlet: Outlet[object]) -> None:
        """The task of one stage."""
        assert node.stage is not None
        try:
            # Which message type comes in was checked at the joint, by mypy; a node has forgotten it.
            await node.stage.run(cast(ObjectReceiveStream[Never], inlet), outlet)
            if not inlet.ended:
                raise EndedEarlyError("it returned before its input had ended")
        except Exception as error:
            self.fail(_named(node.name, error))
        else:
            self._done(outlet)

    def _done(self, outlet: Outlet[Never]) -> None:
        outlet.position.finished = True
        outlet.finish()
        self.left -= 1
        if self.left == 0:
            self.finished.set()

    async def watch(self, watcher: Watcher, running: Running[object]) -> None:
        """The watcher's task."""
        try:
            await watcher.run(running)
        except Exception as error:
            self.fail(error)


def _named(stage: str, error: Exception) -> CallAnnotateError:
    """The one error that the caller gets for what a stage raised."""
    first = _first(error)
    if isinstance(first, CallAnnotateError):
        return first
    failed = StageFailed(stage, first)
    failed.__cause__ = error
    return failed


def _first(error: BaseException) -> BaseException:
    """The error that matters: of a group (a stage may run tasks of its own) a user's error, or else the first cause.

    Streams that break are the consequence of another failure wherever there is one.
    """
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [_first(inner) for inner in error.exceptions]
    consequences = (BrokenResourceError, ClosedResourceError)
    return min(leaves, key=lambda leaf: (not isinstance(leaf, CallAnnotateError), isinstance(leaf, consequences)))


@asynccontextmanager
async def open_run(nodes: Sequence[Node], source: Source[object], watch: Watcher | None) -> AsyncIterator[Running[Out]]:
    """Run the nodes (the source's first, the result's last) until the body is left; see `Flow.open`."""
    joints = {node: Joint[object](node.joint, node.buffer, len(node.producers)) for node in nodes[1:]}
    positions = [Position(node.name) for node in nodes[:-1]]
    outlets = [
        Outlet(tuple(joint for reader, joint in joints.items() if node in reader.producers), position)
        for node, position in zip(nodes[:-1], positions, strict=True)
    ]
    inlets = [Inlet(joints[node], position) for node, position in zip(nodes[1:-1], positions[1:], strict=True)]
    result = cast(Inlet[Out], Inlet(joints[nodes[-1]], None))
    try:
        async with create_task_group() as tasks:
            run = _Run(tasks.cancel_scope, left=len(outlets))
            running = Running(result, run.finished, tuple(joints.values()), positions)
            tasks.start_soon(run.feed, source, outlets[0], name=nodes[0].name)
            for node, inlet, outlet in zip(nodes[1:-1], inlets, outlets[1:], strict=True):
                tasks.start_soon(run.work, node, inlet, outlet, name=node.name)
            if watch is not None:
                tasks.start_soon(run.watch, watch, running, name="watch")
            try:
                yield running
            except get_cancelled_exc_class():
                raise
            except BaseException as error:  # raised again below, outside the group
                run.fail(error)
            if not run.finished.is_set():
                run.scope.cancel()
    finally:
        for joint in joints.values():
            joint.close()
    if run.failure is not None:
        raise run.failure
