"""The networks of an engine with a journal before them: what was computed before is not computed again."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from time import perf_counter
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from contracts.audio import Samples
from contracts.options import Task
from models.networks import SegmentationNetwork, VoiceprintNetwork, WhisperNetwork
from models.whisper import BEAM, Before, Heard
from runtime.engine import Engine
from runtime.journal import KEY, Journal

Scalar = TypeVar("Scalar", np.float32, np.float64)


def journaled(engine: Engine, journal: Journal) -> Engine:
    """The engine for one job. A pyannote pipeline takes a call as a whole and is not journaled."""
    weights = {model.kind: model.sha256 for model in engine.models}
    return dataclasses.replace(
        engine,
        segmentation=JournaledSegmentation(engine.segmentation, journal, weights.get("segmentation", "")),
        voiceprint=JournaledVoiceprints(engine.voiceprint, journal, weights.get("voiceprint", "")),
        whisper=JournaledWhisper(engine.whisper, journal, weights.get("transcription", "")),
    )


@dataclass(frozen=True)
class JournaledSegmentation:
    """The segmentation network with a journal before it."""

    inner: SegmentationNetwork
    journal: Journal = field(repr=False)
    weights: str
    """sha256."""

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See models.segmentation.Segmentation."""
        key = key_of("segmentation", self.weights, windows)
        (answer,) = answers(self.journal, "segmentation", [key], lambda _: [packed(self.inner.scores(windows))])
        return array(answer, np.float32)


@dataclass(frozen=True)
class JournaledVoiceprints:
    """The speaker network with a journal before it."""

    inner: VoiceprintNetwork
    journal: Journal = field(repr=False)
    weights: str
    """sha256."""

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See models.voiceprint.VoiceprintModel."""
        key = key_of("voiceprint", self.weights, features)
        (answer,) = answers(self.journal, "voiceprint", [key], lambda _: [packed(self.inner.embed(features))])
        return array(answer, np.float32)


@dataclass(frozen=True)
class JournaledWhisper:
    """Whisper with a journal before it: each utterance is asked for by itself, and what is missing is computed."""

    inner: WhisperNetwork
    journal: Journal = field(repr=False)
    weights: str
    """sha256."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages that the model knows."""
        return self.inner.languages

    def tokens(self, text: str) -> list[int]:
        """See models.whisper.Whisper; it takes no time."""
        return self.inner.tokens(text)

    def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
        """See models.whisper.Whisper."""
        keys = [key_of("language", self.weights, samples) for samples in utterances]

        def compute(missing: list[int]) -> list[bytes]:
            return [packed(row) for row in self.inner.detect([utterances[n] for n in missing])]

        return np.stack([array(answer, np.float64) for answer in answers(self.journal, "language", keys, compute)])

    def hear(
        self,
        utterances: Sequence[Samples],
        languages: Sequence[str],
        silence: int,
        *,
        task: Task = "transcribe",
        context: str = "",
    ) -> list[Heard]:
        """See models.whisper.Whisper."""
        # Journals of before the tasks have the first question.
        more = "" if task == "transcribe" and not context else f" {task} {context}"
        keys = [
            key_of(f"words {language} {silence}{more}", self.weights, samples)
            for samples, language in zip(utterances, languages, strict=True)
        ]

        def compute(missing: list[int]) -> list[bytes]:
            heard = self.inner.hear(
                [utterances[n] for n in missing], [languages[n] for n in missing], silence, task=task, context=context
            )
            return [msgspec.msgpack.encode(own) for own in heard]

        return [msgspec.msgpack.decode(answer, type=Heard) for answer in answers(self.journal, "words", keys, compute)]

    def hear_live(
        self,
        samples: Samples,
        language: str | Callable[[npt.NDArray[np.float64]], str],
        silence: int,
        *,
        beam: int = BEAM,
        timed: bool = True,
        context: str = "",
        before: Before | None = None,
    ) -> tuple[str, Heard]:
        """See models.whisper.Whisper; a live call is over when the process is, so nothing of it is journaled."""
        return self.inner.hear_live(samples, language, silence, beam=beam, timed=timed, context=context, before=before)


def answers(
    journal: Journal, network: str, keys: Sequence[bytes], compute: Callable[[list[int]], list[bytes]]
) -> list[bytes]:
    """The answer to each key; `compute` gives those of the numbers whose keys are not in the journal."""
    known = {n: answer for n, key in enumerate(keys) if (answer := journal.get(key)) is not None}
    journal.was_answered(network, len(known))
    missing = [n for n in range(len(keys)) if n not in known]
    if missing:
        started = perf_counter()
        found = compute(missing)
        journal.was_computed(network, len(missing), perf_counter() - started)
        for n, answer in zip(missing, found, strict=True):
            journal.put(keys[n], answer)
            known[n] = answer
    return [known[n] for n in range(len(keys))]


def key_of(question: str, weights: str, values: npt.NDArray[np.float32]) -> bytes:
    """The hash of a question to a network: what is asked, the sha256 of its weights, and what is given to it."""
    whole = blake2b(f"{question}\n{weights}\n{values.dtype.str}{values.shape}\n".encode(), digest_size=KEY)
    whole.update(np.ascontiguousarray(values).data)
    return whole.digest()


def packed(values: npt.NDArray[np.float32] | npt.NDArray[np.float64]) -> bytes:
    """An array as bytes, every bit of it."""
    return msgspec.msgpack.encode((values.shape, values.tobytes()))


def array(answer: bytes, scalar: type[Scalar]) -> npt.NDArray[Scalar]:
    """The array of `packed`."""
    shape, content = msgspec.msgpack.decode(answer, type=tuple[tuple[int, ...], bytes])
    return np.frombuffer(content, scalar).reshape(shape).copy()
