"""CallAnnotate itself: `python -m benchmarks.callannotate_side` does a Job.

Modes: "annotate" (the whole graph) and "diarize" (the graph without transcription). The clock covers everything from
opening the file, as a user waits for it.
"""

from importlib.metadata import version
from pathlib import Path
from typing import cast

import anyio

from benchmarks.protocol import Clock, Job, Outcome, Task, Turn, Word, Worker, serve
from contracts.annotation import Annotation
from contracts.options import AnnotateOptions, ChannelMode
from contracts.speech import Diarization
from runtime.call import annotate_call, diarize_call
from runtime.engine import load_engine
from stages.decode import open_audio


def prepare(job: Job) -> Worker:
    engine = load_engine(AnnotateOptions(), job.threads)

    def work(task: Task) -> Outcome:
        clock = Clock()
        options = AnnotateOptions(language=task.language, channels=cast(ChannelMode, task.channels))
        file = open_audio(Path(task.path), options.channels)
        if job.mode == "diarize":
            diarization = anyio.run(diarize_call, engine, file, options)
            return Outcome(task.name, clock(), turns_found(diarization))
        annotation = anyio.run(annotate_call, engine, file, options)
        return Outcome(task.name, clock(), turns_annotated(annotation), words(annotation))

    return work


def turns_found(diarization: Diarization) -> tuple[Turn, ...]:
    return tuple(Turn(turn.start_time, turn.end_time, str(turn.speaker)) for turn in diarization.turns)


def turns_annotated(annotation: Annotation) -> tuple[Turn, ...]:
    return tuple(Turn(turn.start_time, turn.end_time, turn.speaker_id) for turn in annotation.turns)


def words(annotation: Annotation) -> tuple[Word, ...]:
    return tuple(
        Word(word.start_time, word.end_time, word.word, speaker.speaker_id)
        for speaker in annotation.speakers
        for segment in speaker.segments
        for word in segment.words
    )


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("callannotate", "ctranslate2", "onnxruntime")}


if __name__ == "__main__":
    serve(prepare, versions)
