"""Live calls through the real networks: what is told at once, and the annotation that comes behind."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from anyio import create_task_group, fail_after

from contracts.annotation import AnnotatedSpeech
from contracts.errors import CallAnnotateError
from contracts.live_audio import AudioFormat
from contracts.live_speech import (
    Final,
    Flushed,
    FlushReason,
    LiveEvent,
    LiveOptions,
    Partial,
    SpeechBegan,
    SpeechStopped,
)
from contracts.options import AnnotateOptions
from runtime.call import annotate_call
from runtime.drawing import draw_text
from runtime.engine import Engine, outline
from runtime.lane import Lane
from runtime.live_call import LiveCall, open_live_call
from runtime.pipeline import live_flow
from runtime.running import StageFailed
from stages.decode import open_audio
from tests.runtime.parts import tasks as tasks_at_work

pytestmark = pytest.mark.anyio

MONO = AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1)
STEREO = AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=2)
Samples = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def call(sample_call: Path) -> Samples:
    """Some utterances of two voices: int16 (samples, 1)."""
    samples: Samples
    samples, rate = soundfile.read(sample_call, dtype="int16", always_2d=True)
    assert rate == MONO.sample_rate
    return samples[: 16 * rate]


async def feed(call: LiveCall, samples: Samples, step: int = 800) -> None:
    for start in range(0, len(samples), step):
        await call.feed(samples[start : start + step].tobytes())


async def told(
    engine: Engine, spool: Path, samples: Samples, options: LiveOptions, *, step: int = 800
) -> tuple[list[LiveEvent], AnnotatedSpeech]:
    """Everything that a live call tells, and its annotation."""
    events: list[LiveEvent] = []
    audio = MONO if samples.shape[1] == 1 else STEREO
    with fail_after(90):
        async with open_live_call(engine, Lane(engine), spool, audio, options) as call:
            async with create_task_group() as tasks:

                async def read() -> None:
                    events.extend([event async for event in call.events])

                tasks.start_soon(read)
                await feed(call, samples, step)
                speech = await call.finish()
            assert call.received == samples.nbytes
            assert call.progress == 1.0
    return events, speech


def finals(events: Sequence[LiveEvent]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


@pytest.fixture(scope="module")
async def heard(
    engine: Engine, call: Samples, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[LiveEvent], AnnotatedSpeech, Path]:
    """What the live lane told of the call, its annotation, and its recording."""
    spool = tmp_path_factory.mktemp("live") / "call.wav"
    return *await told(engine, spool, call, LiveOptions()), spool


async def test_the_annotation_of_a_live_call_is_that_of_its_recording(
    engine: Engine, heard: tuple[list[LiveEvent], AnnotatedSpeech, Path]
) -> None:
    _, speech, spool = heard
    with fail_after(60):
        expected = await annotate_call(engine, open_audio(spool), AnnotateOptions())
    assert speech.speakers == expected.speakers
    assert speech.turns == expected.turns
    assert sum(len(segment.words) for speaker in speech.speakers for segment in speaker.segments) > 10


async def test_finals_hold_nearly_the_words_of_the_annotation(
    heard: tuple[list[LiveEvent], AnnotatedSpeech, Path],
) -> None:
    events, speech, _ = heard
    live = {word.text.strip(".,?!").lower() for final in finals(events) for word in final.words}
    file = {word.word.strip(".,?!").lower() for own in speech.speakers for part in own.segments for word in part.words}
    assert len(live & file) > 0.7 * len(live | file)


async def test_what_is_told_comes_in_order(heard: tuple[list[LiveEvent], AnnotatedSpeech, Path]) -> None:
    events, _, _ = heard
    mentioned = list(dict.fromkeys(event.utterance for event in events if isinstance(event, (Partial, Final))))
    assert mentioned == list(range(len(mentioned)))
    ended: set[int] = set()
    for event in events:
        if isinstance(event, (Partial, Final)):
            assert event.utterance not in ended
        if isinstance(event, Final):
            ended.add(event.utterance)
            assert all(word.start_time < word.end_time for word in event.words)
            assert event.words[0].start_time > event.start_time - 0.5
            assert event.words[-1].end_time < event.end_time + 0.5
    assert ended == set(mentioned)
    voices = [event for event in events if isinstance(event, (SpeechBegan, SpeechStopped))]
    assert [type(event) for event in voices] == [SpeechBegan, SpeechStopped] * (len(voices) // 2)
    assert [event for event in events if isinstance(event, Flushed)] == [Flushed("end")]


async def test_how_the_audio_is_cut_changes_no_final(
    engine: Engine, call: Samples, heard: tuple[list[LiveEvent], AnnotatedSpeech, Path], tmp_path: Path
) -> None:
    events, _ = await told(engine, tmp_path / "call.wav", call, LiveOptions(partials=False), step=3333)
    numbered = [replace_number(final) for final in finals(events)]
    assert numbered == [replace_number(final) for final in finals(heard[0])]
    assert not any(isinstance(event, Partial) for event in events)


def replace_number(final: Final) -> tuple[float, float, tuple[str, ...], str, int]:
    """A final without its number, which partials that turn out to be nothing move."""
    texts = tuple(word.text for word in final.words)
    return final.start_time, final.end_time, texts, final.language, final.speaker


async def until_flushed(live: LiveCall, reason: FlushReason) -> list[LiveEvent]:
    """What a flush leaves to be read."""
    events: list[LiveEvent] = []
    while not events or events[-1] != Flushed(reason):
        events.append(await live.events.receive())
    return events


async def test_a_flush_makes_final_what_was_fed_and_the_call_goes_on(
    engine: Engine, call: Samples, tmp_path: Path
) -> None:
    options = LiveOptions(language="en", partials=False)
    with fail_after(60):
        async with open_live_call(engine, Lane(engine), tmp_path / "call.wav", MONO, options) as live:
            await feed(live, call[: 3 * 8000])
            await live.flush("finalize")
            first = await until_flushed(live, "finalize")
            assert [final.reason for final in finals(first)][-1] == "finalize"
            await feed(live, call[3 * 8000 : 8 * 8000])
            await live.flush("pause")
            rest = await until_flushed(live, "pause")
    assert finals(rest)[0].start_time > finals(first)[-1].end_time - 0.1


async def test_a_language_that_is_changed_counts_from_its_place_in_the_audio_on(
    engine: Engine, sample_call: Path, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(sample_call, dtype="int16", always_2d=True)
    english, russian = samples[: round(4.6 * rate)], samples[round(44.8 * rate) : round(51.2 * rate)]
    events: list[LiveEvent] = []
    with fail_after(90):
        async with (
            open_live_call(
                engine, Lane(engine), tmp_path / "call.wav", MONO, LiveOptions(language="en", partials=False)
            ) as live,
            create_task_group() as tasks,
        ):

            async def read() -> None:
                events.extend([event async for event in live.events])

            tasks.start_soon(read)
            await feed(live, english)
            live.update(LiveOptions(language="ru", partials=False))
            await feed(live, russian)
            speech = await live.finish()
    for found in (
        [(final.end_time, final.language) for final in finals(events)],
        sorted((own.end_time, own.language) for speaker in speech.speakers for own in speaker.segments),
    ):
        assert {language for end, language in found if end < 4.7} == {"en"}
        assert {language for end, language in found if end > 4.7} == {"ru"}


async def test_each_side_of_a_call_is_heard_by_itself(engine: Engine, call: Samples, tmp_path: Path) -> None:
    both = np.zeros((len(call), 2), np.int16)
    both[: 8 * 8000, :1], both[8 * 8000 :, 1:] = call[: 8 * 8000], call[8 * 8000 :]
    options = LiveOptions(two_sided=True, diarize=False, partials=False)
    events, speech = await told(engine, tmp_path / "call.wav", both, options)
    assert {(final.channel, final.speaker) for final in finals(events)} == {(0, 0), (1, 1)}
    assert [speaker.channel for speaker in speech.speakers] == [0, 1]


@pytest.mark.parametrize("level", [0, 300])
async def test_nothing_is_told_of_silence_and_noise(engine: Engine, level: int, tmp_path: Path) -> None:
    noise = (level * np.random.default_rng(0).standard_normal((12 * 8000, 1))).astype(np.int16)
    events, speech = await told(engine, tmp_path / "call.wav", noise, LiveOptions())
    assert not [event for event in events if isinstance(event, (Partial, Final))]
    assert speech.speakers == ()


async def test_a_call_without_audio_is_empty(engine: Engine, tmp_path: Path) -> None:
    with fail_after(30):
        async with open_live_call(engine, Lane(engine), tmp_path / "call.wav", MONO, LiveOptions()) as live:
            assert await live.finish() == AnnotatedSpeech((), (), 0.0)
            assert [event async for event in live.events] == [Flushed("end")]


async def test_a_sample_that_is_no_number_is_refused_and_nothing_of_it_is_taken(engine: Engine, tmp_path: Path) -> None:
    audio = AudioFormat(encoding="pcm_f32le", sample_rate=16000, channels=1)
    with fail_after(30):
        async with open_live_call(engine, Lane(engine), tmp_path / "call.wav", audio, LiveOptions()) as live:
            with pytest.raises(CallAnnotateError) as caught:
                await live.feed(np.array([0.0, np.nan, 0.1], np.float32).tobytes())
            assert caught.value.fault.code == "FRAME_NOT_FINITE"
            assert live.received == 0
            await live.feed(np.zeros(1600, np.float32).tobytes())
            assert live.received == 6400


async def test_leaving_a_call_early_leaves_nothing(engine: Engine, call: Samples, tmp_path: Path) -> None:
    before, descriptors = tasks_at_work(), descriptors_open()
    tokens = engine.limiter.total_tokens
    lane = Lane(engine)
    with fail_after(30):
        async with open_live_call(engine, lane, tmp_path / "call.wav", MONO, LiveOptions()) as live:
            assert lane.sessions == 1
            await feed(live, call[: 4 * 8000])
    assert (tasks_at_work(), descriptors_open()) == (before, descriptors)
    assert (engine.limiter.total_tokens, lane.sessions) == (tokens, 0)


def descriptors_open() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class Broken:
    """A network that cannot be used."""

    def scores(self, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise MemoryError(f"no room for {windows.shape}")


async def test_a_stage_that_fails_ends_the_call_with_one_error(engine: Engine, call: Samples, tmp_path: Path) -> None:
    broken = replace(engine, segmentation=Broken())

    async def run() -> None:
        async with open_live_call(broken, Lane(broken), tmp_path / "call.wav", MONO, LiveOptions()) as live:
            await feed(live, call)
            await live.finish()

    with fail_after(30), pytest.raises(StageFailed, match="no room for"):
        await run()


async def test_the_live_lane_is_a_graph_like_the_other() -> None:
    networks = outline("onnx")
    flow = live_flow(networks, Lane(networks), lambda _second: LiveOptions())
    assert [node.name for node in flow.nodes] == ["stream", "clean", "listen", "write", "tell_apart", "result"]
    assert "listen" in draw_text(flow)
