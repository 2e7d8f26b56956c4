"""The speakers of a finished call for the utterances that were told while it went on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from contracts.annotation import AnnotatedSpeech, Turn


@dataclass(frozen=True)
class Told:
    """What the client knows of an utterance."""

    channel: int
    start_time: float
    """Seconds from the start of the stream."""
    end_time: float
    """Seconds from the start of the stream."""
    speaker: int


def relabelled(told: Mapping[int, Told], speech: AnnotatedSpeech) -> dict[int, int]:
    """The utterances that are somebody else's in the annotation, whose speakers count from 0 in its order."""
    numbers = {speaker.speaker_id: number for number, speaker in enumerate(speech.speakers)}
    sides: dict[int, list[Turn]] = {}
    for speaker in speech.speakers:
        own = [turn for turn in speech.turns if turn.speaker_id == speaker.speaker_id]
        for channel in (0, 1) if speaker.channel is None else (speaker.channel,):
            sides.setdefault(channel, []).extend(own)
    changed: dict[int, int] = {}
    for channel, turns in sides.items():
        starts = np.array([turn.start_time for turn in turns])
        ends = np.array([turn.end_time for turn in turns])
        speakers = np.array([numbers[turn.speaker_id] for turn in turns])
        for utterance, own_told in told.items():
            if own_told.channel == channel and len(turns):
                speaker_now = _speaker(own_told, starts, ends, speakers)
                if speaker_now != own_told.speaker:
                    changed[utterance] = speaker_now
    return changed


def names_of(speech: AnnotatedSpeech) -> dict[int, str]:
    """Speaker, counted from 0 in the annotation's order -> name, of those whose voice is known."""
    return {
        number: speaker.identified_as
        for number, speaker in enumerate(speech.speakers)
        if speaker.identified_as is not None and speaker.voice_id is not None
    }


def _speaker(
    told: Told, starts: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], speakers: npt.NDArray[np.int64]
) -> int:
    """Who speaks most of the utterance's time, or next to it where nobody does."""
    shared = np.maximum(0.0, np.minimum(ends, told.end_time) - np.maximum(starts, told.start_time))
    if shared.any():
        return int(np.bincount(speakers, shared).argmax())
    return int(speakers[np.maximum(starts - told.end_time, told.start_time - ends).argmin()])
