"""The doors for clients of OpenAI, with OpenAI's own package against a real server."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import openai
import pytest
import soundfile
import srt
import webvtt
from anyio import create_task_group, fail_after
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
    TranscriptionVerbose,
    Translation,
)

from runtime.engine import Engine
from tests.voice_recordings import allison, first_half
from tests.web.serving import Server, serving, wav

PRINT = " ".join(map(str, np.random.default_rng(3).normal(size=192))).encode()
LANGUAGES = {"en", "ru"}


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine) as running:
        yield running


def client_of(server: Server) -> openai.AsyncOpenAI:
    """OpenAI's client, which tries nothing again by itself."""
    return openai.AsyncOpenAI(
        base_url=f"http://{server.host}:{server.port}/v1", api_key="anything", max_retries=0, timeout=120
    )


@pytest.fixture(scope="module")
async def client(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(server) as found:
        yield found


@pytest.fixture(scope="module")
async def plain(client: openai.AsyncOpenAI, recording: bytes) -> Transcription:
    """The short call in the format json."""
    found = await client.audio.transcriptions.create(model="whisper-1", file=("call.flac", recording))
    assert isinstance(found, Transcription)
    return found


async def no_job(server: Server) -> None:
    """Returns once there is no job."""
    with fail_after(30):
        while (await server.http.get("/api/v1/jobs")).json()["total"]:
            await anyio.lowlevel.checkpoint()


async def one_job(server: Server, *states: str) -> Any:
    """The only job, as soon as it is there and in one of the states."""
    with fail_after(30):
        while True:
            jobs = (await server.http.get("/api/v1/jobs")).json()["jobs"]
            if jobs and (not states or jobs[0]["status"] in states):
                return jobs[0]


async def test_the_models_are_listed_and_each_can_be_asked_for(client: openai.AsyncOpenAI) -> None:
    models = [model async for model in client.models.list()]
    assert [model.id for model in models][:2] == ["whisper-1", "whisper-base"]
    for model in models:
        assert await client.models.retrieve(model.id) == model


async def test_json_is_the_text_with_its_languages_and_its_length(plain: Transcription) -> None:
    assert "feature is not available" in plain.text
    assert {language.code for language in plain.languages or []} == LANGUAGES
    assert plain.usage is not None
    assert plain.usage.type == "duration"
    assert plain.usage.seconds == pytest.approx(20, abs=0.1)


async def test_text_and_subtitles_say_the_same_without_speakers(
    client: openai.AsyncOpenAI, recording: bytes, plain: Transcription
) -> None:
    said: dict[Any, str] = {}
    for wanted in ("text", "srt", "vtt"):
        found: Any = await client.audio.transcriptions.create(
            model="whisper-base", file=("call.flac", recording), response_format=wanted
        )
        said[wanted] = found
    assert said["text"] == plain.text + "\n"
    captions = webvtt.from_buffer(io.StringIO(said["vtt"]))
    for texts in ([cue.content for cue in srt.parse(said["srt"])], [caption.raw_text for caption in captions.captions]):
        assert " ".join(" ".join(texts).split()).split() == plain.text.split()


async def test_verbose_json_has_segments_with_all_their_fields_and_words(
    client: openai.AsyncOpenAI, recording: bytes, plain: Transcription
) -> None:
    found = await client.audio.transcriptions.create(
        model="whisper-1",
        file=("call.flac", recording),
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert isinstance(found, TranscriptionVerbose)
    assert found.text == plain.text
    assert found.duration == pytest.approx(20, abs=0.1)
    assert found.language in {"english", "russian"}
    assert [word.word for word in found.words or []]
    assert sorted(" ".join(word.word for word in found.words or []).split()) == sorted(plain.text.split())
    assert found.segments
    for number, segment in enumerate(found.segments):
        assert segment.id == number
        assert segment.start < segment.end
        assert segment.seek == round(100 * segment.start)
        assert segment.tokens
        assert -3 < segment.avg_logprob < 0 < segment.compression_ratio
        assert (segment.temperature, segment.no_speech_prob) == (0, 0)


async def test_verbose_json_has_only_what_is_asked_for(client: openai.AsyncOpenAI) -> None:
    def ask(**more: Any) -> Any:
        return client.audio.transcriptions.create(
            model="whisper-1", file=("call.wav", wav()), response_format="verbose_json", **more
        )

    assert ((await ask()).segments, (await ask()).words) == ([], None)
    alone = await ask(timestamp_granularities=["word"])
    assert (alone.segments, alone.words, alone.text, alone.language) == (None, [], "", "unknown")


async def test_diarized_json_tells_who_says_what(
    client: openai.AsyncOpenAI, recording: bytes, plain: Transcription
) -> None:
    found: Any = await client.audio.transcriptions.create(
        model="whisper-1",
        file=("call.flac", recording),
        response_format="diarized_json",
        chunking_strategy={"type": "server_vad", "threshold": 0.5},
    )
    assert isinstance(found, TranscriptionDiarized)
    assert (found.task, found.text) == ("transcribe", plain.text)
    assert {segment.speaker for segment in found.segments} == {"speaker_1", "speaker_2"}
    assert [segment.start for segment in found.segments] == sorted(segment.start for segment in found.segments)


async def test_known_voices_are_named_and_only_those_that_are_asked_for(
    server: Server, client: openai.AsyncOpenAI
) -> None:
    voices = [("Алиса Смирнова", allison()), ("Иван Петров", PRINT)]
    made = []
    for name, file in voices:
        form: Any = {"files": {"file": file}, "data": {"metadata": json.dumps({"name": name})}}
        made.append((await server.http.post("/api/v1/voices", **form)).json()["voice_id"])
    named = []
    for asked in (["алиса смирнова"], ["Иван Петров"]):
        found: Any = await client.audio.transcriptions.create(
            model="whisper-1",
            file=("call.wav", first_half()),
            response_format="diarized_json",
            known_speaker_names=asked,
        )
        named.append({segment.speaker for segment in found.segments} - {"speaker_1", "speaker_2"})
    assert named == [{"Алиса Смирнова"}, set()]
    for voice_id in made:
        await server.http.delete(f"/api/v1/voices/{voice_id}")


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # by OpenAI, together with the model
async def test_a_translation_is_english_whatever_is_spoken(client: openai.AsyncOpenAI, recording: bytes) -> None:
    found: Any = await client.audio.translations.create(
        model="whisper-1", file=("call.flac", recording), response_format="verbose_json"
    )
    assert found.language == "english"
    assert "feature is not available" in found.text
    assert found.text.isascii()
    assert [segment.text for segment in found.segments]
    silence = await client.audio.translations.create(model="whisper-1", file=("a.wav", wav()))
    assert isinstance(silence, Translation)
    assert silence.text == ""


async def test_a_job_keeps_the_language_of_the_speech_that_it_translates(server: Server, recording: bytes) -> None:
    job = await server.submit(recording, '{"task": "translate"}', "call.flac")
    await server.completed(job["job_id"])
    result = (await server.http.get(job["progress_url"] + "/result")).json()["result"]
    assert (result["metadata"]["task"], set(result["metadata"]["languages"])) == ("translate", LANGUAGES)
    assert all(segment["text"].isascii() for speaker in result["speakers"] for segment in speaker["segments"])
    await server.http.delete(job["progress_url"])


async def test_a_stream_tells_the_text_before_the_job_is_done_and_then_who_said_it(
    server: Server, client: openai.AsyncOpenAI, sample_call: Path
) -> None:
    samples, rate = soundfile.read(sample_call, dtype="int16")
    file = io.BytesIO()
    soundfile.write(file, np.tile(samples, 2), rate, format="FLAC")
    stream: Any = await client.audio.transcriptions.create(
        model="whisper-1", file=("call.flac", file.getvalue()), response_format="diarized_json", stream=True
    )
    events: list[Any] = []
    async for event in stream:
        if not events:
            job = await one_job(server)
        events.append(event)
    deltas = [event for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    segments = [event for event in events if isinstance(event, TranscriptionTextSegmentEvent)]
    assert events[:-1] == [*deltas, *segments]
    assert isinstance(events[-1], TranscriptionTextDoneEvent)
    assert (job["status"], job["progress"]["percentage"] < 100) == ("processing", True)
    assert events[-1].text == "".join(event.delta for event in deltas)
    assert sorted(events[-1].text.split()) == sorted(" ".join(segment.text for segment in segments).split())
    starts = [segment.start for segment in segments]
    assert starts == sorted(starts)
    assert max(starts) > 60
    await no_job(server)


async def test_a_stream_of_silence_ends_with_no_text(client: openai.AsyncOpenAI) -> None:
    stream: Any = await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav()), stream=True)
    (done,) = [event async for event in stream]
    assert (done.type, done.text) == ("transcript.text.done", "")


async def test_nothing_is_kept_of_a_request_that_is_answered(server: Server, client: openai.AsyncOpenAI) -> None:
    answer = await client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("a.wav", wav()))
    gone = await server.http.get(f"/api/v1/jobs/{answer.headers['X-Job-ID']}")
    assert gone.status_code == 404
    volume = server.service.settings.volume_path
    folders = [volume / name for name in ("incoming", "processing", "completed", "failed")]
    left = [path for folder in folders for path in folder.iterdir()]
    assert [path.name for path in left] == [".uploads"]
    assert list((volume / "incoming" / ".uploads").iterdir()) == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_goes_away_cancels_its_job(server: Server, recording: bytes, streamed: bool) -> None:
    async with server.held(), client_of(server) as client, create_task_group() as tasks:

        async def ask() -> None:
            found: Any = await client.audio.transcriptions.create(
                model="whisper-1", file=("call.flac", recording), stream=streamed
            )
            raise AssertionError([event async for event in found])

        tasks.start_soon(ask)
        await one_job(server, "processing")
        tasks.cancel_scope.cancel()
    await no_job(server)


async def test_a_request_waits_its_turn_in_the_queue_and_comments_keep_its_stream_alive(
    engine: Engine, recording: bytes, tmp_path: Path
) -> None:
    async with serving(tmp_path, engine, heartbeat_interval=0.05) as server:
        async with server.held():
            first = await server.submit(recording, name="first.flac")
            form: Any = {"files": {"file": wav()}, "data": {"model": "whisper-1", "stream": "true"}}
            async with server.http.stream("POST", "/v1/audio/transcriptions", **form) as answer:
                assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
                lines = answer.aiter_lines()
                with fail_after(20):
                    for _ in range(2):
                        while await anext(lines) != ": working":
                            pass
                waiting = (await server.http.get("/api/v1/queue/status")).json()
                assert [job["job_id"] for job in waiting["jobs"]] == [answer.headers["X-Job-ID"]]
        await server.http.delete(first["progress_url"])


async def test_jobs_are_kept_where_the_server_is_told_to(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, openai_keep_jobs=True) as server, client_of(server) as client:
        answer = await client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("a.wav", wav()))
        job = (await server.http.get(f"/api/v1/jobs/{answer.headers['X-Job-ID']}")).json()
        assert (job["status"], job["file_info"]["filename"]) == ("completed", "a.wav")
