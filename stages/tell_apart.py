"""Tells who says each utterance of a live call, and tells it anew where comparing all voices shows it was wrong, or
where a voice turns out to be a known one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

import numpy as np
import numpy.typing as npt
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from msgspec.structs import replace

from contracts.audio import FRAME_STEP
from contracts.live_speech import Final as FinalText
from contracts.live_speech import Flushed, LiveEvent, Partial, Relabelled
from contracts.live_stages import Flush, Utterance, Written
from models.networks import VoiceprintNetwork
from models.voiceprint import SIZE, filterbank
from stages.clustering import Vectors
from stages.embed import HOP, SHORTEST, WINDOW, pieces
from stages.live_names import Names
from stages.live_speakers import Prints, Speakers, seconds_of
from stages.live_work import Priority, Worker
from stages.matching import KnownVoices

AGAIN: Final = 15.0
"""Seconds of the stream after which all voices are compared anew, at least."""
AGAIN_SHARE: Final = 0.1
"""The same as a share of the stream so far: the work grows with the call, its rate does not."""

KEPT: Final = 8
"""Utterances of a channel whose voiceprints are kept until their text has come."""


@dataclass(frozen=True)
class TellApart:
    """Takes the voiceprints of an utterance while it grows, so that they keep no final waiting."""

    model: VoiceprintNetwork
    worker: Worker = field(repr=False)
    apart: bool = True
    """Whether voices are told apart; otherwise all speech of a channel is one speaker's."""
    known: KnownVoices | None = field(default=None, repr=False)
    """The voices to be named; None to name nobody."""

    async def run(
        self, receive: ObjectReceiveStream[LiveEvent | Utterance | Written | Flush], send: ObjectSendStream[LiveEvent]
    ) -> None:
        """Send everything that the client is told. A Flush comes twice: from who hears, and behind all text."""
        speakers = Speakers()
        names = Names(self.known) if self.known else None
        taken: _Taken = {}
        again, flushes = AGAIN, 0
        async for item in receive:
            if isinstance(item, Utterance):
                if item.state != "complete":
                    await self._take(item, taken)
            elif isinstance(item, Partial):
                guess = speakers.guess(_known_of(item, taken), apart=self.apart)
                await send.send(replace(item, speaker=guess))
            elif isinstance(item, Written):
                await self._take(item.utterance, taken)
                speaker = speakers.tell(item.number, _known(item.utterance, taken), apart=self.apart)
                await send.send(_final(item, speaker))
                now = item.utterance.end_time
                changed: dict[int, int] = {}
                compared = [speaker]
                if self.apart and now >= again:
                    again = now + max(AGAIN, AGAIN_SHARE * now)
                    if changed := await self.worker.run(Priority.VOICEPRINT, speakers.cluster):
                        compared = speakers.all
                if names:
                    await self._name(names, speakers, compared, changed)
                if changed:
                    await send.send(Relabelled(changed, _names_of(changed.values(), names)))
            elif isinstance(item, Flush):
                flushes += 1
                if flushes % 2 == 0:
                    await send.send(Flushed(item.reason))
            else:
                await send.send(item)

    async def _name(self, names: Names, speakers: Speakers, compared: Sequence[int], changed: dict[int, int]) -> None:
        """Compare speakers with the known voices; the utterances of those with another name go into `changed`."""
        renamed = await self.worker.run(Priority.VOICEPRINT, lambda: names.compare(compared, speakers.heard))
        changed.update({utterance: speakers.speaker(utterance) for utterance in speakers.of(renamed)})

    async def _take(self, utterance: Utterance, taken: "_Taken") -> None:
        """Take the voiceprints of an utterance that are not there yet, where they are of use."""
        if not self.apart and not self.known:
            return
        _, known = taken.setdefault((utterance.channel, utterance.number), (utterance.start_time, {}))
        missing = [span for span in spans_of(utterance) if span not in known]
        if utterance.state == "growing":
            missing = [span for span in missing if span[1] - span[0] == WINDOW]
        if missing:
            vectors = await self.worker.run(Priority.VOICEPRINT, lambda: prints_of(utterance, missing, self.model))
            known.update(zip(missing, vectors, strict=True))
        for channel, number in list(taken):
            if channel == utterance.channel and number <= utterance.number - KEPT:
                del taken[channel, number]


_Taken = dict[tuple[int, int], tuple[float, dict[tuple[int, int], npt.NDArray[np.float32]]]]
"""Channel and number of an utterance -> second at which it starts, and span of frames, counted from there ->
voiceprint (192,)."""


def spans_of(utterance: Utterance) -> list[tuple[int, int]]:
    """Spans of frames for voiceprints: a window every HOP where one speaks, and one that ends where they stop.

    All but the last of each piece stay the same while the utterance grows.
    """
    spans: list[tuple[int, int]] = []
    for start, stop in pieces(utterance.speakers, utterance.changes):
        if stop - start < SHORTEST:
            continue
        starts = range(start, stop - WINDOW, HOP)
        spans += [(first, first + WINDOW) for first in starts]
        spans.append((max(start, stop - WINDOW), stop))
    return spans


def prints_of(utterance: Utterance, spans: Sequence[tuple[int, int]], model: VoiceprintNetwork) -> Vectors:
    """The voiceprints of these spans, (spans, 192); blocks."""
    vectors = np.zeros((len(spans), SIZE), np.float32)
    for n, (start, stop) in enumerate(spans):
        features = filterbank(utterance.speech[start * FRAME_STEP : stop * FRAME_STEP])
        vectors[n] = model.embed(features[None])[0]
    return vectors


def _known(utterance: Utterance, taken: _Taken) -> Prints:
    """The voiceprints of an utterance that were taken; none where voices are not told apart."""
    _, vectors = taken.get((utterance.channel, utterance.number), (0.0, {}))
    return _prints(utterance.channel, vectors, [span for span in spans_of(utterance) if span in vectors])


def _known_of(partial: Partial, taken: _Taken) -> Prints:
    """The same of the utterance that a partial is of, as far as it has grown."""
    for (channel, _), (start, vectors) in taken.items():
        if (channel, start) == (partial.channel, partial.start_time):
            return _prints(channel, vectors, sorted(vectors))
    return _prints(partial.channel, {}, [])


def _prints(
    channel: int, vectors: Mapping[tuple[int, int], npt.NDArray[np.float32]], spans: list[tuple[int, int]]
) -> Prints:
    stacked = np.stack([vectors[span] for span in spans]) if spans else np.zeros((0, SIZE), np.float32)
    return Prints(channel, stacked, seconds_of(spans))


def _names_of(speakers: Iterable[int], names: Names | None) -> dict[int, str]:
    """The names of those speakers that have one."""
    return {speaker: names.told[speaker] for speaker in speakers if speaker in names.told} if names else {}


def _final(item: Written, speaker: int) -> FinalText:
    utterance = item.utterance
    return FinalText(
        utterance=item.number,
        channel=utterance.channel,
        start_time=utterance.start_time,
        end_time=utterance.end_time,
        words=item.words,
        language=item.language,
        confidence=fmean(word.confidence for word in item.words) if item.words else 0.0,
        speaker=speaker,
        reason=utterance.reason,
    )
