"""Writes down a live call utterance by utterance: partial text while somebody speaks, the final text when they stop."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import numpy as np
from anyio import CancelScope, Event, Lock, create_task_group
from anyio.abc import ObjectReceiveStream, ObjectSendStream, TaskGroup
from msgspec.structs import replace

from contracts.audio import Samples
from contracts.live_speech import Degraded, LiveOptions, Partial, SpeechBegan, SpeechStopped
from contracts.live_stages import Flush, Utterance, Written
from models.networks import LiveWhisperNetwork
from stages.agreement import Agreement
from stages.beginning import Glanced
from stages.degrading import Degradation
from stages.live_activity import LONGEST
from stages.live_work import Priority, Worker
from stages.understanding import Glance, Understanding, Understood

WAITING: Final = 4
"""Complete utterances of one channel that may wait; more hold the stage before back."""
Output = Partial | Written | Degraded | Flush


@dataclass(frozen=True)
class Write:
    """Hears the newest state of each channel's utterance; what is out of date is not heard, what is complete always."""

    model: LiveWhisperNetwork
    worker: Worker = field(repr=False)
    options: Callable[[float], LiveOptions] = field(repr=False)
    """For what ends at a second of the stream."""
    alone: Callable[[], Awaitable[LiveWhisperNetwork | None]] | None = None
    """What loads the same model with all the threads for one call, for when nothing else is at work."""

    async def run(
        self,
        receive: ObjectReceiveStream[SpeechBegan | SpeechStopped | Utterance | Flush],
        send: ObjectSendStream[Output],
    ) -> None:
        """Send the text of each channel in the order of time; a Flush after all text of what came before it."""
        common = _Common(self, send)
        lines: dict[int, _Line] = {}
        async with create_task_group() as tasks:
            tasks.start_soon(common.load)
            async for item in receive:
                if isinstance(item, Utterance) and item.channel not in lines:
                    lines[item.channel] = _Line(common, tasks)
                    tasks.start_soon(lines[item.channel].work)
                if isinstance(item, Utterance | SpeechStopped) and item.channel in lines:
                    await lines[item.channel].put(item)
                elif isinstance(item, Flush):
                    for line in lines.values():
                        await line.idle()
                    await send.send(item)
            for line in lines.values():
                await line.idle()
            tasks.cancel_scope.cancel()


@dataclass(eq=False)
class _Common:
    """What the channels of a call share."""

    stage: Write
    send: ObjectSendStream[Output]
    numbers: Iterator[int] = field(default_factory=count)
    """Of the utterances that the client is told of."""
    degradation: Degradation = field(init=False)
    alone: LiveWhisperNetwork | None = None
    """As Write.alone, once it is loaded."""

    def __post_init__(self) -> None:
        self.degradation = Degradation(self.stage.worker)

    async def load(self) -> None:
        """Load what is there for a call that is alone; nobody waits for it."""
        if self.stage.alone is not None:
            self.alone = await self.stage.alone()


