"""pyannote.audio's pipeline with the same two networks: `python -m benchmarks.pyannote_side` does a Job.

Runs in the environment of the extra `callannotate[pyannote]`. The clustering's threshold was never published for CAM++:
the pipeline is given three, and the one that is best over all recordings counts. The clock covers the first; the others
cluster the same voiceprints again.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from pyannote.audio.pipelines import SpeakerDiarization

from benchmarks.protocol import Clock, Job, Outcome, Task, Turn, Worker, serve
from models.pyannote_networks import own_pipeline

RATE = 16_000
THRESHOLDS = (0.5, 0.6, 0.7)


def prepare(job: Job) -> Worker:
    torch.set_num_threads(job.threads)
    pipeline = own_pipeline(
        Path(job.weights.segmentation), Path(job.weights.voiceprint), job.threads, threshold=THRESHOLDS[0]
    )
    pipeline.training = True  # it then keeps segmentation and voiceprints with the file, for the next threshold

    def work(task: Task) -> Outcome:
        clock = Clock()
        samples, rate = soundfile.read(task.path, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, RATE)
        file = {"waveform": torch.from_numpy(np.ascontiguousarray(mono))[None], "sample_rate": RATE, "uri": task.name}
        found = {f"{THRESHOLDS[0]}": turns(pipeline, file, THRESHOLDS[0])}
        seconds = clock()
        found |= {f"{threshold}": turns(pipeline, file, threshold) for threshold in THRESHOLDS[1:]}
        return Outcome(task.name, seconds, variants=found)

    return work


def turns(pipeline: SpeakerDiarization, file: dict[str, object], threshold: float) -> tuple[Turn, ...]:
    pipeline.clustering.threshold = threshold
    annotation = pipeline(file).speaker_diarization
    return tuple(
        Turn(segment.start, segment.end, str(speaker))
        for segment, _, speaker in annotation.itertracks(yield_label=True)
    )


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("pyannote.audio", "torch", "onnxruntime")}


if __name__ == "__main__":
    serve(prepare, versions)
