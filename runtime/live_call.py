"""One live call: its recording grows on the disk, the live lane tells what is said, the graph annotates it behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from anyio import CancelScope, CapacityLimiter, Event, create_memory_object_stream, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from anyio.streams.memory import MemoryObjectSendStream

from contracts.annotation import AnnotatedSpeech, Notice
from contracts.audio import SAMPLE_RATE, AudioChunk
from contracts.errors import CallAnnotateError
from contracts.live_audio import AudioFormat
from contracts.live_errors import FRAME_NOT_FINITE
from contracts.live_speech import Final as FinalText
from contracts.live_speech import Flushed, FlushReason, LiveEvent, LiveOptions, Relabelled
from contracts.live_stages import Fed
from contracts.options import AnnotateOptions
from runtime.engine import Engine
from runtime.lane import Lane
from runtime.live_changes import Changing
from runtime.pipeline import annotation_flow, live_flow
from runtime.running import Running
from runtime.spool import Behind, Spool
from stages.audio_reader import Frames
from stages.decode import Resampler
from stages.live_labels import Told, names_of, relabelled
from stages.live_samples import decoded, mixed
from stages.matching import KnownVoices

__all__ = ["LiveCall", "LiveOptions", "open_live_call"]

FEEDS: Final = 16
"""Frames of the client that may wait for the live lane; then `feed` waits."""
EVENTS: Final = 64
"""Events that may wait for whoever reads them."""


@dataclass(frozen=True)
class _Stream:
    """The source of the live lane: what the client feeds."""

    receive: ObjectReceiveStream[Fed]

    async def run(self, send: ObjectSendStream[Fed]) -> None:
        """Send it on until there is no more."""
        async for fed in self.receive:
            await send.send(fed)


class LiveCall:
    """A call that goes on. One task feeds it, another reads `events`; both may not be the same."""

    def __init__(self, spool: Spool, options: LiveOptions, send: ObjectSendStream[Fed]) -> None:
        """As `open_live_call` needs it."""
        self.events: ObjectReceiveStream[LiveEvent]
        """Bounded; ends before `finish` returns. Who does not read it holds `feed` back."""
        self.received = 0
        """Bytes that were fed."""
        self.notices: tuple[Notice, ...] = ()
        """Of the recording, such as NO_SIGNAL; complete after `finish`."""
        self._spool: Final = spool
        self._send: Final = send
        self._options: Final = Changing(options)
        self._two_sided: Final = options.two_sided
        self._resampler: Final = Resampler(spool.audio.sample_rate, 2 if options.two_sided else 1)
        self._start = 0
        """Samples of each side that the lane was given."""
        self._limiter: Final = CapacityLimiter(1)
        self._flushed = Event()
        self.behind: Running[object] | None = None
        """The graph behind, at work."""
        self._annotated = Event()
        self._speech: AnnotatedSpeech | None = None
        self._told: Final[dict[int, Told]] = {}
        """By utterance."""
        self._names: Final[dict[int, str]] = {}
        """By speaker, as the client knows them."""
        self._events: MemoryObjectSendStream[LiveEvent]
        self._events, self.events = create_memory_object_stream[LiveEvent](EVENTS)

    def options(self, second: float) -> LiveOptions:
        """For what ends at this second of the stream."""
        return self._options.at(second)

    @property
    def progress(self) -> float:
        """0 to 1: how much of what was fed the graph behind has annotated."""
        fed = self.received / self._spool.audio.bytes_per_second
        if self._annotated.is_set():
            return 1.0
        if self.behind is None or fed == 0:
            return 0.0
        return min(1.0, min(position.done for position in self.behind.positions()) / fed)

    async def feed(self, data: bytes) -> None:
        """Take audio in the client's encoding, whole frames of samples; waits while the lane is full.

        Raises FRAME_NOT_FINITE where there is a sample that is no number, and nothing of it is taken.
        """
        samples = await to_thread.run_sync(self._samples, data, limiter=self._limiter)
        await self._spool.write(data)
        self.received += len(data)
        await self._give(samples)

    async def flush(self, reason: FlushReason) -> None:
        """Make final all that was fed: its events are in `events`, the last a Flushed, before this returns."""
        self._flushed = Event()
        await self._send.send(Fed(flush=reason))
        await self._flushed.wait()

    def update(self, options: LiveOptions) -> None:
        """Change `partials`, `language` and `vocabulary` for what is fed from now on; the others stay as they were."""
        self._options.change(self._start / SAMPLE_RATE, options)

    async def finish(self) -> AnnotatedSpeech:
        """Say that no audio follows, and wait for the annotation of the whole; `events` ends before it returns."""
        rest = await to_thread.run_sync(self._rest, limiter=self._limiter)
        await self._give(rest)
        await self._spool.finish()
        await self.flush("end")
        await self._send.aclose()
        await self._annotated.wait()
        assert self._speech is not None
        if changed := self._changed(self._speech):
            names = names_of(self._speech)
            named = {speaker: names[speaker] for speaker in changed.values() if speaker in names}
            await self._events.send(Relabelled(changed, named))
        await self._events.aclose()
        return self._speech

    def _changed(self, speech: AnnotatedSpeech) -> dict[int, int]:
        """The utterances whose speaker is another one in the annotation, or has another name there."""
        changed, names = relabelled(self._told, speech), names_of(speech)
        for utterance, told in self._told.items():
            if utterance not in changed and names.get(told.speaker) != self._names.get(told.speaker):
                changed[utterance] = told.speaker
        return changed

    def _samples(self, data: bytes) -> Frames:
        """float32 (samples, sides) at the rate of the graph; blocks."""
        frames = decoded(data, self._spool.audio)
        if not np.isfinite(frames).all():
            raise CallAnnotateError(FRAME_NOT_FINITE)
        return self._resampler.take(mixed(frames, two_sided=self._two_sided))

    def _rest(self) -> Frames:
        if self._spool.audio.sample_rate == SAMPLE_RATE:
            return np.zeros((0, 1), np.float32)
        return self._resampler.finish()

    async def _give(self, samples: Frames) -> None:
        """Hand samples to the live lane."""
        if len(samples):
            chunks = [AudioChunk(n, self._start, np.ascontiguousarray(side)) for n, side in enumerate(samples.T)]
            self._start += len(samples)
            await self._send.send(Fed(tuple(chunks)))

    async def pass_on(self, event: LiveEvent) -> None:
        """Give what the lane tells to the client's side, and remember whose each utterance is said to be."""
        if isinstance(event, FinalText):
            self._told[event.utterance] = Told(event.channel, event.start_time, event.end_time, event.speaker)
        elif isinstance(event, Relabelled):
            for utterance, speaker in event.speakers.items():
                self._told[utterance] = replace(self._told[utterance], speaker=speaker)
                self._names.pop(speaker, None)
            self._names.update(event.names)
        await self._events.send(event)
        if isinstance(event, Flushed):
            self._flushed.set()

    def annotated(self, speech: AnnotatedSpeech, notices: list[Notice]) -> None:
        """Take what the graph behind has found."""
        self._speech, self.notices = speech, tuple(notices)
        self._annotated.set()

    async def close(self) -> None:
        """End the events, whatever happened."""
        with CancelScope(shield=True):
            await self._events.aclose()
            await self.events.aclose()
            await self._send.aclose()


