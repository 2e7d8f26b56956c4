"""Small recordings that the suites send."""

import io
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

SAMPLE = Path(__file__).parents[1] / "data" / "sample.flac"
"""About a minute of two voices: a job that takes a while."""


@cache
def tone(seconds: float = 0.3, rate: int = 8000, channels: int = 1) -> bytes:
    """A WAV file with a tone: a job that is done at once."""
    samples = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)  # float64 (samples,)
    return _wav(np.repeat(samples[:, np.newaxis], channels, axis=1), rate, "PCM_16")


@cache
def tone_as_text() -> str:
    """A WAV file of ASCII bytes only: schemathesis judges text by the schema, and takes bytes for invalid."""
    samples = 64 + 40 * np.sin(2 * np.pi * 440 * np.arange(4096) / 8000)  # float64 (samples,)
    head = b"RIFF" + struct.pack("<I", 36 + 4096) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8)
    return (head + b"data" + struct.pack("<I", 4096) + samples.astype(np.uint8).tobytes()).decode("ascii")


@cache
def broken() -> bytes:
    """A WAV file whose head is good and whose samples are no numbers: the job fails while it is processed."""
    return _wav(np.full(8000, np.nan, dtype=np.float32), 8000, "FLOAT")


@cache
def speech() -> bytes:
    """The sample call."""
    return SAMPLE.read_bytes()


@cache
def short_speech(seconds: float) -> bytes:
    """The beginning of the sample call."""
    samples, rate = soundfile.read(SAMPLE)  # float64 (samples,)
    return _wav(samples[: int(seconds * rate)], rate, "PCM_16")


SUBTYPES = {"pcm_s16le": "PCM_16", "pcm_f32le": "FLOAT", "mulaw": "ULAW", "alaw": "ALAW"}
"""Of a file without a header, by the encodings of live sessions."""


@cache
def live_speech(encoding: str, seconds: float, rate: int = 8000, *, silent_first: bool = False) -> bytes:
    """The beginning of the sample call as a live client sends it, on one channel or on the second of two."""
    samples, original = soundfile.read(SAMPLE, dtype="float32")  # float32 (samples,)
    samples = soxr.resample(samples[: int(seconds * original)], original, rate)
    if silent_first:
        samples = np.stack((np.zeros_like(samples), samples), axis=1)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="RAW", subtype=SUBTYPES[encoding], endian="LITTLE")
    return file.getvalue()


def _wav(samples: NDArray[Any], rate: int, subtype: str) -> bytes:
    """The file of samples of shape (samples,) or (samples, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()
