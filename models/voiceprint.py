"""CAM++ voiceprints: Kaldi filterbank features of a stretch of speech to a vector that tells voices apart."""

from pathlib import Path
from typing import Final

import kaldi_native_fbank
import numpy as np
import numpy.typing as npt

from contracts.audio import SAMPLE_RATE
from models.onnx_session import open_session

BINS: Final = 80
FEATURE_STEP: Final = SAMPLE_RATE // 100
"""Samples from one feature frame to the next."""
FEATURE_LENGTH: Final = SAMPLE_RATE // 40
"""Samples that one feature frame sees; the last frame is the last that fits whole."""
SIZE: Final = 192
"""Values of a voiceprint."""


def filterbank(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Kaldi's log mel filterbank without dither, as 3D-Speaker feeds it: float32 (samples,) -> (frames, 80).

    frames = 1 + (samples - FEATURE_LENGTH) // FEATURE_STEP, and 0 for less than FEATURE_LENGTH samples.
    """
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = SAMPLE_RATE
    options.mel_opts.num_bins = BINS
    extractor = kaldi_native_fbank.OnlineFbank(options)
    # A memoryview is the fastest of the sequences it takes: 52 ms a minute, a list 88, an array 80.
    extractor.accept_waveform(SAMPLE_RATE, np.ascontiguousarray(samples, np.float32).data)
    extractor.input_finished()
    frames = [extractor.get_frame(number) for number in range(extractor.num_frames_ready)]
    return np.stack(frames) if frames else np.zeros((0, BINS), np.float32)


class VoiceprintModel:
    """The network, loaded. Calls may come from several threads at once."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the ONNX file; each call uses at most `threads` threads."""
        self._session = open_session(path, threads)

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Voiceprints of windows of equal length: float32 (batch, frames, 80) -> (batch, 192), each of unit length.

        `features` come from `filterbank` as they are: the mean over each window's frames is taken off here.
        """
        centred = features - features.mean(axis=1, keepdims=True)
        prints: npt.NDArray[np.float32] = self._session.run(None, {"features": centred})[0]
        unit: npt.NDArray[np.float32] = prints / np.maximum(
            np.linalg.norm(prints, axis=1, keepdims=True), np.float32(1e-12)
        )
        return unit
