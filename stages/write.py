"""Writes down a live call utterance by utterance: partial text while somebody speaks, the final text when they stop."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from anyio import CancelScope, Event, Lock, create_task_group
from anyio.abc import ObjectReceiveStream, ObjectSendStream, TaskGroup
from msgspec.structs import replace

from contracts.audio import SAMPLE_RATE, Samples
from contracts.live_speech import Degraded, LiveOptions, Partial, SpeechBegan, SpeechStopped
from contracts.live_stages import Flush, Utterance, Written
from contracts.speech import TimedWord
from models.networks import LiveWhisperNetwork
from models.whisper import BEAM, Before, Heard
from stages.agreement import Agreement, doubled
from stages.annotate import SENTENCE_ENDS, UNSPACED
from stages.languages import Languages
from stages.live_activity import LONGEST
from stages.live_work import Priority, Worker
from stages.parts import BREATH, CHANGED
from stages.transcribe import DETECTED, LONG_SILENCE, RETRIED, trusted
from stages.windows import LONGEST as LONGEST_WINDOW
from stages.windows import LONGEST_PAUSE, SHORTEST_PAUSE

WAITING: Final = 4
"""Complete utterances of one channel that may wait; more hold the stage before back."""
RARER: Final = 0.3
"""Seconds that finals wait for the networks from which on partials are rarer."""
NONE: Final = 1.0
"""The same from which on there are none."""
RESTORED: Final = 0.2
"""The same below which the level falls again."""
BUSY: Final = 1.0
"""Calls of the networks at work on average from which on partials are rarer: finals will wait soon."""
FULL: Final = 1.1
"""The same from which on there are none, where they are rare already."""
FREE: Final = {1: 0.5, 2: 0.6}
"""By level: the same below which it falls again."""
RECOVERY: Final = 10.0
"""Seconds of the stream from one change of the level to its fall by one: so long the load takes to answer."""

BEFORE: Final = 12 * SAMPLE_RATE
"""Samples of what was said before, with the silence between, that an utterance is heard with at most."""
GLANCED: Final = 6 * SAMPLE_RATE
"""Samples of what was said before and the utterance together, of which a partial is heard where it is shorter."""
SILENCE: Final = SAMPLE_RATE
"""Samples of silence at least after an utterance."""
REMEMBERED: Final = 6
"""Utterances before at most."""

TRAILING: Final = ("...", "\u2026")
"""How a text ends that breaks off."""
T = TypeVar("T")
Output = Partial | Written | Degraded | Flush
Language = str | Callable[[npt.NDArray[np.float64]], str]
"""A language, or what chooses it by the probability of each that the model knows: float64 (languages,)."""


@dataclass(frozen=True)
class Write:
    """Hears the newest state of each channel's utterance; what is out of date is not heard, what is complete always."""

    model: LiveWhisperNetwork
    worker: Worker = field(repr=False)
    options: Callable[[float], LiveOptions] = field(repr=False)
    """For what ends at a second of the stream."""
    alone: LiveWhisperNetwork | None = None
    """The same model with all the threads for one call, for when nothing else is at work."""

    async def hear(self, kind: Priority, work: Callable[[LiveWhisperNetwork], T]) -> T:
        """What the model makes of something, when it is its turn."""
        alone = None if self.alone is None else partial(work, self.alone)
        return await self.worker.run(kind, partial(work, self.model), alone)

    async def run(
        self,
        receive: ObjectReceiveStream[SpeechBegan | SpeechStopped | Utterance | Flush],
        send: ObjectSendStream[Output],
    ) -> None:
        """Send the text of each channel in the order of time; a Flush after all text of what came before it."""
        common = _Common(self, send)
        lines: dict[int, _Line] = {}
        async with create_task_group() as tasks:
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


@dataclass(frozen=True)
class Understood:
    """What was made of one utterance."""

    language: str
    words: tuple[TimedWord, ...]
    said: "Said | None"
    """For what follows to go on from; None where there is no text."""
    languages: Languages | None
    """What is known of the channel's languages with this utterance; None where the language was given."""

    @property
    def ends(self) -> bool:
        """Whether a sentence ends with it: one that trails off does not."""
        text = self.words[-1].text.rstrip() if self.words else ""
        return text.endswith(SENTENCE_ENDS) and not text.endswith(TRAILING)


@dataclass(frozen=True, eq=False)
class Said:
    """The text of an utterance, and what it was understood of."""

    start: int
    """First sample, counted from the start of the stream."""
    samples: Samples
    """Levelled."""
    tokens: tuple[int, ...]
    """Of the text, as Whisper gave them."""
    language: str


