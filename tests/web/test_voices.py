"""Known voices over REST, on a real server with real audio."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from runtime.engine import Engine
from tests.voice_recordings import allison, first_half, ivrvoice
from tests.web.serving import Server, serving

ALLISON = "Алиса Смирнова"


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine) as started:
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
