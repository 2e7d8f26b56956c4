"""Reading checkpoints without torch and without trusting them."""

import os
import pickle
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from models.convert.checkpoint import UnsafeCheckpointError, read_weights
from tests.models.wheelhouse import write_checkpoint


class Malice:
    """Runs a command when it is unpickled by a trusting reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def pickled(path: Path, content: object, **members: bytes) -> Path:
    """A zip laid out as a checkpoint around this pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(content, protocol=2))
        for name, data in members.items():
            archive.writestr(f"archive/data/{name}", data)
    return path


def test_tensors_come_out_with_their_shape_and_values(tmp_path: Path) -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(3, 4)
    half = np.array([0.5, -2], np.float16)
    write_checkpoint(tmp_path / "a.pt", {"matrix": matrix, "half": half, "one": np.ones(1, np.float32)})
    weights = read_weights(tmp_path / "a.pt")
    assert list(weights) == ["matrix", "half", "one"]
    np.testing.assert_array_equal(weights["matrix"], matrix)
    np.testing.assert_array_equal(weights["half"], half)
    assert all(array.dtype == np.float32 for array in weights.values())


def test_integer_counters_are_left_out(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.pt", {"weight": np.ones(2, np.float32), "batches": np.ones(1, np.int64)})
    assert list(read_weights(tmp_path / "a.pt")) == ["weight"]


def test_a_harmless_class_beside_the_tensors_is_passed_over(tmp_path: Path) -> None:
    def version(module: types.ModuleType) -> object:
        kind = type("TorchVersion", (str,), {"__module__": module.__name__})
        module.__dict__["TorchVersion"] = kind
        return kind("2.0")

    write_checkpoint(tmp_path / "a.pt", {"weight": np.ones(2, np.float32)}, extra=version)
    assert list(read_weights(tmp_path / "a.pt")) == ["weight"]


def test_a_checkpoint_that_wants_to_run_something_is_refused_and_does_not(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    path = pickled(tmp_path / "a.pt", {"state_dict": OrderedDict(weight=Malice(mark))})
    with pytest.raises(UnsafeCheckpointError, match=r"asks for (posix|nt|os)\.mkdir"):
        read_weights(path)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "builtins.getattr", "numpy.fromfile", "torch.load", "pickle.loads"])
def test_no_other_name_is_let_in(tmp_path: Path, name: str) -> None:
    module, _, function = name.partition(".")
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", f"c{module}\n{function}\n.".encode())
    with pytest.raises(UnsafeCheckpointError, match=name.replace(".", r"\.")):
        read_weights(path)


def test_a_transposed_tensor_is_refused_instead_of_misread(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.pt", {"weight": np.ones((2, 3), np.float32).T})
    with pytest.raises(UnsafeCheckpointError, match="strides"):
        read_weights(tmp_path / "a.pt")


@pytest.mark.parametrize(
    "content", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "zip without members"]
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(UnsafeCheckpointError, match="not a checkpoint"):
        read_weights(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [[1, 2], "text", None])
def test_a_pickle_without_a_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(UnsafeCheckpointError, match="no state dict"):
        read_weights(pickled(tmp_path / "a.pt", content))


def test_a_checkpoint_whose_tensor_data_is_missing_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.pt", {"weight": np.ones(4, np.float32)})
    with zipfile.ZipFile(tmp_path / "a.pt") as whole, zipfile.ZipFile(tmp_path / "b.pt", "w") as torn:
        torn.writestr("archive/data.pkl", whole.read("archive/data.pkl"))
    with pytest.raises(UnsafeCheckpointError, match="archive/data/0"):
        read_weights(tmp_path / "b.pt")


def test_a_checkpoint_whose_tensor_data_is_short_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.pt", {"weight": np.ones(4, np.float32)})
    with zipfile.ZipFile(tmp_path / "a.pt") as whole, zipfile.ZipFile(tmp_path / "b.pt", "w") as torn:
        torn.writestr("archive/data.pkl", whole.read("archive/data.pkl"))
        torn.writestr("archive/data/0", bytes(12))
    with pytest.raises(UnsafeCheckpointError, match="3 values"):
        read_weights(tmp_path / "b.pt")
