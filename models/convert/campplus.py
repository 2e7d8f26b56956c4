"""The CAM++ speaker network as ONNX, from its checkpoint.

Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking", Interspeech
2023; weights of 3D-Speaker. Batch norms that follow a convolution are folded into it. The segment means of the masking
are matrix products: frames are averaged to segments, the mask is made for these few, and spread to the frames again.
"""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.convert.checkpoint import Weights
from models.convert.graph import Attribute, GraphWriter

BINS: Final = 80
BLOCKS: Final = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each densely connected block."""
SEGMENT: Final = 100
"""Frames, after the stride of 2, that share one mask."""
EPSILON: Final = 1e-5
"""Of the batch norms, as PyTorch has it."""

Array = npt.NDArray[np.float32]


class CampplusWriter(GraphWriter):
    """Writes the parts of CAM++; the values in between are (batch, channels, frames)."""

    def __init__(self, weights: Weights) -> None:
        super().__init__("campplus")
        self.weights = weights

    def scale_shift(self, name: str) -> tuple[Array, Array]:
        """A batch norm at inference as y = scale * x + shift, each (channels,)."""
        mean, variance = self.weights[f"{name}.running_mean"], self.weights[f"{name}.running_var"]
        scale = 1 / np.sqrt(variance.astype(np.float64) + EPSILON)
        if f"{name}.weight" in self.weights:
            scale *= self.weights[f"{name}.weight"]
        shift = self.weights.get(f"{name}.bias", np.zeros_like(mean)) - mean * scale
        return scale.astype(np.float32), shift.astype(np.float32)

    def folded(self, value: str, convolution: str, norm: str, **attributes: Attribute) -> str:
        """A convolution without bias and the batch norm after it, as one convolution."""
        scale, shift = self.scale_shift(norm)
        kernel = self.weights[f"{convolution}.weight"]
        kernel = kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))
        return self.node("Conv", value, self.constant(kernel), self.constant(shift), **attributes)

    def norm_relu(self, value: str, name: str) -> str:
        scale, shift = self.scale_shift(f"{name}.batchnorm")
        value = self.node("Mul", value, self.constant(scale[:, None]))
        return self.node("Relu", self.node("Add", value, self.constant(shift[:, None])))

    def residual(self, value: str, name: str, stride: int) -> str:
        """Two 3 x 3 convolutions over (bins, frames) and a shortcut; the stride is along the bins."""
        same = [1, 1, 1, 1]
        inner = self.folded(value, f"{name}.conv1", f"{name}.bn1", strides=[stride, 1], pads=same)
        inner = self.folded(self.node("Relu", inner), f"{name}.conv2", f"{name}.bn2", pads=same)
        if f"{name}.shortcut.0.weight" in self.weights:
            value = self.folded(value, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=[stride, 1])
        return self.node("Relu", self.node("Add", inner, value))

    def head(self, features: str) -> str:
        """(batch, frames, 80) -> (batch, 320, frames)."""
        value = self.node("Transpose", features, perm=[0, 2, 1])
        value = self.node("Unsqueeze", value, self.integers(1))  # (batch, 1, bins, frames)
        value = self.node("Relu", self.folded(value, "head.conv1", "head.bn1", pads=[1, 1, 1, 1]))
        for layer in ("layer1", "layer2"):
            value = self.residual(value, f"head.{layer}.0", stride=2)
            value = self.residual(value, f"head.{layer}.1", stride=1)
        value = self.folded(value, "head.conv2", "head.bn2", strides=[2, 1], pads=[1, 1, 1, 1])
        return self.node("Reshape", self.node("Relu", value), self.constant([0, 32 * BINS // 8, -1], np.int64))

    def pooling(self, value: str) -> tuple[str, str]:
        """Two matrices for the number of frames at hand.

        (frames, segments) gives each segment its own mean plus the mean over all frames; (segments, frames) gives each
        frame its segment.
        """
        size = self.node("Shape", value, start=2, end=3)
        frames = self.node("Squeeze", size)
        zero, one, length = (self.constant(number, np.int64) for number in (0, 1, SEGMENT))
        number = self.node("Div", self.node("Range", zero, frames, one), length)
        last = self.node("Div", self.node("Sub", frames, one), length)
        segments = self.node("Range", zero, self.node("Add", last, one), one)
        column = self.node("Unsqueeze", segments, self.integers(1))
        back = self.node("Cast", self.node("Equal", column, number), to=1)  # float32 (segments, frames)
        own = self.node("Div", back, self.node("ReduceSum", back, self.integers(1), keepdims=1))
        share = self.node("Reciprocal", self.node("Cast", size, to=1))
        return self.node("Transpose", self.node("Add", own, share), perm=[1, 0]), back

    def masked_layer(self, value: str, name: str, dilation: int, pooling: tuple[str, str]) -> str:
        """A layer of a dense block: 32 new channels, weighted by a mask made from the context of each segment."""
        average, back = pooling
        value = self.norm_relu(value, f"{name}.nonlinear1")
        value = self.node("Relu", self.folded(value, f"{name}.linear1", f"{name}.nonlinear2.batchnorm"))
        kernel = self.constant(self.weights[f"{name}.cam_layer.linear_local.weight"])
        local = self.node("Conv", value, kernel, pads=[dilation, dilation], dilations=[dilation])
        context = self.node("MatMul", value, average)  # (batch, channels, segments)
        for part, activation in (("linear1", "Relu"), ("linear2", "Sigmoid")):
            parameters = (self.constant(self.weights[f"{name}.cam_layer.{part}.{each}"]) for each in ("weight", "bias"))
            context = self.node(activation, self.node("Conv", context, *parameters))
        return self.node("Mul", local, self.node("MatMul", context, back))

    def statistics(self, value: str) -> str:
        """Mean and unbiased standard deviation over the frames: (batch, 2 * channels, 1)."""
        mean = self.node("ReduceMean", value, axes=[2], keepdims=1)
        centred = self.node("Sub", value, mean)
        squares = self.node("ReduceSum", self.node("Mul", centred, centred), self.integers(2), keepdims=1)
        frames = self.node("Cast", self.node("Shape", value, start=2, end=3), to=1)
        # One frame has no deviation; dividing by at least 1 makes it 0 instead of NaN.
        degrees = self.node("Max", self.node("Sub", frames, self.constant([1.0])), self.constant([1.0]))
        return self.node("Concat", mean, self.node("Sqrt", self.node("Div", squares, degrees)), axis=1)


def write_campplus(weights: Weights, path: Path) -> None:
    """Write float32 "features" (batch, frames, 80) -> "voiceprints" (batch, 192), not of unit length."""
    writer = CampplusWriter(weights)
    value = writer.head("features")
    value = writer.folded(value, "xvector.tdnn.linear", "xvector.tdnn.nonlinear.batchnorm", strides=[2], pads=[2, 2])
    value = writer.node("Relu", value)
    pooling = writer.pooling(value)
    for number, (layers, dilation) in enumerate(BLOCKS, 1):
        for layer in range(1, layers + 1):
            new = writer.masked_layer(value, f"xvector.block{number}.tdnnd{layer}", dilation, pooling)
            value = writer.node("Concat", value, new, axis=1)
        value = writer.norm_relu(value, f"xvector.transit{number}.nonlinear")
        value = writer.node("Conv", value, writer.constant(weights[f"xvector.transit{number}.linear.weight"]))
    value = writer.norm_relu(value, "xvector.out_nonlinear")
    value = writer.folded(writer.statistics(value), "xvector.dense.linear", "xvector.dense.nonlinear.batchnorm")
    value = writer.node("Squeeze", value, writer.integers(2))
    writer.save(path, ("features", ["batch", "frames", BINS]), ("voiceprints", ["batch", 192]), value)
