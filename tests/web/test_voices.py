"""Known voices over REST, on a real server with real audio."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
import soundfile

from runtime.engine import Engine
from tests.voice_recordings import allison, first_half
from tests.web.serving import Server, next_json, serving

ALLISON = "Алиса Смирнова"
PRINT = " ".join(map(str, np.random.default_rng(3).normal(size=192))).encode()


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine, live_speed_limit=1000.0) as started:
        yield started


async def enrol(server: Server, name: str, file: bytes, filename: str = "sample.wav") -> Any:
    response = await post(server, file, filename, name=name)
    assert response.status_code == 201, response.text
    return response.json()


async def post(server: Server, file: bytes, filename: str = "sample.wav", **metadata: object) -> httpx.Response:
    return await server.http.post(
        "/api/v1/voices", files={"file": (filename, file)}, data={"metadata": json.dumps(metadata)}
    )


async def test_a_voice_is_enrolled_and_the_next_call_names_it(server: Server) -> None:
    voice = await enrol(server, ALLISON, allison(), "alice.wav")
    try:
        job = await server.submit(first_half())
        result = json.loads(await server.completed(job["job_id"]))["result"]
        named = {speaker["identified_as"]: speaker for speaker in result["speakers"]}
        assert set(named) == {ALLISON, "unknown"}
        assert named[ALLISON]["voice_id"] == voice["voice_id"]
        assert named[ALLISON]["voice_embedding_source"] == "alice.wav"
        assert named[ALLISON]["confidence"] > 0.5
        assert result["metadata"]["processing_stages"]["recognition"] == "completed"
    finally:
        await server.http.delete(f"/api/v1/voices/{voice['voice_id']}")


def _refusals(said: list[Any]) -> list[str]:
    """Codes of the warnings, but for that of a machine which has too much to do."""
    codes = [message["code"] for message in said if message["type"] == "warning"]
    return [code for code in codes if code != "partials_reduced"]


async def test_a_live_session_names_known_voices_and_says_when_there_are_none(server: Server) -> None:
    samples, rate = soundfile.read(io.BytesIO(first_half()), dtype="int16")
    audio = {"encoding": "pcm_s16le", "sample_rate": rate, "channels": 1}

    async def call(seconds: float) -> tuple[Any, list[Any]]:
        """The configuration that was applied, and what was said of the beginning of the call."""
        said = []
        async with server.socket("/v1/ws/transcribe") as socket:
            await socket.send(json.dumps({"type": "session.start", "audio": audio, "recognise": True}))
            started = await next_json(socket, "session.started")
            heard = samples[: int(seconds * rate)]
            for start in range(0, len(heard), rate // 2):
                await socket.send(heard[start : start + rate // 2].tobytes())
            await socket.send(json.dumps({"type": "audio.end", "bytes_sent": heard.nbytes}))
            with anyio.fail_after(200):
                async for text in socket:
                    said.append(json.loads(text))
                    if said[-1]["type"] == "session.ended":
                        break
        return started["config"], said

    config, said = await call(4.5)
    assert config["recognise"] is False
    assert _refusals(said) == ["recognise_unavailable"]
    assert {speaker["identified_as"] for speaker in said[-1]["result"]["speakers"]} == {None}
    voice = await enrol(server, ALLISON, allison())
    try:
        config, said = await call(27.0)
        assert config["recognise"] is True
        assert _refusals(said) == []
        updates = [update for message in said for update in message.get("updates", ())]
        told = {update["name"] for update in updates}
        assert ALLISON in told
        assert {speaker["identified_as"] for speaker in said[-1]["result"]["speakers"]} == {ALLISON, "unknown"}
    finally:
        await server.http.delete(f"/api/v1/voices/{voice['voice_id']}")


async def test_a_body_of_json_is_bounded_and_checked(server: Server) -> None:
    voice = await enrol(server, "Bob", PRINT, "bob.vec")
    path = f"/api/v1/voices/{voice['voice_id']}"
    kind = {"Content-Type": "application/json; charset=utf-8"}
    for content, headers, code in (
        (b"{", kind, "INVALID_JSON"),
        (b"[]", kind, "INVALID_JSON"),
        (b"", kind, "INVALID_JSON"),
        (b'{"name": "\\ud800"}', kind, "INVALID_JSON"),
        (b"[" * 30_000, kind, "INVALID_JSON"),
        (b'{"name": ""}', kind, "INVALID_FIELD"),
        (b'{"name": " Bob"}', kind, "INVALID_FIELD"),
        (b'{"name": "B\\nob"}', kind, "INVALID_FIELD"),
        (b'{"name": "Bob", "colour": "red"}', kind, "INVALID_FIELD"),
        (b'{"note": "no name"}', kind, "INVALID_FIELD"),
        (b'{"name": "Bob"}', {}, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"name": "Bob"}', {"Content-Type": "text/plain"}, "UNSUPPORTED_MEDIA_TYPE"),
        (b" " * 70_000, kind, "BODY_TOO_LARGE"),
    ):
        response = await server.http.put(path, content=content, headers=headers)
        assert response.status_code >= 400
        assert response.json()["error"]["code"] == code, content[:40]
    response = await server.http.put(path, content=b'{"name": "Bob B."}', headers=kind)
    assert (response.status_code, response.json()["name"]) == (200, "Bob B.")
    assert (await server.http.patch(path)).status_code == 405
    assert (await server.http.delete(path)).status_code == 204
    assert (await server.http.get(path)).json()["error"]["code"] == "VOICE_NOT_FOUND"


async def test_a_speaker_of_a_job_becomes_a_voice(server: Server) -> None:
    job = await server.submit(allison(), name="her call.wav")
    await server.completed(job["job_id"])
    path = f"/api/v1/jobs/{job['job_id']}/speakers/speaker_1/enrol"
    for wrong in ({}, {"name": "Her", "voice_id": job["job_id"]}, {"name": None}, {"name": "Her", "voice_id": None}):
        response = await server.http.post(path, json=wrong)
        assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_FIELD"), wrong
    response = await server.http.post(path, json={"name": "Her"})
    assert response.status_code == 201, response.text
    voice = response.json()
    assert response.headers["Location"] == f"/api/v1/voices/{voice['voice_id']}"
    (sample,) = voice["samples"]
    assert (sample["source"], sample["job_id"], sample["speaker_id"], sample["filename"]) == (
        "job", job["job_id"], "speaker_1", "speaker_1 of her call.wav",
    )  # fmt: skip
    await server.http.delete(f"/api/v1/voices/{voice['voice_id']}")


async def test_no_log_line_tells_who_or_what_a_voice_is(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, log_level="DEBUG") as started:
        voice = await enrol(started, ALLISON, allison(), "her-name.wav")
        await post(started, b"RIFF", "her-name.wav", name=ALLISON)
        await started.http.get("/api/v1/voices", params={"name": "Алиса"})
        vec = await started.http.get(f"/api/v1/voices/{voice['voice_id']}/voiceprints", params={"format": "vec"})
        job = await started.submit(first_half())
        await started.completed(job["job_id"])
        await started.http.delete(f"/api/v1/voices/{voice['voice_id']}?forget_results=true")
    lines = "".join([await path.read_text() async for path in anyio.Path(tmp_path / "logs").glob("*")])
    assert voice["voice_id"] in lines
    value = vec.text.splitlines()[2].split()[0]
    told = [secret for secret in (ALLISON, "Алиса", "Смирнова", "her-name", value) if secret in lines]
    assert told == []
    assert json.dumps(ALLISON)[1:-1] not in lines
