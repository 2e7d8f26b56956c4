"""The CAM++ speaker network as ONNX, from its checkpoint.

Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking", Interspeech
2023; weights of 3D-Speaker. The graph says the same as the network in a form that onnxruntime runs faster: batch norms
are folded into the convolutions around them, the dense blocks are matrix products over (batch, frames, channels), and
the segment means of the masking are matrix products as well.
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
GROWTH: Final = 32
"""Channels that each layer of a block adds."""
TAPS: Final = 3
"""Frames that a layer's convolution spans, `dilation` frames apart."""
SEGMENT: Final = 100
"""Frames, after the stride of 2, that share one mask."""
EPSILON: Final = 1e-5
"""Of the batch norms, as PyTorch has it."""
FLOAT: Final = 1
"""ONNX's number for float32."""
END: Final = 2**31 - 1
"""A slice up to the end of an axis."""

Array = npt.NDArray[np.float32]


class CampplusWriter(GraphWriter):
    """Writes the parts of CAM++. Values are (batch, channels, frames) up to the dense blocks, (batch, frames, channels)
    within them."""

    def __init__(self, weights: Weights) -> None:
        super().__init__("campplus")
        self.weights = weights

    def scale_shift(self, norm: str) -> tuple[Array, Array]:
        """A batch norm at inference as y = scale * x + shift, each float32 (channels,)."""
        mean, variance = self.weights[f"{norm}.running_mean"], self.weights[f"{norm}.running_var"]
        scale = 1 / np.sqrt(variance.astype(np.float64) + EPSILON)
        if f"{norm}.weight" in self.weights:
            scale *= self.weights[f"{norm}.weight"]
        shift = self.weights.get(f"{norm}.bias", np.zeros_like(mean)) - mean * scale
        return scale.astype(np.float32), shift.astype(np.float32)

    def convolution(self, value: str, kernel: str, norm: str, **attributes: Attribute) -> str:
        """A convolution without bias and the batch norm after it, as one convolution."""
        scale, shift = self.scale_shift(norm)
        weight = self.weights[f"{kernel}.weight"]
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        return self.node("Conv", value, self.constant(weight), self.constant(shift), **attributes)

    def linear(self, value: str, matrix: Array, bias: Array) -> str:
        """`matrix` is (out, in)."""
        return self.node("Add", self.node("MatMul", value, self.constant(matrix.T)), self.constant(bias))

    def gated_linear(self, value: str, gate: str, kernel: str, norm: str = "") -> str:
        """Batch norm `gate`, ReLU, a linear layer without bias and, if named, the batch norm after it.

        relu(s x + b) is s max(x, -b / s) + b for s > 0 and s min(x, -b / s) + b for s < 0: of the first norm and the
        ReLU one comparison is left, and the rest goes into the weights.
        """
        scale, shift = self.scale_shift(f"{gate}.batchnorm")
        bound = -shift / scale
        value = self.node("Max", value, self.constant(np.where(scale > 0, bound, -np.inf)))
        if (scale < 0).any():
            value = self.node("Min", value, self.constant(np.where(scale < 0, bound, np.inf)))
        matrix = self.weights[f"{kernel}.weight"][:, :, 0]
        bias = (matrix.astype(np.float64) @ shift.astype(np.float64)).astype(np.float32)
        matrix = matrix * scale
        if norm:
            scale, shift = self.scale_shift(norm)
            matrix, bias = matrix * scale[:, None], bias * scale + shift
        return self.linear(value, matrix, bias)

    def residual(self, value: str, name: str, stride: int) -> str:
        """Two 3 x 3 convolutions over (bins, frames) and a shortcut; the stride is along the bins."""
        same = [1, 1, 1, 1]
        inner = self.convolution(value, f"{name}.conv1", f"{name}.bn1", strides=[stride, 1], pads=same)
        inner = self.convolution(self.node("Relu", inner), f"{name}.conv2", f"{name}.bn2", pads=same)
        if f"{name}.shortcut.0.weight" in self.weights:
            value = self.convolution(value, f"{name}.shortcut.0", f"{name}.shortcut.1", strides=[stride, 1])
        return self.node("Relu", self.node("Add", inner, value))

    def head(self, features: str) -> str:
        """(batch, frames, 80) -> (batch, 320, frames): a small residual network over bins and frames."""
        same = [1, 1, 1, 1]
        value = self.node("Transpose", features, perm=[0, 2, 1])
        value = self.node("Unsqueeze", value, self.integers(1))  # (batch, 1, bins, frames)
        value = self.node("Relu", self.convolution(value, "head.conv1", "head.bn1", pads=same))
        for layer in ("layer1", "layer2"):
            value = self.residual(value, f"head.{layer}.0", stride=2)
            value = self.residual(value, f"head.{layer}.1", stride=1)
        value = self.node("Relu", self.convolution(value, "head.conv2", "head.bn2", strides=[2, 1], pads=same))
        return self.node("Reshape", value, self.integers(0, 32 * BINS // 8, -1))

    def pooling(self, value: str) -> tuple[str, str]:
        """Two matrices for the number of frames of `value`, (batch, channels, frames).

        (segments, frames) gives each segment its own mean plus the mean over all frames; (frames, segments) gives each
        frame its segment.
        """
        size = self.node("Shape", value, start=2, end=3)
        frames = self.node("Squeeze", size)
        zero, one, length = (self.constant(number, np.int64) for number in (0, 1, SEGMENT))
        number = self.node("Div", self.node("Range", zero, frames, one), length)
        last = self.node("Div", self.node("Sub", frames, one), length)
        segments = self.node("Unsqueeze", self.node("Range", zero, self.node("Add", last, one), one), self.integers(1))
        member = self.node("Cast", self.node("Equal", segments, number), to=FLOAT)  # (segments, frames)
        own = self.node("Div", member, self.node("ReduceSum", member, self.integers(1), keepdims=1))
        share = self.node("Reciprocal", self.node("Cast", size, to=FLOAT))
        return self.node("Add", own, share), self.node("Transpose", member, perm=[1, 0])

    def local(self, value: str, kernel: Array, dilation: int) -> str:
        """A convolution over TAPS frames as one product for all taps, whose parts are shifted and added up."""
        value = self.node("MatMul", value, self.constant(np.concatenate([*kernel.transpose(2, 1, 0)], axis=1)))
        padded = self.node("Pad", value, self.integers(0, dilation, 0, 0, dilation, 0))
        axes, total = self.integers(1, 2), ""
        for tap in range(TAPS):
            first = self.integers(tap * dilation, tap * GROWTH)
            stop = self.integers((tap + 1 - TAPS) * dilation or END, (tap + 1) * GROWTH)
            part = self.node("Slice", padded, first, stop, axes)
            total = self.node("Add", total, part) if total else part
        return total

    def masked_layer(self, value: str, name: str, dilation: int, pooling: tuple[str, str]) -> str:
        """A layer of a dense block: GROWTH new channels, weighted by a mask made from the context of each segment."""
        average, spread = pooling
        value = self.gated_linear(value, f"{name}.nonlinear1", f"{name}.linear1", f"{name}.nonlinear2.batchnorm")
        value = self.node("Relu", value)
        context = self.node("MatMul", average, value)  # (batch, segments, channels)
        for part, activation in (("linear1", "Relu"), ("linear2", "Sigmoid")):
            matrix, bias = (self.weights[f"{name}.cam_layer.{part}.{each}"] for each in ("weight", "bias"))
            context = self.node(activation, self.linear(context, matrix[:, :, 0], bias))
        local = self.local(value, self.weights[f"{name}.cam_layer.linear_local.weight"], dilation)
        return self.node("Mul", local, self.node("MatMul", spread, context))

    def blocks(self, value: str) -> str:
        """The densely connected blocks and their transitions: (batch, 128, frames) -> (batch, frames, 512)."""
        pooling = self.pooling(value)
        value = self.node("Transpose", value, perm=[0, 2, 1])
        for number, (layers, dilation) in enumerate(BLOCKS, 1):
            for layer in range(1, layers + 1):
                new = self.masked_layer(value, f"xvector.block{number}.tdnnd{layer}", dilation, pooling)
                value = self.node("Concat", value, new, axis=2)
            norm = "xvector.out_nonlinear.batchnorm" if number == len(BLOCKS) else ""
            name = f"xvector.transit{number}"
            value = self.gated_linear(value, f"{name}.nonlinear", f"{name}.linear", norm)
        return self.node("Relu", value)

    def statistics(self, value: str) -> str:
        """Mean and unbiased standard deviation over the frames: (batch, frames, channels) -> (batch, 2 * channels)."""
        mean = self.node("ReduceMean", value, axes=[1], keepdims=1)
        centred = self.node("Sub", value, mean)
        squares = self.node("ReduceSum", self.node("Mul", centred, centred), self.integers(1), keepdims=0)
        frames = self.node("Cast", self.node("Shape", value, start=1, end=2), to=FLOAT)
        # One frame has no deviation; dividing by at least 1 makes it 0 instead of NaN.
        degrees = self.node("Max", self.node("Sub", frames, self.constant([1.0])), self.constant([1.0]))
        deviation = self.node("Sqrt", self.node("Div", squares, degrees))
        return self.node("Concat", self.node("Squeeze", mean, self.integers(1)), deviation, axis=1)


def write_campplus(weights: Weights, path: Path) -> None:
    """Write float32 "features" (batch, frames, 80) -> "voiceprints" (batch, 192), not of unit length."""
    writer = CampplusWriter(weights)
    value = writer.head("features")
    tdnn = "xvector.tdnn"
    value = writer.convolution(value, f"{tdnn}.linear", f"{tdnn}.nonlinear.batchnorm", strides=[2], pads=[2, 2])
    value = writer.statistics(writer.blocks(writer.node("Relu", value)))
    scale, shift = writer.scale_shift("xvector.dense.nonlinear.batchnorm")
    value = writer.linear(value, weights["xvector.dense.linear.weight"][:, :, 0] * scale[:, None], shift)
    writer.save(path, ("features", ["batch", "frames", BINS]), ("voiceprints", ["batch", 192]), value)
