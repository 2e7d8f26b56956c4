"""What the doors for clients of OpenAI refuse, as OpenAI's own package tells it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from anyio import create_task_group

from runtime.engine import Engine
from tests.web.serving import Server, serving, wav
from tests.web.test_openai import client_of, no_job, one_job

TRANSCRIPTIONS = "/v1/audio/transcriptions"
TRANSLATIONS = "/v1/audio/translations"


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine, queue_limit=1) as running:
        yield running


@pytest.fixture(scope="module")
async def client(server: Server) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(server) as found:
        yield found


async def refused(answer: httpx.Response, status: int, code: str, param: str | None) -> str:
    """The message of an error that has the right shape."""
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param), answer.text
    kind = "server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error"
    assert error["type"] == kind
    assert answer.headers["X-Request-ID"].startswith("req_")
    return str(error["message"])


async def post(server: Server, file: bytes | None = None, path: str = TRANSCRIPTIONS, **fields: Any) -> httpx.Response:
    """A request with these fields, and with a model unless they name one."""
    files = {"file": ("call.wav", wav() if file is None else file)}
    chosen = {name: value for name, value in {"model": "whisper-1", **fields}.items() if value is not None}
    return await server.http.post(path, files=files, data=chosen)


@pytest.mark.parametrize(
    ("fields", "param", "word"),
    [
        ({"model": None}, "model", "missing"),
        ({"response_format": "docx"}, "response_format", "docx"),
        ({"language": "tlh"}, "language", "tlh"),
        ({"languages[]": ["en", "ru"]}, "languages[]", "length"),
        ({"language": "en", "languages[]": "ru"}, "languages[]", "another"),
        ({"temperature": "1.5"}, "temperature", "1.0"),
        ({"temperature": "warm"}, "temperature", "float"),
        ({"stream": "perhaps"}, "stream", "bool"),
        ({"stream": "true", "response_format": "srt"}, "stream", "srt"),
        ({"stream": "true", "response_format": "verbose_json"}, "stream", "verbose_json"),
        ({"timestamp_granularities[]": "word"}, "timestamp_granularities[]", "json"),
        ({"timestamp_granularities[]": "page", "response_format": "verbose_json"}, "timestamp_granularities[]", "page"),
        ({"include[]": "logprobs"}, "include[]", "avg_logprob"),
        ({"chunking_strategy": "by hand"}, "chunking_strategy", "server_vad"),
        ({"chunking_strategy[type]": "client_vad"}, "chunking_strategy", "server_vad"),
        ({"known_speaker_names[]": "Anna", "response_format": "diarized_json"}, "known_speaker_names[]", "Anna"),
        ({"known_speaker_names[]": "Anna"}, "known_speaker_names[]", "diarized_json"),
        ({"known_speaker_references[]": "data:audio/wav;base64,AAAA"}, "known_speaker_references[]", "enrolled"),
        ({"model": ["whisper-1", "whisper-base"]}, "model", "more than once"),
        ({"colour": "red"}, "colour", "not known"),
        ({"prompt": "x" * 70_000}, "prompt", "too long"),
    ],
)
async def test_a_field_that_is_wrong_is_named(server: Server, fields: Any, param: str, word: str) -> None:
    message = await refused(await post(server, **fields), 400, "invalid_field", param)
    assert word in message


async def test_fields_without_a_text_and_those_without_effect_are_taken(server: Server) -> None:
    fields: Any = {
        "language": "",
        "prompt": " ",
        "temperature": "0.4",
        "chunking_strategy": "auto",
        "keywords[]": "Anna",
    }
    assert (await post(server, **fields)).status_code == 200


async def test_a_translation_knows_no_language_no_stream_and_no_model_that_cannot_translate(server: Server) -> None:
    chosen: Any
    for chosen in ({"language": "ru"}, {"stream": "true"}, {"response_format": "diarized_json"}):
        await refused(await post(server, path=TRANSLATIONS, **chosen), 400, "invalid_field", next(iter(chosen)))
    for model in ("whisper-tiny.en", "whisper-large-v3-turbo"):
        answer = await post(server, path=TRANSLATIONS, model=model)
        assert "does not translate" in await refused(answer, 400, "invalid_field", "model")


async def test_a_model_that_does_not_exist_is_not_found(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.audio.transcriptions.create(model="gpt-9", file=("a.wav", wav()))
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError, match="whisper-base"):
        await client.models.retrieve("gpt-9")


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "file_empty"), (b"hello " * 100, "unsupported_format"), (wav(0.01), "audio_too_short")]
)
async def test_a_file_that_is_no_recording_is_a_bad_request(
    server: Server, client: openai.AsyncOpenAI, content: bytes, code: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"call\.mp4") as caught:
        await client.audio.transcriptions.create(model="whisper-1", file=("call.mp4", content))
    assert (caught.value.code, caught.value.param, caught.value.type) == (code, "file", "invalid_request_error")
    await no_job(server)


async def test_a_request_without_a_file_or_without_a_form_is_told_what_is_missing(server: Server) -> None:
    answer = await server.http.post(TRANSCRIPTIONS, files={"model": (None, "whisper-1")})
    await refused(answer, 400, "missing_file", "file")
    await refused(await server.http.post(TRANSCRIPTIONS, json={}), 400, "unsupported_media_type", None)


async def test_errors_speak_russian_to_those_who_prefer_it(server: Server) -> None:
    answer = await server.http.get("/v1/models/x", headers={"Accept-Language": "ru"})
    assert "модели" in await refused(answer, 404, "model_not_found", "model")


async def test_a_full_queue_is_told_with_the_time_to_wait(
    server: Server, client: openai.AsyncOpenAI, recording: bytes
) -> None:
    async with server.held():
        jobs = [await server.submit(recording, name="a.flac")]
        await one_job(server, "processing")
        jobs.append(await server.submit(recording, name="b.flac"))
        with pytest.raises(openai.InternalServerError) as caught:
            await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav()))
        assert (caught.value.status_code, caught.value.code) == (503, "queue_full")
        assert int(caught.value.response.headers["Retry-After"]) > 0
    for job in jobs:
        await server.http.delete(job["progress_url"])


async def test_limits_of_requests_and_of_size_are_told_by_their_own_exceptions(engine: Engine, tmp_path: Path) -> None:
    async with (
        serving(tmp_path, engine, upload_limit=2, max_file_size=20_000) as server,
        client_of(server) as client,
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav(5)))
        assert (caught.value.status_code, caught.value.code) == (413, "file_too_large")
        await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav()))
        with pytest.raises(openai.RateLimitError) as limited:
            await client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wav()))
        assert (limited.value.code, limited.value.type) == ("rate_limited", "rate_limit_error")


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_waits_is_told_when_the_server_stops(
    engine: Engine, recording: bytes, tmp_path: Path, streamed: bool
) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list[Any]:
        found: Any = await client.audio.transcriptions.create(
            model="whisper-1", file=("call.flac", recording), stream=streamed
        )
        return [event async for event in found]

    async def refuse(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.APIError) as caught:
            await ask(client)
        assert caught.value.code == "shutting_down"

    async with (
        serving(tmp_path, engine) as server,
        client_of(server) as client,
        server.held(),
        create_task_group() as tasks,
    ):
        tasks.start_soon(refuse, client)
        await one_job(server, "processing")
        server.service.stopping.set()


async def test_who_waits_is_told_when_somebody_deletes_the_job(
    server: Server, client: openai.AsyncOpenAI, recording: bytes
) -> None:
    async with server.held(), create_task_group() as tasks:

        async def ask() -> None:
            with pytest.raises(openai.NotFoundError, match="there is no job"):
                await client.audio.transcriptions.create(model="whisper-1", file=("call.flac", recording))

        tasks.start_soon(ask)
        job = await one_job(server)
        await server.http.delete(job["progress_url"])
