"""faster-whisper on the same weights: `python -m benchmarks.whisper_side` does a Job.

Modes: "batched" (8 segments at a time, its own voice activity detection) and "sequential" (with voice activity
detection); both with beam 5 and word times. Where the language is not given it is detected per segment.
"""

from importlib.metadata import version

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.protocol import Clock, Job, Outcome, Task, Word, Worker, serve

BATCH = 8
BEAM = 5


def prepare(job: Job) -> Worker:
    model = WhisperModel(
        job.weights.whisper, device="cpu", compute_type="int8", cpu_threads=job.threads, local_files_only=True
    )
    batched = BatchedInferencePipeline(model)

    def work(task: Task) -> Outcome:
        clock = Clock()
        options = {
            "beam_size": BEAM,
            "word_timestamps": True,
            "language": task.language,
            "multilingual": task.language is None,
            "vad_filter": True,
        }
        if job.mode == "batched":
            segments, _ = batched.transcribe(task.path, batch_size=BATCH, **options)
        else:
            segments, _ = model.transcribe(task.path, **options)
        words = tuple(
            Word(float(word.start), float(word.end), word.word.strip())
            for segment in segments
            for word in segment.words or ()
        )
        return Outcome(task.name, clock(), words=words)

    return work


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("faster-whisper", "ctranslate2")}


if __name__ == "__main__":
    serve(prepare, versions)
