"""From a sample of a voice to its voiceprint; says what is wrong with a sample that is no use.

The voiceprint is the mean of those of the sample as it is and of the same sample through a telephone, so that the voice
is known on either. `docs/voices.md` says how each bound was chosen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from msgspec import Struct
from msgspec.structs import replace

from contracts.annotation import Turn
from contracts.audio import FRAME_STEP, SAMPLE_RATE, AudioChunk, Samples
from contracts.errors import (
    VOICE_CLIPPED,
    VOICE_SEVERAL_SPEAKERS,
    VOICE_TOO_NOISY,
    VOICE_TOO_SHORT,
    CallAnnotateError,
)
from contracts.recognition import Enrolled
from contracts.speech import Diarization, SpeakerTurn, SpeechRegion, Voiceprints
from models.networks import VoiceprintNetwork
from stages.audio_file import AudioFile
from stages.audio_reader import AudioReader
from stages.embed import Embed
from stages.recognise import prints_of
from stages.sound import shown

SHORTEST: Final = 5.0
"""Seconds of clean speech that a sample needs."""
QUIETEST: Final = 10.0
"""Decibels of the speech above the noise that a sample needs."""
CLEANEST: Final = 60.0
"""Decibels above the noise beyond which there is no telling: the noise of a recording of 16 bits, or none."""
OTHERS: Final = 0.1
"""Share of the speech that may be another speaker's."""
CLIPPED: Final = 0.01
"""Share of the samples of speech that may lie at the recording's highest level."""
TELEPHONE: Final = 8_000
"""Hertz: sampling rate of a telephone line."""
MU: Final = 255.0
"""Of the mu-law of ITU-T G.711."""


class Levels(Struct, frozen=True, eq=False, tag=True):
    """How loud the recording is, before anything is done to it."""

    channel: int
    first_frame: int
    """On the stream's grid of FRAME_STEP samples."""
    power: npt.NDArray[np.float64]
    """(frames,): mean square."""

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream."""
        return (self.first_frame + len(self.power)) * FRAME_STEP / SAMPLE_RATE


class TelephonePrints(Struct, frozen=True, eq=False, tag=True):
    """The voiceprints of a region as a telephone would carry it."""

    prints: Voiceprints

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream."""
        return self.prints.end_time


@dataclass(frozen=True)
class Measure:
    """Measures how loud each frame is."""

    async def run(self, receive: ObjectReceiveStream[AudioChunk], send: ObjectSendStream[Levels]) -> None:
        """Send the whole frames of each chunk; what is left at the end is dropped."""
        rest: dict[int, Samples] = {}
        frames: dict[int, int] = {}
        async for chunk in receive:
            samples = np.concatenate([rest.get(chunk.channel, chunk.samples[:0]), chunk.samples])
            whole = len(samples) // FRAME_STEP
            rest[chunk.channel] = samples[whole * FRAME_STEP :]
            power = (samples[: whole * FRAME_STEP].reshape(whole, FRAME_STEP).astype(np.float64) ** 2).mean(axis=1)
            first = frames.get(chunk.channel, 0)
            frames[chunk.channel] = first + whole
            await send.send(Levels(chunk.channel, first, power))


@dataclass(frozen=True)
class EmbedTelephone:
    """Takes the voiceprints of speech as a telephone would carry it."""

    model: VoiceprintNetwork
    limiter: CapacityLimiter

    async def run(self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[TelephonePrints]) -> None:
        """Send the voiceprints of each region."""
        embed = Embed(self.model, self.limiter)
        async for region in receive:
            narrow = await to_thread.run_sync(telephone, region.samples, limiter=self.limiter)
            await send.send(TelephonePrints(await embed.prints(replace(region, samples=narrow))))


@dataclass(frozen=True)
class Enrol:
    """Takes the voiceprint of one voice; raises what is wrong with the sample."""

    path: str
    """For messages."""

    async def run(
        self,
        receive: ObjectReceiveStream[Levels | Voiceprints | TelephonePrints | Diarization],
        send: ObjectSendStream[Enrolled],
    ) -> None:
        """Send one Enrolled."""
        heard: list[Voiceprints] = []
        narrow: list[Voiceprints] = []
        levels: list[Levels] = []
        turns: tuple[SpeakerTurn, ...] = ()
        async for item in receive:
            match item:
                case Levels():
                    levels.append(item)
                case Voiceprints():
                    heard.append(item)
                case TelephonePrints():
                    narrow.append(item.prints)
                case Diarization():
                    turns = item.turns
        await send.send(enrolled(self.path, (heard, narrow), levels, turns))


