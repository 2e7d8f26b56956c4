"""The cache of weights on this machine: fetched once, checked by sha256 each time, offline from then on.

ROOT/<model>/            the files as they were fetched, the network made from them, and manifest.json
ROOT/.downloads/         wheels and parts of a pull that is going on or broke off
ROOT/.building/<model>/  a model that is being put together; renamed into its place when it is whole and on the disk
ROOT/.locks/             one lock a model: the second of two processes waits and then finds it installed
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct
from platformdirs import user_cache_path

from contracts.errors import (
    DISK_FULL,
    FILE_UNREADABLE,
    OUTPUT_UNWRITABLE,
    WEIGHTS_CORRUPT,
    WEIGHTS_MISSING,
    CallAnnotateError,
)
from models import convert
from models.catalogue import Catalogue, Entry, Folder, Hub, Kind, Wheels, default_catalogue
from models.digests import corrupt, sha256_of
from models.hub import check_whisper, download_folder, fetch_from_hub
from models.wheels import WheelStore, packages_of

MANIFEST: Final = "manifest.json"
NETWORK: Final = "network.onnx"
WHISPER_WEIGHTS: Final = "model.bin"
DEFAULT_MODELS: Final = ("segmentation-3.0", "campplus-zh-en", "whisper-base")
"""What the engine needs when the user chooses nothing."""


class PullProgress(Struct, frozen=True):
    """How far a model is on its way to this machine."""

    model: str
    step: Literal["wait", "fetch", "verify", "convert"]
    """"wait" while another process pulls the same model."""
    done: int = 0
    """Bytes of the step."""
    total: int = 0
    """Bytes of the step; 0 where it has none."""


class InstalledModel(Struct, frozen=True):
    """A model that is on this machine."""

    name: str
    kind: Kind
    path: Path
    """What the model's class loads: an ONNX file, or the folder of a Whisper model."""
    sha256: str
    """Of `weights`."""
    weights: Path
    """The file as it was fetched: a PyTorch checkpoint, or Whisper's model.bin."""


class FileRecord(Struct, frozen=True):
    """A file of an installed model, as it was when it was installed."""

    name: str
    size: int
    """Bytes."""
    sha256: str


class Manifest(Struct, frozen=True):
    """What lies beside the files of an installed model."""

    name: str
    kind: Kind
    weights: str
    """Name of the file as it was fetched."""
    network: str
    """Name of the ONNX file, or "" where the folder itself is loaded."""
    converter: int
    """models.convert.VERSION that wrote the network."""
    files: tuple[FileRecord, ...]


Progress = Callable[[PullProgress], None]
"""May be called from any thread."""


