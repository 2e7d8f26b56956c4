"""The live lane: one call into the networks at a time, kept free for those who speak right now."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from itertools import count
from time import perf_counter
from typing import Final, TypeVar

from anyio import CapacityLimiter, Event, WouldBlock, to_thread

from models.networks import LiveWhisperNetwork
from runtime.engine import Engine
from stages.live_work import Priority

__all__ = ["Lane", "Priority"]

T = TypeVar("T")

URGENT: Final = (Priority.FINAL, Priority.DRAFT)
"""What somebody waits for who has stopped speaking."""

REMEMBERED: Final = 10.0
"""Seconds over which load and wait are smoothed: after so long, two thirds of what was are forgotten."""


class Lane:
    """One token for all live calls of an engine. The most urgent kind of work gets it next, the oldest within a kind.

    Voice activity and voiceprints have tokens of their own: they are short and wanted so often that on one that all
    share four calls saturate it with looks alone, and what is told of one utterance waits for the text of others.

    Whatever is not live runs behind `engine.limiter`, which gives one of its tokens away while a live call is open. A
    final that would have to wait for another call takes one more where that is free.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine: Final = engine
        self._tokens: Final = engine.limiter.total_tokens
        """Of the engine's limiter while no live call is open."""
        self._thread: Final = CapacityLimiter(1)
        self._beside: Final = {kind: CapacityLimiter(1) for kind in (Priority.ACTIVITY, Priority.VOICEPRINT)}
        """What does not take turns with the others."""
        self._spare: Final = CapacityLimiter(1)
        """Of finals that come while another call has the turn: they take what is left of `engine.limiter`."""
        self._loading: Final = CapacityLimiter(1)
        self._busy = False
        self._waiting: list[tuple[Priority, int, Event]] = []
        """A heap: kind, number, and what is set when it is its turn."""
        self._numbers: Final = count()
        self._load = _Average()
        self._wait = _Average()
        self.sessions = 0
        """Live calls that are open."""

    @property
    def load(self) -> float:
        """Calls that were at work of late on average: 0 to 2, since a final may go on beside another call."""
        return self._load.rate(perf_counter())

    @property
    def wait(self) -> float:
        """Seconds that finals, on the chance or not, waited for their turn of late; goes to 0 where none comes."""
        return self._wait.mean(perf_counter())

    async def alone(self) -> LiveWhisperNetwork | None:
        """Whisper for a call that has all the threads, as Engine.alone; loaded for the first call that asks.

        Cancelled, it does not wait for the rest of that.
        """
        return await to_thread.run_sync(self._engine.alone, limiter=self._loading, abandon_on_cancel=True)

    @contextmanager
    def session(self) -> Iterator[None]:
        """While the body runs, one call into the networks is kept free for the lane."""
        self.sessions += 1
        self._engine.limiter.total_tokens = max(1, self._tokens - 1)
        try:
            yield
        finally:
            self.sessions -= 1
            if self.sessions == 0:
                self._engine.limiter.total_tokens = self._tokens

    async def run(self, kind: Priority, work: Callable[[], T], alone: Callable[[], T] | None = None) -> T:
        """Do the work in a thread when its turn has come; raises what it raises.

        `alone` is done in its place while this is the only live call and whatever is not live leaves its token.
        Cancelled before its turn it leaves no trace; cancelled later, the work is waited for.
        """
        if kind in self._beside:
            return await to_thread.run_sync(work, limiter=self._beside[kind])
        if kind in URGENT and self._busy and (borrower := self._borrow()) is not None:
            self._wait.add(0.0, perf_counter())
            try:
                return await self._timed(work, self._spare)
            finally:
                self._engine.limiter.release_on_behalf_of(borrower)
        asked = perf_counter()
        await self._acquire(kind)
        try:
            if kind in URGENT:
                self._wait.add(perf_counter() - asked, perf_counter())
            if alone is None or self.sessions > 1 or (borrower := self._borrow()) is None:
                return await self._timed(work, self._thread)
            try:
                return await self._timed(alone, self._thread)
            finally:
                self._engine.limiter.release_on_behalf_of(borrower)
        finally:
            self._release()

    async def _timed(self, work: Callable[[], T], limiter: CapacityLimiter) -> T:
        """Do the work in a thread, as a part of the load."""
        began = perf_counter()
        try:
            return await to_thread.run_sync(work, limiter=limiter)
        finally:
            ended = perf_counter()
            self._load.add(ended - began, ended)

    def _borrow(self) -> object | None:
        """Take the token that whatever is not live has left, so that it waits; None where that is in use."""
        borrower = object()
        if self.sessions == 0 or self._tokens == 1:
            return None
        try:
            self._engine.limiter.acquire_on_behalf_of_nowait(borrower)
        except WouldBlock:
            return None
        return borrower

    async def _acquire(self, kind: Priority) -> None:
        if not self._busy:
            self._busy = True
            return
        entry = (kind, next(self._numbers), Event())
        heappush(self._waiting, entry)
        try:
            await entry[2].wait()
        except BaseException:
            if entry[2].is_set():
                self._release()
            else:
                self._waiting.remove(entry)
                heapify(self._waiting)
            raise

    def _release(self) -> None:
        """Give the turn to the next one."""
        if self._waiting:
            heappop(self._waiting)[2].set()
        else:
            self._busy = False


class _Average:
    """Seconds that were noted, those of late counting most."""

    def __init__(self) -> None:
        self._total = 0.0
        self._count = 0.0
        self._at = perf_counter()

    def add(self, seconds: float, now: float) -> None:
        """Note some seconds at the time `now`."""
        self._fade(now)
        self._total += seconds
        self._count += 1

    def rate(self, now: float) -> float:
        """Seconds noted per second."""
        self._fade(now)
        return self._total / REMEMBERED

    def mean(self, now: float) -> float:
        """Seconds of one note, and less the longer there was none."""
        self._fade(now)
        return self._total / max(self._count, 1.0)

    def _fade(self, now: float) -> None:
        kept = math.exp((self._at - now) / REMEMBERED)
        self._total, self._count, self._at = self._total * kept, self._count * kept, now
