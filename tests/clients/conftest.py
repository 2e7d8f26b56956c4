"""One server with the real engine for all clients of a module, and what they send."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import soundfile

from runtime.engine import Engine
from tests.clients.cutter import Cutter, cutting
from tests.web.serving import Server, serving


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, live_speed_limit=1000.0, heartbeat_interval=1.0) as running:
        yield running


@pytest.fixture
async def cutter(server: Server) -> AsyncIterator[Cutter]:
    """A way to the server that tears connections."""
    async with cutting(server.host, server.port) as between:
        yield between


@pytest.fixture(scope="session")
def talk(short_call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the short call as WAV."""
    samples, rate = soundfile.read(short_call, dtype="int16")
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, samples[: 6 * rate], rate, subtype="PCM_16")
    return path
