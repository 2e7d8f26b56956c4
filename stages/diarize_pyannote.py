"""Diarization by a pyannote.audio pipeline, behind the same joint as our own: audio in, one Diarization out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anyio
import anyio.from_thread
import anyio.to_thread
import numpy as np
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import SAMPLE_RATE, AudioChunk
from contracts.speech import Diarization, SpeakerTurn
from models.pyannote_pipeline import PyannotePipeline, Span


@dataclass(frozen=True, eq=False)
class DiarizePyannote:
    """Collects a call and runs the pipeline on each side of it at the end of the input.

    A pyannote pipeline wants a recording whole. Memory therefore grows with the call: 3.84 MB a minute and side for the
    samples (230 MB an hour), and as much again as the pipeline itself keeps; our own engine does not.
    """

    pipeline: PyannotePipeline
    limiter: anyio.CapacityLimiter
    min_speakers: int = 1
    """Over the whole call."""
    max_speakers: int | None = None
    """Over the whole call, or None for an open number."""

    async def run(self, receive: ObjectReceiveStream[AudioChunk], send: ObjectSendStream[Diarization]) -> None:
        """The sides are worked on one after the other; giving up waits for a batch of windows at most."""
        sides: defaultdict[int, bytearray] = defaultdict(bytearray)
        async for chunk in receive:
            sides[chunk.channel] += chunk.samples.tobytes()
        end_time = max((len(side) / 4 / SAMPLE_RATE for side in sides.values()), default=0.0)
        least, most = bounds_per_side(self.min_speakers, self.max_speakers, len(sides))
        spans: dict[int, list[Span]] = {}
        for channel in sorted(sides):
            samples = np.frombuffer(sides.pop(channel), np.float32)
            spans[channel] = await anyio.to_thread.run_sync(
                self.pipeline.diarize, samples, least, most, anyio.from_thread.check_cancelled, limiter=self.limiter
            )
        await send.send(Diarization(turns(spans), end_time))


def bounds_per_side(least: int, most: int | None, sides: int) -> tuple[int, int | None]:
    """Bounds on the number of speakers of one side, where the bounds of the whole call are given.

    Each side may hold all that the others leave, one speaker each; nobody has to be on a particular side.
    """
    if sides <= 1:
        return least, most
    return 1, None if most is None else max(1, most - (sides - 1))


def turns(spans: Mapping[int, Sequence[Span]]) -> tuple[SpeakerTurn, ...]:
    """The spans of each side as turns of the call; speakers are numbered over all sides, the first to speak first."""
    ordered = sorted(
        (span.start_time, span.end_time, channel, span.speaker) for channel in spans for span in spans[channel]
    )
    numbers: dict[tuple[int, str], int] = {}
    for _, _, channel, speaker in ordered:
        numbers.setdefault((channel, speaker), len(numbers))
    return tuple(
        SpeakerTurn(channel, numbers[channel, speaker], start, end) for start, end, channel, speaker in ordered
    )