@dataclass(frozen=True)
class Store:
    """The models under one folder."""

    root: Path
    catalogue: Catalogue

    def ensure(self, name: str, kind: Kind, progress: Progress | None = None) -> InstalledModel:
        """The model called `name`, checked, and fetched first where it is missing.

        Raises UNKNOWN_MODEL, WEIGHTS_MISSING, WEIGHTS_CORRUPT, WEIGHTS_UNUSABLE, DISK_FULL or OUTPUT_UNWRITABLE.
        """
        entry = self.catalogue.entry(name, kind)
        return self._found(entry) or self._install(entry, progress or _ignore, repair=False)

    def pull(self, name: str, progress: Progress | None = None) -> InstalledModel:
        """Like `ensure`, for any kind; what is installed and corrupt is fetched anew."""
        entry = self.catalogue.entry(name)
        try:
            found = self._found(entry)
        except CallAnnotateError as error:
            if error.fault is not WEIGHTS_CORRUPT:
                raise
            found = None
        return found or self._install(entry, progress or _ignore, repair=True)

    def path(self, name: str) -> Path:
        """What the model's class loads; raises UNKNOWN_MODEL, or WEIGHTS_MISSING where it was never pulled."""
        entry = self.catalogue.entry(name)
        if isinstance(entry.source, Folder):
            return Path(entry.source.path)
        manifest = self._manifest(entry)
        if manifest is None:
            raise CallAnnotateError(WEIGHTS_MISSING, name=entry.name, cause="they were never pulled")
        return self._model(entry.name, manifest).path

    def remove(self, name: str) -> bool:
        """Remove the model and what was fetched of it; False where there was nothing. Raises UNKNOWN_MODEL."""
        entry = self.catalogue.entry(name)
        if isinstance(entry.source, Folder):
            raise self.catalogue.unknown(name, None)
        with _explained(self.root), self._locked(entry, _ignore):
            folder = self._folder(entry.name)
            present = folder.exists()
            if present:
                shutil.rmtree(self._aside(folder))
            if isinstance(entry.source, Wheels):
                self._wheels.discard(packages_of(entry.source, self.catalogue))
            else:
                shutil.rmtree(download_folder(entry.source, self._downloads), ignore_errors=True)
        return present

    def installed(self) -> list[InstalledModel]:
        """All models that are here, by name; they are not checked."""
        manifests = (_read_manifest(path) for path in sorted(self.root.glob(f"*/{MANIFEST}")))
        return [self._model(manifest.name, manifest) for manifest in manifests if manifest is not None]

    def is_installed(self, entry: Entry) -> bool:
        """Whether the model is here; it is not checked."""
        return self._manifest(entry) is not None

    @property
    def _downloads(self) -> Path:
        return self.root / ".downloads"

    @property
    def _wheels(self) -> WheelStore:
        return WheelStore(self._downloads)

    def _folder(self, name: str) -> Path:
        return self.root / name.replace("/", "--")

    def _model(self, name: str, manifest: Manifest) -> InstalledModel:
        folder = self._folder(name)
        digest = next(file.sha256 for file in manifest.files if file.name == manifest.weights)
        return InstalledModel(
            name=name, kind=manifest.kind, path=folder / manifest.network if manifest.network else folder,
            sha256=digest, weights=folder / manifest.weights,
        )  # fmt: skip

    def _manifest(self, entry: Entry) -> Manifest | None:
        """The manifest of an installed model, or None where it is not here whole, or not as the catalogue has it."""
        manifest = _read_manifest(self._folder(entry.name) / MANIFEST)
        if manifest is None or any(not (self._folder(entry.name) / file.name).is_file() for file in manifest.files):
            return None
        if isinstance(entry.source, Wheels):
            known = {(file.name, file.sha256) for file in manifest.files}
            if any((file.name, file.sha256) not in known for file in entry.source.files):
                return None
        return manifest

    def _found(self, entry: Entry) -> InstalledModel | None:
        """The model where it is here and up to date, with every file checked; raises WEIGHTS_CORRUPT."""
        if isinstance(entry.source, Folder):
            return _users_own(entry, Path(entry.source.path))
        manifest = self._manifest(entry)
        if manifest is None or (manifest.network and manifest.converter != convert.VERSION):
            return None
        self._check(manifest)
        return self._model(entry.name, manifest)

    def _check(self, manifest: Manifest) -> None:
        folder = self._folder(manifest.name)
        for file in manifest.files:
            try:
                found = sha256_of(folder / file.name)
            except OSError as error:
                raise CallAnnotateError(
                    FILE_UNREADABLE, path=str(folder / file.name), cause=error.strerror or str(error)
                ) from error
            if found != file.sha256:
                raise corrupt(manifest.name, file.name, file.sha256, found)

    def _install(self, entry: Entry, progress: Progress, *, repair: bool) -> InstalledModel:
        """Fetch, convert and put in place, unless another process has done so meanwhile."""
        with _explained(self.root), self._locked(entry, progress):
            try:
                if found := self._found(entry):
                    return found
            except CallAnnotateError:
                if not repair:
                    raise
            building = self.root / ".building" / self._folder(entry.name).name
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(parents=True)
            try:
                manifest = self._build(entry, building, progress)
                _to_disk(building)
                folder = self._folder(entry.name)
                if folder.exists():
                    shutil.rmtree(self._aside(folder))
                building.rename(folder)
                _sync(self.root)
            finally:
                shutil.rmtree(building, ignore_errors=True)
        self._discard_spent()
        return self._model(entry.name, manifest)

    def _build(self, entry: Entry, building: Path, progress: Progress) -> Manifest:
        """Put all files of the model into `building`."""

        def report(done: int, total: int) -> None:
            progress(PullProgress(entry.name, "fetch", done, total))

        weights, network = WHISPER_WEIGHTS, ""
        if isinstance(entry.source, Wheels):
            weights = entry.source.files[-1].name
            if not self._reuse(entry, entry.source, building):
                self._wheels.fetch(entry, entry.source, self.catalogue, building, report)
            if entry.source.converter is not None:
                progress(PullProgress(entry.name, "convert"))
                network = NETWORK
                convert.convert(entry.source.converter, building / weights, building / network)
        elif isinstance(entry.source, Hub):
            fetch_from_hub(entry, entry.source, self.catalogue, self._downloads, building, report)
        progress(PullProgress(entry.name, "verify"))
        files = tuple(
            FileRecord(path.name, path.stat().st_size, sha256_of(path)) for path in sorted(building.iterdir())
        )
        manifest = Manifest(entry.name, entry.kind, weights, network, convert.VERSION if network else 0, files)
        (building / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        return manifest

    def _reuse(self, entry: Entry, source: Wheels, building: Path) -> bool:
        """Copy the fetched files of an installed model whose network an older converter wrote, where they are whole."""
        folder = self._folder(entry.name)
        if any(not (folder / file.name).is_file() or sha256_of(folder / file.name) != file.sha256
               for file in source.files):  # fmt: skip
            return False
        for file in source.files:
            shutil.copyfile(folder / file.name, building / file.name)
        return True

    def _aside(self, folder: Path) -> Path:
        """Move a model out of its place in one step, to be removed."""
        old = self.root / ".building" / f"{folder.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        old.parent.mkdir(exist_ok=True)
        return folder.rename(old)

    def _discard_spent(self) -> None:
        """Remove the wheels that hold nothing for a model that is not installed yet."""
        needed = {
            package.name
            for entry in self.catalogue.models
            if isinstance(entry.source, Wheels) and not self.is_installed(entry)
            for package in packages_of(entry.source, self.catalogue)
        }
        self._wheels.discard(package for package in self.catalogue.packages if package.name not in needed)

    @contextmanager
    def _locked(self, entry: Entry, progress: Progress) -> Iterator[None]:
        """One process at a time builds or removes a model."""
        locks = self.root / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        self._downloads.mkdir(exist_ok=True)
        lock = FileLock(locks / f"{self._folder(entry.name).name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(PullProgress(entry.name, "wait"))
            lock.acquire()
        try:
            yield
        finally:
            lock.release()


def default_store() -> Store:
    """The store under CALLANNOTATE_MODELS, or else in the platform's folder for caches."""
    chosen = os.environ.get("CALLANNOTATE_MODELS")
    root = Path(chosen).expanduser() if chosen else user_cache_path("callannotate") / "models"
    return Store(root, default_catalogue())


def ensure(name: str, kind: Kind, progress: Progress | None = None) -> InstalledModel:
    """See Store.ensure."""
    return default_store().ensure(name, kind, progress)


def _ignore(_: PullProgress) -> None:
    pass


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None


def _users_own(entry: Entry, folder: Path) -> InstalledModel:
    check_whisper(entry.name, {path.name for path in folder.iterdir()})
    weights = folder / WHISPER_WEIGHTS
    return InstalledModel(entry.name, entry.kind, folder, sha256_of(weights), weights)


def _to_disk(folder: Path) -> None:
    """Make sure that a folder survives a power cut before it is renamed into its place."""
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    """Turns what the file system refuses into an error of the catalogue."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CallAnnotateError(DISK_FULL, path=str(root)) from error
        if isinstance(error, PermissionError | NotADirectoryError | FileExistsError) or error.errno == errno.EROFS:
            cause = error.strerror or str(error)
            raise CallAnnotateError(OUTPUT_UNWRITABLE, path=str(root), cause=cause) from error
        raise
