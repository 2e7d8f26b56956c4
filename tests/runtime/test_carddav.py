"""The client against real servers, Radicale and Xandikos, and against what servers should not do."""

import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from contracts.contact_errors import (
    CONTACTS_INVALID,
    CONTACTS_LEFT_SERVER,
    CONTACTS_READ_ONLY,
    CONTACTS_REFUSED,
    CONTACTS_UNREACHABLE,
)
from contracts.errors import CallAnnotateError, Fault
from runtime import carddav, dav_session
from runtime.carddav import Book, CardDav, connect
from runtime.dav_session import Account
from tests.runtime.dav_proxy import Asked, Reply, bearer_wanted, digest_wanted, proxy
from tests.runtime.dav_servers import PASSWORD, USER, DavServer, card, free_port, person, running

PATIENCE = 60.0
QUICK = (0.0, 0.0)
"""Pauses before new attempts."""


@pytest.fixture(scope="module")
def open_radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    """One that takes the proxy's word for who it is."""
    with running("radicale", tmp_path_factory.mktemp("open"), "http_x_remote_user") as found:
        yield found


async def own_book(dav: CardDav, server: DavServer) -> Book:
    return next(book for book in await dav.books() if book.url == server.book)


async def texts(dav: CardDav, book: Book, urls: list[str]) -> dict[str, str]:
    return {card.url: card.text async for cards in dav.cards(book, urls) for card in cards}


async def test_address_books_are_found_from_the_server_the_account_and_the_book_itself(server: DavServer) -> None:
    with anyio.fail_after(PATIENCE):
        for url in (server.url, server.url.rstrip("/"), server.home, server.book, server.book.rstrip("/")):
            async with connect(server.account(url)) as dav:
                assert server.book in [book.url for book in await dav.books()]


async def test_several_address_books_are_found_with_their_names(server: DavServer) -> None:
    other = f"{server.home}other/"
    server.make_book(other, "Other people")
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            names = {book.url: book.name for book in await dav.books()}
    server.send("DELETE", other)
    assert set(names) == {server.book, other}
    assert names[other] == "Other people"


async def test_changes_are_told_from_one_token_to_the_next(server: DavServer) -> None:
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            server.put("stays", card("stays", "Stays There"))
            server.put("goes", card("goes", "Goes Away"))
            book = await own_book(dav, server)
            first = await dav.changes(book, None)
            assert first.complete
            assert {f"{server.book}stays.vcf", f"{server.book}goes.vcf"} <= set(first.changed)
            assert (await dav.changes(book, first.token)).changed == {}
            server.put("comes", card("comes", "Comes In"))
            server.send("DELETE", f"{server.book}goes.vcf")
            second = await dav.changes(book, first.token)
    assert (set(second.changed), second.deleted) == ({f"{server.book}comes.vcf"}, (f"{server.book}goes.vcf",))
    assert not second.complete


async def test_after_a_token_that_the_server_does_not_know_all_is_told(server: DavServer) -> None:
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            server.put("known", card("known", "Known One"))
            changes = await dav.changes(await own_book(dav, server), "http://example.org/nonsense")
    assert changes.complete
    assert f"{server.book}known.vcf" in changes.changed


async def test_cards_come_in_batches(server: DavServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carddav, "BATCH", 10)
    count = 15
    for number in range(count):
        server.put(f"many-{number}", person(number))
    urls = [f"{server.book}many-{number}.vcf" for number in range(count)]
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            book = await own_book(dav, server)
            sizes = [len(cards) async for cards in dav.cards(book, [*urls, f"{server.book}missing.vcf"])]
            found = await texts(dav, book, urls[-1:])
            for number in range(count):
                server.send("DELETE", urls[number])
    assert sizes == [10, 5]
    assert f"FN:Person {count - 1}" in found[urls[-1]]


async def test_the_server_searches_names_numbers_and_organisations(server: DavServer) -> None:
    server.put("anna", card("anna", "Анна Смирнова", "TEL:+7 916 123-45-67", "ORG:Northwind"))
    server.put("bob", card("bob", "Bob Miller", "EMAIL:bob@example.org"))
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            book = await own_book(dav, server)
            for text, expected in [("смирн", "anna"), ("123-45", "anna"), ("northw", "anna"), ("BOB", "bob")]:
                found = await dav.find(book, text)
                assert [fetched.url for fetched in found] == [f"{server.book}{expected}.vcf"], text
            assert await dav.find(book, "nobody of this name") == []


