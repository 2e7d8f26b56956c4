"""One recording through the graph: the file door."""

from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from time import perf_counter
from typing import Literal

from anyio import CapacityLimiter, to_thread

from contracts.annotation import AnnotatedSpeech, Annotation, Metadata, Notice, ProcessingStages
from contracts.options import AnnotateOptions
from contracts.recognition import Enrolled
from contracts.speech import Diarization, Transcript
from runtime.engine import Engine
from runtime.pipeline import annotation_flow, diarization_flow, enrolment_flow
from runtime.progress import Progress, ProgressReporter
from stages.audio_file import AudioFile
from stages.decode import Decode
from stages.enrolment import check_clipping
from stages.lookup import Lookup
from stages.matching import KnownVoices
from stages.sound import shown


async def annotate_call(
    engine: Engine,
    file: AudioFile,
    options: AnnotateOptions,
    report: Callable[[Progress], None] = lambda _: None,
    *,
    known: KnownVoices | None = None,
    lookup: Lookup | None = None,
    heard: Callable[[Transcript], None] | None = None,
) -> Annotation:
    """Annotate a recording; `report` is called in the event loop a few times a second.

    `known`: the voices to be named. `lookup`: finds contacts for the speakers. `heard` is told the words in the order
    of time as they are written down. Raises CallAnnotateError: what is wrong with the recording, or the stage that
    failed. Cancelling it waits for the one call into a network that is under way and leaves nothing behind.
    """
    engine.check_language(options.language)
    engine.check_task(options)
    notices: list[Notice] = []
    flow = annotation_flow(
        engine, options, two_sided=file.layout == "two-sided", known=known, lookup=lookup, heard=heard
    )
    source = Decode(file, CapacityLimiter(1), notices.append)
    started = perf_counter()
    async with flow.open(source, watch=ProgressReporter(report, file.duration)) as running:
        async for speech in running.receive:
            annotated = speech
        duration = running.positions()[0].done
    elapsed = perf_counter() - started
    return Annotation(
        speakers=annotated.speakers,
        turns=annotated.turns,
        metadata=metadata(
            engine, file.layout, options, annotated, duration=duration, elapsed=elapsed, notices=tuple(notices)
        ),
    )


async def enrol_voice(engine: Engine, file: AudioFile) -> Enrolled:
    """The voiceprints of a sample: a recording in which one person speaks, of any format.

    Raises CallAnnotateError: what is wrong with the recording, or VOICE_TOO_SHORT, VOICE_TOO_NOISY,
    VOICE_SEVERAL_SPEAKERS or VOICE_CLIPPED.
    """
    limiter = CapacityLimiter(1)
    await to_thread.run_sync(check_clipping, file, limiter=limiter)
    flow = enrolment_flow(engine, shown(file.path), two_sided=file.layout == "two-sided")
    async with flow.open(Decode(file, limiter, lambda _: None)) as running:
        async for enrolled in running.receive:
            last = enrolled
    return last


async def diarize_call(engine: Engine, file: AudioFile, options: AnnotateOptions) -> Diarization:
    """Only the turns of a recording, by the default engine."""
    source = Decode(file, CapacityLimiter(1), lambda _: None)
    flow = diarization_flow(engine, options, two_sided=file.layout == "two-sided")
    async with flow.open(source) as running:
        async for diarization in running.receive:
            last = diarization
    return last


def metadata(
    engine: Engine,
    layout: Literal["mono", "two-sided"],
    options: AnnotateOptions,
    annotated: AnnotatedSpeech,
    *,
    duration: float,
    elapsed: float,
    notices: tuple[Notice, ...],
) -> Metadata:
    """What there is to say about a call and how it was annotated; `duration` and `elapsed` in seconds."""
    segments = [segment for speaker in annotated.speakers for segment in speaker.segments]
    confidences = [word.confidence for segment in segments for word in segment.words]
    languages: Counter[str] = Counter()
    for segment in segments:
        languages[segment.language] += len(segment.words)
    return Metadata(
        total_duration=round(duration, 3),
        speaker_count=len(annotated.speakers),
        word_count=len(confidences),
        confidence_average=round(sum(confidences) / max(1, len(confidences)), 4),
        processing_stages=ProcessingStages(
            recognition="completed" if any(speaker.identified_as for speaker in annotated.speakers) else "skipped",
            carddav_lookup=annotated.carddav_lookup,
        ),
        languages=tuple(language for language, _ in languages.most_common()),
        channels=layout,
        engine=options.engine,
        task=options.task,
        models=engine.models,
        processing_time=round(elapsed, 3),
        real_time_factor=round(elapsed / duration, 4) if duration else 0.0,
        version=version("callannotate"),
        warnings=(*notices, *annotated.warnings),
    )
