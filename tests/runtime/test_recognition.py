"""Known voices through the real networks: enrolled from recordings, named in calls and while they go on."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from anyio import create_task_group, fail_after

from contracts import errors
from contracts.annotation import Annotation, Speaker
from contracts.errors import CallAnnotateError, Fault
from contracts.live_audio import AudioFormat
from contracts.live_speech import Final, Flushed, LiveEvent, LiveOptions, Relabelled
from contracts.options import AnnotateOptions
from contracts.recognition import Enrolled, KnownVoice
from runtime.call import annotate_call, enrol_voice
from runtime.engine import Engine
from runtime.lane import Lane
from runtime.live_call import open_live_call
from stages.decode import open_audio
from stages.enrolment import clean_turns
from stages.matching import KnownVoices

pytestmark = pytest.mark.anyio

RATE = 8000
Samples = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def call(sample_call: Path) -> Samples:
    samples: Samples
    samples, rate = soundfile.read(sample_call, dtype="float32")
    assert rate == RATE
    return samples


@pytest.fixture(scope="module")
async def plain(engine: Engine, sample_call: Path) -> Annotation:
    with fail_after(120):
        return await annotate_call(engine, open_audio(sample_call), AnnotateOptions(recognise=False))


@pytest.fixture(scope="module")
async def samples(plain: Annotation, call: Samples) -> list[Samples]:
    """What each speaker says in the first half of the call; the other half is there to be recognised."""
    half = len(call) / RATE / 2
    found = []
    for speaker in plain.speakers:
        spans = clean_turns(plain.turns, speaker.speaker_id)
        found.append(np.concatenate([call[int(a * RATE) : int(b * RATE)] for a, b in spans if b <= half]))
    return found


@pytest.fixture(scope="module")
async def enrolled(engine: Engine, samples: list[Samples], tmp_path_factory: pytest.TempPathFactory) -> list[Enrolled]:
    folder = tmp_path_factory.mktemp("samples")
    found = []
    for number, own in enumerate(samples):
        path = folder / f"{number}.wav"
        soundfile.write(path, own, RATE)
        with fail_after(60):
            found.append(await enrol_voice(engine, open_audio(path)))
    return found


@pytest.fixture(scope="module")
def second_half(call: Samples, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("half") / "call.wav"
    soundfile.write(path, call[len(call) // 2 :], RATE)
    return path


def voice(enrolled: Enrolled, name: str) -> KnownVoice:
    return KnownVoice(f"id-{name}", name, enrolled.vectors, f"{name}.wav")


def names(speakers: tuple[Speaker, ...]) -> set[str | None]:
    return {speaker.identified_as for speaker in speakers}


async def test_a_sample_gives_a_voiceprint_of_unit_length(enrolled: list[Enrolled], samples: list[Samples]) -> None:
    for found, own in zip(enrolled, samples, strict=True):
        assert found.vectors.dtype == np.float32
        assert found.vectors.shape == (1, 192)
        assert np.linalg.norm(found.vectors) == pytest.approx(1, abs=1e-5)
        assert 5 < found.seconds <= len(own) / RATE
        assert found.signal_to_noise > 15
    assert float(enrolled[0].vectors[0] @ enrolled[1].vectors[0]) < 0.6


async def test_a_known_voice_is_named_on_another_recording_and_a_stranger_is_not(
    engine: Engine, enrolled: list[Enrolled], second_half: Path, plain: Annotation
) -> None:
    options = AnnotateOptions()
    with fail_after(120):
        result = await annotate_call(
            engine, open_audio(second_half), options, known=KnownVoices.of([voice(enrolled[0], "Anna")])
        )
    assert result.metadata.processing_stages.recognition == "completed"
    assert names(result.speakers) == {"Anna", "unknown"}
    (anna,) = [speaker for speaker in result.speakers if speaker.identified_as == "Anna"]
    (other,) = [speaker for speaker in result.speakers if speaker.identified_as == "unknown"]
    assert 0.9 <= anna.confidence < 1
    assert (anna.voice_id, anna.voice_embedding_source) == ("id-Anna", "Anna.wav")
    assert [(own.kind, own.text, own.voice_id) for own in anna.evidence] == [("voice", "Anna", "id-Anna")]
    assert (other.confidence, other.voice_id, other.evidence) == (0.0, None, ())
    assert names(plain.speakers) == {None}
    assert plain.metadata.processing_stages.recognition == "skipped"


async def test_recognition_leaves_words_and_turns_as_they_are(
    engine: Engine, enrolled: list[Enrolled], sample_call: Path, plain: Annotation
) -> None:
    known = KnownVoices.of([voice(enrolled[0], "Anna"), voice(enrolled[1], "Boris")])
    with fail_after(120):
        result = await annotate_call(engine, open_audio(sample_call), AnnotateOptions(), known=known)
    assert names(result.speakers) == {"Anna", "Boris"}
    assert result.turns == plain.turns
    assert [speaker.segments for speaker in result.speakers] == [speaker.segments for speaker in plain.speakers]


async def test_names_come_while_a_call_goes_on_and_its_result_is_the_file_doors(
    engine: Engine, enrolled: list[Enrolled], second_half: Path, tmp_path: Path
) -> None:
    known = KnownVoices.of([voice(enrolled[0], "Anna"), voice(enrolled[1], "Boris")])
    audio = AudioFormat(encoding="pcm_s16le", sample_rate=RATE, channels=1)
    samples, _ = soundfile.read(second_half, dtype="int16")
    spool = tmp_path / "call.wav"
    events: list[LiveEvent] = []
    with fail_after(120):
        async with (
            open_live_call(engine, Lane(engine), spool, audio, LiveOptions(partials=False), known) as live,
            create_task_group() as tasks,
        ):

            async def read() -> None:
                events.extend([event async for event in live.events])

            tasks.start_soon(read)
            for start in range(0, len(samples), RATE):
                await live.feed(samples[start : start + RATE].tobytes())
            await live.flush("finalize")
            speech = await live.finish()
        expected = await annotate_call(engine, open_audio(spool), AnnotateOptions(), known=known)
    assert speech.speakers == expected.speakers
    told: dict[int, str] = {}
    for event in events[: events.index(Flushed("finalize"))]:
        if isinstance(event, Relabelled):
            told.update(event.names)
    assert set(told.values()) == {"Anna", "Boris"}
    whose: dict[int, int] = {}
    named: dict[int, str] = {}
    for event in events:
        if isinstance(event, Final):
            whose[event.utterance] = event.speaker
        elif isinstance(event, Relabelled):
            whose.update(event.speakers)
            for speaker in event.speakers.values():
                named.pop(speaker, None)
            named.update(event.names)
    result = {number: speaker.identified_as for number, speaker in enumerate(speech.speakers)}
    assert {speaker: named.get(speaker, "unknown") for speaker in whose.values()} == result


def noisy(sample: Samples) -> Samples:
    return sample + np.random.default_rng(0).normal(0, 0.05, len(sample)).astype(np.float32)


@pytest.mark.parametrize(
    ("fault", "spoilt"),
    [
        (errors.VOICE_TOO_SHORT, lambda one, _: one[: 4 * RATE]),
        (errors.VOICE_TOO_SHORT, lambda one, _: np.full(len(one), 1e-4, np.float32)),
        (errors.VOICE_TOO_NOISY, lambda one, _: noisy(0.5 * one)),
        (errors.VOICE_SEVERAL_SPEAKERS, lambda one, other: np.concatenate([one, other])),
        (errors.VOICE_CLIPPED, lambda one, _: 0.9 * np.clip(6 * one / np.abs(one).max(), -1, 1)),
    ],
    ids=["short", "silent", "noisy", "two speakers", "clipped"],
)
async def test_a_sample_that_is_no_use_is_refused_with_what_was_measured(
    engine: Engine, samples: list[Samples], tmp_path: Path, fault: Fault, spoilt: object
) -> None:
    path = tmp_path / "sample.wav"
    assert callable(spoilt)
    soundfile.write(path, spoilt(samples[0], samples[1]), RATE)
    with fail_after(60), pytest.raises(CallAnnotateError) as refused:
        await enrol_voice(engine, open_audio(path))
    assert refused.value.fault == fault
    assert str(refused.value.details["path"]).endswith("sample.wav")
    assert isinstance(refused.value.details["measured"], float)
    assert isinstance(refused.value.details["needed"], float)
