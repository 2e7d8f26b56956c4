"""What a live session tells its client: numbered messages, the last ones kept for a client that comes back.

The messages belong to the session and not to a connection. A connection is a place in them: reading moves it on, and a
new connection begins where the client says that it stopped. At most one connection reads; a newer one takes over.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from anyio import EndOfStream, Event
from anyio.abc import ObjectReceiveStream
from anyio.lowlevel import checkpoint

from contracts.errors import SLOW_READER, CallAnnotateError
from contracts.live import LiveServerMessage


class Outbox:
    """The messages of one session; `seq` counts all from 1 without a gap.

    A connection may begin up to `kept` messages behind, and fall behind by half of that, so half as many more are here.
    """

    def __init__(self, kept: int) -> None:
        self._messages: Final[deque[LiveServerMessage]] = deque(maxlen=kept + kept // 2)
        self._kept: Final = kept
        self.last_seq = 0
        """Of the last message; 0 before the first."""
        self.closed = False
        """Whether no message follows."""
        self.failure: CallAnnotateError | None = None
        """What the session ended with, where it did not end well; every reader gets it after the last message."""
        self.reader: Reader | None = None

    def put(self, make: Callable[[int], LiveServerMessage]) -> None:
        """Add the message that `make` makes of its number; after the last message nothing is added.

        A reader that does not keep up is given up while it can still come back for what it missed.
        """
        if self.closed:
            return
        self.last_seq += 1
        self._messages.append(make(self.last_seq))
        if self.reader is not None:
            if self.last_seq - self.reader.read > self.reader.behind + self._kept // 2:
                self.reader.cut(CallAnnotateError(SLOW_READER))
            else:
                self.reader.wake()

    def close(self, failure: CallAnnotateError | None = None) -> None:
        """Say that no message follows; only the first call counts."""
        if not self.closed:
            self.closed, self.failure = True, failure
            if self.reader is not None:
                self.reader.wake()

    @property
    def first_seq(self) -> int:
        """Of the first message that a connection may begin with."""
        return self.last_seq - min(self._kept, len(self._messages)) + 1

    def keeps(self, after_seq: int) -> bool:
        """Whether a connection may begin after this one."""
        return self.first_seq - 1 <= after_seq <= self.last_seq

    def after(self, seq: int) -> LiveServerMessage | None:
        """The message after this one; None where it has not been given yet. Raises SLOW_READER where it is gone."""
        if seq >= self.last_seq:
            return None
        if seq < self.last_seq - len(self._messages):
            raise CallAnnotateError(SLOW_READER)
        return self._messages[seq - self.last_seq]

    def rewrite(self, change: Callable[[LiveServerMessage], LiveServerMessage]) -> None:
        """Change what will be replayed; the numbers have to stay."""
        for index, message in enumerate(self._messages):
            self._messages[index] = change(message)


class Reader(ObjectReceiveStream[LiveServerMessage]):
    """The messages of a session for one connection, those after `read` first."""

    def __init__(self, outbox: Outbox, read: int) -> None:
        self._outbox: Final = outbox
        self.read = read
        """Number of the last message that was taken."""
        self.behind: Final = outbox.last_seq - read
        """Messages that it had not read when it began."""
        self._changed = Event()
        self._end: tuple[int, LiveServerMessage | None, CallAnnotateError] | None = None
        """Of a connection that was given up: what it may read, what it is told then, and why."""

    @property
    def stale(self) -> bool:
        """Whether another connection has taken over, or this one did not read."""
        return self._end is not None

    def wake(self) -> None:
        """There is something new."""
        self._changed.set()

    def cut(self, failure: CallAnnotateError, last: LiveServerMessage | None = None) -> None:
        """End this connection, and only it. With `last` it gets what it has not read, and then that; else nothing."""
        if self._end is None:
            self._end = (self._outbox.last_seq if last is not None else self.read, last, failure)
            self._changed.set()

    async def receive(self) -> LiveServerMessage:
        """The next message; after the last one raises EndOfStream, or why the session did not end well."""
        await checkpoint()
        while True:
            if self._end is not None and self.read >= self._end[0]:
                _, last, failure = self._end
                self._end = (self.read, None, failure)
                if last is None:
                    raise failure
                return last
            message = self._outbox.after(self.read)
            if message is not None:
                self.read += 1
                return message
            if self._outbox.closed:
                if self._outbox.failure is not None:
                    raise self._outbox.failure
                raise EndOfStream
            self._changed = Event()
            await self._changed.wait()

    async def aclose(self) -> None:
        """Nothing is held."""
