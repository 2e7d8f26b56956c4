"""One loaded engine for all tests of the runtime, and servers of address books for those of a module."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from contracts.options import AnnotateOptions
from runtime import live_service
from runtime.engine import Engine, load_engine
from runtime.settings import Settings
from tests.runtime.dav_servers import DavServer, running
from tests.runtime.live_parts import open_echo


@pytest.fixture(scope="session")
def engine() -> Engine:
    return load_engine(AnnotateOptions())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(volume_path=tmp_path / "volume", queue_poll_interval=0.05, log_console=False)


@pytest.fixture
def live(settings: Settings) -> Settings:
    """For live sessions that are fed as fast as they take it."""
    return msgspec.structs.replace(settings, live_sessions=4, live_speed_limit=1e6)


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Live sessions hear an Echo instead of the networks."""
    monkeypatch.setattr(live_service, "open_live_call", lambda _engine, _lane, *rest: open_echo(*rest))


@pytest.fixture(scope="session")
def speech(sample_call: Path) -> bytes:
    """Six seconds of the sample call as WAV."""
    samples, rate = soundfile.read(sample_call, dtype="float32")
    return wav(samples[rate : 7 * rate], rate)


@pytest.fixture(scope="session")
def blip() -> bytes:
    """Half a second in which nobody speaks: a job that is done at once."""
    return wav(0.1 * np.sin(np.arange(4000) * 2 * np.pi * 440 / 8000), 8000)


@pytest.fixture(scope="module", params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running("radicale", tmp_path_factory.mktemp("one")) as found:
        yield found


def wav(samples: npt.NDArray[np.floating], rate: int) -> bytes:
    """A WAV file."""
    file = BytesIO()
    soundfile.write(file, samples, rate, subtype="PCM_16", format="WAV")
    return file.getvalue()
