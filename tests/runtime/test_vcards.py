"""Cards of many vendors, and what becomes of them when they are read and changed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contacts import ContactDraft, DraftNumber
from runtime.vcards import Card, UnreadableCardError, changed_card, folded_line, logical_lines, new_card, read_card


def card(*lines: str, version: str = "3.0") -> str:
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def numbers(found: Card) -> list[str]:
    return [number.text for number in found.numbers]


PHOTO = "PHOTO;ENCODING=b;TYPE=JPEG:" + "\r\n ".join("/9j/4AAQSkZJRgABAQAAAQABAAD" * 3 for _ in range(400))

ZOO = {
    "iCloud groups its lines and labels them": (
        card("N:Appleseed;Johnny;;;", "FN:Johnny Appleseed", "item1.TEL;type=pref:+1 555 0100",
             "item1.X-ABLabel:_$!<HomePage>!$_", "item2.EMAIL;type=INTERNET:j@example.com", "item2.X-ABLabel:Büro"),
        ("Johnny Appleseed", ["+1 555 0100"]),
    ),
    "macOS folds in the middle of a word and of a character's bytes": (
        card("N:Müller;Jürgen;;;", "FN:Jürgen Mü\r\n ller", "TEL;type=CELL;type=VOICE;type=pref:0171\r\n  1234567"),
        ("Jürgen Müller", ["0171 1234567"]),
    ),
    "Outlook 2.1 writes quoted-printable with soft breaks": (
        card("N;LANGUAGE=ru;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=9F=D0=B5=D1=82=D1=80=D0=BE=D0=B2;=\r\n"
             "=D0=98=D0=B2=D0=B0=D0=BD", "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=\r\n"
             "=20=D0=9F=D0=B5=D1=82=D1=80=D0=BE=D0=B2", "TEL;WORK;VOICE:+7 (495) 123-45-67", version="2.1"),
        ("Иван Петров", ["+7 (495) 123-45-67"]),
    ),
    "an old Nokia writes the windows charset": (
        card("N;ENCODING=QUOTED-PRINTABLE;CHARSET=windows-1251:=CF=E5=F2=F0=EE=E2;=C8=E2=E0=ED", "TEL;CELL:89161234567",
             version="2.1"),
        ("Иван Петров", ["89161234567"]),
    ),
    "an old phone says quoted-printable without ENCODING": (
        card("FN;QUOTED-PRINTABLE:Caf=C3=A9", "TEL;PREF;CELL:0301234", version="2.1"), ("Café", ["0301234"]),
    ),
    "Android has no FN": (
        card("N:Smith;John;;;", "TEL;CELL:+15550101", version="2.1"), ("John Smith", ["+15550101"]),
    ),
    "a business has an organisation alone": (card("ORG:Acme;Sales", "TEL:+15550102"), ("Acme, Sales", ["+15550102"])),
    "somebody has a nickname alone": (card("NICKNAME:Bobby", "TEL:1"), ("Bobby", ["1"])),
    "somebody has an address alone": (card("EMAIL:x@example.org"), ("x@example.org", [])),
    "somebody has a number alone": (card("TEL:112"), ("112", ["112"])),
    "version 4.0 has URIs, and types in quotes": (
        card("FN:Erika Mustermann", 'TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+49-30-123456;ext=12',
             "TEL;VALUE=uri;TYPE=cell:tel:+49-171-1", "KIND:individual", version="4.0"),
        ("Erika Mustermann", ["+49-30-123456 ext. 12", "+49-171-1"]),
    ),
    "version 4.0 has languages and alternatives": (
        card("FN;ALTID=1;LANGUAGE=en:Rene van der Harten", "FN;ALTID=1;LANGUAGE=fr:René van der Harten",
             'N;SORT-AS="Harten,Rene":van der Harten;Rene,J.;;;R.D.O.N.', "TEL:+31", version="4.0"),
        ("Rene van der Harten", ["+31"]),
    ),
    "version 4.0 prefers by rank": (
        card("FN:A", "TEL;PREF=50:2", "TEL:3", "TEL;PREF=1:1", version="4.0"), ("A", ["1", "2", "3"]),
    ),
    "Google has photographs and labels of its own": (
        card("FN:Google User", PHOTO, "item1.TEL:+1 650", "item1.X-ABLabel:PROTON", "X-GOOGLE-TALK:me"),
        ("Google User", ["+1 650"]),
    ),
    "Nextcloud keeps a photograph in version 4.0 as a data URI": (
        card("FN:Cloud", "PHOTO:data:image/png;base64,iVBORw0KGgo=", "TEL;TYPE=\"HOME,VOICE\":+49 1", version="4.0"),
        ("Cloud", ["+49 1"]),
    ),
    "Lotus Notes has underscores in names of properties": (
        card("FN:Lotus", "X_LOTUS_FIELD:1", "TEL;WORK:+1 2"), ("Lotus", ["+1 2"]),
    ),
    "KDE escapes what need not be": (card("FN:Smith\\, John\\; Jr.", "TEL:\\+1 555"), ("Smith, John; Jr.", ["+1 555"])),
    "Evolution has sip and callto": (
        card("FN:E", "TEL;X-EVOLUTION-UI-SLOT=1;TYPE=WORK:sip:101@pbx.example.org", "TEL:callto:+1555"),
        ("E", ["101", "+1555"]),
    ),
    "Zimbra ends lines with LF and has tabs in folds": (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Zim\n\tbra\nTEL:+1 23\nEND:VCARD\n", ("Zimbra", ["+1 23"]),
    ),
    "an exporter begins with a byte order mark and ends lines with CR": (
        "\ufeffBEGIN:VCARD\rVERSION:3.0\rFN:Mac\rTEL:5\rEND:VCARD\r", ("Mac", ["5"]),
    ),
    "a file has blank lines and small letters": (
        "begin:vcard\r\nversion:3.0\r\n\r\nfn:low\r\ntel;type=cell:7\r\n\r\nend:vcard\r\n", ("low", ["7"]),
    ),
    "a file holds two cards, of which the first counts": (card("FN:One") + card("FN:Two"), ("One", [])),
    "a card has another one in it": (
        card("FN:Boss", "AGENT:", "BEGIN:VCARD", "FN:Secretary", "TEL:2", "END:VCARD", "TEL:1"), ("Boss", ["1"]),
    ),
    "numbers are empty or spaces": (card("FN:Empty", "TEL:", "TEL:   ", "TEL:3"), ("Empty", ["3"])),
    "there is no version": ("BEGIN:VCARD\r\nFN:Bare\r\nEND:VCARD", ("Bare", [])),
}  # fmt: skip


@pytest.mark.parametrize("quirk", ZOO)
def test_a_vendors_card_is_read(quirk: str) -> None:
    text, (name, expected) = ZOO[quirk]
    found = read_card(text)
    assert (found.name, numbers(found), found.problems) == (name, expected, ())


def test_types_of_numbers_are_read_however_they_are_written() -> None:
    found = read_card(
        card("FN:A", "TEL;CELL;VOICE:1", "TEL;TYPE=WORK,PREF:2", 'TEL;TYPE="home,fax":3', "x.TEL:4", "x.X-ABLabel:Дача")
    )
    assert {number.text: number.kinds for number in found.numbers} == {
        "1": ("cell", "voice"), "2": ("work",), "3": ("home", "fax"), "4": ("дача",)
    }  # fmt: skip


def test_the_preferred_number_comes_first() -> None:
    assert numbers(read_card(card("FN:A", "TEL:1", "TEL;TYPE=pref:2"))) == ["2", "1"]


def test_what_cannot_be_read_is_told_and_the_rest_is_used() -> None:
    found = read_card(card("FN:A", "this is no line", "TEL;ENCODING=QUOTED-PRINTABLE;CHARSET=nothing:=41", "TEL:2"))
    assert (found.name, numbers(found)[-1], len(found.problems)) == ("A", "2", 1)
    assert "this is no line" in found.problems[0]


def test_a_card_that_breaks_off_is_used_as_far_as_it_goes() -> None:
    found = read_card("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Half\r\nTEL:1\r\nTEL;TY")
    assert (found.name, numbers(found)) == ("Half", ["1"])
    assert "it breaks off before END:VCARD" in found.problems


@pytest.mark.parametrize(
    "text", ["", "hello", "BEGIN:VCALENDAR\r\nEND:VCALENDAR", card("X-ONLY:1"), card(), "BEGIN:VCARD"]
)
def test_what_is_no_card_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(UnreadableCardError, match="it "):
        read_card(text)


def test_a_group_of_cards_is_no_contact() -> None:
    assert read_card(card("FN:Team", "KIND:group", "MEMBER:urn:uuid:1", version="4.0")).group
    assert read_card(card("FN:Team", "X-ADDRESSBOOKSERVER-KIND:group")).group


@given(st.text(max_size=400))
def test_whatever_is_in_a_card_it_is_read_or_refused(text: str) -> None:
    for candidate in (text, card(text), card("FN:A", text)):
        with suppress(UnreadableCardError):
            assert read_card(candidate).name


DRAFT = ContactDraft(
    name="Анна Смирнова", given_name="Анна", family_name="Смирнова", organisation="Ромашка, ООО; север",
    numbers=(DraftNumber(number="+7 916 123-45-67", kinds=("cell", "voice")), DraftNumber(number="101")),
    emails=("anna@example.org",), title="Head\nof sales", note="a\\b, c; d\nsecond line",
)  # fmt: skip


def assert_says(found: Card, draft: ContactDraft) -> None:
    assert (found.name, found.given_name, found.family_name) == (draft.name, draft.given_name, draft.family_name)
    assert (found.organisation, found.emails, found.note) == (draft.organisation, draft.emails, draft.note)
    assert numbers(found) == [number.number for number in draft.numbers]
    assert found.problems == ()


def test_a_new_card_says_what_was_asked_for() -> None:
    text, uid = new_card(DRAFT)
    assert read_card(text).uid == uid
    assert_says(read_card(text), DRAFT)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
def test_a_changed_card_says_what_was_asked_for_and_keeps_all_else(version: str) -> None:
    foreign = [PHOTO, "X-CUSTOM;A=b:c", "BDAY:19800101", "item9.URL:https://example.org", "item9.X-ABLabel:Blog"]
    before = card("UID:7", "FN:Old", "N:Old;Older;Middle;;", "TEL:5", "item1.TEL:6", "item1.X-ABLabel:x", *foreign,
                  version=version)  # fmt: skip
    after = changed_card(before, DRAFT)
    assert_says(read_card(after), DRAFT)
    assert read_card(after).uid == "7"
    assert [line for line in foreign if line not in after] == []
    assert "item1." not in after
    assert ";Middle;;" in after


def test_lines_of_a_card_that_say_the_same_stay_as_they_are() -> None:
    before = card("UID:7", "FN:Анна Смирнова", "item1.TEL;type=CELL;type=pref:+7 916 123-45-67",
                  "item1.X-ABLabel:_$!<Main>!$_", "ORG:Ромашка;Продажи")  # fmt: skip
    kinds = read_card(before).numbers[0].kinds
    number = DraftNumber(number="+7 916 123-45-67", kinds=kinds)
    after = changed_card(before, ContactDraft(name="Анна Смирнова", organisation="Ромашка, Продажи", numbers=(number,)))
    assert [line for line in before.split("\r\n") if line not in after.split("\r\n")] == []


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40).map(
    lambda text: " ".join(text.split())
).filter(bool)  # fmt: skip


@given(name=WORDS, organisation=WORDS, note=WORDS)
def test_what_is_written_is_what_is_read_again(name: str, organisation: str, note: str) -> None:
    draft = ContactDraft(name=name, organisation=organisation, note=note)
    for text in (new_card(draft)[0], changed_card(card("FN:x", "NOTE:y"), draft)):
        found = read_card(text)
        assert (found.name, found.organisation, found.note) == (name, organisation, note)


def test_lines_are_folded_between_characters_and_unfolded_again() -> None:
    line = "NOTE:" + "ёжик " * 60
    text = folded_line(line)
    assert all(len(part.encode()) <= 75 for part in text.split("\r\n"))
    assert [found for found, _ in logical_lines(f"BEGIN:VCARD\r\n{text}\r\nEND:VCARD")][1] == line
