"""Recordings of the two voices of the sample call, cut apart by what is known of its turns."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

DATA = Path(__file__).parent / "data"
Mono = npt.NDArray[np.float32]
"""float32 (samples,)"""


@cache
def sample() -> tuple[Mono, int]:
    """The sample call and its rate in hertz."""
    samples, rate = soundfile.read(DATA / "sample.flac", dtype="float32")
    return samples, rate


@cache
def spoken(name: str, first: float, last: float) -> Mono:
    """What one of the two says between these seconds of the call, with a little of what is around it."""
    samples, rate = sample()
    found = []
    for line in (DATA / "sample.rttm").read_text().splitlines():
        start, length, speaker = float(line.split()[3]), float(line.split()[4]), line.split()[7]
        if speaker == name and first <= start and start + length <= last:
            found.append(samples[int((start - 0.15) * rate) : int((start + length + 0.15) * rate)])
    return np.concatenate(found)


def wav(samples: npt.NDArray[np.floating], rate: int = 8000, subtype: str = "PCM_16") -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=subtype)
    return file.getvalue()


@cache
def allison(first: float = 27.0, last: float = 60.0) -> bytes:
    """The voice that speaks English; by default the second half of the call, so that the first can be recognised."""
    return wav(spoken("Allison", first, last))


@cache
def ivrvoice(first: float = 27.0, last: float = 60.0) -> bytes:
    """The other one, who speaks Russian."""
    return wav(spoken("Ivrvoice", first, last))


@cache
def first_half() -> bytes:
    """The call up to where the voices are taken from."""
    samples, rate = sample()
    return wav(samples[: int(27.0 * rate)], rate)
