"""Speed, progress in the specification's stages, and forecasts."""

import pytest

from runtime.engine import Engine
from runtime.job_progress import PARTS, RUN, job_progress, stage_of
from runtime.job_store import JobRow
from runtime.job_views import Forecast
from runtime.progress import Progress, StageProgress
from runtime.speed import REMEMBERED, Speed, trial


def progress(total: float | None = 100.0, **done: float) -> Progress:
    """Stages by how many seconds they have done; those that are not named have returned."""
    stages = tuple(
        StageProgress(stage, done.get(stage, total or 0.0), total, stage not in done)
        for own in PARTS.values()
        for stage in own
    )
    fraction = min(done.values()) / total if done and total else None if total is None else 1.0
    return Progress(stages, fraction, 1.0, None)


def test_the_current_stage_is_the_one_that_is_furthest_behind() -> None:
    told = job_progress(progress(segment=80, embed=70, diarize=60, transcribe=30, annotate=30), 0)
    assert (told.current_stage, told.stage_progress, told.percentage) == ("transcription", 30, 30)
    assert told.stages_completed == ("validation", "preprocessing", "recognition", "carddav_lookup")
    assert told.stages_remaining == ("diarization", "transcription", "annotation")
    told = job_progress(progress(segment=20, embed=10, diarize=10, transcribe=30, annotate=10), 0)
    assert (told.current_stage, told.stage_progress) == ("diarization", 10)


def test_annotation_is_current_only_when_nothing_else_is_left() -> None:
    told = job_progress(progress(annotate=40), 0)
    assert told.current_stage == "annotation"
    assert told.stages_remaining == ("annotation",)


def test_the_percentage_never_goes_back_and_is_not_a_hundred_before_the_end() -> None:
    assert job_progress(progress(decode=10), 55).percentage == 55
    assert job_progress(progress(annotate=100), 0).percentage == 99


def test_without_a_known_length_there_is_no_percentage() -> None:
    told = job_progress(progress(None, decode=30, transcribe=10), 0)
    assert (told.percentage, told.stage_progress) == (0, 0)


def test_every_stage_of_the_graph_belongs_to_one_of_the_specification() -> None:
    assert [stage_of(stage) for stage in ("decode", "embed", "transcribe", "annotate", "something")] == [
        "preprocessing", "diarization", "transcription", "annotation", "validation",
    ]  # fmt: skip
    assert RUN[0] == "validation"


def test_before_anything_was_measured_there_is_no_estimate() -> None:
    speed = Speed()
    assert not speed.known
    assert speed.estimate("a", 10.0) is None
    assert speed.average == 0.0


def test_the_estimate_follows_the_last_jobs_of_the_same_model() -> None:
    speed = Speed()
    speed.guess(9.0, 5.0)
    assert speed.estimate("a", 19.0) == pytest.approx(10.0)
    speed.learn("a", 99.0, 10.0)
    assert speed.estimate("a", 199.0) == pytest.approx(20.0)
    assert speed.estimate("b", 199.0) == pytest.approx(20.0)
    assert speed.estimate("a", None) is None
    for _ in range(REMEMBERED):
        speed.learn("a", 99.0, 50.0)
    assert speed.estimate("a", 199.0) == pytest.approx(100.0)
    assert speed.average == pytest.approx(50.0)


def test_a_trial_measures_a_loaded_engine(engine: Engine) -> None:
    duration, elapsed = trial(engine)
    assert duration == 10.0
    assert 0 < elapsed < 60


def rows(*durations: float | None) -> list[JobRow]:
    return [
        JobRow(
            job_id=str(n), priority=0, created_at=0.0, filename="x", size=1, format="wav", duration=duration,
            sample_rate=8000, channels=1, metadata=b"{}", options=b"{}", model="a",
        )
        for n, duration in enumerate(durations)
    ]  # fmt: skip


def test_jobs_begin_when_a_worker_is_free() -> None:
    speed = Speed()
    speed.learn("a", 99.0, 100.0)
    forecast = Forecast(speed, rows(9.0, 19.0, 29.0), [5.0], 2)
    assert forecast.positions == {"0": 1, "1": 2, "2": 3}
    assert forecast.starts == pytest.approx({"0": 0.0, "1": 5.0, "2": 10.0})


def test_behind_a_job_of_unknown_length_nobody_knows() -> None:
    speed = Speed()
    speed.learn("a", 99.0, 100.0)
    assert Forecast(speed, rows(None, 9.0), [], 1).starts == {"0": 0.0, "1": None}
    assert Forecast(speed, rows(9.0), [None], 1).starts == {"0": None}