async def test_a_card_is_made_read_changed_and_deleted(server: DavServer) -> None:
    url = f"{server.book}own.vcf"
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            book = await own_book(dav, server)
            assert await dav.put("Work", url, card("own", "My Own"), None)
            first = await dav.get(book, url)
            assert first is not None
            assert "FN:My Own" in first.text
            assert await dav.put("Work", url, card("own", "My New"), first.etag)
            second = await dav.get(book, url)
            assert second is not None
            assert "FN:My New" in second.text
            assert second.etag != first.etag
            assert await dav.delete("Work", url, second.etag)
            assert await dav.get(book, url) is None


async def test_what_somebody_else_has_changed_is_neither_written_nor_deleted(server: DavServer) -> None:
    url = f"{server.book}both.vcf"
    with anyio.fail_after(PATIENCE):
        async with connect(server.account()) as dav:
            book = await own_book(dav, server)
            server.put("both", card("both", "First One"))
            first = await dav.get(book, url)
            assert first is not None
            server.put("both", card("both", "Somebody Else"))
            assert not await dav.put("Work", url, card("both", "Mine"), first.etag)
            assert not await dav.put("Work", url, card("both", "Mine"), None)
            assert not await dav.delete("Work", url, first.etag)
            found = await dav.get(book, url)
    assert found is not None
    assert "FN:Somebody Else" in found.text


async def assert_fails(fault: Fault, account: Account, *words: str) -> CallAnnotateError:
    with anyio.fail_after(PATIENCE), pytest.raises(CallAnnotateError) as caught:
        async with connect(account, QUICK) as dav:
            await dav.books()
    assert caught.value.fault is fault
    assert [word for word in words if word not in str(caught.value)] == []
    assert PASSWORD not in f"{caught.value!r} {caught.value} {caught.value.details}"
    return caught.value


async def test_a_wrong_password_is_refused_and_not_repeated() -> None:
    with proxy(lambda _: (401, {"WWW-Authenticate": 'Basic realm="box"'}, b"no")) as front:
        account = Account(url=front.url, username=USER, password="wrong-and-secret")
        error = await assert_fails(CONTACTS_REFUSED, account, front.url.rstrip("/"), "401")
        assert "wrong-and-secret" not in str(error)
        with_login = [asked for asked in front.asked if "authorization" in asked.headers]
    assert len(with_login) == 1


async def test_radicale_lets_nobody_in_with_a_wrong_password(tmp_path: Path) -> None:
    with running("radicale", tmp_path) as server:
        await assert_fails(CONTACTS_REFUSED, server.account(password="wrong"))
        await assert_fails(CONTACTS_REFUSED, server.account(password=""))


@pytest.mark.parametrize("auth", ["auto", "digest"])
async def test_digest_is_spoken(open_radicale: DavServer, auth: str) -> None:
    with anyio.fail_after(PATIENCE), proxy(digest_wanted(USER, PASSWORD), open_radicale.url, USER) as front:
        account = Account(url=front.url, username=USER, password=PASSWORD, auth=auth)  # type: ignore[arg-type]
        async with connect(account) as dav:
            (book,) = await dav.books()
            assert await dav.put(book.name, f"{book.url}{auth}.vcf", card(auth, "By Digest"), None)
            assert await dav.get(book, f"{book.url}{auth}.vcf") is not None
        assert [asked for asked in front.asked if PASSWORD in str(asked.headers)] == []


async def test_a_token_is_sent_as_bearer_where_the_settings_say_so(open_radicale: DavServer) -> None:
    with anyio.fail_after(PATIENCE), proxy(bearer_wanted("t0ken"), open_radicale.url, USER) as front:
        async with connect(Account(url=front.url, password="t0ken", auth="bearer")) as dav:
            assert len(await dav.books()) == 1
        await assert_fails(CONTACTS_REFUSED, Account(url=front.url, username=USER, password="t0ken"), "CARDDAV_AUTH")


async def test_nobody_there_is_told_as_such() -> None:
    account = Account(url=f"http://127.0.0.1:{free_port()}/", username=USER, password=PASSWORD)
    await assert_fails(CONTACTS_UNREACHABLE, account, "Connection refused")


