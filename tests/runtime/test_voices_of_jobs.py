"""Known voices in the results of jobs: named, forgotten, enrolled from them."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from contracts.annotation import Annotation, Speaker, Turn
from contracts.corrections import CorrectionsUpdate, SpeakerChange
from contracts.examples import ANNOTATION
from contracts.recognition import Evidence
from contracts.voices import SpeakerEnrolment, Voice
from runtime.engine import Engine
from runtime.sample_audio import AROUND, save_turns, spans_of
from runtime.settings import Settings
from runtime.voice_results import voices_in, without_voices
from stages.decode import open_audio
from tests.runtime.enrolling import NAME_OF_HER, enrol, traces
from tests.runtime.serving import ended, gated, serving, submit
from tests.voice_recordings import allison, first_half, sample, wav


async def test_results_keep_the_name_of_a_deleted_voice_unless_they_are_to_forget_it(
    settings: Settings, engine: Engine
) -> None:
    async with serving(settings, engine) as service:
        voice = await enrol(service, NAME_OF_HER, allison())
        job = await submit(service, first_half())
        await ended(service, job.job_id)
        named = (await service.result(job.job_id)).result
        assert {speaker.identified_as for speaker in named.speakers} == {NAME_OF_HER, "unknown"}
        await service.voices.delete(voice.voice_id)
        assert (await service.result(job.job_id)).result == named
        # Enrolled again, she has another id: what the old result says is not hers to forget.
        second = await enrol(service, NAME_OF_HER, allison())
        await service.voices.delete(second.voice_id, forget_results=True)
        assert (await service.result(job.job_id)).result == named
        third = await enrol(service, NAME_OF_HER, allison())
        later = await submit(service, first_half())
        await ended(service, later.job_id)
        await service.delete(job.job_id)
        await service.voices.delete(third.voice_id, forget_results=True)
        forgotten = (await service.result(later.job_id)).result
        assert {speaker.identified_as for speaker in forgotten.speakers} == {"unknown"}
        assert forgotten.turns == named.turns
        async with service.watch(later.job_id, 0) as stream:
            told = [message async for message in stream]
        assert NAME_OF_HER.encode() not in msgspec.json.encode(told)
        assert traces(settings.volume_path, NAME_OF_HER.encode()) == []


async def test_a_name_that_was_given_by_hand_with_a_sample_is_forgotten_with_the_voice(
    settings: Settings, engine: Engine
) -> None:
    async with serving(settings, engine) as service:
        job = await submit(service, first_half())
        await ended(service, job.job_id)
        found, audio = await service.result(job.job_id), await service.audio(job.job_id)
        wanted = SpeakerEnrolment(name=NAME_OF_HER)
        voice = await service.voices.enrol_speaker(
            wanted, found.result, audio.path, audio.filename, job.job_id, "speaker_1"
        )
        names = (
            SpeakerChange(speaker_id="speaker_1", name=NAME_OF_HER.upper()),
            SpeakerChange(speaker_id="speaker_2", name="Somebody else"),
        )
        await service.corrections.change(job.job_id, CorrectionsUpdate(speakers=names), None)
        await service.voices.delete(voice.voice_id, forget_results=True)
        kept = await service.corrections.get(job.job_id)
        assert [(one.speaker_id, one.name) for one in kept.speakers] == [("speaker_2", "Somebody else")]
        assert traces(settings.volume_path, NAME_OF_HER.upper().encode()) == []


async def test_a_voice_that_is_deleted_while_a_job_runs_is_not_in_its_result(
    settings: Settings, engine: Engine
) -> None:
    slow, gate = gated(engine)
    async with serving(settings, slow) as service:
        gate.go.set()
        voice = await enrol(service, NAME_OF_HER, allison())
        gate.go.clear()
        gate.asked.clear()
        job = await submit(service, first_half())
        await gate.until_asked()
        await service.voices.delete(voice.voice_id)
        gate.go.set()
        await ended(service, job.job_id)
        result = (await service.result(job.job_id)).result
        assert {speaker.identified_as for speaker in result.speakers} == {"unknown"}
        assert voices_in(result) == set()


async def test_a_job_that_does_not_want_recognition_has_no_names(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        await enrol(service, "Alice", allison())
        job = await submit(service, first_half(), recognise=False)
        await ended(service, job.job_id)
        result = (await service.result(job.job_id)).result
        assert {speaker.identified_as for speaker in result.speakers} == {None}
        assert result.metadata.processing_stages.recognition == "skipped"


async def test_a_speaker_of_a_job_is_enrolled_from_what_nobody_else_speaks_over(
    settings: Settings, engine: Engine
) -> None:
    samples, rate = sample()
    async with serving(settings, engine) as service:
        job = await submit(service, wav(samples, rate))
        await ended(service, job.job_id)
        result, audio = (await service.result(job.job_id)).result, await service.audio(job.job_id)
        first = result.speakers[0].speaker_id

        async def enrol_first(wanted: SpeakerEnrolment) -> Voice:
            return await service.voices.enrol_speaker(wanted, result, audio.path, audio.filename, job.job_id, first)

        voice = await enrol_first(SpeakerEnrolment(name="Alice"))
        kept = voice.samples[0]
        assert (kept.source, kept.job_id, kept.speaker_id) == ("job", job.job_id, first)
        assert kept.filename == f"{first} of call.wav"
        assert kept.audio_kept
        more = await enrol_first(SpeakerEnrolment(voice_id=voice.voice_id))
        assert [each.source for each in more.samples] == ["job", "job"]
        again = await submit(service, first_half())
        await ended(service, again.job_id)
        speakers = (await service.result(again.job_id)).result.speakers
        assert [speaker.identified_as for speaker in speakers] == ["Alice", "unknown"]


def test_what_is_cut_out_of_a_call_has_what_is_around_it_but_nobody_else(tmp_path: Path) -> None:
    turns = (
        Turn("speaker_1", 1.0, 4.0), Turn("speaker_2", 3.5, 6.0), Turn("speaker_1", 8.0, 9.0),
        Turn("speaker_1", 9.2, 12.0), Turn("speaker_2", 12.1, 13.0),
    )  # fmt: skip
    spans = spans_of(turns, "speaker_1", 60.0)
    assert np.allclose(spans, [(1.0 - AROUND, 3.5), (8.0 - AROUND, 9.1), (9.1, 12.05)])
    assert np.allclose(spans_of(turns, "speaker_1", 4.0), [(1.0 - AROUND, 2.2 + AROUND), (9.2 - AROUND, 12.05)])
    path = tmp_path / "call.wav"
    path.write_bytes(wav(np.arange(16 * 8000) / (16 * 8000) / 2))
    seconds = save_turns(open_audio(path), tmp_path / "cut.flac", spans, 0)
    cut, rate = soundfile.read(tmp_path / "cut.flac")
    assert seconds == len(cut) / rate == pytest.approx(sum(end - start for start, end in spans), abs=0.001)
    # The sample in the middle of the second piece is the one of 8.425 s.
    middle = round((spans[0][1] - spans[0][0] + (spans[1][1] - spans[1][0]) / 2) * rate)
    assert cut[middle] == pytest.approx((spans[1][0] + spans[1][1]) / 2 / 16 / 2, abs=0.001)


def test_a_result_that_forgets_a_voice_keeps_the_others() -> None:
    own = Evidence("voice", "Alice", 0.9, "a")
    other = Evidence("voice", "Bob", 0.8, "b")
    speakers = (
        Speaker("speaker_1", (), identified_as="Alice", confidence=0.9, voice_id="a", evidence=(own,)),
        Speaker("speaker_2", (), identified_as="Bob", confidence=0.8, voice_id="b", evidence=(own, other)),
    )
    annotation: Annotation = replace(ANNOTATION, speakers=speakers)
    assert voices_in(annotation) == {"a", "b"}
    forgotten = without_voices(annotation, {"a"})
    assert forgotten.speakers[0] == Speaker("speaker_1", (), identified_as="unknown")
    assert forgotten.speakers[1] == replace(speakers[1], evidence=(other,))
