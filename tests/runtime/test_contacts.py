"""The copy of the address books: kept in step with real servers, looked into, and written through."""

import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace

from contracts.contact_errors import (
    CONTACT_CHANGED,
    CONTACT_NOT_FOUND,
    CONTACTS_NOT_CONFIGURED,
    CONTACTS_REFUSED,
    CONTACTS_UNREACHABLE,
)
from contracts.contacts import ContactDraft, DraftNumber
from contracts.errors import INVALID_FIELD, SETTING_INVALID, CallAnnotateError, Fault
from runtime.carddav import connect
from runtime.contact_settings import account_of
from runtime.contact_store import ContactStore, Filters
from runtime.contacts import Contacts, card_id
from runtime.secret import Secret
from runtime.settings import Settings, load_settings
from tests.runtime.dav_proxy import Asked, Reply, proxy
from tests.runtime.dav_servers import PASSWORD, USER, DavServer, card, free_port, running

PATIENCE = 60.0
EVERYBODY = Filters()
IVAN = card("ivan", "Иван Петров", "TEL;TYPE=CELL:8 (495) 123-45-67", "ORG:Ромашка", "EMAIL:ivan@example.org")
ANNA = card("anna", "Anna Smith", "TEL:+44 20 7946 0000", "TEL;TYPE=WORK:101", "ORG:Northwind")


@pytest.fixture(scope="module", params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running("radicale", tmp_path_factory.mktemp("one")) as found:
        yield found


def settings_of(url: str, folder: Path) -> Settings:
    return Settings(volume_path=folder, carddav_url=url, carddav_username=USER, carddav_password=Secret(PASSWORD),
                    phone_region="RU", carddav_timeout=30.0)  # fmt: skip


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Contacts]:
    """Contacts over a copy in the volume."""
    store = ContactStore(settings.volume_path / "contacts.sqlite3")
    try:
        with anyio.fail_after(PATIENCE):
            yield Contacts(settings, store, pauses=())
    finally:
        store.close()


@asynccontextmanager
async def synced(server: DavServer, folder: Path, **cards: str) -> AsyncIterator[Contacts]:
    """Contacts in step with a book that holds these cards and no others."""
    for name, text in cards.items():
        server.put(name, text)
    async with opened(settings_of(server.url, folder)) as contacts:
        await contacts.sync()
        try:
            yield contacts
        finally:
            for contact in (await contacts.page(EVERYBODY, 1000, 0)).contacts:
                await contacts.delete(contact.contact_id)


async def names(contacts: Contacts, **filters: str) -> list[str]:
    return [contact.name for contact in (await contacts.page(Filters(**filters), 100, 0)).contacts]


async def assert_fails(fault: Fault, work: object) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        await work  # type: ignore[misc]
    assert caught.value.fault is fault


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


async def test_five_thousand_contacts_are_looked_up_within_ten_milliseconds(tmp_path: Path) -> None:
    with running("xandikos", tmp_path / "server") as server:
        server.stop()
        server.fill(5000)
        server.start()
        async with opened(settings_of(server.url, tmp_path)) as contacts:
            assert (await contacts.sync()).read == 5000
            assert (await contacts.sync()).unchanged == 1
            spent = []
            for number in range(0, 5000, 50):
                began = time.perf_counter()
                (found,) = await contacts.by_number(f"+7 495 {number:07d}")
                (same,) = await contacts.by_name(f"Person {number}")
                spent.append(time.perf_counter() - began)
                assert found == same
            assert sorted(spent)[len(spent) // 2] < 0.01
            began = time.perf_counter()
            page = await contacts.page(Filters(search="person 49"), 10, 0)
            assert page.total == 111
            assert time.perf_counter() - began < 0.5


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


async def test_without_a_server_everything_says_so(tmp_path: Path) -> None:
    async with opened(Settings(volume_path=tmp_path)) as contacts:
        assert not contacts.configured
        draft = ContactDraft(name="A")
        for work in (contacts.sync(), contacts.status(), contacts.page(EVERYBODY, 1, 0), contacts.get("0" * 32),
                     contacts.create(draft), contacts.update("0" * 32, draft), contacts.delete("0" * 32),
                     contacts.search("a", 1)):  # fmt: skip
            await assert_fails(CONTACTS_NOT_CONFIGURED, work)


async def test_the_password_may_stand_in_a_file_and_is_read_for_every_connection(
    radicale: DavServer, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    settings = replace(settings_of(radicale.url, tmp_path), carddav_password=None, carddav_password_file=str(path))
    async with opened(settings) as contacts:
        await assert_fails(CONTACTS_REFUSED, contacts.sync())
        path.write_text("wrong\n")
        await assert_fails(CONTACTS_REFUSED, contacts.sync())
        path.write_text(f"{PASSWORD}\n")
        await contacts.sync()


async def test_the_password_is_seen_nowhere(
    radicale: DavServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "very-s3cret-word"
    settings = replace(settings_of(radicale.url, tmp_path), carddav_password=Secret(secret))
    async with opened(settings) as contacts:
        with pytest.raises(CallAnnotateError) as caught:
            await contacts.sync()
        status = await contacts.status()
        with pytest.raises(CallAnnotateError):
            await contacts.open()
    seen = [repr(settings), str(settings), repr(account_of(settings)), repr(caught.value), str(caught.value.details)]
    seen += [repr(status), caplog.text, *capfd.readouterr()]
    seen += contents(tmp_path)
    assert [text for text in seen if secret in text or "YWxpY2U6" in text] == []


def contents(folder: Path) -> list[str]:
    """Of all files."""
    return [path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"carddav_url": "ftp://example.org/"}, ["CARDDAV_URL", "http"]),
        ({"carddav_url": "example.org"}, ["CARDDAV_URL"]),
        ({"carddav_url": "https://alice:secret@example.org/"}, ["CARDDAV_URL", "CARDDAV_PASSWORD"]),
        (
            {"carddav_url": "http://example.org/", "carddav_password": Secret("x")},
            ["CARDDAV_ALLOW_HTTP", "unencrypted"],
        ),
        ({"phone_pattern": "("}, ["PHONE_PATTERN"]),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    store = ContactStore(tmp_path / "contacts.sqlite3")
    try:
        with pytest.raises(CallAnnotateError) as caught:
            Contacts(replace(Settings(volume_path=tmp_path), **changes), store)
    finally:
        store.close()
    assert caught.value.fault is SETTING_INVALID
    assert [word for word in words if word not in str(caught.value)] == []
    assert "secret" not in str(caught.value)


def test_the_password_is_taken_from_the_environment_and_not_from_the_file_of_settings(tmp_path: Path) -> None:
    assert load_settings({"CARDDAV_PASSWORD": "s3cret"}).carddav_password == Secret("s3cret")
    path = tmp_path / "settings.yaml"
    path.write_text("carddav_password: s3cret\n")
    with pytest.raises(CallAnnotateError) as caught:
        load_settings({}, path)
    assert caught.value.fault is SETTING_INVALID
    assert "s3cret" not in str(caught.value)
    assert "CARDDAV_PASSWORD" in str(caught.value)


def test_a_card_keeps_its_id() -> None:
    assert card_id("https://example.org/a.vcf") == card_id("https://example.org/a.vcf") != card_id("https://b/a.vcf")