async def test_a_server_that_does_not_answer_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        account = Account(url=f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.2)
        await assert_fails(CONTACTS_UNREACHABLE, account, "no answer within 0.2 s")


async def test_what_fails_on_the_way_is_tried_again(open_radicale: DavServer) -> None:
    failures = iter([503, 429, 502, 503])

    def answer(_: Asked) -> Reply | None:
        status = next(failures, 0)
        return (status, {"Retry-After": "0"}, b"") if status else None

    with anyio.fail_after(PATIENCE), proxy(answer, open_radicale.url, USER) as front:
        async with connect(Account(url=front.url, username=USER, password=PASSWORD), (0.0,) * 4) as dav:
            assert len(await dav.books()) == 1


async def test_a_server_that_stays_busy_is_given_up() -> None:
    with proxy(lambda _: (503, {}, b"")) as front:
        await assert_fails(CONTACTS_UNREACHABLE, Account(url=front.url), "503")
        assert len(front.asked) == 1 + len(QUICK)


async def test_a_write_is_not_repeated() -> None:
    with anyio.fail_after(PATIENCE), proxy(lambda _: (503, {"Retry-After": "0"}, b"")) as front:
        async with connect(Account(url=front.url), QUICK) as dav:
            with pytest.raises(CallAnnotateError) as caught:
                await dav.put("Work", f"{front.url}a.vcf", card("a", "A"), None)
        assert caught.value.fault is CONTACTS_UNREACHABLE
        assert len(front.asked) == 1


async def test_redirects_are_followed_within_the_server(open_radicale: DavServer) -> None:
    def answer(asked: Asked) -> Reply | None:
        return (301, {"Location": "/alice/"}, b"") if asked.path in {"/", "/.well-known/carddav"} else None

    with anyio.fail_after(PATIENCE), proxy(answer, open_radicale.url, USER) as front:
        async with connect(Account(url=front.url, username=USER, password=PASSWORD)) as dav:
            assert [book.url for book in await dav.books()] == [f"{front.url}alice/office/"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_server_is_refused_and_nothing_is_sent_there(status: int) -> None:
    with proxy(lambda _: (200, {}, b"")) as other:
        with proxy(lambda _: (status, {"Location": f"{other.url}secret"}, b"")) as front:
            await assert_fails(CONTACTS_LEFT_SERVER, Account(url=front.url, username=USER, password=PASSWORD))
        assert other.asked == []


@pytest.mark.parametrize("location", ["https://127.0.0.1/", "http://localhost:{port}/", "file:///etc/passwd", "//x/y"])
async def test_a_redirect_to_another_scheme_port_or_name_is_refused(location: str) -> None:
    def answer(asked: Asked) -> Reply:
        return 302, {"Location": location.format(port=asked.headers["host"].partition(":")[2])}, b""

    with proxy(answer) as front:
        await assert_fails(CONTACTS_LEFT_SERVER, Account(url=front.url))


async def test_a_redirect_in_circles_ends() -> None:
    with proxy(lambda _: (302, {"Location": "/again"}, b"")) as front:
        await assert_fails(CONTACTS_INVALID, Account(url=front.url), "circles")


MULTISTATUS = (
    '<?xml version="1.0"?>{doctype}<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:response>'
    "<D:href>{href}</D:href><D:propstat><D:prop>{prop}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
    "</D:response></D:multistatus>"
)
BOOK = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>"


def multistatus(href: str = "/", prop: str = "", doctype: str = "") -> Reply:
    text = MULTISTATUS.format(href=href, prop=prop, doctype=doctype)
    return 207, {"Content-Type": "application/xml"}, text.encode()


@pytest.mark.parametrize(
    "reply",
    [
        multistatus("http://192.0.2.1/book/", BOOK),
        multistatus("/", "<C:addressbook-home-set><D:href>http://192.0.2.1/</D:href></C:addressbook-home-set>"),
        multistatus("/", "<D:current-user-principal><D:href>https://192.0.2.1/</D:href></D:current-user-principal>"),
    ],
)
async def test_a_link_to_another_server_is_refused(reply: Reply) -> None:
    with proxy(lambda _: reply) as front:
        await assert_fails(CONTACTS_LEFT_SERVER, Account(url=front.url), "192.0.2.1")


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"Content-Type": "text/html"}, b"<html>welcome</html>"),
        (207, {"Content-Type": "application/xml"}, b"<D:multistatus"),
        (207, {}, b""),
        (404, {}, b""),
        (500, {}, b"oops"),
        multistatus(),
        multistatus(doctype='<!DOCTYPE a [<!ENTITY x "y">]>', prop=BOOK),
        multistatus(doctype='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', prop="<D:owner>&x;</D:owner>"),
    ],
)
async def test_what_does_not_speak_carddav_is_told_as_such(reply: Reply) -> None:
    with proxy(lambda _: reply) as front:
        await assert_fails(CONTACTS_INVALID, Account(url=front.url), front.url.rstrip("/"))


