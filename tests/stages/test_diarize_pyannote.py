"""The stage around a pyannote.audio pipeline; the pipeline itself is tested where the extra is installed."""

import sys
from collections.abc import Callable, Sequence

import anyio
import numpy as np
import pytest

from contracts.audio import SAMPLE_RATE, AudioChunk, Samples
from contracts.errors import ENGINE_UNAVAILABLE, CallAnnotateError
from contracts.speech import Diarization, SpeakerTurn
from models.pyannote_pipeline import PyannotePipeline, Span
from stages.diarize_pyannote import DiarizePyannote, bounds_per_side, turns


class Recorder(PyannotePipeline):
    """Says that one voice speaks where the samples are not 0, and keeps what it was asked.

    An endless one works until its checkpoint tells it to give up.
    """

    def __init__(self, *, endless: bool = False) -> None:
        self.calls: list[tuple[Samples, int, int | None]] = []
        self.endless = endless
        self.started = anyio.Event()

    def diarize(
        self,
        samples: Samples,
        min_speakers: int = 1,
        max_speakers: int | None = None,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> list[Span]:
        self.calls.append((samples.copy(), min_speakers, max_speakers))
        anyio.from_thread.run_sync(self.started.set)
        checkpoint()
        while self.endless:
            checkpoint()
        loud = np.flatnonzero(samples)
        return [Span(loud[0] / SAMPLE_RATE, (loud[-1] + 1) / SAMPLE_RATE, "SPEAKER_00")] if len(loud) else []


def chunk(channel: int, start: float, values: Sequence[float]) -> AudioChunk:
    """Chunk of half a second per value."""
    return AudioChunk(channel, round(start * SAMPLE_RATE), np.repeat(np.array(values, np.float32), SAMPLE_RATE // 2))


async def through(stage: DiarizePyannote, chunks: Sequence[AudioChunk]) -> list[Diarization]:
    into, receive = anyio.create_memory_object_stream[AudioChunk](len(chunks))
    send, out = anyio.create_memory_object_stream[Diarization](8)
    for item in chunks:
        into.send_nowait(item)
    into.close()
    with anyio.fail_after(10):
        async with receive, send, out:
            await stage.run(receive, send)
            return [out.receive_nowait() for _ in range(out.statistics().current_buffer_used)]


async def test_a_mono_call_reaches_the_pipeline_whole_with_the_bounds_of_the_user() -> None:
    pipeline = Recorder()
    stage = DiarizePyannote(pipeline, anyio.CapacityLimiter(1), min_speakers=2, max_speakers=5)

    found = await through(stage, [chunk(0, 0, [0, 0.25]), chunk(0, 1, [0.5, 0])])

    samples, *bounds = pipeline.calls[0]
    assert samples.dtype == np.float32
    assert samples[:: SAMPLE_RATE // 2].tolist() == [0, 0.25, 0.5, 0]
    assert bounds == [2, 5]
    assert found == [Diarization((SpeakerTurn(0, 0, 0.5, 1.5),), 2.0)]


async def test_each_side_of_a_call_has_speakers_of_its_own() -> None:
    stage = DiarizePyannote(Recorder(), anyio.CapacityLimiter(1))

    found = await through(stage, [chunk(1, 0, [1, 1]), chunk(0, 0, [0, 1]), chunk(1, 1, [0, 0]), chunk(0, 1, [1, 0])])

    assert found == [Diarization((SpeakerTurn(1, 0, 0.0, 1.0), SpeakerTurn(0, 1, 0.5, 1.5)), 2.0)]


async def test_a_call_without_audio_has_no_turns() -> None:
    assert await through(DiarizePyannote(Recorder(), anyio.CapacityLimiter(1)), []) == [Diarization((), 0.0)]


async def test_giving_up_ends_a_pipeline_that_is_at_work() -> None:
    pipeline = Recorder(endless=True)
    stage = DiarizePyannote(pipeline, anyio.CapacityLimiter(1))
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(through, stage, [chunk(0, 0, [1])])
            await pipeline.started.wait()
            tasks.cancel_scope.cancel()

    assert stage.limiter.borrowed_tokens == 0


def test_the_bounds_of_a_call_leave_every_side_its_speaker() -> None:
    assert bounds_per_side(2, 3, sides=1) == (2, 3)
    assert bounds_per_side(2, None, sides=2) == (1, None)
    assert bounds_per_side(2, 2, sides=2) == (1, 1)
    assert bounds_per_side(1, 4, sides=2) == (1, 3)


def test_speakers_are_numbered_in_the_order_of_first_appearance() -> None:
    spans = {0: [Span(1.0, 2.0, "B"), Span(3.0, 4.0, "A")], 1: [Span(2.5, 3.5, "A")]}

    assert turns(spans) == (
        SpeakerTurn(0, 0, 1.0, 2.0),
        SpeakerTurn(1, 1, 2.5, 3.5),
        SpeakerTurn(0, 2, 3.0, 4.0),
    )


def test_a_missing_extra_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(CallAnnotateError) as raised:
        PyannotePipeline("a/pipeline", threads=1)

    assert raised.value.fault is ENGINE_UNAVAILABLE
    assert "torch" in raised.value.message
    assert "callannotate[pyannote]" in raised.value.advice
