"""The ONNX networks say what their PyTorch originals say, on the sample call (`make test-pyannote`)."""

# mypy: disallow-subclassing-any=False

from collections import OrderedDict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
import torch
from pyannote.audio import Model
from torch import nn
from torch.nn import functional

from contracts.audio import SAMPLE_RATE
from models.onnx_session import open_session
from models.segmentation import FRAMES, WINDOW, Segmentation
from models.store import InstalledModel, ensure
from models.voiceprint import filterbank

TOLERANCE = 1e-3
SAMPLE = Path(__file__).parents[1] / "data" / "sample.flac"

Array = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def samples() -> Array:
    """float32 (samples,) of the sample call."""
    audio, rate = soundfile.read(SAMPLE, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(audio.mean(axis=1), rate, SAMPLE_RATE), np.float32)


def test_segmentation_agrees_with_pyannote_audio(samples: Array) -> None:
    installed = ensure("segmentation-3.0", "segmentation")
    windows = np.stack([samples[start : start + WINDOW] for start in range(0, len(samples) - WINDOW + 1, WINDOW // 4)])
    network = Model.from_pretrained(installed.weights).eval()
    with torch.inference_mode():
        expected = network(torch.from_numpy(windows)[:, None]).numpy()
    scores = Segmentation(installed.path, 2).scores(windows)
    assert scores.shape == (len(windows), FRAMES, 7)
    assert np.abs(scores - expected).max() < TOLERANCE


@pytest.mark.parametrize("frames", [25, 80, 150, 201, 500])
def test_voiceprints_agree_with_a_network_written_in_torch(samples: Array, frames: int) -> None:
    installed = ensure("campplus-zh-en", "voiceprint")
    features = filterbank(samples)
    batch = features[: len(features) // frames * frames].reshape(-1, frames, features.shape[1])[:20]
    batch = batch - batch.mean(axis=1, keepdims=True)
    with torch.inference_mode():
        expected = reference(installed)(torch.from_numpy(batch)).numpy()
    prints = open_session(installed.path, 2).run(None, {"features": batch})[0]
    assert prints.shape == (len(batch), 192)
    assert np.abs(prints - expected).max() < TOLERANCE


def reference(installed: InstalledModel) -> "Campplus":
    """CAM++ in torch with the published weights; every parameter must find its place."""
    network = Campplus()
    network.load_state_dict(torch.load(installed.weights, weights_only=True), strict=True)
    network.eval()
    return network


class Residual(nn.Module):
    """Two 3 x 3 convolutions and a shortcut; the stride is along the bins."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(32, 32, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 32, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        shortcut = [nn.Conv2d(32, 32, 1, (stride, 1), bias=False), nn.BatchNorm2d(32)] if stride > 1 else []
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        inner = functional.relu(self.bn1(self.conv1(value)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.shortcut(value))


class Head(nn.Module):
    """(batch, bins, frames) -> (batch, 320, frames)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.layer1 = nn.Sequential(Residual(2), Residual(1))
        self.layer2 = nn.Sequential(Residual(2), Residual(1))
        self.conv2 = nn.Conv2d(32, 32, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(32)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        value = functional.relu(self.bn1(self.conv1(features[:, None])))
        value = functional.relu(self.bn2(self.conv2(self.layer2(self.layer1(value)))))
        return value.flatten(1, 2)


def norm_relu(channels: int) -> nn.Sequential:
    return nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(channels), relu=nn.ReLU()))


class Mask(nn.Module):
    """Context-aware masking: segments of 100 frames are weighted by their own mean and that of all frames."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(128, 32, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(128, 64, 1)
        self.linear2 = nn.Conv1d(64, 32, 1)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        segments = [part.mean(-1, keepdim=True).expand_as(part) for part in value.split(100, -1)]
        context = value.mean(-1, keepdim=True) + torch.cat(segments, -1)
        mask = torch.sigmoid(self.linear2(functional.relu(self.linear1(context))))
        return self.linear_local(value) * mask


class DenseLayer(nn.Module):
    """Adds 32 channels to those that it sees."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = norm_relu(channels)
        self.linear1 = nn.Conv1d(channels, 128, 1, bias=False)
        self.nonlinear2 = norm_relu(128)
        self.cam_layer = Mask(dilation)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        new = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(value))))
        return torch.cat([value, new], 1)


class Tdnn(nn.Module):
    """Five frames at a stride of two."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv1d(320, 128, 5, 2, 2, bias=False)
        self.nonlinear = norm_relu(128)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(value))


class Transition(nn.Module):
    """Halves the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = norm_relu(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return self.linear(self.nonlinear(value))


class Statistics(nn.Module):
    """Mean and unbiased standard deviation over the frames."""

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return torch.cat([value.mean(-1), value.std(-1)], -1)


class Dense(nn.Module):
    """The voiceprint."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Conv1d(1024, 192, 1, bias=False)
        self.nonlinear = nn.Sequential(OrderedDict(batchnorm=nn.BatchNorm1d(192, affine=False)))

    def forward(self, value: torch.Tensor) -> torch.Tensor:
        return self.nonlinear(self.linear(value[:, :, None])[:, :, 0])


class Campplus(nn.Module):
    """Wang et al., "CAM++", Interspeech 2023: (batch, frames, 80) -> (batch, 192), plainly, as a reference."""

    def __init__(self) -> None:
        super().__init__()
        self.head = Head()
        parts: OrderedDict[str, nn.Module] = OrderedDict(tdnn=Tdnn())
        channels = 128
        for number, (layers, dilation) in enumerate(((12, 1), (24, 2), (16, 2)), 1):
            block = [(f"tdnnd{layer + 1}", DenseLayer(channels + 32 * layer, dilation)) for layer in range(layers)]
            parts[f"block{number}"] = nn.Sequential(OrderedDict(block))
            channels += 32 * layers
            parts[f"transit{number}"] = Transition(channels)
            channels //= 2
        parts["out_nonlinear"] = norm_relu(channels)
        parts["stats"] = Statistics()
        parts["dense"] = Dense()
        self.xvector = nn.Sequential(parts)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.xvector(self.head(features.transpose(1, 2)))
