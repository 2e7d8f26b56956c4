"""Writes down what is said: parts of a call in windows through Whisper, with times and confidences for every word."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, Semaphore, create_task_group, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import SAMPLE_RATE
from contracts.options import Task
from contracts.speech import Reached, SpeechRegion, Transcript
from models.networks import WhisperNetwork
from models.whisper import Heard, filled, task_in
from stages.languages import Languages
from stages.parts import Part, joined, parts, pieces
from stages.skipped import skipped, without
from stages.windows import Window, pack, place

GATHERED: Final = 360 * SAMPLE_RATE
"""Samples of one channel's speech that are gathered before any is decoded: enough to fill the windows of several
languages, and to have windows of similar length for a batch."""
FIRST: Final = 150 * SAMPLE_RATE
"""The same before the first is decoded: it can be seen early how far it is, and what memory a long call needs."""
BATCH: Final = 80 * SAMPLE_RATE
"""Samples of a batch at most, with the silence that is added: bounds memory and lateness."""
ONE: Final = 30 * SAMPLE_RATE
"""The same where a live call is heard beside: a window at a time, so that finals soon get the thread back."""
DETECTED: Final = 3 * SAMPLE_RATE
"""Samples of a part by which its language is detected; more changes nothing."""
SILENCE: Final = 3 * SAMPLE_RATE
"""Samples of silence after a window."""
LONG_SILENCE: Final = 7 * SAMPLE_RATE
"""Samples of silence at least after what is heard again; as many as Whisper takes change nothing but the time."""
STEP: Final = 60 * SAMPLE_RATE
"""Samples of speech that are heard before any of it is sent, where somebody reads along: a few seconds of work."""
BRIEF: Final = 2 * SAMPLE_RATE
"""Samples below which a window is too short for the model to be sure of what it makes up."""
SURE: Final = -0.6
"""Log-probability at least of what is heard in a stretch that was passed over: the words beside it were trusted, and a
web address that takes long to spell leaves such a stretch too."""
RETRIED: Final = SAMPLE_RATE // 2
"""Samples of a part at least that is heard again alone: of less, Whisper makes up a greeting."""

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Doubt:
    """A part that is to be heard again, alone."""

    window: Window
    least: float = -math.inf
    """Log-probability that is needed for it to be trusted."""
    passed_over: bool = False
    """It lies within a part of which something else was understood."""


@dataclass
class Share:
    """How much of the speech that came so far is written down."""

    taken: int = 0
    """Samples of speech, of all channels."""
    done: int = 0
    """Samples of them."""
    end_time: float = 0.0
    """Seconds from the start of the stream to the end of what was taken."""

    def take(self, region: SpeechRegion) -> None:
        """Count what came."""
        self.taken += len(region.samples)
        self.end_time = max(self.end_time, region.end_time)

    def reached(self, samples: int) -> Reached:
        """Count what was heard."""
        self.done += samples
        return Reached(self.end_time * min(1.0, self.done / max(1, self.taken)))


@dataclass(frozen=True)
class Transcribe:
    """Sends a Transcript for every part of the speech. Memory does not grow with the length of the call.

    The channels are taken each for itself, so that the result does not depend on how their regions are interleaved.
    """

    model: WhisperNetwork
    limiter: CapacityLimiter = field(repr=False)
    """As many batches are at work at once as it has tokens."""
    language: str | None = None
    """One of the model's languages, or None to detect it for each part."""
    task: Task = "transcribe"
    """With "translate" the words are English; a transcript's language is that of the speech all the same."""
    prompt: str = ""
    """Text before, or words that may be said."""
    in_order: bool = False
    """Hear the windows in the order of time and send what is sure at once, for who reads along; it takes longer."""
    batch: int = BATCH
    """Samples of a batch at most; what is heard does not depend on it."""

    @property
    def _language(self) -> str | None:
        """The only language there can be, or None."""
        return self.model.languages[0] if len(self.model.languages) == 1 else self.language

    async def run(
        self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[Transcript | Reached]
    ) -> None:
        """Gather each channel's parts; send the transcripts in the order of their ends within what is gathered.

        While windows are heard, more is gathered and its languages are told, so that no thread has to wait. In order,
        the channels are gathered together.
        """
        gathered: dict[int, list[Part]] = {}
        languages: dict[int, Languages] = {}
        share = Share()
        one = Semaphore(1)
        await send.send(share.reached(0))  # from now on this is what counts, not what was gathered

        async with create_task_group() as tasks:

            async def start(chosen: list[int]) -> None:
                windows: list[Window] = []
                known: dict[int, Languages] = {}
                for channel in chosen:
                    if own := gathered.pop(channel):
                        told = languages.setdefault(channel, Languages(len(self.model.languages)))
                        windows += await self._windows(own, told)
                        known[channel] = told.copy()
                if windows:
                    await one.acquire()
                    tasks.start_soon(self._write, windows, known, share, send, one)

            async for region in receive:
                share.take(region)
                gathered.setdefault(region.channel, []).extend(parts(region))
                chosen = sorted(gathered) if self.in_order else [region.channel]
                enough = GATHERED if region.channel in languages else FIRST
                if sum(len(part.samples) for channel in chosen for part in gathered[channel]) >= enough:
                    await start(chosen)
            for chosen in [sorted(gathered)] if self.in_order else [[channel] for channel in sorted(gathered)]:
                await start(chosen)

    async def _windows(self, own: list[Part], known: Languages) -> list[Window]:
        """The gathered parts of one channel, packed into windows of one language each."""
        languages = [self._language or ""] * len(own)
        if self._language is None:
            own, languages = await self._detect([piece for part in own for piece in pieces(part)], known)
        return pack(own, languages)

    async def _write(
        self,
        windows: list[Window],
        known: dict[int, Languages],
        share: Share,
        send: ObjectSendStream[Transcript | Reached],
        one: Semaphore,
    ) -> None:
        """Transcribe what was gathered; then let the next be heard."""
        waiting: list[Transcript] = []
        left = in_steps(windows) if self.in_order else [list(windows)]
        windows.clear()  # each is let go of when it was heard
        while left:
            waiting += await self._written(left.pop(0), known, share, send)
            # What ends before anything begins that is still to be heard.
            sure = min((window.parts[0].start for step in left for window in step), default=math.inf) / SAMPLE_RATE
            for transcript in sorted(waiting, key=lambda transcript: transcript.end_time):
                if transcript.end_time <= sure:
                    await send.send(transcript)
            waiting = [transcript for transcript in waiting if transcript.end_time > sure]
        one.release()

    async def _written(
        self,
        windows: list[Window],
        known: dict[int, Languages],
        share: Share,
        send: ObjectSendStream[Transcript | Reached],
    ) -> list[Transcript]:
        """What is heard in the windows, telling how far that is."""
        written: list[Transcript] = []
        resolved: list[tuple[Doubt, list[Transcript]]] = []
        groups = self._batches([filled(len(window), SILENCE) for window in windows])

        async def hear(chosen: list[Window]) -> None:
            for window, found in zip(chosen, await self._heard(chosen, SILENCE), strict=True):
                # The words of a translation are not where the sounds are: holes between them mean nothing.
                understood, doubts = judged(window, found, whole=task_in(window.language, self.task) == "transcribe")
                written.extend(understood)
                for doubt in doubts:
                    tasks.start_soon(hear_again, doubt)
            await send.send(share.reached(sum(len(window) for window in chosen)))

        async def hear_again(doubt: Doubt) -> None:
            window = await self._told(doubt, known[doubt.window.parts[0].channel])
            (found,) = await self._heard([window], LONG_SILENCE)
            if trusted(found, len(window)) and found.log_probability >= doubt.least:
                resolved.append((doubt, transcripts(window, found)))

        async with create_task_group() as tasks:
            for numbers in groups:
                tasks.start_soon(hear, [windows[n] for n in numbers])
            windows.clear()
        # In the order of time, whichever thread was the first.
        for doubt, own in sorted(resolved, key=lambda pair: pair[0].window.parts[0].start):
            if doubt.passed_over:
                written = [without(transcript, doubt.window.parts[0]) for transcript in written]
            written += own
        return written

    async def _detect(self, cut: list[Part], known: Languages) -> tuple[list[Part], list[str]]:
        """Tell the language of each piece, and join what belongs together."""
        durations = [min(len(piece.samples), DETECTED) / SAMPLE_RATE for piece in cut]
        chosen = known.choose(await self._probabilities(cut), durations, [piece.change for piece in cut])
        return joined(cut, [self.model.languages[n] for n in chosen])

    async def _told(self, doubt: Doubt, known: Languages) -> Window:
        """Its window; what was passed over is taken for the language of its own sound."""
        if self._language is not None or not doubt.passed_over:
            return doubt.window
        (told,) = known.alone(await self._probabilities(list(doubt.window.parts)))
        return replace(doubt.window, language=self.model.languages[told])

    async def _probabilities(self, own: list[Part]) -> npt.NDArray[np.float64]:
        """Of each of the model's languages for each part: float64 (parts, languages)."""
        samples = [part.samples[:DETECTED] for part in own]
        groups = self._batches([filled(len(own), 0) for own in samples])
        return np.stack(await self._all(lambda group: self.model.detect([samples[n] for n in group]), groups))

    def _batches(self, lengths: Sequence[int]) -> list[list[int]]:
        return batches(lengths, round(self.limiter.total_tokens), self.batch)

    async def _heard(self, windows: list[Window], silence: int) -> list[Heard]:
        """What is heard of a batch of windows, which are of one length when filled with this silence."""

        def hear() -> list[Heard]:  # the samples are put together when it is their turn, and no sooner
            samples = [window.samples() for window in windows]
            languages = [window.language for window in windows]
            return self.model.hear(samples, languages, silence, task=self.task, context=self.prompt)

        return await to_thread.run_sync(hear, limiter=self.limiter)

    async def _all(self, work: Callable[[list[int]], Iterable[R]], groups: list[list[int]]) -> list[R]:
        """Do the work for each group of numbers in threads; the results in the order of their numbers.

        As many are at work at once as the limiter has tokens.
        """
        results: dict[int, R] = {}

        async def one(numbers: list[int]) -> None:
            found = await to_thread.run_sync(work, numbers, limiter=self.limiter)
            results.update(zip(numbers, found, strict=True))

        async with create_task_group() as tasks:
            for numbers in groups:
                tasks.start_soon(one, numbers)
        return [results[n] for n in sorted(results)]


