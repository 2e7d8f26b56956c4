"""Known voices: enrolled, kept, made anew, deleted without a trace."""

import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from contracts.errors import INVALID_FIELD, VOICE_SEVERAL_SPEAKERS, VOICE_TOO_SHORT, CallAnnotateError, Fault
from contracts.voice_errors import (
    SAMPLE_NOT_FOUND,
    SAMPLE_TOO_LONG,
    VOICE_EXISTS,
    VOICE_FULL,
    VOICE_NOT_FOUND,
    VOICE_STALE,
)
from contracts.voices import MOST_SAMPLES, Voice, VoiceUpdate
from runtime.database import NAME
from runtime.engine import Engine
from runtime.service import JobService
from runtime.settings import Settings
from tests.runtime.enrolling import NAME_OF_HER, enrol, traces
from tests.runtime.serving import gated, serving
from tests.voice_recordings import allison, ivrvoice, wav


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
