"""Cards of address books (vCard 2.1, 3.0 and 4.0): read as far as they can be, written without losing what is foreign.

A card is a list of content lines (RFC 6350, section 3.2). Their grammar is vobject's; what it does not forgive, such as
the version 4.0 or a card without FN, is read line by line here. What is written is either a new card, made by vobject,
or the card as the server has it with a few of its lines replaced: photographs, groups and X- properties stay.
"""

import quopri
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import vobject  # type: ignore[import-untyped]
from msgspec import Struct
from vobject.base import ContentLine, ParseError, VObjectError, parseLine  # type: ignore[import-untyped]

from contracts.contacts import ContactDraft, DraftNumber

LARGEST: Final = 10 * 1024 * 1024
"""Characters of a card, photographs included."""
OWN: Final = ("FN", "N", "ORG", "TITLE", "TEL", "EMAIL", "NOTE")
"""Properties that a draft replaces."""
SKIPPED: Final = ("PHOTO", "LOGO", "SOUND", "KEY")
"""Properties with kilobytes in them that nobody looks at."""
KINDS: Final = (
    "home", "work", "cell", "voice", "fax", "pager", "main", "msg", "text", "video", "car", "pcs", "isdn", "bbs",
    "modem", "textphone", "mobile", "other", "iphone",
)  # fmt: skip
"""TYPE values of version 2.1, which may stand alone."""
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_TYPE: Final = re.compile(r"^[A-Za-z0-9-]+$")
_APPLE_LABEL: Final = re.compile(r"^_\$!<(.*)>!\$_$")


class Number(Struct, frozen=True):
    """A TEL of a card."""

    text: str
    kinds: tuple[str, ...]
    """TYPE values in small letters, `pref` left out."""


class Card(Struct, frozen=True, kw_only=True):
    """What a card says of a person or an organisation."""

    uid: str = ""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    organisation: str = ""
    title: str = ""
    numbers: tuple[Number, ...] = ()
    """The preferred one first."""
    emails: tuple[str, ...] = ()
    note: str = ""
    problems: tuple[str, ...] = ()
    """What could not be read, one line each."""
    group: bool = False
    """Whether it is a list of other cards and no contact."""


class UnreadableCardError(ValueError):
    """Nothing of a card can be used; the text says why."""


