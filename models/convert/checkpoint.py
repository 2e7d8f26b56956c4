"""Reads the tensors of a PyTorch checkpoint (torch.save's zip format) without torch and without trusting the file.

A checkpoint is a zip with a pickle (`data.pkl`) and one raw file per storage (`data/KEY`). Unpickling runs whatever the
pickle names, so this unpickler knows only the few names below: tensors become numpy arrays, four harmless classes of
the training framework become empty stand-ins, and any other name is refused before it is imported.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.generic]
Weights = Mapping[str, npt.NDArray[np.float32]]
"""Parameter name -> float32 array in PyTorch's layout."""

LARGEST_PICKLE: Final = 16 * 2**20
"""Bytes; the pickles of our checkpoints, which hold no tensor data, are under 0.2 MB."""

STORAGES: Final[dict[str, np.dtype[Any]]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
INERT: Final = frozenset(
    {
        ("torch.torch_version", "TorchVersion"),
        ("pyannote.audio.core.task", "Specifications"),
        ("pyannote.audio.core.task", "Problem"),
        ("pyannote.audio.core.task", "Resolution"),
    }
)
"""Classes whose instances lie beside the tensors and are not needed: they are read as stand-ins."""


class UnsafeCheckpointError(pickle.UnpicklingError):
    """The checkpoint names something that a file of tensors has no business with, or is not laid out as one."""


class StandIn:
    """Takes the place of an instance of a class of INERT; keeps nothing of it."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


class _StorageKind:
    """The type of a storage, such as torch.FloatStorage, as the pickle refers to it."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype


def _rebuild_tensor(
    storage: Tensor, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> Tensor:
    """The array that torch._utils._rebuild_tensor_v2 stands for; offset and strides count elements."""
    if not isinstance(storage, np.ndarray):
        raise UnsafeCheckpointError("a tensor without a storage")
    size = int(np.prod(shape, dtype=np.int64))
    contiguous = tuple(int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape)))
    if offset < 0 or size < 0 or offset + size > len(storage) or (size > 1 and tuple(strides) != contiguous):
        raise UnsafeCheckpointError(f"a tensor of shape {shape}, strides {strides} in a storage of {len(storage)}")
    return storage[offset : offset + size].reshape(shape)


class _TensorUnpickler(pickle.Unpickler):
    """Knows the names that a file of tensors needs, and refuses all others."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        self._archive = archive
        self._folder = folder
        self._storages: dict[str, Tensor] = {}
        super().__init__(archive.open(f"{folder}/data.pkl"))

    def find_class(self, module: str, name: str) -> Callable[..., object] | _StorageKind:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in STORAGES:
            return _StorageKind(STORAGES[name])
        if (module, name) in INERT:
            return StandIn
        raise UnsafeCheckpointError(f"the checkpoint asks for {module}.{name}, which is not a tensor")

    def persistent_load(self, pid: object) -> Tensor:
        """The storage that ("storage", kind, key, device, length) refers to; several tensors may share one."""
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage" and isinstance(pid[1], _StorageKind)):
            raise UnsafeCheckpointError("the checkpoint refers to something that is not a storage")
        _, kind, key, _, length = pid
        if not (isinstance(key, str) and key.isalnum()):
            raise UnsafeCheckpointError("a storage has a strange name")
        if key not in self._storages:
            self._storages[key] = np.frombuffer(self._archive.read(f"{self._folder}/data/{key}"), kind.dtype)
        storage = self._storages[key]
        if len(storage) != length or storage.dtype != kind.dtype:
            raise UnsafeCheckpointError(f"storage {key} is {len(storage)} values of {storage.dtype}, not {length}")
        return storage


def read_weights(path: Path) -> Weights:
    """The state dict of a checkpoint, itself or under "state_dict", without its integer counters.

    Raises UnsafeCheckpointError where the file is anything but a checkpoint of tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pickles = [member for member in archive.infolist() if member.filename.endswith("/data.pkl")]
            if len(pickles) != 1 or pickles[0].file_size > LARGEST_PICKLE:
                raise UnsafeCheckpointError("not a checkpoint of tensors: no data.pkl of a sensible size")
            folder = pickles[0].filename.removesuffix("/data.pkl")
            if f"{folder}/byteorder" in archive.namelist() and archive.read(f"{folder}/byteorder") != b"little":
                raise UnsafeCheckpointError("written on a big-endian machine")
            content = _TensorUnpickler(archive, folder).load()
    except UnsafeCheckpointError:
        raise
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, EOFError, ValueError, TypeError) as error:
        raise UnsafeCheckpointError(f"not a checkpoint of tensors: {error}") from error
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict):
        raise UnsafeCheckpointError("not a checkpoint of tensors: no state dict")
    return {
        name: value.astype(np.float32)
        for name, value in content.items()
        if isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    }
