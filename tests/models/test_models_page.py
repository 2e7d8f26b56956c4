"""docs/models.md has every weight of the catalogue, with its licence, its size and its hash."""

import re
from pathlib import Path

import pytest

from models.catalogue import Entry, default_catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in row.strip("|").split("|")] for row in PAGE.splitlines() if row.startswith("| `")]


@pytest.mark.parametrize("entry", default_catalogue().models, ids=lambda entry: entry.name)
def test_a_model_of_the_catalogue_is_on_the_page_with_its_licence(entry: Entry) -> None:
    named = [row for row in ROWS if row[0] == f"`{entry.name}`"]
    assert any(entry.licence in row for row in named)


def test_every_file_of_a_wheel_is_on_the_page_with_its_size_and_hash_and_nothing_else_is() -> None:
    listed = {
        tuple(cell.strip("`") for cell in row[:4]) for row in ROWS if re.fullmatch("`[0-9a-f]{64}`", "".join(row[3:4]))
    }
    known = {
        (entry.name, file.name, f"{file.size:,}", file.sha256)
        for entry in default_catalogue().models
        for file in getattr(entry.source, "files", ())
    }
    assert listed == known


def test_every_wheel_is_on_the_page_with_its_version() -> None:
    listed = {(row[0].strip("`"), row[1]) for row in ROWS}
    assert {(package.name, package.version) for package in default_catalogue().packages} <= listed
