"""Live sessions that are kept as jobs, in whatever way they end."""

from pathlib import Path

import msgspec
import pytest

from contracts.errors import JOB_NOT_FOUND, CallAnnotateError
from contracts.job_messages import ResultMessage
from contracts.live import AudioEnd, ConfigUpdate, LiveWarning, SessionEnded, SessionStart, TranscriptFinal
from contracts.live_audio import AudioFormat
from contracts.options import AnnotateOptions
from runtime import live_archive
from runtime.engine import Engine
from runtime.intake import Intake
from runtime.live_archive import Note
from runtime.settings import Settings
from runtime.spool import Spool, finish_spool
from stages.decode import open_audio
from tests.runtime.live_parts import PHONE, Client, noise, released, say, spools
from tests.runtime.serving import ended, messages, serving
from tests.runtime.test_service import files

START = SessionStart(audio=PHONE, save=True, language="en")
LOST = "00000000-0000-4000-8000-000000000001"


pytestmark = pytest.mark.usefixtures("echo")


async def test_a_session_that_is_kept_is_a_job_with_its_audio_and_its_result(live: Settings, engine: Engine) -> None:
    data = noise(1.25)
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, data)
            await client.message(TranscriptFinal)
            assert spools(live) == [f"{client.session.id}.json", f"{client.session.id}.wav"]
            await connection.handle(AudioEnd(bytes_sent=len(data)))
            last = await client.ended()
        assert last.job_id == client.started.session_id
        job = await service.job(last.job_id, include_result=True)
        assert (job.status, job.result, job.error) == ("completed", last.result, None)
        assert job.metadata == {"source": "live", "session_id": last.job_id, "language": "en"}
        assert (job.file_info.filename, job.file_info.duration) == (f"live-{last.job_id}.wav", 1.25)
        assert (await service.result(last.job_id)).result == last.result
        told = await messages(service, last.job_id)
        assert [type(message) for message in told] == [ResultMessage]
        audio = await service.audio(last.job_id)
        assert audio.path.read_bytes()[-len(data) :] == data
        assert audio.path.stat().st_size == audio.size
        assert spools(live) == []
        assert files(live) == [f"completed/{last.job_id}.json", f"completed/{last.job_id}.wav"]
        assert (await service.health()).status == "healthy"
        await service.delete(last.job_id)
        assert files(live) == []


async def test_a_call_is_kept_with_the_words_that_were_to_be_expected(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(msgspec.structs.replace(START, vocabulary=("Asterisk", "PBX"))):
            note = live.volume_path / "live" / f"{client.session.id}.json"
            assert msgspec.json.decode(note.read_bytes(), type=Note).options.prompt == "Asterisk, PBX"


@pytest.mark.parametrize(("updates", "language"), [((None, "en"), None), (("en", "en"), "en")])
async def test_a_call_whose_language_was_changed_is_kept_as_one_of_any_language(
    live: Settings, engine: Engine, updates: tuple[str | None, ...], language: str | None
) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            changes = [ConfigUpdate(language=update) for update in updates]
            await say(connection, noise(1.25), *changes, AudioEnd(bytes_sent=20_000))
            last = await client.ended()
        assert last.job_id is not None
        job = await service.job(last.job_id)
        assert job.metadata["language"] == (language or "auto")


async def test_a_session_whose_client_never_came_back_becomes_a_job_that_is_processed(
    live: Settings, engine: Engine
) -> None:
    async with serving(msgspec.structs.replace(live, live_resume_window_s=0.05), engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0))
            await client.message(TranscriptFinal, 2)
        await released(service.live)
        job = await ended(service, client.started.session_id)
        assert (job.status, job.file_info.duration) == ("completed", 1.0)
        assert spools(live) == []


async def test_a_session_of_a_server_that_stopped_becomes_a_job(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0))
            await client.message(TranscriptFinal, 2)
    assert spools(live) == []
    async with serving(live, engine) as service:
        assert (await ended(service, client.started.session_id)).status == "completed"


async def left_behind(settings: Settings, data: bytes, *, note: bool, odd: int = 0) -> None:
    """What a server that was killed leaves of a session."""
    folder = settings.volume_path / "live"
    folder.mkdir(parents=True, exist_ok=True)
    spool = Spool(folder / f"{LOST}.wav", PHONE)
    await spool.open()
    await spool.write(data)
    spool.close()
    with spool.path.open("ab") as file:
        file.write(bytes(odd))
    if note:
        kept = Note(options=AnnotateOptions(language="en"), language="en", created_at=1e9)
        (folder / f"{LOST}.json").write_bytes(msgspec.json.encode(kept))


