"""What the graph asks of its parts: a source that sends, stages that receive and send, and the nodes that hold them."""

from dataclasses import dataclass
from typing import Never, Protocol, TypeVar

from anyio.abc import ObjectReceiveStream, ObjectSendStream

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class Source(Protocol[Out_co]):
    """Where messages come from: a file's decoder, or a live session. It is all that differs between the two doors."""

    async def run(self, send: ObjectSendStream[Out_co]) -> None:
        """Send every message; returning ends the input, which flushes through all the stages."""


class Stage(Protocol[In_contra, Out_co]):
    """One step of the graph: a frozen dataclass of its settings, whose state lives in the locals of `run`."""

    async def run(self, receive: ObjectReceiveStream[In_contra], send: ObjectSendStream[Out_co]) -> None:
        """Read to the end of the input, send what comes of it, return; the graph closes both streams.

        Messages are shared with other stages: never change one. Raising stops the whole graph; returning before the
        input has ended is a failure too, because what is left would be lost without a word.
        """


@dataclass(frozen=True, eq=False)
class Node:
    """One place in a declared graph, with the joint in front of it."""

    name: str
    stage: Stage[Never, object] | None
    """None for the source, which is given when the graph is opened, and for the reader of the result."""
    producers: "tuple[Node, ...]"
    """Whose messages come in through the joint; none for the source."""
    buffer: int
    """Messages that the joint holds at most."""
    sends: str
    """Name of the type of message that the node sends."""

    @property
    def joint(self) -> str:
        """Name of the joint in front of the node, such as "segment -> transcribe"."""
        return f"{' | '.join(producer.name for producer in self.producers)} -> {self.name}"

    @property
    def receives(self) -> str:
        """Name of the type of message that comes in."""
        return " | ".join(dict.fromkeys(name for producer in self.producers for name in producer.sends.split(" | ")))
