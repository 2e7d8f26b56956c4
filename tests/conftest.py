"""What all tests share."""

from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def sample_call() -> Path:
    """About a minute of two voices, 8 kHz mono FLAC."""
    return DATA / "sample.flac"
