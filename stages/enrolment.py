"""From a sample of a voice to its voiceprints; says what is wrong with a sample that is no use."""

from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.annotation import Turn
from contracts.errors import (
    VOICE_SEVERAL_SPEAKERS,
    VOICE_TOO_SHORT,
    CallAnnotateError,
)
from contracts.recognition import Enrolled
from contracts.speech import Diarization, Voiceprints
from stages.recognise import prints_of

SHORTEST: Final = 5.0
"""Seconds of clean speech that a sample needs."""
QUIETEST: Final = 10.0
"""Decibels of the speech above the noise that a sample needs."""
OTHERS: Final = 0.1
"""Share of the speech that may be another speaker's."""
CLIPPED: Final = 0.01
"""Share of the samples of speech that may be clipped."""


@dataclass(frozen=True)
class Enrol:
    """Takes the voiceprints of one voice; raises what is wrong with the sample."""

    path: str
    """For messages."""

    async def run(
        self, receive: ObjectReceiveStream[Voiceprints | Diarization], send: ObjectSendStream[Enrolled]
    ) -> None:
        """Send one Enrolled."""
        regions: list[Voiceprints] = []
        diarization = Diarization((), 0.0)
        async for item in receive:
            match item:
                case Voiceprints():
                    regions.append(item)
                case Diarization():
                    diarization = item
        await send.send(enrolled(self.path, regions, diarization))


def enrolled(path: str, regions: list[Voiceprints], diarization: Diarization) -> Enrolled:
    """Raises VOICE_TOO_SHORT or VOICE_SEVERAL_SPEAKERS."""
    prints = prints_of(regions, diarization.turns)
    spoken = {speaker: float(seconds.sum()) for speaker, (_, seconds) in prints.items()}
    most = max(spoken, key=lambda speaker: spoken[speaker], default=None)
    if most is None or spoken[most] < SHORTEST:
        measured = 0.0 if most is None else spoken[most]
        raise CallAnnotateError(VOICE_TOO_SHORT, path=path, measured=measured, needed=SHORTEST)
    others = 1 - spoken[most] / sum(spoken.values())
    if others > OTHERS:
        raise CallAnnotateError(VOICE_SEVERAL_SPEAKERS, path=path, measured=others, needed=OTHERS)
    vectors, seconds = prints[most]
    total = np.float32(seconds) @ vectors
    return Enrolled((total / np.linalg.norm(total))[None].astype(np.float32), spoken[most], 60.0)


def clean_turns(turns: tuple[Turn, ...], speaker_id: str) -> list[tuple[float, float]]:
    """Start and end in seconds of each stretch in which this speaker speaks and nobody else does, in time order."""
    found = []
    others = [turn for turn in turns if turn.speaker_id != speaker_id]
    for turn in turns:
        if turn.speaker_id == speaker_id:
            free = [(turn.start_time, turn.end_time)]
            for other in others:
                cut = [((a, min(b, other.start_time)), (max(a, other.end_time), b)) for a, b in free]
                free = [(a, b) for a, b in chain.from_iterable(cut) if b > a]
            found += free
    return sorted(set(found))
