"""Names that speakers give of themselves: "this is Anna Smith from Northwind", in English and in Russian.

What somebody says on the telephone proves nothing, and who is named need not be who speaks: these are suggestions.
Whisper writes names with capitals, which is what tells "this is Anna" from "this is better".
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.annotation import Segment

MOST: Final = 3
"""Introductions of one speaker that are kept."""

_NAME: Final = r"[A-ZА-ЯЁ][\w'’-]+(?:\s+(?:de|van|von|der|bin|al|Mc|O['’])?\s*[A-ZА-ЯЁ][\w'’-]+){0,2}"
_ORGANISATION: Final = r"(?:the\s+)?[A-ZА-ЯЁ«\"][\w'’&.«»\"-]*(?:\s+(?:and|of|&|и)?\s*[A-ZА-ЯЁ«\"][\w'’&«»\"-]*){0,3}"
_FROM: Final = rf"(?:,?\s+(?i:from|with|at|calling from)\s+(?P<organisation>{_ORGANISATION}))?"
_OF: Final = (
    rf"(?:,?\s+(?i:из|от|с)\s+(?i:компании|фирмы|организации|банка|магазина|отдела|службы)?\s*(?P<organisation>{_ORGANISATION})"
    rf"|,?\s+(?i:компания|фирма|организация|банк)\s+(?P<company>{_ORGANISATION}))?"
)
_START: Final = r"(?:(?<=^)|(?<=[.!?,;:—-]\s)|(?<=\s))"
_ENGLISH: Final = (
    rf"{_START}(?i:my name is|my name's|this is|you're speaking with|you are speaking with|you're speaking to"
    rf"|you're talking to|speaking with you is|it's|i am|i'm)\s+(?P<name>{_NAME}){_FROM}",
    rf"^(?P<name>{_NAME})\s+(?i:speaking|here)\b{_FROM}",
)
_RUSSIAN: Final = (
    rf"{_START}(?i:меня зовут|мо[её] имя|вас беспокоит|с вами говорит|говорит|это)\s+(?P<name>{_NAME}){_OF}",
    rf"^(?P<name>{_NAME})\s+(?i:слушает|слушаю|на проводе|на связи)\b{_OF}",
)
_PATTERNS: Final = tuple(re.compile(pattern) for pattern in (*_ENGLISH, *_RUSSIAN))
_WEAK: Final = re.compile(r"\b(?:it's|i am|i'm|это|говорит)\s+$", re.IGNORECASE)
_NO_NAMES: Final = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december english russian american british french german spanish god mr mrs ms miss dr
    sorry great good okay ok yes no not the a an i we you he she they what why how where when who very so just really
    you're we're they're it's that's i'm nobody somebody everybody
    calling going from sure fine well here there
    понедельник вторник среда четверг пятница суббота воскресенье январь февраль март апрель май июнь июль август
    сентябрь октябрь ноябрь декабрь россия москва да нет не так вот что как где когда кто очень просто хорошо
    я вы мы он она они""".split()  # noqa: SIM905 - a list of words is for reading
)


class Introduction(Struct, frozen=True):
    """What a speaker said of himself."""

    name: str
    organisation: str
    text: str
    """The words, as they were transcribed."""


def introductions(segments: Sequence[Segment]) -> tuple[Introduction, ...]:
    """The names that a speaker gives, the first one first; each once."""
    found: dict[str, Introduction] = {}
    for segment in segments:
        for sentence in re.split(r"(?<=[.!?…])\s+", segment.text):
            for introduction in _in_sentence(sentence.strip()):
                known = found.setdefault(introduction.name.casefold(), introduction)
                if introduction.organisation and not known.organisation:
                    found[introduction.name.casefold()] = introduction
            if len(found) >= MOST:
                return tuple(found.values())[:MOST]
    return tuple(found.values())


def _in_sentence(sentence: str) -> list[Introduction]:
    found = []
    for pattern in _PATTERNS:
        match = pattern.search(sentence)
        if match is None:
            continue
        name = _cleaned(match["name"])
        parts = match.groupdict()
        organisation = (parts.get("organisation") or parts.get("company") or "").strip(' .,"«»')
        weak = _WEAK.search(sentence[: match.start("name")]) is not None
        # "I'm Russian", "это Москва": after such words one capital is not enough.
        if name and (not weak or organisation or len(name.split()) > 1 or match.start() == 0):
            found.append(Introduction(name, organisation, match[0].strip(" ,.")))
    return found


def _cleaned(name: str) -> str:
    """The name up to the first word that is none."""
    words: list[str] = []
    for word in name.split():
        if word.casefold().strip("'’-") in _NO_NAMES:
            break
        words.append(word.removesuffix("'s").removesuffix("’s"))
    return " ".join(words)
