"""One engine for all tests of the front doors."""

from pathlib import Path

import pytest

from contracts.options import AnnotateOptions
from runtime.engine import Engine, load_engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The default networks, loaded once."""
    return load_engine(AnnotateOptions())


@pytest.fixture(scope="session")
def recording(sample_call: Path) -> bytes:
    """The sample call: about a minute of two voices, FLAC."""
    return sample_call.read_bytes()