@dataclass(frozen=True)
class _Lane:
    """Reads what the live lane tells."""

    call: LiveCall

    async def run(self, running: Running[object]) -> None:
        """Until the lane has ended."""
        async for event in running.receive:
            assert isinstance(event, LiveEvent)
            await self.call.pass_on(event)
        await running.finished.wait()


@dataclass(frozen=True)
class _Behind:
    """Reads what the graph behind finds."""

    call: LiveCall
    notices: list[Notice]

    async def run(self, running: Running[object]) -> None:
        """Until it has annotated everything."""
        self.call.behind = running
        async for speech in running.receive:
            assert isinstance(speech, AnnotatedSpeech)
            self.call.annotated(speech, self.notices)
        await running.finished.wait()


@asynccontextmanager
async def open_live_call(
    engine: Engine, lane: Lane, spool: Path, audio: AudioFormat, options: LiveOptions, known: KnownVoices | None = None
) -> AsyncIterator[LiveCall]:
    """Run a live call while the body lasts; leaving it early cancels everything. `known`: the voices to be named.

    The recording stays at `spool`, a WAV file with the right lengths from `finish` on, and belongs to the caller.
    Raises the one CallAnnotateError that a stage fails with, and OSError where the disk refuses the recording.
    """
    recording = Spool(spool, audio)
    send, receive = create_memory_object_stream[Fed](FEEDS)
    call = LiveCall(recording, options, send)
    notices: list[Notice] = []
    two_sided = options.two_sided
    behind = annotation_flow(
        engine,
        AnnotateOptions(language=options.language, max_speakers=None if options.diarize else 1),
        two_sided=two_sided,
        known=known,
        live=call.options,
    )
    apart = options.diarize
    live = live_flow(engine, lane, call.options, two_sided=two_sided, apart=apart, known=known, alone=lane.alone)
    source = Behind(recording, two_sided, CapacityLimiter(1), notices.append)
    try:
        await recording.open()
        with lane.session(), receive:
            async with (
                behind.open(source, watch=_Behind(call, notices)),
                live.open(_Stream(receive), watch=_Lane(call)),
            ):
                yield call
    finally:
        await call.close()
        recording.close()
