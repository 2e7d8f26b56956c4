"""Small wheels and checkpoints for tests, and a catalogue that names them."""

import hashlib
import pickle
import sys
import types
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.catalogue import Catalogue, Entry, Package, Part, WheelFile, Wheels

VERSION = "1.0.0"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_wheel(folder: Path, name: str, members: Mapping[str, bytes]) -> Path:
    """A wheel that pip takes, with these members besides its metadata."""
    module = name.replace("-", "_")
    info = f"{module}-{VERSION}.dist-info"
    files = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{module}-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in files.items():
            archive.writestr(member, content)
        archive.writestr(f"{info}/RECORD", "".join(f"{member},,\n" for member in [*files, f"{info}/RECORD"]))
    return path


def wheel_file(name: str, content: bytes, *parts: tuple[str, str]) -> WheelFile:
    """A file of the catalogue that holds `content`; each part is (package, member)."""
    return WheelFile(name, len(content), sha256(content), tuple(Part(package, member) for package, member in parts))


def catalogue(entries: Sequence[Entry]) -> Catalogue:
    """A catalogue of these entries and of the packages that they name."""
    names = {
        part.package: None
        for entry in entries
        if isinstance(entry.source, Wheels)
        for file in entry.source.files
        for part in file.parts
    }
    return Catalogue(tuple(Package(name, VERSION, 1000) for name in names), tuple(entries))


def write_checkpoint(
    path: Path, tensors: Mapping[str, npt.NDArray[Any]], extra: Callable[[types.ModuleType], object] | None = None
) -> None:
    """Write tensors as torch.save does, without torch.

    `extra` is given a stand-in for the module torch.torch_version and returns an object to lie beside the tensors.
    """
    torch, utils, version = (types.ModuleType(name) for name in ("torch", "torch._utils", "torch.torch_version"))
    kinds = {
        np.dtype(np.float32): "FloatStorage",
        np.dtype(np.int64): "LongStorage",
        np.dtype(np.float16): "HalfStorage",
    }
    for kind in kinds.values():
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: object) -> None:
        """Is pickled by its name and never called."""

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils.__dict__["_rebuild_tensor_v2"] = _rebuild_tensor_v2

    class Storage:
        def __init__(self, key: str, array: npt.NDArray[Any]) -> None:
            self.key, self.array = key, array

    class Tensor:
        def __init__(self, key: str, array: npt.NDArray[Any]) -> None:
            self.key, self.array = key, array

        def __reduce__(self) -> tuple[object, ...]:
            strides = tuple(stride // self.array.itemsize for stride in self.array.strides)
            storage = Storage(self.key, self.array)
            return _rebuild_tensor_v2, (storage, 0, self.array.shape, strides, False, {})

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: object) -> object:
            if isinstance(obj, Storage):
                return ("storage", getattr(torch, kinds[obj.array.dtype]), obj.key, "cpu", obj.array.size)
            return None

    modules = {"torch": torch, "torch._utils": utils, "torch.torch_version": version}
    before = {name: sys.modules.get(name) for name in modules}
    sys.modules.update(modules)
    try:
        content: dict[str, object] = {name: Tensor(str(n), array) for n, (name, array) in enumerate(tensors.items())}
        if extra is not None:
            content = {"state_dict": content, "beside": extra(version)}
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("archive/data.pkl", "w") as output:
                Pickler(output, protocol=2).dump(content)
            for n, array in enumerate(tensors.values()):
                archive.writestr(f"archive/data/{n}", array.tobytes(order="A"))
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
