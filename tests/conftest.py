"""What all tests share."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime.engine import Engine

DATA = Path(__file__).parent / "data"
SECONDS = 20
"""Of the short call."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sample_call() -> Path:
    """About a minute of two voices, 8 kHz mono FLAC."""
    return DATA / "sample.flac"


@pytest.fixture(scope="session")
def engine() -> "Engine":
    """The default networks, loaded once."""
    from contracts.options import AnnotateOptions
    from runtime.engine import load_engine

    return load_engine(AnnotateOptions())


@pytest.fixture(scope="session")
def short_call(sample_call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the sample call, with both its voices; FLAC."""
    import soundfile

    samples, rate = soundfile.read(sample_call, dtype="int16")
    path = tmp_path_factory.mktemp("calls") / "call.flac"
    soundfile.write(path, samples[: SECONDS * rate], rate)
    return path


@pytest.fixture(scope="session")
def recording(short_call: Path) -> bytes:
    """The short call's file."""
    return short_call.read_bytes()