def batches(lengths: Sequence[int], threads: int = 1, most: int = BATCH) -> list[list[int]]:
    """Numbers of the samples, grouped so that all of a batch are of one length and none is longer than `most` in all.

    The longest ones come first, and the last are halved where that gives each of the threads as many.
    """
    grouped: list[list[int]] = []
    for n in sorted(range(len(lengths)), key=lambda n: -lengths[n]):
        if grouped and lengths[grouped[-1][0]] == lengths[n] and lengths[n] * (len(grouped[-1]) + 1) <= most:
            grouped[-1].append(n)
        else:
            grouped.append([n])
    for batch in [batch for batch in reversed(grouped) if len(batch) > 1]:
        if len(grouped) % threads == 0:
            break
        half = len(batch) // 2
        grouped.append(batch[half:])
        del batch[half:]
    return sorted(grouped, key=lambda batch: -lengths[batch[0]] * len(batch))


def in_steps(windows: Sequence[Window]) -> list[list[Window]]:
    """The windows in the order of time, in steps of about STEP samples; the text of a step can be read when it ends."""
    steps: list[list[Window]] = []
    taken = STEP
    for window in sorted(windows, key=lambda window: window.parts[0].start):
        if taken >= STEP:
            steps.append([])
            taken = 0
        steps[-1].append(window)
        taken += len(window)
    return steps


