"""Writes down what is said: utterances in batches through Whisper, with times and confidences for every word."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import anyio
import numpy as np
import numpy.typing as npt
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.audio import SAMPLE_RATE
from contracts.errors import UNKNOWN_LANGUAGE, CallAnnotateError
from contracts.speech import SpeechRegion, TimedWord, Transcript
from models.whisper import Hypothesis, Whisper
from models.whisper_words import HeardWord
from stages.utterances import Utterance, Utterances

SILENCE: Final = 5.0
"""Seconds of silence after an utterance; with less, Whisper repeats itself more often."""
GATHERED: Final = 120 * SAMPLE_RATE
"""Samples of speech that are gathered before any is decoded, so that a batch holds utterances of similar length."""
BATCH: Final = 60 * SAMPLE_RATE
"""Samples of a batch at most, with what is added to make all as long as the longest; bounds memory and lateness."""
LOOP: Final = 2.4
"""Compression from which on a text is a loop; Whisper's own threshold."""
FASTEST: Final = 35.0
"""Characters per second that nobody speaks."""


@dataclass(frozen=True)
class Transcribe:
    """Sends a Transcript for every utterance, in the order of their ends within what is gathered."""

    model: Whisper
    limiter: anyio.CapacityLimiter = field(repr=False)
    language: str | None = None
    """ISO 639-1 code, or None to detect it for each utterance."""

    def __post_init__(self) -> None:
        if self.language is not None and self.language not in self.model.languages:
            allowed = ", ".join(sorted(self.model.languages))
            raise CallAnnotateError(UNKNOWN_LANGUAGE, language=self.language, model="whisper", allowed=allowed)

    async def run(self, receive: ObjectReceiveStream[SpeechRegion], send: ObjectSendStream[Transcript]) -> None:
        """Hold at most GATHERED samples, and the utterance that is still open on each channel."""
        utterances = Utterances()
        gathered: list[Utterance] = []
        prior = Prior(self.model.languages)

        async def flush() -> None:
            transcripts: list[Transcript] = []
            for batch in batches(gathered):
                transcripts += await anyio.to_thread.run_sync(self._hear, batch, prior, limiter=self.limiter)
            gathered.clear()
            for transcript in sorted(transcripts, key=lambda transcript: transcript.end_time):
                await send.send(transcript)

        async for region in receive:
            gathered.extend(utterances.add(region))
            if sum(utterance.end - utterance.start for utterance in gathered) >= GATHERED:
                await flush()
        gathered.extend(utterances.rest())
        await flush()

    def _hear(self, batch: Sequence[Utterance], prior: "Prior") -> list[Transcript]:
        """One batch through the model."""
        samples = [utterance.samples() for utterance in batch]
        encoded = self.model.encode(samples, SILENCE)
        languages = [self.language] * len(batch) if self.language else prior.choose(self.model.detect(encoded))
        hypotheses = self.model.decode(encoded, languages)
        loops = [n for n, found in enumerate(hypotheses) if looping(found, len(samples[n]))]
        words = self.model.align(encoded, languages, hypotheses)
        if loops:
            again = self.model.encode([samples[n] for n in loops], 30.0)
            repaired = self.model.decode(again, [languages[n] for n in loops])
            aligned = self.model.align(again, [languages[n] for n in loops], repaired)
            for n, found, heard in zip(loops, repaired, aligned, strict=True):
                hypotheses[n], words[n] = found, heard
        return [
            transcript(utterance, language, words if trusted(found, utterance.end - utterance.start) else [])
            for utterance, language, found, words in zip(batch, languages, hypotheses, words, strict=True)
        ]


class Prior:
    """What the call has shown of its languages so far."""

    def __init__(self, languages: Sequence[str]) -> None:
        self._languages = languages
        self._seen = np.zeros(len(languages))

    def choose(self, probabilities: npt.NDArray[np.float64]) -> list[str]:
        """The language of each utterance of a batch: float64 (utterances, languages)."""
        self._seen += probabilities.sum(axis=0)
        weighted = probabilities * (self._seen / self._seen.sum() + 0.001)
        return [self._languages[n] for n in weighted.argmax(axis=1)]


def batches(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Group utterances by length, shortest first, so that no batch with its padding is longer than BATCH samples."""
    grouped: list[list[Utterance]] = []
    for utterance in sorted(utterances, key=lambda own: (own.end - own.start, own.start, own.channel)):
        length = utterance.end - utterance.start + int(SILENCE * SAMPLE_RATE)
        if grouped and length * (len(grouped[-1]) + 1) <= BATCH:
            grouped[-1].append(utterance)
        else:
            grouped.append([utterance])
    return grouped


def looping(found: Hypothesis, samples: int) -> bool:
    """Whether the decoder repeats itself or says more than anybody could."""
    return found.compression > LOOP or len(found.text) > FASTEST * samples / SAMPLE_RATE + 20


def trusted(found: Hypothesis, samples: int) -> bool:
    """Whether the text was heard and not made up."""
    silent = found.no_speech > 0.6 and found.log_probability < -1.0
    return not silent and found.log_probability > -1.5 and not looping(found, samples)


def transcript(utterance: Utterance, language: str, words: Sequence[HeardWord]) -> Transcript:
    """Put the words on the stream's clock."""
    start = utterance.start / SAMPLE_RATE
    timed = tuple(TimedWord(word.text, start + word.start, start + word.end, word.probability) for word in words)
    return Transcript(utterance.channel, language, timed, utterance.end / SAMPLE_RATE)
