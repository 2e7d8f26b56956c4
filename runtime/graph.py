"""The streaming graph: stages joined by bounded channels, declared as data and opened only to run.

    graph = Graph("loudness")
    audio = graph.source(AudioChunk)
    levels = audio.then("measure", Measure(), buffer=8)
    flow = graph.flow(audio, levels, buffer=8)

    async with flow.open(decoder) as running:
        async for level in running.receive:
            ...

Using a handle twice broadcasts, `|` merges, and mypy refuses a wrong joint. What a graph promises while it runs is told
in `docs/decisions/0001-graph.md`.
"""

import re
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from runtime.joints import JointStatistics, Timed
from runtime.running import Running, StageFailed, Watcher, open_run
from runtime.stage import Node, Source, Stage

__all__ = [
    "Flow", "Graph", "GraphError", "JointStatistics", "Running", "Source", "Stage", "StageFailed", "Stream", "Timed",
    "Watcher",
]  # fmt: skip

In = TypeVar("In")
Out = TypeVar("Out")
Other = TypeVar("Other")
In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)

RESULT: Final = "result"
"""Name of the reader behind the last joint: whoever opened the graph."""


class GraphError(ValueError):
    """A graph was declared wrongly: a mistake in the program, found before anything runs."""


class Stream(Generic[Out_co]):
    """A handle on the messages that one stage sends, or several: where the next stage is joined on.

    A handle exists only after the stages that send to it, so a cycle cannot be declared.
    """

    def __init__(self, graph: "Graph", producers: tuple[Node, ...]) -> None:
        self._graph: Final = graph
        self._producers: Final = producers

    def then(self, name: str, stage: Stage[Out_co, Out], *, buffer: int) -> "Stream[Out]":
        """Join a stage on.

        :param name: lower-case word, unique in the graph; errors, statistics and drawings call the stage by it
        :param buffer: messages that may wait in front of the stage; a full joint holds the senders back
        :raises GraphError: when the name, the buffer or the stage cannot be used
        """
        run = getattr(stage, "run", None)
        if not callable(run):
            raise GraphError(f"{self._graph.name}: {name} is no stage: {stage!r} has no method run(receive, send)")
        node = Node(name, stage, self._producers, buffer, _sends(run))
        return Stream(self._graph, (self._graph.add(node),))

    def __or__(self, other: "Stream[Other]") -> "Stream[Out_co | Other]":
        """The messages of both, each in its own order, in the order in which they come."""
        if other._graph is not self._graph:
            raise GraphError(f"a stream of graph {self._graph.name!r} cannot merge one of {other._graph.name!r}")
        twice = [node.name for node in self._producers if node in other._producers]
        if twice:
            raise GraphError(f"{self._graph.name}: {', '.join(twice)} would come in twice through one joint")
        return Stream(self._graph, self._producers + other._producers)


class Graph:
    """A graph that is being declared; `flow` completes it."""

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._nodes: Final[list[Node]] = []
        self._complete = False

    def source(self, message: type[Out], name: str = "source") -> Stream[Out]:
        """Declare what goes in; the source itself is given when the graph is opened.

        :raises GraphError: when there is a source already
        """
        if self._nodes:
            raise GraphError(f"{self.name}: there is a source already, {self._nodes[0].name}")
        return Stream(self, (self.add(Node(name, None, (), 0, message.__name__)),))

    def add(self, node: Node) -> Node:
        """Check a node and put it in; `source` and `Stream.then` are the ways to call this."""
        if self._complete:
            raise GraphError(f"{self.name}: the graph is complete, {node.name} cannot be added")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", node.name):
            raise GraphError(f"{self.name}: {node.name!r} is no name for a stage: use lower-case letters, digits and _")
        if node.name == RESULT:
            raise GraphError(f"{self.name}: the name {RESULT!r} belongs to the reader of the result")
        if any(node.name == known.name for known in self._nodes):
            raise GraphError(f"{self.name}: there is a stage called {node.name} already")
        self._check_buffer(node.name, node.buffer)
        self._nodes.append(node)
        return node

    def _check_buffer(self, name: str, buffer: object) -> None:
        if not isinstance(buffer, int) or isinstance(buffer, bool) or buffer < 0:
            raise GraphError(f"{self.name}: the buffer before {name} must be a number of messages, not {buffer!r}")

    def flow(self, source: Stream[In], result: Stream[Out], *, buffer: int) -> "Flow[In, Out]":
        """Complete the graph: say where it begins and which messages its caller reads.

        :param buffer: messages that may wait for the caller
        :raises GraphError: when a handle belongs to another graph or is not used by anybody
        """
        if source._graph is not self or source._producers != tuple(self._nodes[:1]):
            raise GraphError(f"{self.name}: the first stream of flow() must be the one that source() gave")
        if result._graph is not self:
            raise GraphError(f"{self.name}: the result is a stream of another graph, {result._graph.name!r}")
        self._check_buffer(RESULT, buffer)
        reader = Node(RESULT, None, result._producers, buffer, "")
        nodes = (*self._nodes, reader)
        read = {producer for node in nodes for producer in node.producers}
        unused = [node.name for node in self._nodes if node not in read]
        if unused:
            raise GraphError(f"{self.name}: nobody reads what is sent by {', '.join(unused)}")
        self._complete = True
        return Flow(self.name, nodes)


@dataclass(frozen=True, eq=False)
class Flow(Generic[In_contra, Out_co]):
    """A complete graph. It holds no channel and no task, so it can be opened again, and many times at once."""

    name: str
    nodes: tuple[Node, ...]
    """In the order of declaration, producers before their readers: the source first, the reader of the result last."""

    def open(
        self, source: Source[In_contra], *, watch: Watcher | None = None
    ) -> AbstractAsyncContextManager[Running[Out_co]]:
        """Run the graph, inside one task group, for as long as the body of `async with` lasts.

        The end of the source flushes through every stage, and then `receive` ends. Leaving the body earlier, by
        whatever way, cancels all tasks and flushes nothing. When the context has closed, no task and no stream is left.

        :param watch: a task to run beside the stages, such as `runtime.progress.ProgressReporter`
        :raises CallAnnotateError: the first failure of the source or a stage: one from the catalogue as it was raised,
            anything else as `StageFailed`; never a group of exceptions. What the body or the watcher raises passes
            through unchanged.
        """
        return open_run(self.nodes, source, watch)


def _sends(run: Any) -> str:
    """The name of the message type that a stage's `run` declares to send, for drawings; "?" if it can't be told."""
    try:
        (message,) = get_args(get_type_hints(run)["send"])
    except (KeyError, NameError, ValueError, TypeError):
        return "?"
    members = get_args(message) if get_origin(message) in (Union, UnionType) else (message,)
    return " | ".join(getattr(member, "__name__", str(member)) for member in members)