class _Line:
    """One channel: what is complete waits in a queue, of what goes on only the newest state counts.

    Partials are heard beside the rest, one at a time, so that no final waits for one of its own channel.
    """

    def __init__(self, common: _Common, tasks: TaskGroup) -> None:
        self._common: Final = common
        self._tasks: Final = tasks
        self._complete: Final[deque[Utterance | SpeechStopped]] = deque()
        self._latest: Utterance | None = None
        self._changed = Event()
        self._at_work: Utterance | SpeechStopped | None = None
        self._scope = CancelScope()
        """Around a final that is heard on the chance."""
        self._glance: Glance | None = None
        """At the utterance that goes on."""
        self._telling: Final = Lock()
        """Held by who tells something of an utterance, so that no partial comes after its final."""
        self._draft: tuple[Samples, Understood] | None = None
        """What was understood on the chance, and of which samples."""
        self._held: tuple[Utterance, Understood] | None = None
        """Complete, but for the speaker, who may go on with the sentence."""
        stage = common.stage
        self._understanding: Final = Understanding(stage.model, lambda: common.alone, stage.worker, stage.options)
        self._number: int | None = None
        """That the client was told of the utterance that goes on."""
        self._agreement = Agreement()
        self._revision = 0
        self._grown = 0
        """Times that the utterance was told of as it grew."""

    async def put(self, item: Utterance | SpeechStopped) -> None:
        """Take the newest state of an utterance, or that its speaker stopped; waits while too many are complete."""
        while len(self._complete) >= WAITING:
            await self._changed.wait()
        if isinstance(item, SpeechStopped) or item.state == "complete":
            self._complete.append(item)
        if isinstance(item, Utterance):
            self._latest = None if item.state == "complete" else item
            self._overtake(item)
        self._tell()

    def _overtake(self, item: Utterance) -> None:
        """Hear no further on the chance what the newest state of the utterance has made pointless."""
        if self._glance is not None and not self._glance.begun and item.state != "growing":
            self._glance.scope.cancel()
        at_work = self._at_work
        if isinstance(at_work, Utterance) and at_work.state == "pausing" and at_work.samples is not item.samples:
            self._scope.cancel()

    async def idle(self) -> None:
        """Wait until everything is written that came."""
        while self._complete or self._latest or self._at_work or (self._glance and not self._glance.over):
            await self._changed.wait()

    async def work(self) -> None:
        """Write until cancelled."""
        while True:
            item = self._next()
            if item is None:
                await self._changed.wait()
                continue
            if item is self._latest:
                self._latest = None
            self._at_work = item
            await self._do(item)
            self._at_work = None
            self._tell()

    def _next(self) -> Utterance | SpeechStopped | None:
        """What is to be heard next; a partial only when the one before has been."""
        if self._complete:
            return self._complete.popleft()
        return None if self._latest and self._latest.state == "growing" and self._glance else self._latest

    def _tell(self) -> None:
        self._changed.set()
        self._changed = Event()

    async def _partial(self, whole: Utterance, glance: Glance) -> None:
        """Hear an utterance that goes on, and tell what is agreed upon unless its final was told before."""
        glanced: Glanced | None = None
        with glance.scope:
            glanced = await self._understanding.glance(whole, glance, first=self._grown == 1)
        async with self._telling:
            if glanced is not None and glanced.text and not glance.over:
                if self._agreement.take(glanced.text):
                    await self._show(whole)
                self._understanding.agree(whole, glanced, self._agreement.shown)
        self._glance = None
        self._tell()

    async def _whole(self, item: Utterance) -> Utterance:
        """An utterance with what was held for it, which is told by itself where that would be too long."""
        if self._held is None:
            return item
        whole = joined(self._held[0], item)
        if len(whole.speakers) <= LONGEST:
            return whole
        await self._release()
        return item

    async def _do(self, item: Utterance | SpeechStopped) -> None:
        if isinstance(item, SpeechStopped):
            # Where what was held has gone on, its rest comes next, complete.
            if self._held is not None and item.time <= self._held[0].end_time:
                await self._release()
            return
        whole = await self._whole(item)
        if item.state == "complete":
            await self._end(whole, item)
        elif item.state == "pausing":
            with CancelScope() as self._scope:
                self._draft = item.samples, await self._understanding.whole(whole, Priority.DRAFT)
        elif await self._partials(whole.end_time):
            self._glance = Glance()
            self._tasks.start_soon(self._partial, whole, self._glance)

    async def _end(self, whole: Utterance, item: Utterance) -> None:
        """Tell the final text, unless the sentence may go on. `item`: what came of the utterance last."""
        draft, self._draft = self._draft, None
        if draft is not None and draft[0] is item.samples:
            understood = draft[1]
        else:
            understood = await self._understanding.whole(whole, Priority.FINAL)
        if not understood.words and self._held is not None and self._held[1].words:
            # What was understood before is not lost with what follows.
            await self._release()
            whole, understood = item, await self._understanding.whole(item, Priority.FINAL)
        if whole.settled or understood.ends:
            self._held = None
            await self._finish(whole, understood)
        else:
            self._held = whole, understood

    async def _release(self) -> None:
        """Tell the final text of what was held for its sentence to go on."""
        if self._held is not None:
            # A draft was heard together with it.
            held, self._held, self._draft = self._held, None, None
            await self._finish(*held)

    async def _partials(self, now: float) -> bool:
        """Whether there is to be a partial at this second of the stream."""
        self._grown += 1
        if not self._common.stage.options(now).partials:
            return False
        if change := self._common.degradation.settle(now):
            await self._common.send.send(change)
        return self._common.degradation.allows(self._grown)

    async def _show(self, item: Utterance) -> None:
        if self._number is None:
            self._number = next(self._common.numbers)
        self._revision += 1
        text = " ".join(self._agreement.shown)
        await self._common.send.send(
            Partial(self._number, self._revision, item.channel, item.start_time, text, speaker=None)
        )

    async def _finish(self, item: Utterance, understood: Understood) -> None:
        """Tell the final text, and nothing where there is none and none was shown."""
        self._understanding.keep(understood)
        if self._glance is not None:
            self._glance.scope.cancel()
        async with self._telling:
            if understood.words or self._number is not None:
                number = next(self._common.numbers) if self._number is None else self._number
                await self._common.send.send(Written(number, item, understood.words, understood.language))
            self._number, self._agreement, self._revision, self._grown = None, Agreement(), 0, 0


def joined(first: Utterance, second: Utterance) -> Utterance:
    """An utterance and the one that goes on with it as one, in the state of the second; silence where neither heard."""
    length = second.start - first.start
    before, between = min(length, len(first.samples)), max(0, length - len(first.samples))
    pause = second.first_frame - first.first_frame - len(first.speakers)
    return replace(
        second,
        number=first.number,
        first_frame=first.first_frame,
        speakers=np.concatenate([first.speakers, np.zeros(pause, np.uint8), second.speakers]),
        changes=np.concatenate([first.changes, np.zeros(pause, np.float32), second.changes]),
        start=first.start,
        samples=np.concatenate([first.samples[:before], np.zeros(between, np.float32), second.samples]),
        levelled=np.concatenate([first.levelled[:before], np.zeros(between, np.float32), second.levelled]),
    )
