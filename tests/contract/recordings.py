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

ONE_VOICE = ((13.0, 18.4), (21.2, 25.0), (27.9, 32.0), (35.9, 38.8))
"""Seconds of the sample call in which only the first voice speaks, and the pauses around."""
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


@cache
def one_voice(what: str = "good") -> bytes:
    """About half a minute of one voice of the sample call; or a noisy one, or a clipped one."""
    samples, rate = soundfile.read(SAMPLE, dtype="float64")  # float64 (samples,)
    parts = [samples[int(start * rate) : int(end * rate)] for start, end in ONE_VOICE]
    heard = np.concatenate(parts)
    if what == "noisy":
        heard = 0.2 * heard + np.random.default_rng(1).normal(0, 0.06, len(heard))
    if what == "clipped":
        heard = np.clip(20 * heard, -1, 1)
    return _wav(heard, rate, "PCM_16")


@cache
def voiceprint() -> bytes:
    """A file of voiceprints."""
    values = np.random.default_rng(1).normal(size=192)  # float64 (192,)
    return " ".join(f"{value:.6f}" for value in values).encode()


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
