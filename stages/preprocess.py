"""Cleans the audio that the networks hear: no DC, no rumble, speech at one level."""

from dataclasses import dataclass

from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import AudioChunk, Samples
from stages.leveling import Channel


@dataclass(frozen=True)
class Preprocess:
    """Filters and levels each channel by itself, 0.6 s late; memory does not grow with the length of the call."""

    async def run(self, receive: ObjectReceiveStream[AudioChunk], send: ObjectSendStream[AudioChunk]) -> None:
        """Send as many samples as come in. Where chunks are cut makes no difference to their values."""
        channels: dict[int, Channel] = {}
        sent: dict[int, int] = {}

        async def give(channel: int, samples: Samples) -> None:
            if len(samples):
                await send.send(AudioChunk(channel, sent[channel], samples))
                sent[channel] += len(samples)

        async for chunk in receive:
            sent.setdefault(chunk.channel, chunk.start)
            await give(chunk.channel, channels.setdefault(chunk.channel, Channel()).take(chunk.samples))
        for number, channel in sorted(channels.items()):
            await give(number, channel.finish())