async def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dav_session, "LARGEST", 100_000)
    with proxy(lambda _: (207, {}, b" " * 200_000)) as front:
        await assert_fails(CONTACTS_INVALID, Account(url=front.url), "more than 100000 bytes")


async def test_proxies_and_logins_of_the_environment_are_not_used(
    server: DavServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login eve password leaked\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with anyio.fail_after(PATIENCE):
        async with connect(server.account(), QUICK) as dav:
            assert server.book in [book.url for book in await dav.books()]
        with proxy(lambda _: (404, {}, b"")) as front:
            with pytest.raises(CallAnnotateError):
                async with connect(Account(url=front.url)) as dav:
                    await dav.books()
            assert [asked for asked in front.asked if "authorization" in asked.headers] == []


async def test_a_book_that_may_not_be_written_is_told_as_such() -> None:
    with anyio.fail_after(PATIENCE), proxy(lambda _: (403, {}, b"")) as front:
        async with connect(Account(url=front.url)) as dav:
            with pytest.raises(CallAnnotateError) as caught:
                await dav.put("Shared", f"{front.url}a.vcf", card("a", "A"), '"1"')
    assert caught.value.fault is CONTACTS_READ_ONLY
    assert "'Shared'" in str(caught.value)


def part(number: int, *, more: bool) -> Reply:
    """A part of a list of changes: RFC 6578, section 3.6."""
    etag = '<D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>'
    rest = "<D:response><D:href>/b/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>"
    text = (
        f'<D:multistatus xmlns:D="DAV:"><D:response><D:href>/b/{number}.vcf</D:href>{etag}</D:response>'
        f"{rest if more else ''}<D:sync-token>t{number}</D:sync-token></D:multistatus>"
    )
    return 207, {"Content-Type": "application/xml"}, text.encode()


async def test_a_list_of_changes_in_parts_is_put_together() -> None:
    parts = iter([part(1, more=True), part(2, more=True), part(3, more=False)])
    with anyio.fail_after(PATIENCE), proxy(lambda _: next(parts)) as front:
        async with connect(Account(url=front.url)) as dav:
            changes = await dav.changes(Book(url=f"{front.url}b/", name="b", sync_token="t3", ctag=None), None)
        tokens = [asked.body.partition(b"<sync-token")[2][:12] for asked in front.asked]
    assert sorted(changes.changed) == [f"{front.url}b/{number}.vcf" for number in (1, 2, 3)]
    assert changes.token == "t3"
    assert [b"t1" in token or b"t2" in token for token in tokens] == [False, True, True]


async def test_a_list_of_changes_that_never_ends_is_given_up() -> None:
    with anyio.fail_after(PATIENCE), proxy(lambda _: part(1, more=True)) as front:
        async with connect(Account(url=front.url)) as dav:
            with pytest.raises(CallAnnotateError) as caught:
                await dav.changes(Book(url=f"{front.url}b/", name="b", sync_token="t", ctag=None), None)
    assert caught.value.fault is CONTACTS_INVALID


async def test_without_sync_tokens_all_cards_are_listed(open_radicale: DavServer) -> None:
    open_radicale.send("PUT", f"{open_radicale.book}listed.vcf", card("l", "In The List"), "text/vcard")
    with anyio.fail_after(PATIENCE), proxy(lambda _: None, open_radicale.url, USER) as front:
        async with connect(Account(url=front.url)) as dav:
            book = Book(url=f"{front.url}alice/office/", name="Work", sync_token=None, ctag="1")
            changes = await dav.changes(book, None)
    assert changes.complete
    assert f"{front.url}alice/office/listed.vcf" in changes.changed
    assert f"{front.url}alice/office/" not in changes.changed
