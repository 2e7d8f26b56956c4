"""Contacts that are written through to real servers."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.contact_errors import (
    CONTACT_CHANGED,
    CONTACT_NOT_FOUND,
)
from contracts.contacts import ContactDraft, DraftNumber
from contracts.errors import INVALID_FIELD, CallAnnotateError
from runtime.carddav import connect
from tests.runtime.contact_parts import EVERYBODY, IVAN, assert_fails, names, opened, settings_of, synced
from tests.runtime.dav_servers import DavServer, card


async def test_a_contact_is_made_changed_and_deleted_on_the_server(server: DavServer, tmp_path: Path) -> None:
    draft = ContactDraft(name="Анна Смирнова", given_name="Анна", family_name="Смирнова",
                         numbers=(DraftNumber(number="8 916 123-45-67", kinds=("cell",)),), note="a, b; c")  # fmt: skip
    async with synced(server, tmp_path) as contacts, opened(settings_of(server.url, _folder(tmp_path))) as others:
        made = await contacts.create(draft)
        assert [(number.e164, number.kinds) for number in made.numbers] == [("+79161234567", ("cell",))]
        await others.sync()
        assert await others.get(made.contact_id) == made
        changed = await contacts.update(made.contact_id, replace(draft, organisation="Ромашка"))
        assert (changed.organisation, changed.uid) == ("Ромашка", made.uid)
        assert changed.etag != made.etag
        await others.sync()
        assert (await others.get(made.contact_id)).organisation == "Ромашка"
        await contacts.delete(made.contact_id)
        await others.sync()
        await assert_fails(CONTACT_NOT_FOUND, others.get(made.contact_id))
        await assert_fails(CONTACT_NOT_FOUND, contacts.get(made.contact_id))


def _folder(parent: Path) -> Path:
    (parent / "other").mkdir()
    return parent / "other"


async def test_what_the_card_says_beside_the_contact_survives_a_change(server: DavServer, tmp_path: Path) -> None:
    text = card("ivan", "Иван Петров", "TEL:1", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ", "BDAY:1980-01-02")
    async with synced(server, tmp_path, ivan=text) as contacts:
        (known,) = (await contacts.page(EVERYBODY, 10, 0)).contacts
        await contacts.update(known.contact_id, ContactDraft(name="Иван Иванов"))
        (raw,) = await contacts.search("Иванов", 10)
        assert raw.name == "Иван Иванов"
        assert raw.numbers == ()
        async with connect(server.account()) as dav:
            book = next(book for book in await dav.books() if book.url == server.book)
            stored = await dav.get(book, f"{server.book}ivan.vcf")
    assert stored is not None
    assert "PHOTO" in stored.text
    assert "BDAY" in stored.text


async def test_a_contact_that_somebody_else_has_changed_is_neither_overwritten_nor_deleted(
    server: DavServer, tmp_path: Path
) -> None:
    draft = ContactDraft(name="Mine")
    async with synced(server, tmp_path, ivan=IVAN) as contacts:
        (known,) = (await contacts.page(EVERYBODY, 10, 0)).contacts
        await assert_fails(CONTACT_CHANGED, contacts.update(known.contact_id, draft, '"another"'))
        await assert_fails(CONTACT_CHANGED, contacts.delete(known.contact_id, '"another"'))
        server.put("ivan", IVAN.replace("Ромашка", "Лютик"))
        await assert_fails(CONTACT_CHANGED, contacts.update(known.contact_id, draft))
        # The copy has learnt of it, so the next attempt knows what it overwrites.
        assert (await contacts.get(known.contact_id)).organisation == "Лютик"
        server.put("ivan", IVAN.replace("Ромашка", "Клевер"))
        await assert_fails(CONTACT_CHANGED, contacts.delete(known.contact_id))
        server.send("DELETE", f"{server.book}ivan.vcf")
        await assert_fails(CONTACT_NOT_FOUND, contacts.update(known.contact_id, draft))
        assert await names(contacts) == []


async def test_a_new_contact_goes_into_the_book_that_is_named(radicale: DavServer, tmp_path: Path) -> None:
    radicale.make_book(f"{radicale.home}private/", "Private")
    async with synced(radicale, tmp_path) as contacts:
        made = await contacts.create(ContactDraft(name="A", book="Private"))
        assert made.book == "Private"
        with pytest.raises(CallAnnotateError) as caught:
            await contacts.create(ContactDraft(name="A", book="Nowhere"))
        assert caught.value.fault is INVALID_FIELD
        assert "Private" in str(caught.value)
        await assert_fails(INVALID_FIELD, contacts.update(made.contact_id, ContactDraft(name="A", book="Work")))
        assert await names(contacts, book="Private") == ["A"]
    radicale.send("DELETE", f"{radicale.home}private/")
