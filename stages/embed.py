"""Takes voiceprints inside each region of speech, where one speaker speaks at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, create_task_group, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import FRAME_STEP, Samples
from contracts.speech import SpeechRegion, Voiceprints
from models.networks import VoiceprintNetwork
from models.voiceprint import FEATURE_LENGTH, FEATURE_STEP, SIZE, filterbank
from stages.stretches import stretches

WINDOW: Final = 89
"""Frames (1.5 s) that a voiceprint covers: shorter ones are noisy, longer ones blur where speakers change."""
HOP: Final = 79
"""Frames (1.3 s) at most from one voiceprint to the next: DER is 3.41 % over 37 simulated calls, and 3.37 % with 1 s,
which takes an eighth more time."""
SHORTEST: Final = 18
"""Frames (0.3 s) below which a piece is too short to tell a voice."""
CHANGE: Final = 0.5
"""Share of the segmentation windows that must see a change for a cut."""
BATCH: Final = 8
"""Voiceprints a call: more are hardly faster, and a cancelled job would end later."""


@dataclass(frozen=True)
class Embed:
    """Runs CAM++ over windows that lie inside one speaker's speech, as far as the segmentation can tell."""

    model: VoiceprintNetwork
    limiter: CapacityLimiter

    async def run(self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[Voiceprints]) -> None:
        """Send the voiceprints of each region, none for a region without a piece that is long enough."""
        async for region in receive:
            await send.send(await self.prints(region))

    async def prints(self, region: SpeechRegion) -> Voiceprints:
        """The voiceprints of one region."""
        spans = [span for piece in pieces(region.speakers, region.changes) for span in windows(*piece)]
        vectors = np.zeros((len(spans), SIZE), np.float32)
        if spans:
            features = await to_thread.run_sync(features_of, region.samples, spans, limiter=self.limiter)
            async with create_task_group() as tasks:
                for batch in batches(features):
                    tasks.start_soon(self._embed, features, batch, vectors)
        return Voiceprints(
            channel=region.channel,
            first_frame=region.first_frame,
            speakers=region.speakers,
            spans=region.first_frame + np.array(spans, np.int64).reshape(-1, 2),
            vectors=vectors,
        )

    async def _embed(
        self, features: list[npt.NDArray[np.float32]], batch: list[int], vectors: npt.NDArray[np.float32]
    ) -> None:
        """Put the voiceprints of a batch into the rows of `vectors` (n, 192) that its numbers name."""
        stack = np.stack([features[index] for index in batch])
        vectors[batch] = await to_thread.run_sync(self.model.embed, stack, limiter=self.limiter)


def pieces(speakers: npt.NDArray[np.uint8], changes: npt.NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """First and one past the last frame of each stretch where one speaks, cut where the speaker changes.

    A cut closer than SHORTEST to an end or to a clearer cut is left out: it would leave nothing to tell a voice by.
    """
    marks = [int(frame) for frame in np.argsort(-changes, kind="stable") if changes[frame] >= CHANGE]
    for start, stop in stretches(speakers == 1):
        cuts = [start, stop]
        for mark in marks:
            if start < mark < stop and all(abs(mark - cut) >= SHORTEST for cut in cuts):
                cuts.append(mark)
        yield from pairwise(sorted(cuts))


def windows(start: int, stop: int) -> list[tuple[int, int]]:
    """Spans of at most WINDOW frames that cover a piece evenly; none if it is shorter than SHORTEST."""
    length = stop - start
    if length < SHORTEST:
        return []
    if length <= WINDOW:
        return [(start, stop)]
    hops = -(-(length - WINDOW) // HOP)
    starts = [start + round(hop * (length - WINDOW) / hops) for hop in range(hops + 1)]
    return [(first, first + WINDOW) for first in starts]


def features_of(samples: Samples, spans: list[tuple[int, int]]) -> list[npt.NDArray[np.float32]]:
    """Filterbank features of each span of frames: float32 (feature frames, 80); as long for spans of equal length."""
    features = filterbank(samples)
    found = []
    for start, stop in spans:
        length = 1 + ((stop - start) * FRAME_STEP - FEATURE_LENGTH) // FEATURE_STEP
        # A feature frame more may begin in the last frame of the grid than ends in it: stay inside.
        first = max(0, min(round(start * FRAME_STEP / FEATURE_STEP), len(features) - length))
        found.append(features[first : first + length])
    return found


def batches(features: list[npt.NDArray[np.float32]]) -> Iterator[list[int]]:
    """Indices of at most BATCH features of equal length at a time."""
    lengths: dict[int, list[int]] = {}
    for index, feature in enumerate(features):
        lengths.setdefault(len(feature), []).append(index)
    for indices in lengths.values():
        for first in range(0, len(indices), BATCH):
            yield indices[first : first + BATCH]
