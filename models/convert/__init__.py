"""Torch-free conversion of PyTorch checkpoints to ONNX; needs the package onnx, and only when weights are fetched."""

from pathlib import Path
from typing import Final, Literal

VERSION: Final = 2
"""Of what is written: raised with every change to it, so that installed networks are written anew."""


def convert(converter: Literal["pyannet", "campplus"], checkpoint: Path, network: Path) -> None:
    """Write the network of `checkpoint` to `network` as ONNX. Raises checkpoint.UnsafeCheckpointError."""
    from models.convert.campplus import write_campplus  # noqa: PLC0415
    from models.convert.checkpoint import read_weights  # noqa: PLC0415
    from models.convert.pyannet import write_pyannet  # noqa: PLC0415

    write = write_pyannet if converter == "pyannet" else write_campplus
    write(read_weights(checkpoint), network)
