"""What watchers of a job are told: numbered messages, the last ones kept for those who come back, one stream a watcher.

Every message is in the job's file before anybody sees it, so that after `kill -9` the numbers go on where they stopped
and what was missed can still be replayed. It is not synced: a power cut may take the last messages with it, which
costs nobody more than a fresh start from the current state.
"""

import errno
import os
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from anyio import CapacityLimiter, EndOfStream, Event, to_thread
from anyio.abc import ObjectReceiveStream
from anyio.lowlevel import checkpoint

from contracts.errors import JOB_NOT_FOUND, SLOW_READER, CallAnnotateError
from contracts.job_messages import JobMessage, StatusUpdate
from runtime.volume import Volume, room_needed

REMEMBERED: Final = 64
"""Jobs that have ended whose messages are still kept in memory for replay."""

Encoder: Final = msgspec.json.Encoder()
Decoder: Final = msgspec.json.Decoder(StatusUpdate)


class Subscription(ObjectReceiveStream[JobMessage]):
    """The messages for one watcher: first the backlog, then what comes live, at most `buffer` of it waiting."""

    def __init__(self, backlog: Iterable[JobMessage], buffer: int) -> None:
        self._backlog: Final = deque(backlog)
        self._live: Final[deque[JobMessage]] = deque()
        self._buffer: Final = buffer
        self._changed = Event()
        self._ended = False
        self._failure: CallAnnotateError | None = None

    def push(self, message: JobMessage) -> None:
        """Add a live message; the watcher that has `buffer` of them waiting is given up."""
        if self._failure is not None:
            return
        if len(self._live) >= self._buffer:
            self.fail(CallAnnotateError(SLOW_READER))
            return
        self._live.append(message)
        self._changed.set()

    def fail(self, failure: CallAnnotateError) -> None:
        """Drop what waits; the watcher gets the error instead."""
        self._failure = failure
        self._backlog.clear()
        self._live.clear()
        self._changed.set()

    def end(self) -> None:
        """Say that no message follows."""
        self._ended = True
        self._changed.set()

    @property
    def waiting(self) -> int:
        """Messages that have not been read."""
        return len(self._backlog) + len(self._live)

    async def receive(self) -> JobMessage:
        """The next message; raises EndOfStream after the last, SLOW_READER, or JOB_NOT_FOUND of a deleted job."""
        await checkpoint()
        while True:
            if self._failure is not None:
                raise self._failure
            if self._backlog:
                return self._backlog.popleft()
            if self._live:
                return self._live.popleft()
            if self._ended:
                raise EndOfStream
            self._changed = Event()
            await self._changed.wait()

    async def aclose(self) -> None:
        """Let go of everything."""
        self._backlog.clear()
        self._live.clear()
        self.end()


class Feed:
    """The messages of one job that has not ended."""

    def __init__(self, messages: Iterable[JobMessage], kept: int) -> None:
        self.messages: Final = deque(messages, kept)
        """The last ones; never empty."""
        self.watchers: Final[set[Subscription]] = set()

    @property
    def last(self) -> JobMessage:
        """What there is to say now."""
        return self.messages[-1]