@dataclass(eq=False)
class _Common:
    """What the channels of a call share."""

    stage: Write
    send: ObjectSendStream[Output]
    numbers: Iterator[int] = field(default_factory=count)
    """Of the utterances that the client is told of."""
    level: Literal[0, 1, 2] = 0
    changed: float = 0.0
    """Seconds of the stream when the level changed last."""

    async def settle(self, now: float) -> None:
        """Choose the level by how long finals wait and how busy the networks are, and tell of a change."""
        wait, load, level = self.stage.worker.wait, self.stage.worker.load, self.level
        if wait > NONE or (level > 0 and load > FULL and now >= self.changed + RECOVERY):
            level = 2
        elif wait > RARER or load > BUSY:
            level = max(level, 1)
        elif level and wait < RESTORED and load < FREE[level] and now >= self.changed + RECOVERY:
            level = 1 if level == 2 else 0
        if level != self.level:
            self.level, self.changed = level, now
            await self.send.send(Degraded(level))


@dataclass(eq=False)
class _Glance:
    """A partial that is being heard."""

    scope: CancelScope = field(default_factory=CancelScope)
    begun: bool = False
    """Whether a thread is at work, which cannot be stopped; set in that thread."""

    @property
    def over(self) -> bool:
        """Whether it is out of date."""
        return self.scope.cancel_called


