"""Known voices: enrolled, kept, made anew, deleted without a trace."""

import dataclasses
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from contracts.annotation import Annotation, Speaker, Turn
from contracts.corrections import CorrectionsUpdate, SpeakerChange
from contracts.errors import INVALID_FIELD, VOICE_SEVERAL_SPEAKERS, VOICE_TOO_SHORT, CallAnnotateError, Fault
from contracts.examples import ANNOTATION
from contracts.recognition import Evidence
from contracts.voice_errors import (
    SAMPLE_NOT_FOUND,
    SAMPLE_TOO_LONG,
    VOICE_EXISTS,
    VOICE_FULL,
    VOICE_NOT_FOUND,
    VOICE_STALE,
)
from contracts.voices import MOST_SAMPLES, SpeakerEnrolment, Voice, VoiceUpdate
from runtime.database import NAME
from runtime.engine import Engine
from runtime.sample_audio import AROUND, save_turns, spans_of
from runtime.service import JobService
from runtime.settings import Settings
from runtime.voice_results import voices_in, without_voices
from stages.decode import open_audio
from tests.runtime.serving import ended, gated, serving, submit
from tests.voice_recordings import allison, first_half, ivrvoice, sample, wav

NAME_OF_HER = "Аделаида Невероятная"


async def enrol(service: JobService, name: str, file: bytes, filename: str = "sample.wav") -> Voice:
    async with service.upload(filename) as upload:
        await upload.write(file)
        return await service.voices.enrol(upload, json.dumps({"name": name}).encode())


async def add_sample(service: JobService, voice: Voice, file: bytes, filename: str = "sample.wav") -> Voice:
    async with service.upload(filename) as upload:
        await upload.write(file)
        return await service.voices.add_sample(voice.voice_id, upload, b"{}")


@asynccontextmanager
async def refused(fault: Fault) -> AsyncIterator[None]:
    with pytest.raises(CallAnnotateError) as caught:
        yield
    assert caught.value.fault is fault, caught.value


def print_file(seed: int) -> bytes:
    """A .vec file of one voiceprint."""
    vector = np.random.default_rng(seed).normal(size=192).astype(np.float32)
    return " ".join(map(str, vector / np.linalg.norm(vector))).encode()


def other_model(engine: Engine) -> Engine:
    """The engine as if its voiceprint model were another one."""
    models = [replace(model, sha256="0" * 64) if model.kind == "voiceprint" else model for model in engine.models]
    return dataclasses.replace(engine, models=tuple(models))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def traces(folder: Path, *needles: bytes) -> list[tuple[str, int]]:
    """Where any of these bytes still are: file, and which of them."""
    return [
        (name, number)
        for name, content in bytes_of(folder).items()
        for number, needle in enumerate(needles)
        if needle in content
    ]


async def test_a_sample_is_kept_as_flac_and_gives_the_same_voiceprint_when_it_is_enrolled_again(
    settings: Settings, engine: Engine
) -> None:
    async with serving(settings, engine) as service:
        voice = await enrol(service, "Alice", allison(), "alice.wav")
        kept = settings.volume_path / "voices" / voice.voice_id / f"{voice.samples[0].sample_id}.flac"
        info = soundfile.info(kept)
        assert (info.format, info.samplerate, info.channels) == ("FLAC", 8000, 1)
        assert kept.stat().st_mode & 0o077 == 0
        assert voice.samples[0].duration == pytest.approx(info.duration, abs=0.001)
        assert voice.samples[0].speech is not None
        assert voice.samples[0].speech > 5
        before = (await service.voices.voiceprints(voice.voice_id, "npy")).content
        assert await service.voices.renew_voice(voice.voice_id) == 1
        assert (await service.voices.voiceprints(voice.voice_id, "npy")).content == before
        again = await enrol(service, "Again", kept.read_bytes(), "kept.flac")
        assert (await service.voices.voiceprints(again.voice_id, "npy")).content == before
        assert list((settings.volume_path / "incoming" / ".uploads").iterdir()) == []


