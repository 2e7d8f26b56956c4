"""Finds the stretches in which somebody speaks, and how many speak at once, with the segmentation network."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from msgspec.structs import replace

from contracts.audio import AudioChunk
from contracts.speech import SpeechRegion
from models.networks import SegmentationNetwork
from stages.hearing import Hearing


@dataclass(frozen=True)
class Segment:
    """Slides a window of ten seconds over each channel; memory does not grow with the length of the call."""

    model: SegmentationNetwork
    limiter: CapacityLimiter

    async def run(self, receive: ObjectReceiveStream[AudioChunk], send: ObjectSendStream[SpeechRegion]) -> None:
        """Send each region as soon as no later window can change it. Where chunks are cut makes no difference."""
        channels: dict[int, Hearing] = {}
        numbers = count()
        async for chunk in receive:
            hearing = channels.setdefault(chunk.channel, Hearing(chunk.channel))
            hearing.hear(chunk)
            await self._settle(hearing, numbers, send)
        for _, hearing in sorted(channels.items()):
            hearing.finish()
            await self._settle(hearing, numbers, send)

    async def _settle(self, hearing: Hearing, numbers: Iterator[int], send: ObjectSendStream[SpeechRegion]) -> None:
        while (window := hearing.next_window()) is not None:
            # One window a call: a batch would be hardly faster, and a cancelled job would end later.
            scores = await to_thread.run_sync(self.model.scores, window[None], limiter=self.limiter)
            for region in hearing.see(scores[0]):
                await send.send(replace(region, number=next(numbers)))
