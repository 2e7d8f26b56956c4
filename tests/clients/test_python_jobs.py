"""The client in Python: recordings, jobs and voices, on a real server, over a network that fails."""

import io
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from anyio import fail_after, to_thread

from callannotate_client import AsyncClient, CallAnnotateError, Client
from callannotate_client.types import JobErrorMessage, JobMessage, JobRequest, ResultMessage, StatusUpdate, VoicePage
from contracts.errors import QUEUE_FULL
from contracts.jobs import ErrorBody, ErrorDetail
from tests.clients.cutter import Cutter
from tests.runtime.dav_proxy import Asked, Reply, proxy
from tests.voice_recordings import allison
from tests.web.serving import Server, wav


@pytest.fixture
async def client(server: Server) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(f"{server.host}:{server.port}") as client:
        yield client


async def refused(server: AsyncClient, path: str) -> CallAnnotateError:
    with pytest.raises(CallAnnotateError) as error:
        await server.request("GET", path, object)
    return error.value


def numbers(messages: list[JobMessage]) -> list[int]:
    return [message.seq for message in messages]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_a_recording_becomes_a_result_with_types_and_files_and_is_deleted(
    client: AsyncClient, short_call: Path, recording: bytes, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    size = len(recording)
    with fail_after(120):
        job = await client.submit(
            short_call, metadata=JobRequest(language="en", description="Anna"), progress=lambda *now: told.append(now)
        )
        messages = [message async for message in client.watch(job.job_id)]
        result = await client.wait(job.job_id)
        assert told[-1] == (size, size)
        assert len(told) == math.ceil(size / 2**18)
        assert job.metadata["description"] == "Anna"
        assert isinstance(messages[-1], ResultMessage)
        assert messages[-1].result == result.result
        assert numbers(messages) == list(range(messages[0].seq, messages[0].seq + len(messages)))
        assert {speaker.speaker_id for speaker in result.result.speakers} == {"speaker_1", "speaker_2"}
        assert (await client.export(job.job_id, "srt")).startswith(b"1\n00:00:")
        assert (await client.export(job.job_id, "docx")).startswith(b"PK")
        page = await client.jobs(status="completed", limit=1)
        assert [found.job_id for found in page.jobs] == [job.job_id]
        audio = await client.download_audio(job.job_id, tmp_path / "again.flac")
        assert files(tmp_path) == {audio.name: recording} == {"again.flac": recording}
        await client.delete(job.job_id)
        with pytest.raises(CallAnnotateError) as gone:
            await client.job(job.job_id)
    assert (gone.value.code, gone.value.status, gone.value.retryable) == ("JOB_NOT_FOUND", 404, False)
    assert gone.value.request_id is not None
    assert gone.value.advice


@pytest.mark.parametrize("limit", [{"up": 300_000}, {"down": 1}], ids=["in the middle", "before the answer"])
async def test_an_upload_that_is_cut_is_sent_again_and_is_one_job(
    server: Server, cutter: Cutter, limit: dict[str, int]
) -> None:
    cutter.limits.update(limit)  # type: ignore[arg-type]
    before = (await server.http.get("/api/v1/jobs")).json()["total"]
    told: list[int] = []
    with fail_after(60):
        async with AsyncClient(cutter.url) as client:
            job = await client.submit(wav(60.0), filename="tone.wav", progress=lambda sent, _size: told.append(sent))
            await client.wait(job.job_id)
    assert cutter.cuts == 1
    assert told.count(min(told)) == 2
    assert (await server.http.get("/api/v1/jobs")).json()["total"] == before + 1


async def test_a_job_is_followed_over_lost_connections_without_a_gap(
    server: Server, cutter: Cutter, short_call: Path
) -> None:
    messages: list[JobMessage] = []
    with fail_after(120):
        async with AsyncClient(cutter.url) as client:
            async with server.held():
                job = await client.submit(short_call)
            async for message in client.watch(job.job_id):
                messages.append(message)
                cutter.cut()
    assert cutter.cuts >= 3
    assert numbers(messages) == list(range(messages[0].seq, messages[0].seq + len(messages)))
    assert isinstance(messages[-1], ResultMessage)


async def test_a_server_that_asks_to_wait_is_asked_again_no_sooner(server: Server) -> None:
    detail = ErrorDetail(
        code=QUEUE_FULL.code, message="full", retryable=True, timestamp=datetime.now(UTC), request_id="req_1"
    )
    times: list[float] = []

    def busy(_asked: Asked) -> Reply | None:
        times.append(datetime.now(UTC).timestamp())
        return (503, {"Retry-After": "1"}, msgspec.json.encode(ErrorBody(detail))) if len(times) == 1 else None

    def ask() -> None:
        with proxy(busy, f"http://{server.host}:{server.port}") as front, Client(front.url) as client:
            assert client.submit(wav(), filename="tone.wav").status == "queued"

    with fail_after(30):
        await to_thread.run_sync(ask)
    assert len(times) == 2
    assert times[1] - times[0] >= 1.0


async def test_what_would_be_done_twice_is_not_sent_again(cutter: Cutter) -> None:
    cutter.limits["down"] = 1
    with fail_after(30):
        async with AsyncClient(cutter.url) as client:
            with pytest.raises(CallAnnotateError) as error:
                await client.enrol(allison(), "Cut", filename="cut.wav")
            assert error.value.code == "UNREACHABLE"
            assert error.value.retryable
            (voice,) = (await client.voices(name="Cut")).voices
            await client.delete_voice(voice.voice_id)


async def test_errors_have_the_code_the_advice_and_the_language_that_was_asked_for(client: AsyncClient) -> None:
    error = await refused(client, "/api/v1/jobs?limit=0")
    assert (error.code, error.status) == ("INVALID_FIELD", 400)
    async with AsyncClient(client.url, language="ru") as russian:
        assert (await refused(russian, "/api/v1/jobs?limit=0")).advice != error.advice
    with pytest.raises(CallAnnotateError) as nonsense:
        AsyncClient("ftp://calls.example")
    assert nonsense.value.code == "INVALID_ADDRESS"
    async with AsyncClient("127.0.0.1:1", retries=1) as nobody:
        assert (await refused(nobody, "/info")).code == "UNREACHABLE"


async def test_a_recording_that_cannot_be_used_and_a_job_that_fails_say_why(client: AsyncClient) -> None:
    with fail_after(60):
        with pytest.raises(CallAnnotateError) as text:
            await client.submit(b"no recording", filename="call.wav")
        assert text.value.code == "UNSUPPORTED_FORMAT"
        with pytest.raises(CallAnnotateError) as unknown:
            await client.wait("00000000-0000-4000-8000-000000000000")
        assert unknown.value.code == "JOB_NOT_FOUND"
        with pytest.raises(FileNotFoundError):
            await client.submit("no-such-file.wav")


async def test_without_asyncio_it_is_the_same(server: Server, tmp_path: Path) -> None:
    seen: list[JobMessage] = []
    tone = tmp_path / "tone.wav"

    def work() -> None:
        with Client(f"http://{server.host}:{server.port}") as client:
            assert client.info().service == "CallAnnotate"
            assert client.health().status == "healthy"
            tone.write_bytes(wav(2.0))
            with tone.open("rb") as file:
                job = client.submit(file, metadata={"language": "en", "mine": [1]})
            assert job.file_info.filename == tone.name
            assert job.metadata["mine"] == [1]
            seen.extend(client.watch(job.job_id))
            assert client.result(job.job_id).result == client.wait(job.job_id, seen.append).result
            assert client.queue().queue_length == 0
            client.delete(job.job_id)
            with pytest.raises(CallAnnotateError):
                client.job(job.job_id)

    with fail_after(120):
        await to_thread.run_sync(work)
    assert isinstance(seen[0], StatusUpdate)
    assert not any(isinstance(message, JobErrorMessage) for message in seen)


async def test_voices_are_enrolled_renamed_and_deleted(client: AsyncClient) -> None:
    with fail_after(60):
        voice = await client.enrol(io.BytesIO(allison()), "Anna", filename="anna.wav", note="desk")
        assert voice.samples[0].filename == "anna.wav"
        vectors = await client.voiceprints(voice.voice_id, "vec")
        more = await client.add_sample(voice.voice_id, vectors, filename="anna.vec")
        assert len(more.samples) == 2
        await client.delete_sample(voice.voice_id, more.samples[1].sample_id)
        renamed = await client.rename_voice(voice.voice_id, "Anna Smirnova")
        assert (await client.voice(voice.voice_id)).name == renamed.name == "Anna Smirnova"
        page = await client.request("GET", "/api/v1/voices", VoicePage, params={"name": "smirnova"})
        assert [found.voice_id for found in page.voices] == [voice.voice_id]
        await client.delete_voice(voice.voice_id, forget_results=True)
        assert (await client.voices()).total == 0
