"""From regions of speech to utterances: stretches in which one person speaks, as long as Whisper takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.speech import SpeechRegion

LONGEST: Final = 25 * SAMPLE_RATE
"""Samples of an utterance at most; the encoder takes 30 s, silence after the last word included."""
PAUSE: Final = 2 * SAMPLE_RATE
"""Samples of a pause at most, over which an utterance goes on when the same speaker does."""
CHANGE: Final = 0.5
"""Share of the segmentation windows from which on a change of speakers is believed."""
SHORTEST: Final = SAMPLE_RATE // 4
"""Samples of a part at least; less holds no word that could be told apart."""


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of the signal without a gap."""

    start: int
    """First sample, counted from the start of the stream."""
    samples: Samples

    @property
    def end(self) -> int:
        """One past the last sample, counted from the start of the stream."""
        return self.start + len(self.samples)


@dataclass(frozen=True, eq=False)
class Utterance:
    """What one person says in a row: parts with pauses between them."""

    channel: int
    parts: tuple[Part, ...]

    @property
    def start(self) -> int:
        """First sample, counted from the start of the stream."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """One past the last sample, counted from the start of the stream."""
        return self.parts[-1].end

    def samples(self) -> Samples:
        """From start to end, with zeros in the pauses."""
        joined = np.zeros(self.end - self.start, np.float32)
        for part in self.parts:
            joined[part.start - self.start : part.end - self.start] = part.samples
        return joined


class Utterances:
    """Cuts regions where speakers change and joins what one speaker says over short pauses."""

    def __init__(self) -> None:
        self._open: dict[int, Utterance] = {}

    def add(self, region: SpeechRegion) -> Iterator[Utterance]:
        """Take the next region of any channel; yield the utterances that it ends."""
        for part, continues in cut(region):
            before = self._open.get(region.channel)
            if before and continues and part.start - before.end <= PAUSE and part.end - before.start <= LONGEST:
                self._open[region.channel] = Utterance(region.channel, (*before.parts, part))
            else:
                if before:
                    yield before
                self._open[region.channel] = Utterance(region.channel, (part,))

    def rest(self) -> Iterator[Utterance]:
        """Yield what is still open at the end of the input."""
        yield from self._open.values()
        self._open.clear()


def cut(region: SpeechRegion) -> Iterator[tuple[Part, bool]]:
    """Cut a region where the set of speakers changes; each part with whether the speaker before it goes on.

    Where two speak at once the cut is in the middle of that.
    """
    edges = [0, *change_frames(region), len(region.speakers)]
    for n, (first, last) in enumerate(pairwise(edges)):
        begin, end = first * FRAME_STEP, min(last * FRAME_STEP, len(region.samples))
        continues = n == 0 and bool(region.changes[0] < CHANGE)
        while end - begin > LONGEST:
            middle = begin + quietest(region.samples[begin : begin + LONGEST])
            yield Part(region.start + begin, region.samples[begin:middle]), continues
            begin, continues = middle, True
        yield Part(region.start + begin, region.samples[begin:end]), continues


def change_frames(region: SpeechRegion) -> list[int]:
    """Frames at whose start somebody else takes over; the middle of an overlap counts as one such frame."""
    frames: list[int] = []
    found = [int(n) for n in np.flatnonzero(region.changes[1:] >= CHANGE) + 1]
    skip = 0
    for n, frame in enumerate(found):
        if frame < skip:
            continue
        following = found[n + 1] if n + 1 < len(found) else None
        if following and region.speakers[frame] > 1 and region.speakers[following] == 1:
            skip = following + 1
            frame = (frame + following) // 2  # noqa: PLW2901
        previous = frames[-1] if frames else 0
        if (frame - previous) * FRAME_STEP >= SHORTEST and (len(region.speakers) - frame) * FRAME_STEP >= SHORTEST:
            frames.append(frame)
    return frames


def quietest(samples: Samples) -> int:
    """Sample in the last third, in the middle of its quietest 200 ms."""
    width = SAMPLE_RATE // 5
    first = len(samples) * 2 // 3
    energy = np.cumsum(np.square(samples[first:], dtype=np.float64))
    return first + width // 2 + int(np.argmin(energy[width:] - energy[:-width]))
