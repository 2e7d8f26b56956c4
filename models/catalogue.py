"""The weights that CallAnnotate knows: by a name of `catalogue.toml`, an id of the Hugging Face hub, or a folder."""

import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

from contracts.errors import UNKNOWN_MODEL, CallAnnotateError

Kind = Literal["segmentation", "voiceprint", "transcription"]
Converter = Literal["pyannet", "campplus"]

HUB_ID: Final = re.compile(r"\w[\w.-]*/\w[\w.-]*", re.ASCII)
WHISPER_FILES: Final = ("model.bin", "config.json", "tokenizer.json")
"""What a folder must hold to be a Whisper model in CTranslate2's format; a vocabulary lies beside them."""


class Package(Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel on the package index, used as an archive only."""

    name: str
    version: str
    size: int
    """Bytes."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A member of a wheel that is one stretch of a file."""

    package: str
    member: str


class WheelFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file whose content is known beforehand."""

    name: str
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[Part, ...]
    """In the order of the file's content."""


class Wheels(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="wheels"):
    """Members of wheels, and how they become a network for onnxruntime, where they have to."""

    files: tuple[WheelFile, ...]
    """The last one holds the weights."""
    converter: Converter | None = None


class Hub(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="hub"):
    """A repository of the Hugging Face hub with a Whisper model in CTranslate2's format."""

    repository: str


class Folder(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="folder"):
    """A folder of the user's with a Whisper model in CTranslate2's format; it is read and never changed."""

    path: str


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """One model of the catalogue."""

    name: str
    kind: Kind
    source: Wheels | Hub | Folder
    licence: str = "see its source"
    description: str = ""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes or "multilingual", of models that hear words."""
    size: int = 0
    """Bytes on the disk, about; 0 where nobody knows."""
    translates: bool = True
    """Whether a multilingual Whisper model was trained to translate into English."""


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    """All models that have a name, and the packages that hold them."""

    packages: tuple[Package, ...]
    models: tuple[Entry, ...]

    def package(self, name: str) -> Package:
        """The package that a Part names."""
        return next(package for package in self.packages if package.name == name)

    def entry(self, name: str, kind: Kind | None = None) -> Entry:
        """The model called `name`: a name of the catalogue (for Whisper also without "whisper-"), or, for Whisper
        models, a folder or a hub id. `kind` None allows every kind.

        Raises UNKNOWN_MODEL.
        """
        for entry in self.models:
            if entry.name in (name, f"whisper-{name}") and kind in (None, entry.kind):
                return entry
        if kind in (None, "transcription"):
            folder = Path(name).expanduser()
            if folder.is_dir():
                return Entry(name=name, kind="transcription", source=Folder(str(folder)))
            if HUB_ID.fullmatch(name):
                return Entry(name=name, kind="transcription", source=Hub(name))
        raise self.unknown(name, kind)

    def unknown(self, name: str, kind: Kind | None) -> CallAnnotateError:
        """The error for a name that nothing has."""
        allowed = [entry.name for entry in self.models if kind in (None, entry.kind)]
        if kind in (None, "transcription"):
            allowed += ["an id of the Hugging Face hub such as Systran/faster-whisper-small", "a folder with model.bin"]
        return CallAnnotateError(UNKNOWN_MODEL, kind=kind or "known", name=name, allowed=", ".join(allowed))


@cache
def default_catalogue() -> Catalogue:
    """The catalogue that comes with the package."""
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Catalogue)


def entry(name: str, kind: Kind | None = None) -> Entry:
    """The model called `name` of the default catalogue; see Catalogue.entry."""
    return default_catalogue().entry(name, kind)
