"""Telephone numbers as people and exchanges write them, and who a call was between."""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberMatcher

from contracts.contacts import Party

_DIGITS: Final = re.compile(r"\D+")
_URI: Final = re.compile(r"<?\b(?:sips?|tel|callto|pjsip)[:/]([^@>;\s]+)[^>\s]*>?", re.IGNORECASE)
_BRACKETED: Final = re.compile(r"<\s*([^<>]*\d[^<>]*)>")
_PLAIN: Final = re.compile(r"^[+\d][\d\s().,/*#-]*$")


def e164(text: str, region: str | None) -> str | None:
    """Such as "+74951234567"; `region` (ISO 3166-1) says whose national numbers are meant. None for other things."""
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return (
        phonenumbers.format_number(number, PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else None
    )


def number_key(text: str, region: str | None) -> str:
    """What two ways to write a number have in common; extensions and other short numbers keep their digits."""
    digits = _DIGITS.sub("", text)
    # Without a plus, and where it is not a national number, it may still be an international one.
    found = e164(text, region) or (e164(f"+{digits}", None) if len(digits) > 10 else None)
    return found or digits


def party_of(text: str | None, region: str | None) -> Party:
    """Who a caller or callee is: a name, a number, or both, as in "Ivan Petrov <+7 495 123-45-67>" or "sip:101@pbx"."""
    left = " ".join((text or "").split())
    number = ""
    for pattern in (_URI, _BRACKETED):
        found = pattern.search(left)
        if found and _DIGITS.sub("", found[1]):
            number, left = found[1].strip(), left[: found.start()] + left[found.end() :]
            break
    if not number and _PLAIN.match(left):
        number, left = left, ""
    if not number:
        within = next(iter(PhoneNumberMatcher(left, region)), None)
        if within is not None:
            number, left = within.raw_string, left[: within.start] + left[within.end :]
    return Party(left.strip(" \t\"'<>,;:-"), number)


def parties_in(filename: str, pattern: re.Pattern[str] | None) -> tuple[str, str, tuple[str, ...]]:
    """The numbers in a file's name: the caller's, the callee's (groups of these names), and those of nobody known."""
    caller, callee, others = "", "", []
    for found in pattern.finditer(filename) if pattern is not None else ():
        groups = found.groupdict()
        caller = caller or groups.get("caller") or ""
        callee = callee or groups.get("callee") or ""
        if "caller" not in groups and "callee" not in groups:
            others.append(groups.get("number") or found[0])
    return caller, callee, tuple(dict.fromkeys(others))
