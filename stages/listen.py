"""Tells at once where somebody speaks in a live call, and hands on what is said utterance by utterance."""

from dataclasses import dataclass, field

import numpy as np
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import AudioChunk, Samples
from contracts.live_speech import FinalReason, SpeechBegan, SpeechStopped
from contracts.live_stages import Flush, Utterance
from models.networks import SegmentationNetwork
from stages.live_activity import Activity
from stages.live_work import Priority, Worker


@dataclass(frozen=True)
class Listen:
    """Looks at the last seconds of each channel several times a second; memory does not grow with the call."""

    model: SegmentationNetwork
    worker: Worker = field(repr=False)

    async def run(
        self,
        receive: ObjectReceiveStream[AudioChunk | Flush],
        send: ObjectSendStream[SpeechBegan | SpeechStopped | Utterance | Flush],
    ) -> None:
        """Send each thing as soon as it is known; at a flush, all that goes on is complete."""
        channels: dict[int, Activity] = {}
        async for item in receive:
            if isinstance(item, AudioChunk):
                activity = channels.setdefault(item.channel, Activity(item.channel))
                activity.take(item.samples)
                while (window := activity.next_window()) is not None:
                    await self._look(activity, window, None, send)
                continue
            for _, activity in sorted(channels.items()):
                if (window := activity.last_window()) is not None:
                    await self._look(activity, window, item.reason, send)
            await send.send(item)

    async def _look(
        self,
        activity: Activity,
        window: Samples,
        reason: FinalReason | None,
        send: ObjectSendStream[SpeechBegan | SpeechStopped | Utterance | Flush],
    ) -> None:
        batch = np.ascontiguousarray(window[None])
        (scores,) = await self.worker.run(Priority.ACTIVITY, lambda: self.model.scores(batch))
        for event in activity.see(scores, reason):
            await send.send(event)
