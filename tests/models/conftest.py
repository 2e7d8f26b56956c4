"""A package index of small wheels in a folder, reached through the real pip."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.errors import CallAnnotateError, Fault
from models.catalogue import Entry, Wheels
from models.store import Store
from tests.models.wheelhouse import catalogue, make_wheel, wheel_file

CONFIG = b"{}"
FIRST, SECOND = b"first half, ", b"second half"
CHECKPOINT = b"checkpoint"


@dataclass(frozen=True)
class House:
    """A store, and the folder that pip takes for the package index."""

    store: Store
    index: Path

    @property
    def root(self) -> Path:
        return self.store.root

    def leftovers(self) -> list[str]:
        """Everything under the root but locks: nothing may be left of a pull that failed."""
        return [
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.suffix != ".lock" and path.name not in (".locks", ".downloads", ".building")
        ]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A Whisper model from two wheels, and a network that is converted, whose checkpoint lies in the first wheel."""
    index = tmp_path / "index"
    index.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    make_wheel(index, "words-one", {"one/config.json": CONFIG, "one/a": FIRST, "one/net.pt": CHECKPOINT})
    make_wheel(index, "words-two", {"two/b": SECOND})
    words = Wheels(
        (
            wheel_file("config.json", CONFIG, ("words-one", "one/config.json")),
            wheel_file("model.bin", FIRST + SECOND, ("words-one", "one/a"), ("words-two", "two/b")),
        )
    )
    network = Wheels((wheel_file("net.pt", CHECKPOINT, ("words-one", "one/net.pt")),), converter="pyannet")
    entries = [Entry("words", "transcription", words), Entry("network", "segmentation", network)]
    return House(Store(tmp_path / "root", catalogue(entries)), index)


@pytest.fixture
def refused() -> Callable[[Fault, Callable[[], object]], CallAnnotateError]:
    """Calls something that must fail with this fault, and returns the error."""

    def check(fault: Fault, call: Callable[[], object]) -> CallAnnotateError:
        with pytest.raises(CallAnnotateError) as caught:
            call()
        assert caught.value.fault is fault
        return caught.value

    return check
