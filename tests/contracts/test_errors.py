"""The error catalogue."""

import re
from pathlib import Path

import pytest

from contracts.errors import CATALOGUE, FILE_NOT_FOUND, CallAnnotateError, Fault
from contracts.errors_page import page


def test_the_page_of_errors_is_made_from_the_catalogue() -> None:
    committed = Path(__file__).parents[2] / "docs" / "errors.md"
    assert committed.read_text() == page(), "run: python -m contracts.errors_page > docs/errors.md"


def test_every_entry_has_an_exit_code_of_its_own() -> None:
    codes = [entry.exit_code for entry in CATALOGUE.values()]
    assert len(codes) == len(set(codes))
    assert all(0 < code < 256 for code in codes)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_every_entry_says_what_to_do(entry: Fault) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]+", entry.code)
    assert entry.message
    assert not entry.message.endswith("."), "str() of the error adds the full stop"
    assert entry.advice.endswith(".")


def test_an_error_reads_as_one_line_with_its_details() -> None:
    error = CallAnnotateError(FILE_NOT_FOUND, path="calls/x.wav")
    assert str(error) == "calls/x.wav: no such file. Check the path."
    assert error.details == {"path": "calls/x.wav"}
