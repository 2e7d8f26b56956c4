"""Fetching, verifying and keeping weights, with the real pip on a folder of small wheels."""

import errno
import multiprocessing
import os
import shutil
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import msgspec
import pytest

from contracts.errors import (
    DISK_FULL,
    OUTPUT_UNWRITABLE,
    UNKNOWN_MODEL,
    WEIGHTS_CORRUPT,
    WEIGHTS_MISSING,
    WEIGHTS_UNUSABLE,
    CallAnnotateError,
    Fault,
)
from models import convert, wheels
from models import store as store_module
from models.catalogue import Entry, Wheels
from models.store import PullProgress, Store
from tests.models.conftest import CHECKPOINT, CONFIG, FIRST, SECOND, House
from tests.models.wheelhouse import catalogue, make_wheel, sha256, wheel_file

Refused = Callable[[Fault, Callable[[], object]], CallAnnotateError]


def stub_converter(monkeypatch: pytest.MonkeyPatch, version: int = 1) -> None:
    """A converter that writes what it read, and its version."""

    def write(_: str, checkpoint: Path, network: Path) -> None:
        network.write_bytes(checkpoint.read_bytes() + b" converted by %d" % version)

    monkeypatch.setattr(convert, "convert", write)
    monkeypatch.setattr(convert, "VERSION", version)


def go_offline(house: House) -> None:
    """Empty the package index."""
    shutil.rmtree(house.index)
    house.index.mkdir()


def test_a_model_is_put_together_from_the_parts_of_several_wheels(house: House) -> None:
    model = house.store.ensure("words", "transcription")
    assert (model.name, model.kind, model.path) == ("words", "transcription", house.root / "words")
    assert model.weights.read_bytes() == FIRST + SECOND
    assert (model.path / "config.json").read_bytes() == CONFIG
    assert model.sha256 == sha256(FIRST + SECOND)


def test_a_checkpoint_is_converted_and_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_converter(monkeypatch)
    model = house.store.ensure("network", "segmentation")
    assert model.path.read_bytes() == CHECKPOINT + b" converted by 1"
    assert model.weights.read_bytes() == CHECKPOINT
    assert model.sha256 == sha256(CHECKPOINT)