class JobFeeds:
    """The messages of all jobs. Only the job's worker publishes, so a job's messages never cross."""

    def __init__(self, volume: Volume, kept: int, buffer: int) -> None:
        """Keep at most `kept` messages a job; let at most `buffer` wait for a watcher."""
        self._volume: Final = volume
        self._kept: Final = kept
        self._buffer: Final = buffer
        self._limiter: Final = CapacityLimiter(1)
        self._active: Final[dict[str, Feed]] = {}
        self._ended: Final[OrderedDict[str, Feed]] = OrderedDict()

    @property
    def watchers(self) -> int:
        """Open subscriptions."""
        return sum(len(feed.watchers) for feed in self._active.values())

    def begin(self, first: StatusUpdate) -> None:
        """Take in a new job with its first message, which anybody can work out from the database."""
        self._active[first.job_id] = Feed([first], self._kept)

    async def resume(self, first: StatusUpdate) -> None:
        """Take in a job of before: its first message, which is not in its file, and those of the file."""
        found = await to_thread.run_sync(read_messages, self._volume.messages(first.job_id), limiter=self._limiter)
        whole = [first, *found] if not found or found[0].seq == 2 else found
        self._active[first.job_id] = Feed(whole, self._kept)

    def last(self, job_id: str) -> JobMessage | None:
        """The last message of a job that has not ended."""
        feed = self._active.get(job_id)
        return feed.last if feed is not None else None

    async def publish(self, job_id: str, make: Callable[[int], StatusUpdate]) -> None:
        """Keep the message that `make` makes of its number, then tell the watchers.

        On a full volume nobody is told, and the next message gets the number: news of progress are not worth a job.
        """
        feed = self._active[job_id]
        message = make(feed.last.seq + 1)
        line = Encoder.encode(message) + b"\n"
        try:
            await to_thread.run_sync(_append, self._volume.messages(job_id), line, limiter=self._limiter)
        except CallAnnotateError:
            return
        feed.messages.append(message)
        for watcher in list(feed.watchers):
            watcher.push(message)

    def end(self, last: JobMessage) -> None:
        """Tell the watchers the last message of a job; it is in the database and in the result's file already."""
        feed = self._active.pop(last.job_id)
        self._ended[last.job_id] = feed
        while len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        for watcher in feed.watchers:
            watcher.push(last)
            watcher.end()
        feed.watchers.clear()

    def forget(self, job_id: str) -> None:
        """Tell the watchers of a deleted job that it is gone."""
        self._ended.pop(job_id, None)
        feed = self._active.pop(job_id, None)
        for watcher in feed.watchers if feed is not None else ():
            watcher.fail(CallAnnotateError(JOB_NOT_FOUND, job_id=job_id))

    def subscribe(self, job_id: str, after_seq: int | None) -> tuple[Feed, Subscription] | None:
        """Follow a job; None if it is not one that is still to end. The feed's `watchers` has to be left again."""
        feed = self._active.get(job_id)
        if feed is None:
            return None
        subscription = Subscription(missed(feed, feed.last, after_seq), self._buffer)
        feed.watchers.add(subscription)
        return feed, subscription

    def replay(self, last: JobMessage, after_seq: int | None) -> Subscription:
        """The messages of a job that has ended with `last`."""
        feed = self._ended.get(last.job_id)
        subscription = Subscription(missed(feed, last, after_seq), self._buffer)
        subscription.end()
        return subscription


def missed(feed: Feed | None, last: JobMessage, after_seq: int | None) -> list[JobMessage]:
    """What a watcher is told first.

    The current state where `after_seq` is None, where it is a number that was never given, and where not all messages
    after it are kept any more; otherwise the messages after it, up to `last`.
    """
    if after_seq is None or after_seq > last.seq:
        return [last]
    kept = [message for message in feed.messages if message.seq < last.seq] if feed is not None else []
    found = [message for message in [*kept, last] if message.seq > after_seq]
    return found if len(found) == last.seq - after_seq else [last]


def read_messages(path: Path) -> list[JobMessage]:
    """The messages of a file; a tail that was torn off is cut off. Blocks."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    messages: list[JobMessage] = []
    read = 0
    for line in content.splitlines(keepends=True):
        try:
            message = Decoder.decode(line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            break
        if not line.endswith(b"\n") or (messages and message.seq != messages[-1].seq + 1):
            break
        messages.append(message)
        read += len(line)
    if read < len(content):
        with path.open("r+b") as file:
            file.truncate(read)
    return messages


def _append(path: Path, line: bytes) -> None:
    with room_needed(), path.open("ab", buffering=0) as file:
        size = file.tell()
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise
