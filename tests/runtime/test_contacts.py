"""The copy of the address books: kept in step with real servers, and looked into."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from contracts.contact_errors import (
    CONTACTS_UNREACHABLE,
)
from contracts.contacts import ContactDraft
from contracts.errors import CallAnnotateError
from runtime.contact_store import Filters
from runtime.contacts import card_id
from tests.runtime.contact_parts import ANNA, EVERYBODY, IVAN, assert_fails, names, opened, settings_of, synced
from tests.runtime.dav_proxy import Asked, Reply, proxy
from tests.runtime.dav_servers import DavServer, card, free_port, running


async def test_contacts_are_looked_up_by_number_and_name_however_they_are_written(
    server: DavServer, tmp_path: Path
) -> None:
    async with synced(server, tmp_path, ivan=IVAN, anna=ANNA) as contacts:
        for number in ("+74951234567", "8 495 123-45-67", "4951234567", "74951234567", "tel:+7-495-123-45-67"):
            assert [found.name for found in await contacts.by_number(number)] == ["Иван Петров"], number
        assert [found.name for found in await contacts.by_number("101")] == ["Anna Smith"]
        for name in ("Иван Петров", "петров иван", "ПЁТРОВ", "anna", "Smith, Anna"):
            assert len(await contacts.by_name(name)) == 1, name
        (anna,) = await contacts.by_name("Anna Smith")
        assert (anna.uid, anna.organisation, anna.numbers) == ("anna", "Northwind", ("+442079460000", "101"))
        for nobody in ("", "+7 495 765-43-21", "x"):
            assert await contacts.by_number(nobody) == ()
        for nobody in ("", "Anna Miller", "!"):
            assert await contacts.by_name(nobody) == ()


async def test_contacts_are_listed_by_filters_and_in_pages(server: DavServer, tmp_path: Path) -> None:
    async with synced(server, tmp_path, ivan=IVAN, anna=ANNA, bob=card("bob", "Bob Stone", "TEL:1")) as contacts:
        assert await names(contacts) == ["Anna Smith", "Bob Stone", "Иван Петров"]
        assert await names(contacts, search="ромаш") == ["Иван Петров"]
        assert await names(contacts, search="123-45") == ["Иван Петров"]
        assert await names(contacts, search="7946") == ["Anna Smith"]
        assert await names(contacts, organisation="north") == ["Anna Smith"]
        assert await names(contacts, number="8(495)1234567", name="иван") == ["Иван Петров"]
        assert await names(contacts, number="101", organisation="Ромашка") == []
        assert await names(contacts, uid="bob") == ["Bob Stone"]
        assert await names(contacts, book="no such book") == []
        pages = [await contacts.page(EVERYBODY, 2, offset) for offset in (0, 2, 4)]
        assert [[contact.name for contact in page.contacts] for page in pages] == [
            ["Anna Smith", "Bob Stone"], ["Иван Петров"], []
        ]  # fmt: skip
        assert [page.total for page in pages] == [3, 3, 3]


async def test_only_what_has_changed_is_read_again(server: DavServer, tmp_path: Path) -> None:
    async with synced(server, tmp_path, ivan=IVAN, anna=ANNA) as contacts:
        assert (await contacts.sync()).unchanged == 1
        server.put("anna", ANNA.replace("Smith", "Jones"))
        server.send("DELETE", f"{server.book}ivan.vcf")
        report = await contacts.sync()
        assert (report.read, report.removed) == (1, 1)
        assert await names(contacts) == ["Anna Jones"]
        assert await contacts.by_name("Smith Anna") == ()


async def test_a_lookup_asks_the_server_nothing(radicale: DavServer, tmp_path: Path) -> None:
    radicale.put("ivan", IVAN)
    with proxy(lambda _: None, radicale.url) as front:
        async with opened(replace(settings_of(radicale.url, tmp_path), carddav_url=radicale.url)) as contacts:
            await contacts.sync()
            asked = len(front.asked)
            await contacts.by_number("+74951234567")
            await contacts.by_name("Иван")
            await contacts.page(EVERYBODY, 10, 0)
            assert len(front.asked) == asked
    radicale.send("DELETE", f"{radicale.book}ivan.vcf")


async def test_only_the_books_that_are_named_are_kept(radicale: DavServer, tmp_path: Path) -> None:
    radicale.make_book(f"{radicale.home}second/", "Second")
    radicale.put("ivan", IVAN)
    settings = settings_of(radicale.url, tmp_path)
    async with opened(settings) as contacts:
        await contacts.sync()
        assert {book.name for book in (await contacts.status()).books} == {"Work", "Second"}
    async with opened(replace(settings, carddav_books="Second, Third")) as contacts:
        await contacts.sync()
        assert [book.name for book in (await contacts.status()).books] == ["Second"]
        assert await names(contacts) == []
    radicale.send("DELETE", f"{radicale.home}second/")
    radicale.send("DELETE", f"{radicale.book}ivan.vcf")


async def test_a_book_that_is_gone_takes_its_contacts_with_it(radicale: DavServer, tmp_path: Path) -> None:
    radicale.make_book(f"{radicale.home}gone/", "Gone")
    radicale.send("PUT", f"{radicale.home}gone/a.vcf", card("a", "Gone Soon", "TEL:+74950000000"), "text/vcard")
    async with synced(radicale, tmp_path) as contacts:
        assert len(await contacts.by_number("+74950000000")) == 1
        radicale.send("DELETE", f"{radicale.home}gone/")
        await contacts.sync()
        assert await contacts.by_number("+74950000000") == ()
        assert await contacts.by_name("Gone") == ()


async def test_cards_that_cannot_be_read_are_listed_and_break_nothing(tmp_path: Path) -> None:
    """Real servers refuse them, so one of another make is played by the proxy."""
    broken = {"a": "no card at all", "b": card("b", "Half Read", "TEL:+74951112233", "not a line"), "c": IVAN}
    with proxy(_server_with(broken)) as front:
        async with opened(replace(settings_of(front.url, tmp_path), carddav_username=None)) as contacts:
            report = await contacts.sync()
            status = await contacts.status()
            assert (report.read, report.unread, status.contacts, status.unread_total) == (3, 2, 2, 2)
            assert [(card.card[-5:], card.usable) for card in status.unread] == [("a.vcf", False), ("b.vcf", True)]
            assert "BEGIN:VCARD" in status.unread[0].problem
            assert await names(contacts) == ["Half Read", "Иван Петров"]


def _server_with(cards: dict[str, str], fails_at: int | None = None) -> Callable[[Asked], Reply]:
    """A book at / with these cards; the request of this number and all after it get no answer worth the name."""
    count = iter(range(1_000_000))
    multistatus = '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">{}</D:multistatus>'
    response = ("<D:response><D:href>{}</D:href><D:propstat><D:prop>{}</D:prop><D:status>HTTP/1.1 200 OK</D:status>"
                "</D:propstat></D:response>")  # fmt: skip

    def answer(asked: Asked) -> Reply:
        if fails_at is not None and next(count) >= fails_at:
            return 503, {}, b""
        if b"addressbook-multiget" in asked.body:
            wanted = [name for name in cards if f"/{name}.vcf<".encode() in asked.body]
            parts = [response.format(f"/{name}.vcf", f'<D:getetag>"{name}"</D:getetag><C:address-data><![CDATA['
                                     f"{cards[name]}]]></C:address-data>") for name in wanted]  # fmt: skip
        elif b"getetag" in asked.body:
            parts = [response.format(f"/{name}.vcf", f'<D:getetag>"{name}"</D:getetag>') for name in cards]
        else:
            book = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>All</D:displayname>"
            parts = [response.format("/", book)]
        return 207, {"Content-Type": "application/xml"}, multistatus.format("".join(parts)).encode()

    return answer


async def test_what_was_read_before_the_server_went_away_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.carddav.BATCH", 10)
    cards = {f"p{number}": card(f"p{number}", f"Person {number}") for number in range(35)}
    with proxy(_server_with(cards, fails_at=4)) as front:
        async with opened(replace(settings_of(front.url, tmp_path), carddav_username=None)) as contacts:
            await assert_fails(CONTACTS_UNREACHABLE, contacts.sync())
            assert (await contacts.status()).state == "away"
            assert (await contacts.page(EVERYBODY, 1, 0)).total == 20
            front.answer = _server_with(cards)
            report = await contacts.sync()
            assert (report.read, report.removed) == (15, 0)
            assert (await contacts.status()).state == "current"
            assert (await contacts.page(EVERYBODY, 1, 0)).total == 35


async def test_while_the_server_is_away_the_copy_is_read_and_nothing_is_written(tmp_path: Path) -> None:
    with running("radicale", tmp_path / "server") as server:
        server.put("ivan", IVAN)
        settings = settings_of(server.url, tmp_path)
        async with opened(settings) as contacts:
            await contacts.sync()
            assert await contacts.open() is None
            server.stop()
            await assert_fails(CONTACTS_UNREACHABLE, contacts.sync())
            (known,) = await contacts.by_number("+74951234567")
            await assert_fails(CONTACTS_UNREACHABLE, contacts.create(ContactDraft(name="A")))
            await assert_fails(CONTACTS_UNREACHABLE, contacts.update(known.contact_id, ContactDraft(name="A")))
            await assert_fails(CONTACTS_UNREACHABLE, contacts.delete(known.contact_id))
            notice = await contacts.open()
            assert notice is not None
            assert notice.code == "CONTACTS_OUTDATED"
        async with opened(settings) as contacts:
            assert len(await contacts.by_name("Иван")) == 1
        server.start()
        async with opened(settings) as contacts:
            await contacts.sync()
            assert (await contacts.status()).problem is None


async def test_contacts_are_kept_in_step_until_the_service_stops(radicale: DavServer, tmp_path: Path) -> None:
    radicale.put("ivan", IVAN)
    settings = replace(settings_of(radicale.url, tmp_path), carddav_sync_interval=0.05)
    async with opened(settings) as contacts, anyio.create_task_group() as tasks:
        tasks.start_soon(contacts.run)
        assert await contacts.open() is None
        assert len(await contacts.by_name("Иван")) == 1
        radicale.put("anna", ANNA)
        while not await contacts.by_name("Anna"):
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    for name in ("ivan", "anna"):
        radicale.send("DELETE", f"{radicale.book}{name}.vcf")


async def test_without_a_copy_a_lookup_says_that_the_server_is_away(tmp_path: Path) -> None:
    async with opened(settings_of(f"http://127.0.0.1:{free_port()}/", tmp_path)) as contacts:
        await assert_fails(CONTACTS_UNREACHABLE, contacts.sync())
        with pytest.raises(CallAnnotateError) as caught:
            await contacts.open()
    assert caught.value.fault is CONTACTS_UNREACHABLE
    assert "Connection refused" in str(caught.value)


async def test_five_thousand_contacts_are_looked_up_by_number_name_and_part(tmp_path: Path) -> None:
    with running("xandikos", tmp_path / "server") as server:
        server.stop()
        server.fill(5000)
        server.start()
        async with opened(settings_of(server.url, tmp_path)) as contacts:
            assert (await contacts.sync()).read == 5000
            assert (await contacts.sync()).unchanged == 1
            for number in range(0, 5000, 500):
                (found,) = await contacts.by_number(f"+7 495 {number:07d}")
                (same,) = await contacts.by_name(f"Person {number}")
                assert found == same
            page = await contacts.page(Filters(search="person 49"), 10, 0)
            assert page.total == 111
            assert len(page.contacts) == 10


async def test_the_copy_of_another_account_is_not_used(radicale: DavServer, tmp_path: Path) -> None:
    radicale.put("ivan", IVAN)
    settings = settings_of(radicale.url, tmp_path)
    async with opened(settings) as contacts:
        await contacts.sync()
    async with opened(replace(settings, carddav_username="bob")) as contacts:
        assert await names(contacts) == []
        assert (await contacts.status()).state == "never"
    radicale.send("DELETE", f"{radicale.book}ivan.vcf")


async def test_a_copy_that_cannot_be_used_is_made_anew(radicale: DavServer, tmp_path: Path) -> None:
    path = tmp_path / "contacts.sqlite3"
    radicale.put("ivan", IVAN)
    for damage in ("damaged", "newer"):
        if damage == "damaged":
            path.write_bytes(b"this is no database at all" * 100)
        else:
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA user_version = 99")
            connection.close()
        async with opened(settings_of(radicale.url, tmp_path)) as contacts:
            await contacts.sync()
            assert await names(contacts) == ["Иван Петров"]
    radicale.send("DELETE", f"{radicale.book}ivan.vcf")


def test_a_card_keeps_its_id() -> None:
    assert card_id("https://example.org/a.vcf") == card_id("https://example.org/a.vcf") != card_id("https://b/a.vcf")