async def test_without_keep_voice_samples_no_audio_is_kept(settings: Settings, engine: Engine) -> None:
    async with serving(msgspec.structs.replace(settings, keep_voice_samples=False), engine) as service:
        voice = await enrol(service, "Alice", allison())
        assert not voice.samples[0].audio_kept
        assert not voice.stale
    assert [path for path in settings.volume_path.rglob("*") if path.suffix in {".flac", ".wav"}] == []


@pytest.mark.parametrize("keep", [True, False])
async def test_another_model_makes_voices_stale_until_their_audio_was_enrolled_anew(
    settings: Settings, engine: Engine, keep: bool
) -> None:
    settings = msgspec.structs.replace(settings, keep_voice_samples=keep)
    async with serving(settings, other_model(engine)) as service:
        voice = await enrol(service, "Alice", allison())
        imported = await enrol(service, "Print", print_file(1), "print.vec")
        assert len(await service.voices.known()) == 2
    slow, gate = gated(engine)
    async with serving(settings, slow) as service:
        assert (await service.voices.get(voice.voice_id)).stale
        assert len(await service.voices.known()) == 0
        if not keep:
            async with refused(VOICE_STALE):
                await service.voices.voiceprints(voice.voice_id, "npy")
            return
        await gate.until_asked()
        gate.go.set()
        with anyio.fail_after(30):
            while (await service.voices.get(voice.voice_id)).stale:
                await anyio.lowlevel.checkpoint()
        assert len(await service.voices.known()) == 1
        # Of what was imported there is no audio.
        assert (await service.voices.get(imported.voice_id)).stale


async def test_of_a_deleted_voice_no_byte_is_left_on_the_volume(settings: Settings, engine: Engine) -> None:
    settings = msgspec.structs.replace(settings, log_level="DEBUG")
    async with serving(settings, engine) as service:
        others = [await enrol(service, f"Voice {number}", print_file(number), "p.vec") for number in range(60)]
        voice = await enrol(service, NAME_OF_HER, allison(), "secret-file-name.wav")
        voice = await add_sample(service, voice, print_file(1000), "second.vec")
        vectors = [np.frombuffer(print_of, "<f4") for print_of in await blobs(settings, voice)]
        needles = [
            NAME_OF_HER.encode(),
            NAME_OF_HER.casefold().encode(),
            b"secret-file-name",
            voice.samples[0].sample_id.encode(),
        ]
        needles += [vector.tobytes() for vector in vectors]
        needles += [vector[half : half + 24].tobytes() for vector in vectors for half in range(0, 192, 24)]
        assert {number for _, number in traces(settings.volume_path, *needles)} >= {0, 1, 2, 3, 4, 5}
        for number in range(1, 60, 3):
            await service.voices.delete(others[number].voice_id)
        await service.voices.delete(voice.voice_id)
        # While the server goes on, its log and all included; of voices that are gone only the id was logged.
        assert traces(settings.volume_path, *needles[:3], *needles[4:]) == []
        assert not (settings.volume_path / "voices" / voice.voice_id).exists()
        assert len(await service.voices.known()) == 40
        async with refused(VOICE_NOT_FOUND):
            await service.voices.delete(voice.voice_id)
    assert traces(settings.volume_path, *needles[:3], *needles[4:]) == []


async def blobs(settings: Settings, voice: Voice) -> list[bytes]:
    """The voiceprints of a voice as they lie in the database."""

    def read() -> list[bytes]:
        with sqlite3.connect(settings.volume_path / NAME) as database:
            rows = database.execute("SELECT vectors FROM samples WHERE voice_id = ?", (voice.voice_id,)).fetchall()
        database.close()
        return [row[0] for row in rows]

    return await anyio.to_thread.run_sync(read)


