"""Says which speakers of a call are known voices, at the end of the call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from contracts.recognition import Identified, Recognition
from contracts.speech import Diarization, SpeakerTurn, Voiceprints
from stages.matching import KnownVoices, Match

INSIDE: Final = 0.9
"""Share of a voiceprint's window that lies inside the turns of one speaker, and of no other, for it to count."""
TOGETHER: Final = 0.5
"""Seconds during which two speakers speak at once that prove them to be two persons."""


@dataclass(frozen=True)
class Recognise:
    """Gathers voiceprints until the turns are known, then compares each speaker with every known voice."""

    known: KnownVoices = field(repr=False)
    limiter: CapacityLimiter
    min_speakers: int = 1
    """Speakers are never taken for one person where fewer would be left."""

    async def run(
        self, receive: ObjectReceiveStream[Voiceprints | Diarization], send: ObjectSendStream[Recognition]
    ) -> None:
        """Send one Recognition; memory grows by about 0.5 MB in ten minutes of speech."""
        regions: list[Voiceprints] = []
        turns: tuple[SpeakerTurn, ...] = ()
        end_time = 0.0
        async for item in receive:
            end_time = max(end_time, item.end_time)
            match item:
                case Voiceprints():
                    regions.append(item)
                case Diarization():
                    turns = item.turns
        speakers = await to_thread.run_sync(
            recognised, self.known, regions, turns, self.min_speakers, limiter=self.limiter
        )
        await send.send(Recognition(speakers, end_time))


def recognised(
    known: KnownVoices, regions: Sequence[Voiceprints], turns: Sequence[SpeakerTurn], min_speakers: int = 1
) -> tuple[Identified, ...]:
    """Who each speaker of the turns is."""
    matches = {speaker: known.match(*prints) for speaker, prints in prints_of(regions, turns).items()}
    return settled(matches, turns, min_speakers)


def prints_of(
    regions: Sequence[Voiceprints], turns: Sequence[SpeakerTurn]
) -> dict[int, tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]]:
    """Of each speaker: the voiceprints inside the speaker's turns, float32 (windows, 192), and the seconds of speech
    that each stands for, float64 (windows,)."""
    found: dict[int, tuple[npt.NDArray[np.float32], npt.NDArray[np.float64]]] = {}
    vectors: dict[int, list[npt.NDArray[np.float32]]] = {turn.speaker: [] for turn in turns}
    seconds: dict[int, list[float]] = {turn.speaker: [] for turn in turns}
    for channel in {turn.channel for turn in turns}:
        own = [turn for turn in turns if turn.channel == channel]
        starts = np.array([turn.start_time for turn in own])
        ends = np.array([turn.end_time for turn in own])
        speakers = np.array([turn.speaker for turn in own])
        for region in regions:
            if region.channel != channel:
                continue
            reach = 0
            for (first, last), vector in zip(region.spans.tolist(), region.vectors, strict=True):
                start, stop = first * FRAME_STEP / SAMPLE_RATE, last * FRAME_STEP / SAMPLE_RATE
                shares = np.bincount(speakers, np.clip(np.minimum(ends, stop) - np.maximum(starts, start), 0, None))
                shares = shares / (stop - start)
                best = int(shares.argmax())
                if shares[best] >= INSIDE and shares.sum() - shares[best] <= 1 - INSIDE:
                    vectors[best].append(vector)
                    seconds[best].append((last - max(first, reach)) * FRAME_STEP / SAMPLE_RATE)
                reach = max(reach, last)
    for speaker, stacked in vectors.items():
        rows = np.stack(stacked) if stacked else np.zeros((0, 192), np.float32)
        found[speaker] = rows, np.array(seconds[speaker], np.float64)
    return found


def settled(
    matches: Mapping[int, Match], turns: Sequence[SpeakerTurn], min_speakers: int = 1
) -> tuple[Identified, ...]:
    """One person is not two speakers of a call. Two that match one voice are joined where nothing speaks against it;
    where they are on two sides or speak at once, only the likelier one has the name."""
    result: dict[int, Identified] = {}
    owners: dict[str, int] = {}
    joined = 0
    for speaker, match in sorted(matches.items(), key=lambda item: -item[1].probability):
        unknown = Identified(speaker, None, None, 0.0)
        if match.voice_id is None:
            result[speaker] = unknown
        elif (owner := owners.setdefault(match.voice_id, speaker)) == speaker:
            result[speaker] = Identified(speaker, match.voice_id, match.name, match.probability, match.source)
        elif len(matches) - joined > min_speakers and not apart(owner, speaker, turns):
            result[speaker] = Identified(
                speaker, match.voice_id, match.name, match.probability, match.source, same_as=owner
            )
            joined += 1
        else:
            result[speaker] = unknown
    return tuple(result[speaker] for speaker in sorted(result))


def apart(one: int, other: int, turns: Sequence[SpeakerTurn]) -> bool:
    """Whether two speakers are two persons for certain: on two sides of the call, or heard at once."""
    first = [turn for turn in turns if turn.speaker == one]
    second = [turn for turn in turns if turn.speaker == other]
    if {turn.channel for turn in first} != {turn.channel for turn in second}:
        return True
    together = sum(
        max(0.0, min(turn.end_time, against.end_time) - max(turn.start_time, against.start_time))
        for turn in first
        for against in second
    )
    return together >= TOGETHER