class _Line:
    """One channel: what is complete waits in a queue, of what goes on only the newest state counts.

    Partials are heard beside the rest, one at a time, so that no final waits for one of its own channel.
    """

    def __init__(self, common: _Common, tasks: TaskGroup) -> None:
        self._common: Final = common
        self._tasks: Final = tasks
        self._stage: Final = common.stage
        self._complete: Final[deque[Utterance | SpeechStopped]] = deque()
        self._latest: Utterance | None = None
        self._changed = Event()
        self._at_work: Utterance | SpeechStopped | None = None
        self._scope = CancelScope()
        """Around a final that is heard on the chance."""
        self._glance: _Glance | None = None
        """At the utterance that goes on."""
        self._telling: Final = Lock()
        """Held by who tells something of an utterance, so that no partial comes after its final."""
        self._draft: tuple[Samples, Understood] | None = None
        """What was understood on the chance, and of which samples."""
        self._held: tuple[Utterance, Understood] | None = None
        """Complete, but for the speaker, who may go on with the sentence."""
        self._languages = Languages(len(self._stage.model.languages))
        self._said: Final[deque[Said]] = deque(maxlen=REMEMBERED)
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

    async def _partial(self, whole: Utterance, glance: "_Glance") -> None:
        """Hear an utterance that goes on, and tell what is agreed upon unless its final was told before."""
        words: tuple[str, ...] = ()
        with glance.scope:
            words = await self._glanced(whole, glance)
        async with self._telling:
            if words and not glance.over and self._agreement.take(words):
                await self._show(whole)
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
                self._draft = item.samples, await self._understand(whole, Priority.DRAFT)
        elif await self._partials(whole.end_time):
            self._glance = _Glance()
            self._tasks.start_soon(self._partial, whole, self._glance)

    async def _end(self, whole: Utterance, item: Utterance) -> None:
        """Tell the final text, unless the sentence may go on. `item`: what came of the utterance last."""
        draft, self._draft = self._draft, None
        if draft is not None and draft[0] is item.samples:
            understood = draft[1]
        else:
            understood = await self._understand(whole, Priority.FINAL)
        if not understood.words and self._held is not None and self._held[1].words:
            # What was understood before is not lost with what follows.
            await self._release()
            whole, understood = item, await self._understand(item, Priority.FINAL)
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
        await self._common.settle(now)
        self._grown += 1
        level = self._common.level
        return self._stage.options(now).partials and (level == 0 or (level == 1 and self._grown % 3 == 0))

    async def _glanced(self, item: Utterance, glance: "_Glance") -> tuple[str, ...]:
        """The words of an utterance that goes on, none where they are not trusted."""
        samples = item.levelled
        choose, _ = self._chooser(item, BREATH if self._grown > 1 else CHANGED)
        hear = self._hearing(item, samples, choose, partial=True)

        def work() -> tuple[str, Heard]:
            glance.begun = True
            return hear(self._stage.model)

        # With one thread, so that a final need not wait for it.
        language, heard = await self._stage.worker.run(Priority.PARTIAL, work)
        if not trusted(heard, len(samples)) or doubled(heard.text):
            return ()
        return tuple(heard.text) if language in UNSPACED else tuple(heard.text.split())

    async def _show(self, item: Utterance) -> None:
        if self._number is None:
            self._number = next(self._common.numbers)
        self._revision += 1
        text = " ".join(self._agreement.shown)
        await self._common.send.send(
            Partial(self._number, self._revision, item.channel, item.start_time, text, speaker=None)
        )

    async def _understand(self, item: Utterance, kind: Priority) -> Understood:
        """Hear the whole utterance, alone and with a long silence after it where it is not trusted."""
        samples = item.levelled
        choose, languages = self._chooser(item, CHANGED)
        language, heard = await self._stage.hear(kind, self._hearing(item, samples, choose))

        def again(model: LiveWhisperNetwork) -> tuple[str, Heard]:
            return model.hear_live(samples, language, LONG_SILENCE)

        if doubled(heard.text):
            # After a short silence the decoder says some things twice.
            _, heard = await self._stage.hear(kind, again)
        if not (trusted(heard, len(samples)) and heard.words) and len(samples) >= RETRIED:
            _, heard = await self._stage.hear(kind, again)
        known = languages[0] if languages else None
        if not trusted(heard, len(samples)):
            return Understood(language, (), None, known)
        text = Said(item.start, samples, heard.tokens, language)
        return Understood(language, timed(item, heard), text, known)

    def _hearing(
        self, item: Utterance, samples: Samples, choose: Language, *, partial: bool = False
    ) -> Callable[[LiveWhisperNetwork], tuple[str, Heard]]:
        """What hears an utterance, levelled, after what was said before: its language and text."""
        said, context = tuple(self._said), self._stage.options(item.end_time).prompt

        def hear(model: LiveWhisperNetwork) -> tuple[str, Heard]:
            language = choose(model.detect([samples[:DETECTED]])[0]) if callable(choose) else choose
            most = max(0, GLANCED - len(samples)) if partial else BEFORE
            before = preceding(said, item.start, len(samples), language, most)
            beam, timed = (1, False) if partial else (BEAM, True)
            return model.hear_live(samples, language, SILENCE, beam=beam, timed=timed, context=context, before=before)

        return hear

    async def _finish(self, item: Utterance, understood: Understood) -> None:
        """Tell the final text, and nothing where there is none and none was shown."""
        if understood.languages is not None and understood.words:
            self._languages = understood.languages
        if understood.said is not None and understood.words:
            self._said.append(understood.said)
        if self._glance is not None:
            self._glance.scope.cancel()
        async with self._telling:
            if understood.words or self._number is not None:
                number = next(self._common.numbers) if self._number is None else self._number
                await self._common.send.send(Written(number, item, understood.words, understood.language))
            self._number, self._agreement, self._revision, self._grown = None, Agreement(), 0, 0

    def _chooser(self, item: Utterance, change: float) -> tuple[Language, list[Languages]]:
        """The language of an utterance or how to choose it, and where what is known then will be found."""
        model, given = self._stage.model, self._stage.options(item.end_time).language
        if given is not None or len(model.languages) == 1:
            return given or model.languages[0], []
        known: list[Languages] = []

        def choose(probabilities: npt.NDArray[np.float64]) -> str:
            known.append(deepcopy(self._languages))
            (index,) = known[-1].choose(probabilities[None], [len(item.samples) / SAMPLE_RATE], [change])
            return model.languages[index]

        return choose, known


def preceding(said: Sequence[Said], start: int, length: int, language: str, most: int = BEFORE) -> Before | None:
    """What was said right before an utterance of so many samples from sample `start` on, in its language.

    As much as fits into `most` samples and, with the utterance, into what Whisper hears at once; None for nothing.
    """
    pieces: list[Samples] = []
    tokens: tuple[int, ...] = ()
    room = min(most, LONGEST_WINDOW - length)
    for own in reversed(said):
        gap = start - own.start - len(own.samples)
        silence = 0 if gap <= 0 else min(max(gap, SHORTEST_PAUSE), LONGEST_PAUSE)
        room -= len(own.samples) + silence
        if own.language != language or room < 0:
            break
        pieces += [np.zeros(silence, np.float32), own.samples]
        tokens = own.tokens + tokens
        start = own.start
    return Before(np.concatenate(pieces[::-1]), tokens) if pieces else None


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


def timed(item: Utterance, heard: Heard) -> tuple[TimedWord, ...]:
    """The words on the stream's clock."""
    start = item.start / SAMPLE_RATE
    return tuple(TimedWord(word.text, start + word.start, start + word.end, word.probability) for word in heard.words)