async def test_of_a_deleted_sample_and_of_an_old_name_no_byte_is_left(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        voice = await enrol(service, NAME_OF_HER, print_file(1), "first.vec")
        voice = await add_sample(service, voice, allison(), "second.wav")
        first, second = await blobs(settings, voice)
        async with refused(SAMPLE_NOT_FOUND):
            await service.voices.delete_sample(voice.voice_id, voice.voice_id)
        await service.voices.delete_sample(voice.voice_id, voice.samples[1].sample_id)
        renamed = await service.voices.rename(voice.voice_id, VoiceUpdate(name="Short", note="new"))
        assert (renamed.name, renamed.note, [sample.filename for sample in renamed.samples]) == (
            "Short", "new", ["first.vec"],
        )  # fmt: skip
        assert renamed.updated_at > voice.created_at
        assert traces(settings.volume_path, second[:768], NAME_OF_HER.encode(), b"second.wav") == []
        assert traces(settings.volume_path, first[:768]) != []
        assert list((settings.volume_path / "voices" / voice.voice_id).iterdir()) == []


async def test_two_voices_cannot_have_one_name(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        one = await enrol(service, "Иван Петров", print_file(1))
        other = await enrol(service, "Anna", print_file(2))
        async with refused(VOICE_EXISTS):
            await enrol(service, "иван  ПЕТРОВ", print_file(3))
        async with refused(VOICE_EXISTS):
            await service.voices.rename(other.voice_id, VoiceUpdate(name="Иван Петров"))
        assert (await service.voices.rename(one.voice_id, VoiceUpdate(name="ИВАН Петров"))).name == "ИВАН Петров"
        async with refused(VOICE_NOT_FOUND):
            await service.voices.rename("nobody", VoiceUpdate(name="Nobody"))
        page = await service.voices.page("ПЕТР", 10, 0)
        assert ([voice.voice_id for voice in page.voices], page.total) == ([one.voice_id], 1)
        page = await service.voices.page(None, 1, 1)
        assert ([voice.voice_id for voice in page.voices], page.total) == ([one.voice_id], 2)


async def test_a_sample_that_is_no_good_says_why_and_leaves_nothing_behind(settings: Settings, engine: Engine) -> None:
    settings = msgspec.structs.replace(settings, max_sample_duration=60.0)
    both = np.concatenate([soundfile.read(_file(file))[0] for file in (allison(), ivrvoice())])
    async with serving(settings, engine) as service:
        for fault, file in (
            (VOICE_TOO_SHORT, wav(np.zeros(16000))),
            (VOICE_SEVERAL_SPEAKERS, wav(both)),
            (SAMPLE_TOO_LONG, wav(np.tile(both, 4))),
        ):
            with pytest.raises(CallAnnotateError) as caught:
                await enrol(service, "Alice", file, "the client's name.wav")
            assert caught.value.fault is fault
            assert caught.value.details["path"] == "the client's name.wav"
        async with refused(INVALID_FIELD):
            await enrol(service, " ", allison())
        assert (await service.voices.page(None, 10, 0)).total == 0
    assert [path for path in settings.volume_path.rglob("*") if path.suffix in {".flac", ".wav"}] == []


def _file(content: bytes) -> object:
    import io

    return io.BytesIO(content)


async def test_a_voice_has_a_limited_number_of_samples(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        voice = await enrol(service, "Alice", print_file(0))
        for number in range(1, MOST_SAMPLES):
            voice = await add_sample(service, voice, print_file(number))
        async with refused(VOICE_FULL):
            await add_sample(service, voice, print_file(MOST_SAMPLES))
        assert len((await service.voices.get(voice.voice_id)).samples) == MOST_SAMPLES


async def test_audio_that_no_sample_knows_is_removed_at_the_start(settings: Settings, engine: Engine) -> None:
    async with serving(settings, engine) as service:
        voice = await enrol(service, "Alice", allison())
        kept = settings.volume_path / "voices" / voice.voice_id / f"{voice.samples[0].sample_id}.flac"
    stray = kept.with_name("stray.flac")
    stray.write_bytes(b"left by a crash")
    folder = kept.parents[1] / "nobody"
    folder.mkdir()
    (folder / "x.flac").write_bytes(b"left by a crash")
    async with serving(settings, engine):
        assert kept.exists()
        assert not stray.exists()
        assert not folder.exists()


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