def test_once_pulled_nothing_is_fetched_or_converted_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_converter(monkeypatch)
    first = [house.store.ensure("words", "transcription"), house.store.ensure("network", "segmentation")]

    def forbidden(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(wheels, "_download", forbidden)
    monkeypatch.setattr(convert, "convert", forbidden)
    assert [house.store.ensure("words", "transcription"), house.store.ensure("network", "segmentation")] == first


def test_missing_while_offline_says_so_and_leaves_nothing(house: House, refused: Refused) -> None:
    go_offline(house)
    error = refused(WEIGHTS_MISSING, lambda: house.store.ensure("words", "transcription"))
    assert "fetching words-one==1.0.0 failed: No matching distribution" in str(error)
    assert "callannotate models pull words" in str(error)
    assert house.leftovers() == []


def test_an_index_that_cannot_be_reached_is_named_as_the_cause(
    house: House, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    error = refused(WEIGHTS_MISSING, lambda: house.store.ensure("words", "transcription"))
    assert "the package index cannot be reached" in str(error)


def test_a_wheel_with_other_content_is_refused_and_nothing_of_it_is_kept(house: House, refused: Refused) -> None:
    make_wheel(house.index, "words-two", {"two/b": b"second hate"})
    error = refused(WEIGHTS_CORRUPT, lambda: house.store.ensure("words", "transcription"))
    assert error.details["file"] == "model.bin"
    assert error.details["expected"] == sha256(FIRST + SECOND)
    assert error.details["found"] == sha256(FIRST + b"second hate")
    assert house.leftovers() == []


def test_a_file_that_grows_beyond_its_size_is_refused(house: House, refused: Refused) -> None:
    make_wheel(house.index, "words-two", {"two/b": SECOND + bytes(50_000_000)})
    refused(WEIGHTS_CORRUPT, lambda: house.store.ensure("words", "transcription"))
    assert house.leftovers() == []


def test_a_wheel_without_the_file_is_refused(house: House, refused: Refused) -> None:
    make_wheel(house.index, "words-two", {"two/other": SECOND})
    error = refused(WEIGHTS_CORRUPT, lambda: house.store.ensure("words", "transcription"))
    assert "two/b" in str(error)
    house.store.remove("words")
    assert house.leftovers() == []


def test_a_model_that_changed_on_the_disk_is_refused_and_a_pull_repairs_it(house: House, refused: Refused) -> None:
    model = house.store.ensure("words", "transcription")
    model.weights.write_bytes(model.weights.read_bytes().replace(b"half", b"hate"))
    error = refused(WEIGHTS_CORRUPT, lambda: house.store.ensure("words", "transcription"))
    assert "callannotate models pull words" in str(error)
    house.store.pull("words")
    assert house.store.ensure("words", "transcription").weights.read_bytes() == FIRST + SECOND


def test_a_converted_network_that_changed_on_the_disk_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    stub_converter(monkeypatch)
    model = house.store.ensure("network", "segmentation")
    model.path.write_bytes(b"another network")
    refused(WEIGHTS_CORRUPT, lambda: house.store.ensure("network", "segmentation"))


@pytest.mark.parametrize("lost", ["model.bin", "manifest.json"])
def test_a_model_that_is_not_whole_is_fetched_again(house: House, lost: str) -> None:
    model = house.store.ensure("words", "transcription")
    (model.path / lost).unlink()
    assert house.store.ensure("words", "transcription").weights.read_bytes() == FIRST + SECOND


def test_an_interrupted_pull_leaves_no_model_and_does_not_fetch_a_whole_wheel_again(house: House) -> None:
    def interrupt_at_the_second_wheel(progress: PullProgress) -> None:
        if progress.done > 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.store.ensure("words", "transcription", interrupt_at_the_second_wheel)
    assert house.store.installed() == []
    assert not list((house.root / ".building").iterdir())
    go_offline(house)
    assert house.store.ensure("words", "transcription").weights.read_bytes() == FIRST + SECOND


def test_what_a_killed_pull_has_left_does_not_get_in_the_way(house: House) -> None:
    for left in (".building/words/model.bin", ".downloads/words-one-1.0.0.partial/temporary/x"):
        (house.root / left).parent.mkdir(parents=True)
        (house.root / left).write_bytes(b"half a fi")
    assert house.store.ensure("words", "transcription").weights.read_bytes() == FIRST + SECOND
    assert not any("partial" in path or "building" in path for path in house.leftovers())


def test_wheels_are_kept_for_other_models_and_discarded_with_the_last(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_converter(monkeypatch)
    house.store.ensure("words", "transcription")
    assert [path.name for path in house.root.rglob("*.whl")] == ["words_one-1.0.0-py3-none-any.whl"]
    go_offline(house)
    house.store.ensure("network", "segmentation")
    assert list(house.root.rglob("*.whl")) == []


def first_process(store: Store, fetching: Event, second_waits: Event) -> None:
    """Pulls, and goes on only when the second process waits for it."""

    def progress(_: PullProgress) -> None:
        fetching.set()
        assert second_waits.wait(60)

    store.ensure("words", "transcription", progress)


def test_of_two_processes_that_pull_at_once_one_fetches_and_the_other_waits(house: House) -> None:
    context = multiprocessing.get_context("spawn")
    fetching, second_waits = context.Event(), context.Event()
    first = context.Process(target=first_process, args=(house.store, fetching, second_waits))
    first.start()
    assert fetching.wait(60)
    steps: list[str] = []

    def progress(progress: PullProgress) -> None:
        steps.append(progress.step)
        second_waits.set()

    model = house.store.ensure("words", "transcription", progress)
    first.join(60)
    assert first.exitcode == 0
    assert steps == ["wait"]
    assert model.weights.read_bytes() == FIRST + SECOND


def test_a_new_converter_writes_the_network_anew_without_fetching(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_converter(monkeypatch, version=1)
    house.store.ensure("network", "segmentation")
    go_offline(house)
    house.store._wheels.discard(house.store.catalogue.packages)
    stub_converter(monkeypatch, version=2)
    assert house.store.ensure("network", "segmentation").path.read_bytes() == CHECKPOINT + b" converted by 2"


def test_new_weights_under_the_same_name_are_fetched(house: House) -> None:
    house.store.ensure("words", "transcription")
    make_wheel(house.index, "words-two", {"two/b": b"another half"})
    entry = house.store.catalogue.entry("words")
    assert isinstance(entry.source, Wheels)
    file = wheel_file("model.bin", FIRST + b"another half", ("words-one", "one/a"), ("words-two", "two/b"))
    newer = msgspec.structs.replace(entry, source=Wheels((entry.source.files[0], file)))
    model = Store(house.root, catalogue([newer])).ensure("words", "transcription")
    assert model.weights.read_bytes() == FIRST + b"another half"


def test_removing_a_model_leaves_nothing_of_it(house: House) -> None:
    house.store.ensure("words", "transcription")
    assert [model.name for model in house.store.installed()] == ["words"]
    assert house.store.remove("words")
    assert house.leftovers() == []
    assert house.store.installed() == []
    assert not house.store.remove("words")


def test_the_path_of_a_model_is_known_once_it_is_pulled(house: House, refused: Refused) -> None:
    refused(WEIGHTS_MISSING, lambda: house.store.path("words"))
    assert house.store.ensure("words", "transcription").path == house.store.path("words")


def test_progress_counts_the_bytes_of_all_wheels(house: House) -> None:
    seen: list[PullProgress] = []
    house.store.ensure("words", "transcription", seen.append)
    fetched = [progress for progress in seen if progress.step == "fetch"]
    assert [progress.done for progress in fetched] == sorted(progress.done for progress in fetched)
    assert (fetched[-1].done, fetched[-1].total) == (2000, 2000)
    assert seen[-1].step == "verify"


def test_a_folder_of_the_users_is_used_where_it_lies(house: House, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (folder / name).write_bytes(name.encode())
    model = house.store.ensure(str(folder), "transcription")
    assert (model.path, model.sha256) == (folder, sha256(b"model.bin"))
    assert house.store.path(str(folder)) == folder


def test_a_folder_that_holds_no_model_is_refused_and_never_removed(
    house: House, tmp_path: Path, refused: Refused
) -> None:
    (tmp_path / "mine").mkdir()
    error = refused(WEIGHTS_UNUSABLE, lambda: house.store.ensure(str(tmp_path / "mine"), "transcription"))
    assert "no model.bin" in str(error)
    refused(UNKNOWN_MODEL, lambda: house.store.remove(str(tmp_path / "mine")))
    assert (tmp_path / "mine").is_dir()


def test_an_unknown_name_lists_what_is_allowed(house: House, refused: Refused) -> None:
    error = refused(UNKNOWN_MODEL, lambda: house.store.ensure("wrods", "transcription"))
    assert "words" in str(error)
    assert "network" not in str(error), "it is of another kind"


def test_a_full_disk_is_named_and_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_module, "_to_disk", full)
    refused(DISK_FULL, lambda: house.store.ensure("words", "transcription"))
    assert house.store.installed() == []
    assert not list((house.root / ".building").iterdir())


def test_a_cache_that_cannot_be_written_is_named(house: House, tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = Store(tmp_path / "file" / "models", house.store.catalogue)
    refused(OUTPUT_UNWRITABLE, lambda: store.ensure("words", "transcription"))


def test_a_cache_that_can_only_be_read_is_enough_once_pulled(house: House) -> None:
    expected = house.store.ensure("words", "transcription")
    shutil.rmtree(house.root / ".locks")
    shutil.rmtree(house.root / ".downloads")
    assert house.store.ensure("words", "transcription") == expected
    assert not (house.root / ".locks").exists()


def test_an_entry_for_another_kind_is_not_taken(house: House, refused: Refused) -> None:
    refused(UNKNOWN_MODEL, lambda: house.store.ensure("words", "voiceprint"))


def test_a_model_with_a_slash_in_its_name_stays_inside_the_cache(tmp_path: Path) -> None:
    store = Store(tmp_path, catalogue([Entry("words", "transcription", Wheels(()))]))
    assert store._folder("org/name").parent == tmp_path
