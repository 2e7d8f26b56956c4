"""Both clients, and `callannotate live`, with API keys."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from anyio import fail_after, run_process

from callannotate_client import AsyncClient, CallAnnotateError
from callannotate_client.types import AudioFormat, SessionStart, SessionStarted
from runtime.engine import Engine
from tests.clients.javascript import ROOT, drive
from tests.web.serving import Server, serving, wav

START = SessionStart(audio=AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1), language="en")


@pytest.fixture(scope="module")
async def locked(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that wants a key."""
    async with serving(tmp_path_factory.mktemp("volume"), engine, access="keys", live_speed_limit=1000.0) as running:
        yield running


def url(server: Server) -> str:
    return f"http://{server.host}:{server.port}"


async def endless() -> AsyncIterator[bytes]:
    await anyio.sleep_forever()
    yield b""


async def test_a_key_goes_with_requests_and_with_websockets(locked: Server) -> None:
    _, key = await locked.service.access.make("python", ("read", "submit", "live"), None)
    with fail_after(60):
        async with AsyncClient(url(locked), api_key=key) as client:
            job = await client.submit(wav(), filename="tone.wav")
            assert (await client.wait(job.job_id)).job_id == job.job_id
            async with client.live(START, []) as live:
                async for _ in live:
                    pass
            assert live.ended is not None


async def test_without_one_every_way_says_that_one_is_needed(locked: Server) -> None:
    async with AsyncClient(url(locked)) as client:
        with pytest.raises(CallAnnotateError) as jobs:
            await client.jobs()
        with pytest.raises(CallAnnotateError) as waiting:
            await client.wait("00000000-0000-4000-8000-000000000000")
        with pytest.raises(CallAnnotateError) as talking:
            async with client.live(START, []) as live:
                await anext(live)
    for error in (jobs, waiting, talking):
        assert (error.value.code, error.value.status, error.value.retryable) == ("KEY_REQUIRED", 401, False)


async def test_a_key_that_is_revoked_ends_a_session_for_good(locked: Server) -> None:
    made, key = await locked.service.access.make("revoked", ("live",), None)
    notices: list[str] = []
    with fail_after(30):
        async with (
            AsyncClient(url(locked), api_key=key) as client,
            client.live(START, endless(), notice=notices.append) as live,
        ):
            assert isinstance(await anext(live), SessionStarted)
            await locked.service.access.revoke(made.key_id)
            with pytest.raises(CallAnnotateError) as error:
                async for _ in live:
                    pass
    assert notices == []
    assert error.value.code == "KEY_REQUIRED"


async def test_in_javascript_it_is_the_same(locked: Server, tmp_path: Path) -> None:
    _, key = await locked.service.access.make("javascript", ("read", "submit", "live"), None)
    path = tmp_path / "tone.wav"
    path.write_bytes(wav())
    seen = await drive("keys", url(locked), path, CALLANNOTATE_KEY=key)
    assert seen["waited"]["value"]["status"] == "completed"
    assert seen["live"]["value"] is True
    assert seen["login"]["value"]["by"] == "login"
    refused = await drive("keys", url(locked), path, CALLANNOTATE_KEY="")
    assert {(answer["code"], answer["status"]) for answer in refused.values()} == {("KEY_REQUIRED", 401)}


async def test_the_command_takes_its_key_from_the_environment(locked: Server, talk: Path) -> None:
    _, key = await locked.service.access.make("command", ("live",), None)
    command = [sys.executable, "-m", "web.cli", "live", "--url", url(locked), "--as-fast-as-possible", str(talk)]
    with fail_after(90):
        done = await run_process(command, cwd=ROOT, env={"PATH": "", "CALLANNOTATE_KEY": key}, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert b"speaker_" in done.stdout
    assert key.encode() not in done.stdout + done.stderr