def enrolled(
    path: str,
    prints: tuple[Sequence[Voiceprints], Sequence[Voiceprints]],
    levels: Sequence[Levels],
    turns: Sequence[SpeakerTurn],
) -> Enrolled:
    """The voiceprint of who speaks most; `prints` are those of the sample as it is and through a telephone.

    Raises VOICE_TOO_SHORT, VOICE_SEVERAL_SPEAKERS or VOICE_TOO_NOISY.
    """
    spoken = {speaker: float(seconds.sum()) for speaker, (_, seconds) in prints_of(prints[0], turns).items()}
    most = max(spoken, key=lambda speaker: spoken[speaker], default=None)
    if most is None or not spoken[most]:
        raise CallAnnotateError(VOICE_TOO_SHORT, path=path, measured=0.0, needed=SHORTEST)
    others = 1 - spoken[most] / sum(spoken.values())
    if others > OTHERS:
        raise CallAnnotateError(VOICE_SEVERAL_SPEAKERS, path=path, measured=others, needed=OTHERS)
    if spoken[most] < SHORTEST:
        raise CallAnnotateError(VOICE_TOO_SHORT, path=path, measured=spoken[most], needed=SHORTEST)
    ratio = signal_to_noise(levels, [turn for turn in turns if turn.speaker == most])
    if ratio < QUIETEST:
        raise CallAnnotateError(VOICE_TOO_NOISY, path=path, measured=ratio, needed=QUIETEST)
    both = [prints_of(side, turns)[most] for side in prints]
    means = [unit(seconds.astype(np.float32) @ vectors) for vectors, seconds in both]
    return Enrolled(unit(np.sum(means, axis=0))[None], spoken[most], ratio)


def signal_to_noise(levels: Sequence[Levels], turns: Sequence[SpeakerTurn]) -> float:
    """Decibels of the speech above the noise that goes on beneath it, at most CLEANEST.

    The noise is as loud as the quietest tenth of the turns: between words nobody speaks, however fast.
    """
    parts: list[npt.NDArray[np.float64]] = []
    for turn in turns:
        first, last = (round(time * SAMPLE_RATE / FRAME_STEP) for time in (turn.start_time, turn.end_time))
        parts += [
            own.power[max(0, first - own.first_frame) : max(0, last - own.first_frame)]
            for own in levels
            if own.channel == turn.channel
        ]
    power = np.concatenate(parts) if parts else np.zeros(0)
    if not power.any():
        return 0.0
    noise = float(np.quantile(power, 0.1))
    speech = float(power.mean()) - noise
    return float(np.clip(10 * np.log10(max(speech, 1e-12) / max(noise, 1e-12)), 0.0, CLEANEST))


def telephone(samples: Samples) -> Samples:
    """The samples as a telephone line carries them: 8 kHz and eight bits of mu-law (ITU-T G.711)."""
    narrow = np.clip(soxr.resample(samples, SAMPLE_RATE, TELEPHONE), -1.0, 1.0)
    coded = np.round(np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU) * 127) / 127
    line = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    wide: Samples = soxr.resample(line, TELEPHONE, SAMPLE_RATE).astype(np.float32)
    return np.pad(wide, (0, max(0, len(samples) - len(wide))))[: len(samples)]


def check_clipping(file: AudioFile) -> None:
    """Read a sample through and raise VOICE_CLIPPED where too much of it lies at its highest level; blocks.

    The highest level is the recording's own: a recording that was clipped and made quieter is clipped as well.
    """
    edges = np.linspace(0.0, 1.5, 751)
    counts = np.zeros(len(edges) - 1, np.int64)
    with AudioReader(file) as reader:
        while (block := reader.read()) is not None:
            counts += np.histogram(np.clip(np.abs(block), 0, 1.5), edges)[0]
    heard = np.flatnonzero(counts)
    highest = int(heard[-1]) + 1 if len(heard) else 0
    loud = int(counts[highest // 10 : highest].sum())
    share = float(counts[round(0.98 * highest) - 1 : highest].sum() / max(1, loud))
    if highest > 10 and share > CLIPPED:
        raise CallAnnotateError(VOICE_CLIPPED, path=shown(file.path), measured=share, needed=CLIPPED)


def clean_turns(turns: Sequence[Turn], speaker_id: str) -> list[tuple[float, float]]:
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


def unit(vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The vector at length 1."""
    return vector / np.float32(max(float(np.linalg.norm(vector)), 1e-12))
