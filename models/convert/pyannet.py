"""segmentation-3.0 (PyanNet) as ONNX, from its checkpoint.

Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023; the powerset classes: Plaquet and Bredin,
"Powerset multi-class cross entropy loss for neural speaker diarization", Interspeech 2023; the filters: Ravanelli and
Bengio, "Speaker recognition from raw waveform with SincNet", SLT 2018, with the sine counterparts of Pariente et al.,
"Filterbank design for end-to-end speech separation", ICASSP 2020.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.convert.checkpoint import Weights
from models.convert.graph import GraphWriter

RATE: Final = 16_000
"""Hertz."""
STRIDE: Final = 10
"""Samples from one position of the sinc filters to the next."""
LOWEST: Final = 50.0
"""Hertz: added to every lower band edge and to every bandwidth."""
POOLED: Final = 3
EPSILON: Final = 1e-5
"""Of the instance norms, as PyTorch has it."""
SLOPE: Final = 0.01
"""Of the leaky rectifiers, as PyTorch has it."""
LAYERS: Final = 4
HIDDEN: Final = 128
GATES: Final = (0, 3, 1, 2)
"""PyTorch orders the gates of an LSTM input, forget, cell, output; ONNX input, output, forget, cell."""


def sinc_filters(weights: Weights) -> npt.NDArray[np.float32]:
    """float32 (80, 1, 251): 40 cosine and 40 sine band-pass filters from their learned band edges in hertz.

    All in float32, as in training: the differences of close sines lose digits, and those that are left are part of what
    the network has learned to read. Exact filters would be 1e-6 away and the scores up to 4e-3.
    """
    prefix = "sincnet.conv1d.0.filterbank."
    low = np.float32(LOWEST) + np.abs(weights[prefix + "low_hz_"])  # (40, 1)
    high = np.clip(low + np.float32(LOWEST) + np.abs(weights[prefix + "band_hz_"]), np.float32(LOWEST), RATE / 2)
    radians = weights[prefix + "n_"]  # (1, 125): 2 pi t for the times t < 0, in seconds
    window = weights[prefix + "window_"]  # (125,): the left half of a Hamming window
    band = high - low
    even = (_rounded(np.sin, high @ radians) - _rounded(np.sin, low @ radians)) / (radians / 2) * window
    odd = (_rounded(np.cos, low @ radians) - _rounded(np.cos, high @ radians)) / (radians / 2) * window
    cosine = np.concatenate([even, 2 * band, even[:, ::-1]], axis=1)
    sine = np.concatenate([odd, np.zeros_like(band), -odd[:, ::-1]], axis=1)
    filters: npt.NDArray[np.float32] = np.concatenate([cosine, sine]) / (2 * np.concatenate([band, band]))
    return filters[:, None]


def _rounded(function: np.ufunc, value: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A function's float32 values rounded correctly, as PyTorch's nearly always are and numpy's are not."""
    return np.asarray(function(value.astype(np.float64)), np.float32)


def _lstm(writer: GraphWriter, weights: Weights, layer: int, value: str) -> str:
    """One bidirectional layer over (frames, batch, features); returns (frames, batch, 2 * HIDDEN)."""

    def both(name: str) -> npt.NDArray[np.float32]:
        """A parameter of both directions, gates in ONNX's order: (2, 4 * HIDDEN, ...)."""
        directions = [weights[f"lstm.{name}_l{layer}{suffix}"] for suffix in ("", "_reverse")]
        return np.stack([np.concatenate([np.split(one, 4)[gate] for gate in GATES]) for one in directions])

    biases = np.concatenate([both("bias_ih"), both("bias_hh")], axis=1)
    inputs = [writer.constant(array) for array in (both("weight_ih"), both("weight_hh"), biases)]
    value = writer.node("LSTM", value, *inputs, direction="bidirectional", hidden_size=HIDDEN)
    value = writer.node("Transpose", value, perm=[0, 2, 1, 3])  # (frames, batch, directions, HIDDEN)
    return writer.node("Reshape", value, writer.integers(0, 0, 2 * HIDDEN))


def write_pyannet(weights: Weights, path: Path) -> None:
    """Write float32 "windows" (batch, samples) -> "scores" (batch, frames, 7): log-probabilities of the classes.

    The convolutions are two-dimensional with a height of 1, for which onnxruntime has a faster, blocked form; |x| is a
    leaky ReLU of slope -1, which it computes inside the convolution.
    """
    writer = GraphWriter("segmentation-3.0")

    def norm(value: str, name: str) -> str:
        scale, shift = (writer.constant(weights[f"sincnet.{name}.{part}"]) for part in ("weight", "bias"))
        return writer.node("InstanceNormalization", value, scale, shift, epsilon=EPSILON)

    value = norm(writer.node("Unsqueeze", "windows", writer.integers(1)), "wav_norm1d")
    value = writer.node("Unsqueeze", value, writer.integers(2))  # (batch, 1, 1, samples)
    value = writer.node("Conv", value, writer.constant(sinc_filters(weights)[:, :, None]), strides=[1, STRIDE])
    value = writer.node("LeakyRelu", value, alpha=-1.0)
    for layer in range(3):
        if layer > 0:
            kernel, bias = (weights[f"sincnet.conv1d.{layer}.{part}"] for part in ("weight", "bias"))
            value = writer.node("Conv", value, writer.constant(kernel[:, :, None]), writer.constant(bias))
        value = writer.node("MaxPool", value, kernel_shape=[1, POOLED], strides=[1, POOLED])
        value = writer.node("LeakyRelu", norm(value, f"norm1d.{layer}"), alpha=SLOPE)
    value = writer.node("Squeeze", value, writer.integers(2))
    value = writer.node("Transpose", value, perm=[2, 0, 1])  # (frames, batch, features)
    for layer in range(LAYERS):
        value = _lstm(writer, weights, layer, value)
    value = writer.node("Transpose", value, perm=[1, 0, 2])
    for name in ("linear.0", "linear.1", "classifier"):
        value = writer.node("MatMul", value, writer.constant(weights[f"{name}.weight"].T))
        value = writer.node("Add", value, writer.constant(weights[f"{name}.bias"]))
        if name != "classifier":
            value = writer.node("LeakyRelu", value, alpha=SLOPE)
    value = writer.node("LogSoftmax", value, axis=-1)
    classes = len(weights["classifier.bias"])
    writer.save(path, ("windows", ["batch", "samples"]), ("scores", ["batch", "frames", classes]), value)
