"""One loaded engine for all tests of the runtime."""

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from contracts.options import AnnotateOptions
from runtime.engine import Engine, load_engine
from runtime.settings import Settings


@pytest.fixture(scope="session")
def engine() -> Engine:
    return load_engine(AnnotateOptions())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(volume_path=tmp_path / "volume", queue_poll_interval=0.05, log_console=False)


@pytest.fixture(scope="session")
def speech(sample_call: Path) -> bytes:
    """Six seconds of the sample call as WAV."""
    samples, rate = soundfile.read(sample_call, dtype="float32")
    return wav(samples[rate : 7 * rate], rate)


@pytest.fixture(scope="session")
def blip() -> bytes:
    """Half a second in which nobody speaks: a job that is done at once."""
    return wav(0.1 * np.sin(np.arange(4000) * 2 * np.pi * 440 / 8000), 8000)


def wav(samples: npt.NDArray[np.floating], rate: int) -> bytes:
    """A WAV file."""
    file = BytesIO()
    soundfile.write(file, samples, rate, subtype="PCM_16", format="WAV")
    return file.getvalue()
