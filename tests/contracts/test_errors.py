"""The error catalogue."""

import re
from pathlib import Path
from string import Formatter

import pytest

from contracts.channel import Channel
from contracts.errors import CATALOGUE, FILE_NOT_FOUND, FILE_TOO_LARGE, INVALID_FIELD, CallAnnotateError, Fault
from contracts.errors_page import page
from contracts.live_notices import LIVE_WARNINGS
from contracts.russian import RUSSIAN
from contracts.websocket import CHANNELS


def details_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_the_page_of_errors_is_made_from_the_catalogue() -> None:
    committed = Path(__file__).parents[2] / "docs" / "errors.md"
    assert committed.read_text() == page(), "run: callannotate contracts"


def test_every_entry_and_every_warning_is_on_the_page() -> None:
    text = page()
    assert [code for code in (*CATALOGUE, *LIVE_WARNINGS) if f"`{code}`" not in text] == []


def test_every_exit_code_belongs_to_one_entry() -> None:
    codes = [entry.exit_code for entry in CATALOGUE.values() if entry.exit_code is not None]
    assert len(codes) == len(set(codes))
    assert all(0 < code < 256 for code in codes)


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_every_entry_says_what_to_do(entry: Fault) -> None:
    assert re.fullmatch(r"[A-Z][A-Z_]+", entry.code)
    assert entry.message
    assert not entry.message.endswith("."), "str() of the error adds the full stop"
    assert entry.advice.endswith(".")
    assert 400 <= entry.http_status < 600


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.code)
def test_every_entry_says_the_same_in_russian_with_the_same_details(entry: Fault) -> None:
    message, advice = RUSSIAN[entry.code]
    assert re.search("[а-яё]", message + advice)
    assert not message.endswith(".")
    assert advice.endswith(".")
    assert details_of(message) == details_of(entry.message)
    assert details_of(advice) == details_of(entry.advice)


def test_there_is_no_russian_text_without_an_entry() -> None:
    assert set(RUSSIAN) == set(CATALOGUE)


def test_an_error_that_may_be_retried_is_not_the_clients_mistake() -> None:
    for entry in CATALOGUE.values():
        assert not entry.retryable or entry.http_status in {408, 429, 503}, entry.code


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_connection_ends_with_the_close_code_of_its_error(channel: Channel) -> None:
    for close in channel.close_codes:
        assert all(fault.close_code == close.code for fault in close.faults), close


def test_an_error_reads_as_one_line_with_its_details() -> None:
    error = CallAnnotateError(FILE_NOT_FOUND, path="calls/x.wav")
    assert str(error) == "calls/x.wav: no such file. Check the path."
    assert error.details == {"path": "calls/x.wav"}


def test_an_error_tells_itself_in_the_language_of_the_client() -> None:
    error = CallAnnotateError(FILE_TOO_LARGE, max_allowed=1073741824)
    assert error.message_in("en") == error.message == "the recording is larger than 1073741824 bytes"
    assert error.message_in("ru") == "Размер файла превышает максимально допустимый (1073741824 байт)"
    assert error.advice_in("ru") == "Разделите запись или увеличьте MAX_FILE_SIZE."
    assert error.advice_in("en") == error.advice


def test_an_entry_without_a_translation_is_told_in_english() -> None:
    error = CallAnnotateError(Fault("NEW_ONE", None, "{what} is new", "Wait."), what="this")
    assert (error.message_in("ru"), error.advice_in("ru")) == ("this is new", "Wait.")


def test_braces_in_a_detail_stay_as_they_are() -> None:
    error = CallAnnotateError(INVALID_FIELD, field="{metadata}", problem="{0}", allowed="x")
    assert error.message_in("ru") == error.message == "{metadata}: {0}"
