"""Whisper's log-mel spectrogram.

The filterbank is kaldi-native-fbank's. Its streaming extractor computes the same values ten times slower than one
transform over all frames (6 ms against 0.6 ms per second of audio), which would be a sixth of the whole transcription.
"""

from typing import Final

import kaldi_native_fbank as knf
import numpy as np
import numpy.typing as npt
import scipy.fft

from contracts.audio import SAMPLE_RATE, Samples

HOP: Final = 160
"""Samples from one frame to the next: 10 ms."""
WINDOW: Final = 400
"""Samples that one frame sees, centred on it: 25 ms."""


class LogMel:
    """Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022: the encoder's input."""

    def __init__(self, bins: int) -> None:
        """`bins` is 80 for most models and 128 for large-v3 and what was distilled from it."""
        mels = knf.MelBanksOptions()
        mels.num_bins, mels.low_freq, mels.high_freq = bins, 0, SAMPLE_RATE / 2
        mels.is_librosa, mels.norm, mels.use_slaney_mel_scale, mels.floor_to_int_bin = True, "slaney", True, False
        frames = knf.FrameExtractionOptions()
        frames.samp_freq, frames.frame_length_ms = SAMPLE_RATE, 1000 * WINDOW / SAMPLE_RATE
        frames.round_to_power_of_two = False
        self._bank: Final[npt.NDArray[np.float32]] = np.array(knf.MelBanks(mels, frames).get_matrix())  # (bins, 201)
        self._taper: Final[npt.NDArray[np.float32]] = np.hanning(WINDOW + 1)[:-1].astype(np.float32)

    def __call__(self, samples: Samples, frames: int) -> npt.NDArray[np.float32]:
        """float32 (samples,) at 16 kHz -> (bins, frames): silence follows the samples, what is too long is cut off."""
        edge = WINDOW // 2
        padded = np.zeros(frames * HOP + WINDOW, np.float32)
        kept = samples[: len(padded) - edge]
        padded[edge : edge + len(kept)] = kept
        padded[:edge] = padded[2 * edge : edge : -1]  # the reflection that the network was trained with
        windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:frames]
        spectrum = scipy.fft.rfft(windows * self._taper, axis=1)
        power = self._bank @ (spectrum.real**2 + spectrum.imag**2).T
        log = np.log10(np.maximum(power, 1e-10))
        scaled: npt.NDArray[np.float32] = (np.maximum(log, log.max() - 8) + 4) / 4
        return scaled
