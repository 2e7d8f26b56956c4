"""Telephone numbers as people, exchanges and names of files have them."""

import re

import pytest

from contracts.contacts import Party
from contracts.jobs import JobRequest
from runtime.contact_lookup import CallEnds, parties_of
from runtime.phone_numbers import e164, number_key, parties_in, party_of
from runtime.settings import Settings


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+7 (495) 123-45-67", None, "+74951234567"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("495 123 45 67", "RU", "+74951234567"),
        ("tel:+7-495-123-45-67", None, "+74951234567"),
        ("(030) 123456", "DE", "+4930123456"),
        ("020 7946 0000", "GB", "+442079460000"),
        ("8 (495) 123-45-67", None, None),
        ("101", "RU", None),
        ("no number", "RU", None),
        ("", None, None),
    ],
)
def test_a_number_is_brought_into_one_form(text: str, region: str | None, expected: str | None) -> None:
    assert e164(text, region) == expected


def test_two_ways_to_write_a_number_have_one_key() -> None:
    ways = ["+7 495 123-45-67", "8(495)123-45-67", "74951234567", "4951234567", "+7 (495) 123 45 67"]
    assert {number_key(way, "RU") for way in ways} == {"+74951234567"}
    assert number_key("74951234567", None) == number_key("+7 495 1234567", None)


def test_short_numbers_are_what_they_are() -> None:
    assert number_key("101", "RU") == number_key("1-01", None) == "101"
    assert number_key("anonymous", "RU") == ""


@pytest.mark.parametrize(
    ("text", "name", "number"),
    [
        ("+7 495 123-45-67", "", "+7 495 123-45-67"),
        ("Иван Петров", "Иван Петров", ""),
        ("Ivan Petrov <+7 495 123-45-67>", "Ivan Petrov", "+7 495 123-45-67"),
        ('"Ivan Petrov" <sip:101@pbx.example.org;transport=udp>', "Ivan Petrov", "101"),
        ("sip:+74951234567@pbx", "", "+74951234567"),
        ("tel:+7-495-1234567", "", "+7-495-1234567"),
        ("Ivan Petrov +7 495 123-45-67", "Ivan Petrov", "+7 495 123-45-67"),
        ("Ivan Petrov (sales)", "Ivan Petrov (sales)", ""),
        ("101", "", "101"),
        ("Room 12", "Room 12", ""),
        (" ", "", ""),
        (None, "", ""),
    ],
)
def test_an_end_of_a_call_is_a_name_a_number_or_both(text: str | None, name: str, number: str) -> None:
    assert party_of(text, "RU") == Party(name, number)


def test_numbers_are_found_in_names_of_files() -> None:
    default = re.compile(Settings().phone_pattern)
    assert parties_in("2026-11-22_14-30_+74951234567.wav", default) == ("", "", ("+74951234567",))
    assert parties_in("20261122143000-call.wav", default) == ("", "", ())
    own = re.compile(r"(?P<caller>\d{3,15})-(?P<callee>\d{3,15})-\d{14}")
    assert parties_in("in-4951234567-101-20261122143000.wav", own) == ("4951234567", "101", ())
    assert parties_in("nothing.wav", own) == ("", "", ())


def test_what_the_metadata_says_goes_before_the_name_of_the_file() -> None:
    settings = Settings(phone_pattern=r"(?P<caller>\d+)_(?P<callee>\d+)", phone_region="RU", caller_channel=1)
    found = parties_of(CallEnds(caller="Ivan", callee="+7 495 7654321"), "101_102.wav", settings)
    assert (found.caller, found.callee) == (Party("Ivan", "101"), Party("", "+7 495 7654321"))
    assert found.caller_channel == 1
    assert JobRequest(caller="x", callee="y").caller == "x"
