"""How far a job is, in the specification's stages: what the graph's stages tell, grouped."""

from typing import Final

from contracts.jobs import JobProgress, StageName
from runtime.progress import Progress, StageProgress

PARTS: Final[dict[StageName, tuple[str, ...]]] = {
    "preprocessing": ("decode", "preprocess"),
    "diarization": ("segment", "embed", "diarize"),
    "transcription": ("transcribe",),
    "recognition": ("recognise",),
    "carddav_lookup": ("lookup",),
    "annotation": ("annotate",),
}
"""The graph's stages that each stage of the specification is made of; validation comes before the graph."""
RUN: Final[tuple[StageName, ...]] = ("validation", *PARTS)
"""The stages that a job goes through, in their order. One that has nothing to do is done at once: where no voice is
known there is no recognition, and without address books no lookup; the result says that they were skipped."""

WAITING: Final = JobProgress(percentage=0, stages_remaining=RUN)
VALIDATING: Final = JobProgress(percentage=0, current_stage="validation", stages_remaining=RUN)
DONE: Final = JobProgress(percentage=100, stages_completed=RUN)


def job_progress(progress: Progress, least: int) -> JobProgress:
    """The graph's progress as clients see it.

    :param least: the percentage that was told last, which is never gone below
    """
    shares = {name: _share([stage for stage in progress.stages if stage.stage in own]) for name, own in PARTS.items()}
    completed: tuple[StageName, ...] = ("validation", *(name for name, share in shares.items() if share == 1.0))
    remaining = tuple(name for name in RUN if name not in completed)
    # Annotation waits for all the others: it is the current one only when nothing else is left.
    behind: list[StageName] = [name for name in remaining if name != "annotation"]
    current: StageName = min(behind, key=lambda name: shares[name]) if behind else "annotation"
    return JobProgress(
        percentage=max(least, min(99, int(100 * (progress.fraction or 0.0)))),
        current_stage=current,
        stage_progress=int(100 * shares[current]),
        stages_completed=completed,
        stages_remaining=remaining,
    )


def _share(stages: list[StageProgress]) -> float:
    """0 to 1: how much of the audio the slowest of these stages has done; 1 exactly when all have returned."""
    if all(stage.finished for stage in stages):
        return 1.0
    shares = [stage.done / stage.total if stage.total else 0.0 for stage in stages if not stage.finished]
    return min(0.99, *shares)


def stage_of(part: str) -> StageName:
    """The specification's stage that a stage of the graph belongs to."""
    return next((name for name, own in PARTS.items() if part in own), "validation")
