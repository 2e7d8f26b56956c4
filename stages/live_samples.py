"""Audio of a live call as its client writes it: bytes to samples, by the decoder that reads recordings."""

from io import BytesIO
from typing import Final

import numpy as np
import soundfile

from contracts.live_audio import AudioFormat, Encoding
from stages.audio_reader import Frames

SUBTYPES: Final[dict[Encoding, str]] = {
    "pcm_s16le": "PCM_16",
    "pcm_f32le": "FLOAT",
    "mulaw": "ULAW",
    "alaw": "ALAW",
}
"""libsndfile's names."""


def decoded(data: bytes, audio: AudioFormat) -> Frames:
    """The samples of whole frames, bit for bit as libsndfile gives those of a WAV file: float32 (samples, channels)."""
    if not data:
        return np.zeros((0, audio.channels), np.float32)
    frames: Frames = soundfile.read(
        BytesIO(data),
        dtype="float32",
        always_2d=True,
        samplerate=audio.sample_rate,
        channels=audio.channels,
        format="RAW",
        subtype=SUBTYPES[audio.encoding],
        endian="LITTLE",
    )[0]
    return frames


def mixed(frames: Frames, *, two_sided: bool) -> Frames:
    """The channels of the graph: both of a two-sided call, otherwise the mean of all: (samples, 1 or 2)."""
    if frames.shape[1] == 1 or two_sided:
        return frames
    both: Frames = (frames[:, :1] + frames[:, 1:]) * np.float32(0.5)
    return both
