"""Cleans the audio of a live call without waiting for what comes: no rumble, and nothing of the other side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import AudioChunk
from contracts.live_stages import Fed, Flush
from stages.crosstalk import Crosstalk, Side
from stages.leveling import HighPass


@dataclass(frozen=True)
class CleanLive:
    """As the stage `preprocess`, but for the level, which looks 0.6 s ahead: what follows levels utterances itself."""

    two_sided: bool = False

    async def run(self, receive: ObjectReceiveStream[Fed], send: ObjectSendStream[AudioChunk | Flush]) -> None:
        """Send as many samples as come in, those of a two-sided call 0.1 s late but for a flush."""
        filters: dict[int, HighPass] = {}
        sent: dict[int, int] = {}
        crosstalk = Crosstalk() if self.two_sided else None
        async for fed in receive:
            for chunk in fed.chunks:
                filtered = filters.setdefault(chunk.channel, HighPass()).take(chunk.samples)
                ready = crosstalk.take(chunk.channel, filtered) if crosstalk else [(chunk.channel, filtered)]
                await _send(ready, sent, send)
            if fed.flush is not None:
                if crosstalk:
                    # What the sides know of each other's noise is learnt anew.
                    await _send(crosstalk.finish(), sent, send)
                    crosstalk = Crosstalk()
                await send.send(Flush(fed.flush))


async def _send(ready: Sequence[Side], sent: dict[int, int], send: ObjectSendStream[AudioChunk | Flush]) -> None:
    """Send what is ready of each channel; `sent` are the samples that went before."""
    for channel, samples in ready:
        if len(samples):
            start = sent.get(channel, 0)
            await send.send(AudioChunk(channel, start, samples.astype(np.float32)))
            sent[channel] = start + len(samples)
