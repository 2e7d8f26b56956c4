"""Tells who says each utterance of a live call, and tells it anew where comparing all voices shows it was wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean
from typing import Final

import numpy as np
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.live_speech import Final as FinalText
from contracts.live_speech import Flushed, LiveEvent, LiveOptions, Relabelled
from contracts.live_stages import Flush, Utterance, Written
from models.networks import VoiceprintNetwork
from models.voiceprint import SIZE
from stages.embed import batches, features_of, pieces, windows
from stages.live_speakers import Prints, Speakers, seconds_of
from stages.live_work import Priority, Worker

AGAIN: Final = 15.0
"""Seconds of the stream after which all voices are compared anew, at least."""
AGAIN_SHARE: Final = 0.1
"""The same as a share of the stream so far: the work grows with the call, its rate does not."""


@dataclass(frozen=True)
class TellApart:
    """Takes the voiceprints of an utterance as soon as its speaker pauses, so that they keep no final waiting."""

    model: VoiceprintNetwork
    worker: Worker = field(repr=False)
    options: Callable[[], LiveOptions] = field(repr=False)

    async def run(
        self, receive: ObjectReceiveStream[LiveEvent | Utterance | Written | Flush], send: ObjectSendStream[LiveEvent]
    ) -> None:
        """Send everything that the client is told. A Flush comes twice: from who hears, and behind all text."""
        speakers = Speakers()
        drafts: dict[int, tuple[Utterance, Prints]] = {}
        again, flushes = AGAIN, 0
        async for item in receive:
            if isinstance(item, Utterance):
                if item.state == "pausing" and self.options().diarize:
                    drafts[item.channel] = item, await self._prints(item)
            elif isinstance(item, Written):
                prints = await self._known(item.utterance, drafts)
                await send.send(_final(item, speakers.tell(item.number, prints)))
                now = item.utterance.end_time
                if self.options().diarize and now >= again:
                    again = now + max(AGAIN, AGAIN_SHARE * now)
                    if changed := await self.worker.run(Priority.VOICEPRINT, speakers.cluster):
                        await send.send(Relabelled(changed))
            elif isinstance(item, Flush):
                flushes += 1
                if flushes % 2 == 0:
                    await send.send(Flushed(item.reason))
            else:
                await send.send(item)

    async def _known(self, utterance: Utterance, drafts: dict[int, tuple[Utterance, Prints]]) -> Prints:
        """The voiceprints that were taken when the speaker paused, or new ones."""
        if not self.options().diarize:
            return Prints(utterance.channel, np.zeros((0, SIZE), np.float32), np.zeros(0))
        draft, prints = drafts.get(utterance.channel, (None, None))
        if draft is None or prints is None or draft.samples is not utterance.samples:
            return await self._prints(utterance)
        return prints

    async def _prints(self, utterance: Utterance) -> Prints:
        """Voiceprints of where one speaks, 1.5 s each."""
        return await self.worker.run(Priority.VOICEPRINT, lambda: prints_of(utterance, self.model))


def prints_of(utterance: Utterance, model: VoiceprintNetwork) -> Prints:
    """The voiceprints of an utterance; blocks."""
    spans = [span for piece in pieces(utterance.speakers, utterance.changes) for span in windows(*piece)]
    vectors = np.zeros((len(spans), SIZE), np.float32)
    if spans:
        features = features_of(utterance.speech, spans)
        for batch in batches(features):
            vectors[batch] = model.embed(np.stack([features[index] for index in batch]))
    return Prints(utterance.channel, vectors, seconds_of(spans))


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