def judged(window: Window, found: Heard, *, whole: bool = True) -> tuple[list[Transcript], list[Doubt]]:
    """What was understood of a window, part by part, and what is to be heard again.

    `whole`: also what was passed over.
    """
    understood: list[Transcript] = []
    doubts: list[Doubt] = []
    for alone, transcript in zip(window.each(), transcripts(window, found), strict=True):
        # The decoder leaves a part out now and then, above all the last one.
        if trusted(found, len(window)) and transcript.words:
            over = skipped(alone.parts[0], transcript.words) if whole else []
            doubts += [Doubt(Window(window.language, (part,)), SURE, passed_over=True) for part in over]
            understood.append(transcript)
        elif len(alone) >= RETRIED:
            doubts.append(Doubt(alone))
    return understood, doubts


def trusted(found: Heard, samples: int, *, cut: bool = False) -> bool:
    """Whether the text was heard: not made up of silence, noise or music, and no loop.

    `cut`: somebody goes on speaking, and the model is less sure of a word that it hears half of.

    Compression, log-probability and no-speech are Whisper's own criteria (Radford et al., 2022, section 4.5). How much
    was said in the time is ours: music is often one caption for many seconds. docs/transcription.md has the figures.
    """
    pace = len(found.text) * SAMPLE_RATE / samples  # characters per second
    return (
        found.compression <= 2.4
        and len(found.text) <= 35 * samples / SAMPLE_RATE + 20
        and found.log_probability >= (-0.7 if samples < BRIEF and not cut else -1.0)
        and not (found.no_speech > 0.6 and found.log_probability < -0.25)
        and not (pace < 3 and found.log_probability < -0.35)
    )


def transcripts(window: Window, found: Heard) -> list[Transcript]:
    """What was understood of a window, for each of its parts."""
    return [
        Transcript(part.channel, window.language, tuple(words), part.end / SAMPLE_RATE)
        for part, words in zip(window.parts, place(window, found.words), strict=True)
    ]
