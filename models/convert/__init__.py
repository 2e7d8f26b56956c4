"""Torch-free conversion of PyTorch checkpoints to ONNX, when weights are fetched; needs the extra `convert`."""

from pathlib import Path
from typing import Final, Literal

from contracts.errors import WEIGHTS_MISSING, CallAnnotateError

VERSION: Final = 2
"""Of what is written: raised with every change to it, so that installed networks are written anew."""


def convert(converter: Literal["pyannet", "campplus"], checkpoint: Path, network: Path) -> None:
    """Write the network of `checkpoint` to `network` as ONNX.

    Raises checkpoint.UnsafeCheckpointError, or WEIGHTS_MISSING where the package onnx is.
    """
    try:
        from models.convert.campplus import write_campplus  # noqa: PLC0415
        from models.convert.checkpoint import read_weights  # noqa: PLC0415
        from models.convert.pyannet import write_pyannet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        cause = f"to convert them takes the extra callannotate[convert]: {error}"
        raise CallAnnotateError(WEIGHTS_MISSING, name=checkpoint.parent.name, cause=cause) from error

    write = write_pyannet if converter == "pyannet" else write_campplus
    write(read_weights(checkpoint), network)
