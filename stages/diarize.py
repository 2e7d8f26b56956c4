"""Decides at the end of a call who spoke when."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.speech import Diarization, SpeakerTurn, Voiceprints
from stages.clustering import Speakers, find_speakers
from stages.stretches import joined, stretches

BREATH: Final = 18
"""Frames (0.3 s): a speaker's turn goes on across a pause that is shorter."""
NEIGHBOURHOOD: Final = 59
"""Frames (1 s) around an overlap in which the second speaker is looked for, where the turns beside it don't say."""


@dataclass(frozen=True)
class Diarize:
    """Gathers the voiceprints of a call and clusters them; memory grows by about 0.5 MB in ten minutes of speech."""

    limiter: CapacityLimiter
    min_speakers: int = 1
    """Over the whole call."""
    max_speakers: int | None = None
    """Over the whole call; None for an open number."""

    async def run(self, receive: ObjectReceiveStream[Voiceprints], send: ObjectSendStream[Diarization]) -> None:
        """Send one Diarization after the last region."""
        regions = [region async for region in receive]
        turns = await to_thread.run_sync(diarized, regions, self.min_speakers, self.max_speakers, limiter=self.limiter)
        await send.send(Diarization(turns, max((region.end_time for region in regions), default=0.0)))


def diarized(
    regions: Sequence[Voiceprints], min_speakers: int = 1, max_speakers: int | None = None
) -> tuple[SpeakerTurn, ...]:
    """The turns of all speakers of a call, in the order of their start."""
    vectors = np.concatenate([region.vectors for region in regions]) if regions else np.zeros((0, 0), np.float32)
    channels = np.repeat([region.channel for region in regions], [len(region.spans) for region in regions])
    seconds = np.concatenate([_seconds(region.spans) for region in regions]) if regions else np.zeros(0)
    if not len(vectors):
        # Nothing but sounds too short to tell voices apart: one voice a channel.
        sides = np.unique([region.channel for region in regions]).astype(np.int64)
        speakers = Speakers(np.zeros((len(sides), vectors.shape[1]), np.float32), sides)
    else:
        speakers = find_speakers(vectors, seconds, channels.astype(np.int64), min_speakers, max_speakers)
    turns: list[tuple[int, int, int]] = []
    for channel in np.unique(speakers.channels):
        own = np.flatnonzero(speakers.channels == channel)
        heard = [region for region in regions if region.channel == channel]
        turns += [(start, stop, int(own[speaker])) for start, stop, speaker in _turns(heard, speakers.means[own])]
    numbers: dict[int, int] = {}
    return tuple(
        SpeakerTurn(
            channel=int(speakers.channels[speaker]),
            speaker=numbers.setdefault(speaker, len(numbers)),
            start_time=start * FRAME_STEP / SAMPLE_RATE,
            end_time=stop * FRAME_STEP / SAMPLE_RATE,
        )
        for start, stop, speaker in sorted(turns)
    )


def _seconds(spans: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Speech that each span stands for (n,): its length, with overlaps shared between neighbours."""
    overlaps = np.maximum(0, spans[:-1, 1] - spans[1:, 0]) / 2
    own = (spans[:, 1] - spans[:, 0]).astype(np.float64)
    own[:-1] -= overlaps
    own[1:] -= overlaps
    return own * FRAME_STEP / SAMPLE_RATE


def _turns(regions: Sequence[Voiceprints], means: npt.NDArray[np.float32]) -> Iterator[tuple[int, int, int]]:
    """Start frame, end frame and speaker of every turn of one channel, not in order."""
    spoken: list[list[tuple[int, int]]] = [[] for _ in means]
    last = 0
    for region in regions:
        active, last = _who(region, means, last)
        for speaker in np.flatnonzero(active.any(axis=0)).tolist():
            first = region.first_frame
            spoken[speaker] += [(first + start, first + stop) for start, stop in stretches(active[:, speaker])]
    for speaker, own in enumerate(spoken):
        yield from ((start, stop, speaker) for start, stop in joined(own, BREATH))


def _who(region: Voiceprints, means: npt.NDArray[np.float32], before: int) -> tuple[npt.NDArray[np.bool_], int]:
    """Who speaks in each frame of a region (frames, speakers), and who speaks last.

    One speaks: whom the voiceprints around the frame resemble most. Two speak: those who speak before and after, which
    is how turns overlap; where that is one and the same, the second is whom the voiceprints nearby resemble next.
    """
    frames = len(region.speakers)
    evidence, count = np.zeros((frames, len(means)), np.float32), np.zeros(frames, np.float32)
    for (start, stop), row in zip(region.spans - region.first_frame, region.vectors @ means.T, strict=True):
        evidence[start:stop] += row
        count[start:stop] += 1
    known = np.flatnonzero(count)
    evidence[known] /= count[known, None]
    speaker = np.full(frames, before)
    if len(known):
        middles = (known[1:] + known[:-1] + 1) // 2
        nearest = known[np.searchsorted(middles, np.arange(frames), side="right")]
        speaker = evidence[nearest].argmax(axis=1)
    active = np.zeros((frames, len(means)), bool)
    active[np.arange(frames), speaker] = region.speakers > 0
    if len(means) > 1:
        for start, stop in stretches(region.speakers > 1):
            nearby = known[(known >= start - NEIGHBOURHOOD) & (known < stop + NEIGHBOURHOOD)]
            pair = _pair(speaker, start, stop, evidence[nearby].sum(axis=0))
            active[start:stop] = False
            active[start:stop, pair] = True
    return active, int(speaker[-1])


def _pair(speaker: npt.NDArray[np.int64], start: int, stop: int, evidence: npt.NDArray[np.float32]) -> list[int]:
    """The two who speak at once from frame `start` to `stop`; `evidence` (speakers,) is that of the neighbourhood."""
    after = int(speaker[min(stop, len(speaker) - 1)])
    before = int(speaker[start - 1]) if start else after
    if stop == len(speaker):
        after = before
    if before != after:
        return [before, after]
    others = np.argsort(-evidence, kind="stable")
    return [before, int(others[others != before][0])]
