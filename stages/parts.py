"""From regions of speech to parts: stretches in which, as far as the segmentation can tell, the same person speaks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.speech import SpeechRegion

LONGEST: Final = 15 * SAMPLE_RATE
"""Samples of a part at most."""
CHANGE: Final = 0.5
"""Share of the segmentation windows from which on a change of speakers is believed."""
SHORTEST: Final = SAMPLE_RATE // 4
"""Samples of a part at least; less holds no word that could be told apart."""
CHANGED: Final = 0.9
"""Chance of somebody else after a change that the segmentation saw and after every pause: what it says of pauses is no
evidence, since it takes similar voices for one (on simulated calls, 74 % of what it took for one were two)."""
BREATH: Final = 0.2
"""Chance of somebody else after a dip of the level within speech, where the segmentation saw no change."""
BLOCK: Final = SAMPLE_RATE // 100
"""Samples of one value of the level: 10 ms."""
DIP: Final = 10
"""Blocks of a dip at least: 0.1 s."""
PIECE: Final = SAMPLE_RATE * 3 // 2
"""Samples of a piece at least: less does not tell its language."""


@dataclass(frozen=True, eq=False)
class Part:
    """An unbroken stretch of one channel's speech."""

    channel: int
    start: int
    """First sample, counted from the start of the stream."""
    samples: Samples
    change: float
    """Chance that somebody else speaks than in the part before: 0 to 1."""

    @property
    def end(self) -> int:
        """One past the last sample, counted from the start of the stream."""
        return self.start + len(self.samples)

    def cut(self, places: Sequence[int], changes: Sequence[float]) -> "list[Part]":
        """Cut before these samples (counted from the part's start), where changes have these chances."""
        bounds = [0, *places, len(self.samples)]
        chances = [self.change, *changes]
        return [
            replace(self, start=self.start + begin, samples=self.samples[begin:end], change=chance)
            for (begin, end), chance in zip(pairwise(bounds), chances, strict=True)
        ]


def parts(region: SpeechRegion) -> list[Part]:
    """Cut a region where the set of speakers changes, and where it is too long for Whisper."""
    whole = Part(
        region.channel,
        region.start - len(region.lead),
        np.concatenate([region.lead, region.samples, region.trail]),
        CHANGED,
    )
    places = [len(region.lead) + frame * FRAME_STEP for frame in change_frames(region)]
    turns = whole.cut(places, [CHANGED] * len(places))
    return [piece for turn in turns for piece in _shortened(turn)]


def change_frames(region: SpeechRegion) -> list[int]:
    """Frames at whose start somebody else takes over; where two speak at once that is in the middle."""
    found = [int(frame) for frame in np.flatnonzero(region.changes >= CHANGE) if frame > 0]
    frames: list[int] = []
    overlapped = None  # the frame at which a second speaker began
    for frame, following in pairwise([*found, len(region.speakers)]):
        both = int(region.speakers[frame:following].max()) > 1
        if both and following < len(region.speakers):
            overlapped = frame if overlapped is None else overlapped
            continue
        place = frame if overlapped is None else (overlapped + frame) // 2
        overlapped = None
        before = frames[-1] if frames else 0
        if min(place - before, len(region.speakers) - place) * FRAME_STEP >= SHORTEST:
            frames.append(place)
    return frames


def _shortened(part: Part) -> list[Part]:
    """Cut a part that is too long at its quietest places."""
    done: list[Part] = []
    while len(part.samples) > LONGEST:
        ready, part = part.cut([_quietest(part.samples[:LONGEST])], [BREATH])
        done.append(ready)
    return [*done, part]


def _quietest(samples: Samples) -> int:
    """Sample in the last half, in the middle of its quietest 200 ms."""
    width = SAMPLE_RATE // 5
    first = len(samples) // 2
    energy = np.cumsum(np.square(samples[first:], dtype=np.float64))
    return first + width // 2 + int(np.argmin(energy[width:] - energy[:-width]))


def pieces(part: Part) -> list[Part]:
    """Cut a part at dips of the level, where another speaker may follow so closely that the segmentation saw none."""
    blocks = len(part.samples) // BLOCK
    if blocks * BLOCK < 2 * PIECE:
        return [part]
    power = np.square(part.samples[: blocks * BLOCK], dtype=np.float64).reshape(blocks, BLOCK).mean(axis=1)
    level = 10 * np.log10(np.maximum(power, 1e-10))
    low, high = np.percentile(level, [5, 90])
    edges = np.flatnonzero(np.diff(np.concatenate([[0], level < low + 0.3 * (high - low), [0]])))
    places: list[int] = []
    for first, last in edges.reshape(-1, 2).tolist():
        place = (first + last) // 2 * BLOCK
        before = places[-1] if places else 0
        if last - first >= DIP and min(place - before, len(part.samples) - place) >= PIECE:
            places.append(place)
    return part.cut(places, [BREATH] * len(places))


def joined(parts: Sequence[Part], languages: Sequence[str]) -> tuple[list[Part], list[str]]:
    """Join parts that follow each other without a gap or a believed change of speakers, in the same language."""
    done: list[Part] = []
    spoken: list[str] = []
    for part, language in zip(parts, languages, strict=True):
        before = done[-1] if done else None
        if (
            before
            and (before.end, spoken[-1]) == (part.start, language)
            and part.change < CHANGE
            and len(before.samples) + len(part.samples) <= LONGEST
        ):
            done[-1] = replace(before, samples=np.concatenate([before.samples, part.samples]))
        else:
            done.append(part)
            spoken.append(language)
    return done, spoken
