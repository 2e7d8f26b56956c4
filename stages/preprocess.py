"""Cleans the audio that the networks hear: no DC, no rumble, nothing of the other side, speech at one level."""

from dataclasses import dataclass, field

from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import AudioChunk, Samples
from stages.crosstalk import Crosstalk
from stages.leveling import HighPass, Leveler


@dataclass
class Line:
    """One channel in progress."""

    channel: int
    sent: int
    """First sample of the next chunk that goes out, counted from the start of the stream."""
    high_pass: HighPass = field(default_factory=HighPass)
    leveler: Leveler = field(default_factory=Leveler)

    async def send(self, samples: Samples, send: ObjectSendStream[AudioChunk]) -> None:
        """Send what is ready, if anything is."""
        if len(samples):
            await send.send(AudioChunk(self.channel, self.sent, samples))
            self.sent += len(samples)


@dataclass(frozen=True)
class Preprocess:
    """Filters and levels each channel, 0.6 s late (0.7 s a two-sided call); memory does not grow with the length."""

    two_sided: bool = False
    """Channels 0 and 1 are the sides of one call; what each hears of the other is silenced."""

    async def run(self, receive: ObjectReceiveStream[AudioChunk], send: ObjectSendStream[AudioChunk]) -> None:
        """Send as many samples as come in. Where chunks are cut makes no difference to their values."""
        lines: dict[int, Line] = {}
        crosstalk = Crosstalk() if self.two_sided else None
        async for chunk in receive:
            line = lines.setdefault(chunk.channel, Line(chunk.channel, chunk.start))
            filtered = line.high_pass.take(chunk.samples)
            for channel, samples in (
                crosstalk.take(chunk.channel, filtered) if crosstalk else [(chunk.channel, filtered)]
            ):
                await lines[channel].send(lines[channel].leveler.take(samples), send)
        for channel, samples in crosstalk.finish() if crosstalk else []:
            await lines[channel].send(lines[channel].leveler.take(samples), send)
        for _, line in sorted(lines.items()):
            await line.send(line.leveler.finish(), send)
