"""One engine and one short call for all tests of the front doors."""

from pathlib import Path

import pytest
import soundfile

from contracts.options import AnnotateOptions
from runtime.engine import Engine, load_engine

SECONDS = 20


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The default networks, loaded once."""
    return load_engine(AnnotateOptions())


@pytest.fixture(scope="session")
def short_call(sample_call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the sample call, with both its voices; FLAC."""
    samples, rate = soundfile.read(sample_call, dtype="int16")
    path = tmp_path_factory.mktemp("calls") / "call.flac"
    soundfile.write(path, samples[: SECONDS * rate], rate)
    return path


@pytest.fixture(scope="session")
def recording(short_call: Path) -> bytes:
    """The short call's file."""
    return short_call.read_bytes()