async def test_after_a_crash_a_session_that_was_to_be_kept_becomes_a_job(live: Settings, engine: Engine) -> None:
    await left_behind(live, noise(1.0), note=True, odd=1)
    async with serving(live, engine) as service:
        job = await ended(service, LOST)
        assert (job.status, job.file_info.duration, job.created_at.timestamp()) == ("completed", 1.0, 1e9)
        assert job.metadata["source"] == "live"
        assert spools(live) == []


async def test_after_a_crash_audio_that_nobody_wanted_to_keep_is_removed(live: Settings, engine: Engine) -> None:
    await left_behind(live, noise(1.0), note=False)
    (live.volume_path / "live" / "stray.json").write_text("{}")
    async with serving(live, engine) as service:
        with pytest.raises(CallAnnotateError) as caught:
            await service.job(LOST)
        assert caught.value.fault is JOB_NOT_FOUND
        assert spools(live) == []


@pytest.mark.parametrize("status", ["queued", "completed"])
async def test_audio_that_was_not_moved_to_its_job_in_time_is_moved_after_a_crash(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Intake, "_settle", lambda *_: None)
        async with serving(live, engine) as service:
            client = Client(service.live)
            async with client.connected(START) as connection:
                await say(connection, noise(1.0), *([AudioEnd(bytes_sent=16_000)] if status == "completed" else []))
                await client.message(SessionEnded if status == "completed" else TranscriptFinal)
                if status == "queued":
                    connection.confirm()
                    service.stopping.set()
                    await released(service.live)
    session_id = client.started.session_id
    assert spools(live) in ([f"{session_id}.wav"], [])
    async with serving(live, engine) as service:
        assert (await ended(service, session_id)).status == "completed"
        assert (await service.audio(session_id)).path.exists()
        assert spools(live) == []


async def test_a_call_too_short_for_a_job_is_told_and_its_result_comes(live: Settings, engine: Engine) -> None:
    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(0.05), AudioEnd(bytes_sent=800))
            last = await client.ended()
        assert last.job_id is None
        assert [warning.code for warning in client.of(LiveWarning)] == ["not_saved"]
        assert spools(live) == []


async def test_a_call_that_the_disk_refuses_to_keep_becomes_a_job_at_the_next_start(
    live: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:  # noqa: ARG001
        raise OSError(28, "No space left on device")

    async with serving(live, engine) as service:
        client = Client(service.live)
        async with client.connected(START) as connection:
            await say(connection, noise(1.0))
            with monkeypatch.context() as patch:
                patch.setattr(live_archive, "write_whole", full)
                await connection.handle(AudioEnd(bytes_sent=16_000))
                last = await client.ended()
        assert last.job_id is None
        assert last.totals.warnings == 1
        assert len(spools(live)) == 2
    async with serving(live, engine) as service:
        assert (await ended(service, client.started.session_id)).status == "completed"
        assert spools(live) == []


@pytest.mark.parametrize(
    ("encoding", "channels", "size"),
    [
        ("pcm_s16le", 1, 32_000),
        ("pcm_f32le", 2, 128_000),
        ("mulaw", 1, 16_000),
        ("alaw", 2, 32_000),
        ("mulaw", 1, 15_999),
    ],
)
async def test_what_a_crash_left_is_a_recording_like_any_other(
    tmp_path: Path, encoding: str, channels: int, size: int
) -> None:
    audio = msgspec.convert({"encoding": encoding, "sample_rate": 8000, "channels": channels}, AudioFormat)
    spool = Spool(tmp_path / "spool.wav", audio)
    await spool.open()
    await spool.write(bytes(size))
    spool.close()
    with spool.path.open("ab") as file:
        file.write(b"\1" * (audio.bytes_per_frame - 1))
    for _ in range(2):
        finish_spool(spool.path)
        found = open_audio(spool.path, "two-sided" if channels == 2 else "auto")
        assert (found.samples, found.sample_rate, found.channels) == (size // audio.bytes_per_frame, 8000, channels)
