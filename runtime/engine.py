"""The networks of one configuration, loaded once and shared by every call that goes through the graph."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache, partial
from typing import Final

from anyio import CapacityLimiter

from contracts.annotation import ModelUsed
from contracts.errors import NO_TRANSLATION, UNKNOWN_LANGUAGE, CallAnnotateError
from contracts.options import AnnotateOptions
from models.allocator import tune_allocator
from models.catalogue import default_catalogue, entry
from models.networks import LiveWhisperNetwork, SegmentationNetwork, VoiceprintNetwork, WhisperNetwork
from models.pyannote_pipeline import OwnNetworks, PyannotePipeline
from models.segmentation import Segmentation
from models.store import PullProgress, ensure
from models.voiceprint import VoiceprintModel
from models.whisper import Whisper

SEGMENTATION: Final = "segmentation-3.0"
VOICEPRINT: Final = "campplus-zh-en"
CALLS: Final = 2
"""Calls into the networks at once, where there are two threads: on two cores faster than one call with two threads,
because segmentation and voiceprints run beside transcription and scale badly themselves."""


@dataclass(frozen=True, eq=False)
class Engine:
    """Loaded networks, and the limiter that they run behind."""

    segmentation: SegmentationNetwork
    voiceprint: VoiceprintNetwork
    whisper: WhisperNetwork
    pipeline: PyannotePipeline | None
    """Of the engine "pyannote"; None for our own diarization."""
    limiter: CapacityLimiter
    """Its tokens times the threads of each call are the threads that the user gives."""
    models: tuple[ModelUsed, ...]
    alone: Callable[[], LiveWhisperNetwork | None] = lambda: None
    """Whisper once more, for one call at a time with all the threads, which takes three quarters of the time: loaded
    when it is first wanted, which blocks, by Lane.alone. None where every call has them all."""

    def check_language(self, language: str | None) -> None:
        """Raises UNKNOWN_LANGUAGE where the loaded Whisper does not know the language; None is always right."""
        if language is not None and language not in self.whisper.languages:
            name = next(model.name for model in self.models if model.kind == "transcription")
            allowed = ", ".join(sorted(self.whisper.languages))
            raise CallAnnotateError(UNKNOWN_LANGUAGE, language=language, model=name, allowed=allowed)

    def check_task(self, options: AnnotateOptions) -> None:
        """Raises NO_TRANSLATION where the options ask the loaded Whisper for a translation that it was not taught."""
        if options.task == "translate" and not translates(options.model, self.whisper.languages):
            raise CallAnnotateError(NO_TRANSLATION, model=options.model, allowed=", ".join(translators()))


def translates(model: str, languages: Collection[str]) -> bool:
    """Whether a Whisper model that knows these languages was taught to translate."""
    return len(languages) > 1 and entry(model, "transcription").translates


def translators() -> list[str]:
    """Models of the catalogue that translate."""
    found = [model for model in default_catalogue().models if model.kind == "transcription" and model.translates]
    return [model.name for model in found if model.languages == ("multilingual",)]


def available_cores() -> int:
    """Cores that this process may run on; a container often has fewer than the machine."""
    return len(os.sched_getaffinity(0))


def load_engine(
    options: AnnotateOptions,
    threads: int | None = None,
    progress: Callable[[PullProgress], None] | None = None,
) -> Engine:
    """Load the networks that the options name, fetching weights that are missing; blocks for a second or two.

    Raises UNKNOWN_MODEL, WEIGHTS_MISSING, WEIGHTS_CORRUPT, WEIGHTS_UNUSABLE, ENGINE_UNAVAILABLE, PIPELINE_UNAVAILABLE
    or UNKNOWN_LANGUAGE.
    """
    threads = threads or available_cores()
    calls = min(CALLS, threads)
    each = threads // calls
    tune_allocator()  # for who loads them without the command
    segmentation = ensure(SEGMENTATION, "segmentation", progress)
    voiceprint = ensure(VOICEPRINT, "voiceprint", progress)
    whisper = ensure(options.model, "transcription", progress)
    used = [segmentation, voiceprint, whisper]
    models = [ModelUsed(model.kind, model.name, model.sha256) for model in used]
    pipeline = None
    if options.engine == "pyannote":
        own = OwnNetworks(segmentation.weights, voiceprint.path)
        pipeline = PyannotePipeline(options.pipeline or own, threads)
        if options.pipeline is not None:
            models[1] = ModelUsed("diarization", options.pipeline, "")
    engine = Engine(
        segmentation=Segmentation(segmentation.path, each),
        voiceprint=VoiceprintModel(voiceprint.path, each),
        whisper=Whisper(whisper.path, each, parallel=calls),
        pipeline=pipeline,
        limiter=CapacityLimiter(calls),
        models=tuple(models),
        alone=cache(partial(Whisper, whisper.path, threads)) if calls > 1 else lambda: None,
    )
    engine.check_language(options.language)
    return engine


def load_voice_engine(threads: int | None = None) -> Engine:
    """Only what it takes to enrol a voice: an engine that cannot transcribe; blocks. Raises as `load_engine`."""
    threads = threads or available_cores()
    calls = min(CALLS, threads)
    segmentation = ensure(SEGMENTATION, "segmentation")
    voiceprint = ensure(VOICEPRINT, "voiceprint")
    return Engine(
        segmentation=Segmentation(segmentation.path, threads // calls),
        voiceprint=VoiceprintModel(voiceprint.path, threads // calls),
        whisper=Whisper.__new__(Whisper),
        pipeline=None,
        limiter=CapacityLimiter(calls),
        models=tuple(ModelUsed(model.kind, model.name, model.sha256) for model in (segmentation, voiceprint)),
    )


def outline(engine: str) -> Engine:
    """An engine whose networks were never loaded: enough to declare and draw a graph, not to run one."""
    return Engine(
        segmentation=Segmentation.__new__(Segmentation),
        voiceprint=VoiceprintModel.__new__(VoiceprintModel),
        whisper=Whisper.__new__(Whisper),
        pipeline=PyannotePipeline.__new__(PyannotePipeline) if engine == "pyannote" else None,
        limiter=CapacityLimiter(1),
        models=(),
    )