@dataclass
class _Lines:
    """The properties of a card that could be read."""

    found: dict[str, list[ContentLine]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[ContentLine]:
        """The properties of this name, the preferred one first."""
        return sorted(self.found.get(name, []), key=_preference)

    def text(self, name: str) -> str:
        """The value of the first property of this name that has one."""
        return next((text for line in self.all(name) if (text := unescaped(line.value).strip())), "")


def read_card(text: str) -> Card:
    """A card, as far as it can be read. Raises UnreadableCardError where nothing of it can be used."""
    lines = _properties(text)
    family, given, *_ = [*_components(lines, "N"), "", ""]
    organisation = ", ".join(part for part in _components(lines, "ORG") if part)
    numbers = tuple(number for line in lines.all("TEL") if (number := _number(line, lines)).text)
    emails = tuple(dict.fromkeys(email for line in lines.all("EMAIL") if (email := unescaped(line.value).strip())))
    name = lines.text("FN") or " ".join(part for part in (given, family) if part)
    name = (
        name or lines.text("NICKNAME") or organisation or next(iter(emails), "") or (numbers[0].text if numbers else "")
    )
    if not name:
        raise UnreadableCardError("; ".join(["it has no name, organisation, address or number", *lines.problems]))
    kind = (lines.text("KIND") or lines.text("X-ADDRESSBOOKSERVER-KIND")).lower()
    return Card(
        uid=lines.text("UID"),
        name=_one_line(name),
        given_name=given,
        family_name=family,
        organisation=_one_line(organisation),
        title=_one_line(lines.text("TITLE")),
        numbers=numbers,
        emails=emails,
        note=lines.text("NOTE"),
        problems=tuple(lines.problems),
        group=kind == "group",
    )


def new_card(draft: ContactDraft, uid: str | None = None) -> tuple[str, str]:
    """A card of version 3.0, which every server takes, and its UID."""
    uid = uid or str(uuid4())
    card = vobject.vCard()
    card.add("uid").value = uid
    card.add("fn").value = draft.name
    card.add("n").value = vobject.vcard.Name(family=draft.family_name, given=draft.given_name)
    if draft.organisation:
        card.add("org").value = [draft.organisation]
    for number in draft.numbers:
        line = card.add("tel")
        line.value = number.number
        if number.kinds:
            line.type_param = [kind.upper() for kind in number.kinds]
    for name, value in [*(("email", email) for email in draft.emails), ("title", draft.title), ("note", draft.note)]:
        if value:
            card.add(name).value = value
    return str(card.serialize()), uid


def changed_card(text: str, draft: ContactDraft) -> str:
    """The card with what the draft says in the place of its own; every other line stays as it is.

    A number or an address that is there already keeps its line, with its types and its group. Raises
    UnreadableCardError.
    """
    lines = list(logical_lines(text))
    _check_frame([line for line, _ in lines])
    version = next((line.partition(":")[2].strip() for line, _ in lines if line.upper().startswith("VERSION:")), "3.0")
    known = _properties(text)
    rest_of_name = next((";".join(re.split(r"(?<!\\);", line.value)[2:]) for line in known.all("N")), ";;")
    wanted = _wanted_lines(draft, version, rest_of_name)
    kept: list[str] = []
    groups_gone: set[str] = set()
    for line, raw in lines[:-1]:
        parsed = _parsed(line)
        if parsed is None or parsed.name not in OWN:
            kept.append(raw)
        elif (key := _identity(parsed, known)) in wanted:
            kept.append(raw)
            del wanted[key]
        elif parsed.group:
            groups_gone.add(parsed.group)
    left = [raw for raw in kept if raw.partition(".")[0] not in groups_gone or not _is_label(raw)]
    return "\r\n".join([*left, *(folded_line(line) for line in wanted.values()), lines[-1][1], ""])


def logical_lines(text: str) -> Iterable[tuple[str, str]]:
    """The content lines of a card, each unfolded and as it stands there (with CRLF inside of a folded one).

    A line is folded by white space at the beginning of the next one, or, in quoted-printable, by "=" at its end.
    """
    line, raw = "", ""
    for part in re.split("\r\n|\n|\r", text.lstrip("\ufeff")):
        quoted = raw and line.endswith("=") and "quoted-printable" in line.partition(":")[0].lower()
        if quoted:
            line, raw = line[:-1] + part.removeprefix(" "), f"{raw}\r\n{part}"
        elif raw and part[:1] in {" ", "\t"}:
            line, raw = line + part[1:], f"{raw}\r\n{part}"
        else:
            if raw.strip():
                yield line, raw
            line = raw = part
    if raw.strip():
        yield line, raw


def folded_line(line: str) -> str:
    """A content line in lines of at most 75 bytes, none of them cut within a character."""
    parts, size = [""], 0
    for letter in line:
        width = len(letter.encode())
        if size + width > 74:
            parts.append("")
            size = 0
        parts[-1] += letter
        size += width
    return "\r\n ".join(parts)


def unescaped(value: str) -> str:
    """A text as it is meant (RFC 6350, section 3.4)."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def escaped(value: str) -> str:
    """A text as a value; control characters, which no card may hold, are left out."""
    value = (
        value.replace("\\", "\\\\").replace("\r\n", "\n").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")
    )
    return "".join(letter for letter in value if letter >= " " or letter == "\t")


def _properties(text: str) -> _Lines:
    """What is in the card. Raises UnreadableCardError."""
    if len(text) > LARGEST:
        raise UnreadableCardError(f"it has {len(text)} characters, more than {LARGEST}")
    lines = [line for line, _ in logical_lines(text)]
    found = _Lines()
    _check_frame(lines)
    depth = 0
    for line in lines:
        upper = line.upper()
        if upper.startswith(("BEGIN:", "END:")):
            depth += 1 if upper.startswith("BEGIN:") else -1
            if depth == 0:
                return found  # a second card in one file is against RFC 6352: the first one is what it is about
        elif depth == 1 and line.partition(":")[0].partition(";")[0].rpartition(".")[2].upper() not in SKIPPED:
            parsed = _parsed(line)
            if parsed is None:
                found.problems.append(f"a line cannot be read: {line[:60]!r}")
            else:
                found.found.setdefault(parsed.name, []).append(parsed)
    found.problems.append("it breaks off before END:VCARD")
    return found


def _check_frame(lines: Sequence[str]) -> None:
    if not lines or lines[0].strip().upper() != "BEGIN:VCARD":
        raise UnreadableCardError("it does not begin with BEGIN:VCARD")


def _parsed(line: str) -> ContentLine | None:
    """One content line; None where it is none, or its encoding cannot be undone."""
    try:
        name, parameters, value, group = parseLine(line)
        quoted = any("QUOTED-PRINTABLE" in (part.upper() for part in parameter) for parameter in parameters)
        parsed = ContentLine(name, [part for part in parameters if not quoted or not _is_coding(part)], value, group)
        if quoted:
            charset = (parsed.params.get("CHARSET") or ["utf-8"])[0]
            parsed.value = _decoded(quopri.decodestring(value.encode()), charset)
        return parsed
    except (ParseError, VObjectError, ValueError, LookupError, IndexError):
        return None


def _is_coding(parameter: Sequence[str]) -> bool:
    return parameter[0].upper() == "ENCODING" or [part.upper() for part in parameter] == ["QUOTED-PRINTABLE"]


def _decoded(data: bytes, charset: str) -> str:
    """Bytes of a card that says which characters they are, and is not always right."""
    for name in (charset, "utf-8", "cp1251"):
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("latin-1")


def _components(lines: _Lines, name: str) -> list[str]:
    """The parts of a structured value."""
    for line in lines.all(name):
        if any(parts := _parts(line.value)):
            return parts
    return []


def _parts(value: str) -> list[str]:
    return [_one_line(unescaped(part)) for part in re.split(r"(?<!\\);", value)]


def _number(line: ContentLine, lines: _Lines) -> Number:
    """A TEL: in 4.0 it may be a URI with an extension ("tel:+7-495-123-45-67;ext=12")."""
    value = unescaped(line.value).strip()
    scheme, _, rest = value.partition(":")
    if scheme.lower() in {"tel", "sip", "sips", "callto", "skype"} and rest:
        value = rest.replace(";ext=", " ext. ").partition(";")[0].partition("@")[0].strip()
    kinds = [kind for kind in _types(line) if kind != "pref"]
    label = next(
        (item.value for item in lines.found.get("X-ABLABEL", []) if line.group and item.group == line.group), ""
    )
    if label := _APPLE_LABEL.sub(r"\1", unescaped(label)).strip().lower():
        kinds.append(label)
    return Number(value, tuple(dict.fromkeys(kinds)))


def _types(line: ContentLine) -> list[str]:
    """TYPE=cell,voice; TYPE="cell,voice"; and CELL;VOICE of version 2.1."""
    found = [part for value in line.params.get("TYPE", []) for part in value.split(",")]
    found += [part for part in line.singletonparams if part.lower() in (*KINDS, "pref")]
    return [part.strip().lower() for part in found if part.strip()]


def _preference(line: ContentLine) -> int:
    """1 to 100 of version 4.0, 1 for TYPE=pref, 101 for what is not preferred."""
    rank = next(iter(line.params.get("PREF", [])), "")
    if rank.isdecimal():
        return int(rank)
    return 1 if "pref" in _types(line) else 101


def _one_line(text: str) -> str:
    return " ".join(text.split())


Identity = tuple[str, str]
"""Property and what makes two of its lines the same."""


def _identity(line: ContentLine, lines: _Lines) -> Identity:
    match line.name:
        case "TEL":
            number = _number(line, lines)
            return "TEL", f"{number.text} {sorted(number.kinds)}"
        case "N":
            return "N", ";".join([*_parts(line.value), "", ""][:2])
        case "ORG":
            return "ORG", ", ".join(part for part in _parts(line.value) if part)
    return line.name, unescaped(line.value).strip()


def _wanted_lines(draft: ContactDraft, version: str, rest_of_name: str) -> dict[Identity, str]:
    """The lines that the card is to have, by what makes them the same as one that it has."""
    pairs = [("FN", draft.name), ("ORG", draft.organisation), ("TITLE", draft.title), ("NOTE", draft.note)]
    pairs += [("EMAIL", email) for email in draft.emails]
    found = {(key, value.strip()): f"{key}:{escaped(value)}" for key, value in pairs if value.strip()}
    names = draft.family_name.strip(), draft.given_name.strip()
    found["N", ";".join(names)] = f"N:{';'.join(map(escaped, names))};{rest_of_name}"
    for number in draft.numbers:
        found["TEL", f"{number.number.strip()} {sorted(kind.lower() for kind in number.kinds)}"] = _tel(number, version)
    return found


def _tel(number: DraftNumber, version: str) -> str:
    kinds = [kind.lower() for kind in number.kinds if _TYPE.match(kind)]
    types = f";TYPE={','.join(kinds)}" if kinds else ""
    if version == "4.0":
        types = f';TYPE="{",".join(kinds)}"' if len(kinds) > 1 else types
    return f"TEL{types}:{escaped(number.number.strip())}"


def _is_label(raw: str) -> bool:
    return raw.partition(".")[2].upper().startswith(("X-ABLABEL", "X-ABADR"))
