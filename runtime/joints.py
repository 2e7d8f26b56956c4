"""The joints between stages: bounded memory channels that count what passes and how long either side waits."""

from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, Protocol, TypeVar, runtime_checkable

from anyio import ClosedResourceError, EndOfStream, WouldBlock, create_memory_object_stream
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)


@runtime_checkable
class Timed(Protocol):
    """A message that says how far into the stream it reaches; progress is measured by it."""

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of what the message tells."""


class JointStatistics(Struct, frozen=True):
    """What has passed through one joint so far."""

    name: str
    """Such as "segment -> transcribe", or "transcribe | diarize -> annotate" where streams are merged."""
    buffer: int
    """Messages that the joint holds at most."""
    fill: int
    """Messages that wait in it now."""
    highest: int
    """The largest fill so far."""
    sent: int
    """Messages that were put in."""
    full_seconds: float
    """Seconds that senders waited for room, all of them together: the stage behind the joint is the slow one."""
    empty_seconds: float
    """Seconds that the receiver waited for a message: the stage before the joint is the slow one."""


@dataclass(eq=False)
class Position:
    """How far one stage has come.

    Until a stage first sends, what it has consumed counts (it may collect the whole call and answer at the end); from
    then on only what it sends counts (it may have taken in a batch that it still works on).
    """

    stage: str
    done: float = 0.0
    """Seconds of audio; never decreases."""
    has_sent: bool = False
    finished: bool = False

    def consumed(self, end_time: float) -> None:
        """Note that the stage asked for the next message after one that ends at `end_time` seconds."""
        if not self.has_sent:
            self.done = max(self.done, end_time)

    def sent(self, message: object) -> None:
        """Note that the stage sent a message."""
        self.has_sent = True
        self.done = max(self.done, _end_time(message))


def _end_time(message: object) -> float:
    """Seconds, or 0 for a message without a time."""
    return message.end_time if isinstance(message, Timed) else 0.0


@dataclass(eq=False)
class Joint(Generic[T]):
    """The bounded channel in front of one stage, shared by all that send to it."""

    name: str
    buffer: int
    producers: int
    """Stages that still send; the input ends when there is none left."""
    highest: int = field(init=False, default=0)
    sent: int = field(init=False, default=0)
    full_seconds: float = field(init=False, default=0.0)
    empty_seconds: float = field(init=False, default=0.0)
    _send: MemoryObjectSendStream[T] = field(init=False)
    _receive: MemoryObjectReceiveStream[T] = field(init=False)

    def __post_init__(self) -> None:
        self._send, self._receive = create_memory_object_stream[T](self.buffer)

    def put_nowait(self, message: T) -> bool:
        """Put a message in if there is room, and say whether there was."""
        try:
            self._send.send_nowait(message)
        except WouldBlock:
            return False
        self._count()
        return True

    async def put(self, message: T) -> None:
        """Put a message in as soon as there is room."""
        started = perf_counter()
        try:
            await self._send.send(message)
        finally:
            self.full_seconds += perf_counter() - started
        self._count()

    def _count(self) -> None:
        self.sent += 1
        self.highest = max(self.highest, self._send.statistics().current_buffer_used)

    async def take(self) -> T:
        """Take the next message out, waiting for one.

        :raises EndOfStream: when the joint is empty and every producer is done
        """
        await checkpoint()
        try:
            return self._receive.receive_nowait()
        except WouldBlock:
            pass
        started = perf_counter()
        try:
            return await self._receive.receive()
        finally:
            self.empty_seconds += perf_counter() - started

    def producer_done(self) -> None:
        """Take one producer off; after the last the receiver reads what is left and then meets the end."""
        self.producers -= 1
        if self.producers == 0:
            self._send.close()

    def close(self) -> None:
        """Close both ends and drop what is left."""
        self._send.close()
        self._receive.close()

    def statistics(self) -> JointStatistics:
        """What has passed so far."""
        return JointStatistics(
            name=self.name,
            buffer=self.buffer,
            fill=self._send.statistics().current_buffer_used,
            highest=self.highest,
            sent=self.sent,
            full_seconds=self.full_seconds,
            empty_seconds=self.empty_seconds,
        )


@dataclass(eq=False)
class Inlet(ObjectReceiveStream[T_co]):
    """The receiving end that a stage is given.

    Closing it only keeps the stage from reading on. The joint itself is closed when the whole graph is, so that a
    stage that fails inside `async with receive, send` doesn't look to its neighbours like the end of the data.
    """

    joint: Joint[T_co]
    position: Position | None
    """Of the stage that reads; None for the reader of the result."""
    ended: bool = field(init=False, default=False)
    """Whether the reader has met the end of its input."""
    _in_hand: float | None = field(init=False, default=None)
    """End time in seconds of the message that the stage works on."""
    _closed: bool = field(init=False, default=False)

    async def receive(self) -> T_co:
        if self._closed:
            raise ClosedResourceError
        if self.position is not None and self._in_hand is not None:
            self.position.consumed(self._in_hand)
            self._in_hand = None
        try:
            message = await self.joint.take()
        except EndOfStream:
            self.ended = True
            raise
        self._in_hand = _end_time(message)
        return message

    async def aclose(self) -> None:
        self._closed = True


@dataclass(eq=False)
class Outlet(ObjectSendStream[T_contra]):
    """The sending end that a stage is given: every joint behind the stage gets each message, the same object.

    Closing it only keeps the stage from sending on, for the reason that `Inlet` gives.
    """

    joints: "tuple[Joint[T_contra], ...]"
    position: Position
    _closed: bool = field(init=False, default=False)

    async def send(self, item: T_contra) -> None:
        if self._closed:
            raise ClosedResourceError
        await checkpoint()
        # Who has room gets the message at once; then the slowest holds the sender back.
        for joint in [joint for joint in self.joints if not joint.put_nowait(item)]:
            await joint.put(item)
        self.position.sent(item)

    def finish(self) -> None:
        """Tell every joint that the stage has sent its last message."""
        for joint in self.joints:
            joint.producer_done()

    async def aclose(self) -> None:
        self._closed = True
