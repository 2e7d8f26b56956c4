"""The client of a CardDAV server (RFC 6352): its address books, what has changed in them, and their cards."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from anyio import sleep
from caldav.lib import error as dav_errors
from caldav.response import DAVResponse
from lxml.etree import _Element  # type: ignore[import-untyped]
from msgspec import Struct

from contracts.contact_errors import (
    CONTACTS_INVALID,
    CONTACTS_READ_ONLY,
    CONTACTS_REFUSED,
    CONTACTS_UNREACHABLE,
)
from contracts.errors import CallAnnotateError
from runtime.dav_session import Account, DavClient, Origin, check_origin, origin_of
from runtime.dav_xml import (
    CARD,
    DAV,
    SERVER,
    Member,
    cards_wanted,
    element,
    links_of,
    printed,
    properties_of,
    propfind_body,
    responses,
    status_of,
    text_of,
    value_of,
)

BATCH: Final = 100
"""Cards asked for at once."""
PAUSES: Final = (0.25, 0.5, 1.0)
"""Seconds before each new attempt."""
LONGEST_PAUSE: Final = 30.0
"""Seconds at most that a server may ask us to wait."""
BUSY: Final = (429, 502, 503, 504)
PAGES: Final = 1000
"""Parts of one list of changes at most."""
WELL_KNOWN: Final = "/.well-known/carddav"


class Book(Struct, frozen=True, kw_only=True):
    """An address book as the server describes it."""

    url: str
    name: str
    sync_token: str | None
    """RFC 6578; None where the server has none."""
    ctag: str | None
    """Changes with every change in the book; None where the server has none."""


class Changes(Struct, frozen=True, kw_only=True):
    """What has changed in a book."""

    changed: dict[str, str]
    """ETag by the card's URL."""
    deleted: tuple[str, ...]
    """URLs."""
    token: str | None
    """For the next time."""
    complete: bool
    """Whether `changed` is all that there is in the book."""


class Fetched(Struct, frozen=True, kw_only=True):
    """A card as the server has it."""

    url: str
    etag: str
    text: str


@asynccontextmanager
async def connect(account: Account, pauses: Sequence[float] = PAUSES) -> AsyncIterator["CardDav"]:
    """A client of the server; nothing is sent yet. Raises CONTACTS_INVALID where the URL is none."""
    try:
        origin = origin_of(account.url)
    except ValueError as error:
        raise CallAnnotateError(CONTACTS_INVALID, server=account.url[:100], cause=str(error)) from None
    async with DavClient(account, origin) as client:
        yield CardDav(client, origin, account.url, pauses)


class _StaleTokenError(Exception):
    """The server does not know the sync token, or the report."""


class _ForbiddenError(Exception):
    """403."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body: Final = body


class _BusyError(Exception):
    """429 or 503."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds: Final = seconds
        """What the server asks us to wait."""


class CardDav:
    """One server. Every method raises CONTACTS_UNREACHABLE, _REFUSED, _LEFT_SERVER or _INVALID."""

    def __init__(self, client: DavClient, origin: Origin, url: str, pauses: Sequence[float]) -> None:
        self.origin: Final = origin
        self._client: Final = client
        self._url: Final = url
        self._pauses: Final = pauses

    async def books(self) -> list[Book]:
        """The address books at the configured URL: itself, those under it, or those of the account."""
        properties = (
            "resourcetype", "displayname", "sync-token", "supported-report-set", "current-user-principal",
            f"{CARD}addressbook-home-set", f"{SERVER}getctag",
        )  # fmt: skip
        found = await self._propfind(self._url, properties, depth=0, missing_ok=True)
        if not found and urlsplit(self._url).path in {"", "/"}:
            found = await self._propfind(urljoin(self._url, WELL_KNOWN), properties, depth=0)
        books = [book for item in found if (book := self._book(item))]
        if books:
            return books
        homes = links_of(found, f"{CARD}addressbook-home-set")
        principals = links_of(found, f"{DAV}current-user-principal")
        if not homes and not principals and urlsplit(self._url).path in {"", "/"}:
            found = await self._propfind(urljoin(self._url, WELL_KNOWN), properties, depth=0, missing_ok=True)
            principals = links_of(found, f"{DAV}current-user-principal")
        if not homes:
            for principal in principals:
                account = await self._propfind(self._joined(principal), (f"{CARD}addressbook-home-set",), depth=0)
                homes += links_of(account, f"{CARD}addressbook-home-set")
        for home in [self._joined(home) for home in homes] or [self._url]:
            listed = await self._propfind(home, properties, depth=1)
            books += [book for item in listed if (book := self._book(item))]
        if not books:
            raise self._invalid("there is no address book")
        return list({book.url: book for book in books}.values())

    async def changes(self, book: Book, token: str | None) -> Changes:
        """What has changed since the token, or all that there is; a token that is too old counts as none."""
        if book.sync_token is None:
            return await self._listing(book)
        try:
            return await self._since(book, token)
        except _StaleTokenError:
            return await self._since(book, None) if token is not None else await self._listing(book)

    async def cards(self, book: Book, urls: Sequence[str]) -> AsyncIterator[list[Fetched]]:
        """The cards at these URLs, some at a time; those that are gone meanwhile are left out."""
        for start in range(0, len(urls), BATCH):
            body = cards_wanted(f"{CARD}addressbook-multiget")
            for url in urls[start : start + BATCH]:
                element(f"{DAV}href", body).text = urlsplit(url).path
            answer = await self._again(lambda body=body: self._report(book.url, body))  # type: ignore[misc]
            yield self._fetched(answer)

    async def find(self, book: Book, text: str, limit: int = 50) -> list[Fetched]:
        """The cards of a book with the text in a name, an organisation, an address or a number; the server looks."""
        body = cards_wanted(f"{CARD}addressbook-query")
        conditions = element(f"{CARD}filter", body, test="anyof")
        # Some servers fold only the letters of ASCII: each way to write it is asked for.
        for name in ("FN", "N", "ORG", "NICKNAME", "EMAIL", "TEL"):
            for wanted in dict.fromkeys((text, text.lower(), text.title(), text.upper())):
                condition = element(f"{CARD}prop-filter", conditions, name=name)
                match = element(f"{CARD}text-match", condition, collation="i;unicode-casemap", match_type="contains")
                match.text = wanted
        element(f"{CARD}nresults", element(f"{CARD}limit", body)).text = str(limit)
        answer = await self._again(lambda: self._report(book.url, body))
        return self._fetched(answer)[:limit]

    async def get(self, book: Book, url: str) -> Fetched | None:
        """One card; None where it is gone."""
        async for fetched in self.cards(book, [url]):
            return fetched[0] if fetched else None
        return None

    async def put(self, book_name: str, url: str, text: str, etag: str | None) -> bool:
        """Write a card: a new one, or instead of the one with this ETag. False where it is another one by now.

        Raises CONTACTS_READ_ONLY as well. Not tried again: it may have been written although no answer came.
        """
        condition = {"If-None-Match": "*"} if etag is None else {"If-Match": etag}
        headers = {**condition, "Content-Type": "text/vcard; charset=utf-8"}
        return await self._write(book_name, url, "PUT", text, headers, (200, 201, 204))

    async def delete(self, book_name: str, url: str, etag: str) -> bool:
        """Delete the card with this ETag. False where it is another one by now; raises CONTACTS_READ_ONLY as well."""
        return await self._write(book_name, url, "DELETE", "", {"If-Match": etag}, (200, 204, 404, 410))

    async def _write(
        self, book_name: str, url: str, method: str, text: str, headers: dict[str, str], good: Sequence[int]
    ) -> bool:
        try:
            answer = await self._request(url, method, text, headers)
        except _ForbiddenError:
            raise CallAnnotateError(CONTACTS_READ_ONLY, book=book_name) from None
        except _BusyError:
            raise self._unreachable("it is busy") from None
        if answer.status in {409, 412}:
            return False
        if answer.status == 405:
            raise CallAnnotateError(CONTACTS_READ_ONLY, book=book_name)
        self._expect(answer, *good)
        return True

    async def _since(self, book: Book, token: str | None) -> Changes:
        """The report sync-collection (RFC 6578), part after part."""
        changed: dict[str, str] = {}
        deleted: set[str] = set()
        complete = not token
        for _ in range(PAGES):
            body = element(f"{DAV}sync-collection")
            element(f"{DAV}sync-token", body).text = token or ""
            element(f"{DAV}sync-level", body).text = "1"
            element(f"{DAV}getetag", element(f"{DAV}prop", body))
            answer = await self._again(lambda body=body: self._report(book.url, body, depth=0))  # type: ignore[misc]
            more = False
            for item in self._members(answer, book):
                if item.status == 507:
                    more = True
                elif item.status in {404, 410}:
                    deleted.add(item.url)
                    changed.pop(item.url, None)
                elif item.url != book.url and item.etag:
                    changed[item.url] = item.etag
                    deleted.discard(item.url)
            before, token = token, text_of(answer.tree, f"{DAV}sync-token")
            if not more:
                return Changes(changed=changed, deleted=tuple(deleted), token=token, complete=complete)
            if not token or token == before:
                break
        raise self._invalid("its list of changes has no end")

    async def _listing(self, book: Book) -> Changes:
        """All cards with their ETags."""
        answer = await self._again(
            lambda: self._request(book.url, "PROPFIND", propfind_body(("getetag", "resourcetype")), {"Depth": "1"})
        )
        self._expect(answer, 207)
        changed = {item.url: item.etag for item in self._members(answer, book) if item.etag and not item.collection}
        return Changes(changed=changed, deleted=(), token=None, complete=True)

    async def _propfind(
        self, url: str, properties: Iterable[str], *, depth: int, missing_ok: bool = False
    ) -> list[_Element]:
        """The responses of a multistatus."""
        body = propfind_body(properties)
        answer = await self._again(lambda: self._request(url, "PROPFIND", body, {"Depth": str(depth)}))
        if missing_ok and answer.status in {404, 405}:
            return []
        self._expect(answer, 207)
        return responses(answer.tree)

    async def _report(self, url: str, body: _Element, depth: int = 1) -> DAVResponse:
        try:
            answer = await self._request(url, "REPORT", printed(body), {"Depth": str(depth)})
        except _ForbiddenError as error:
            if b"valid-sync-token" in error.body:
                raise _StaleTokenError from None
            raise self._refused("403 Forbidden") from None
        if answer.status in {400, 403, 409, 410, 412, 501} and body.tag == f"{DAV}sync-collection":
            raise _StaleTokenError
        self._expect(answer, 207)
        return answer

    async def _request(
        self, url: str, method: str, body: str = "", headers: dict[str, str] | None = None
    ) -> DAVResponse:
        headers = dict(headers or {})
        if method in {"PROPFIND", "REPORT"}:
            headers["Content-Type"] = 'application/xml; charset="utf-8"'
        try:
            return await self._client.request(url, method, body, headers)
        except dav_errors.AuthorizationError as error:
            if error.status == 403:
                text = error.body or b""
                raise _ForbiddenError(text.encode() if isinstance(text, str) else text) from None
            raise self._refused("401 Unauthorized") from None
        except dav_errors.RateLimitError as error:
            raise _BusyError(min(LONGEST_PAUSE, error.retry_after_seconds or 0.0)) from None
        except NotImplementedError:  # what caldav raises where it knows no scheme that the server offers
            raise self._refused("it offers no login that fits; see CARDDAV_AUTH") from None
        except (dav_errors.DAVError, ValueError) as error:
            raise self._invalid(type(error).__name__) from None

    async def _again(self, attempt: Callable[[], Awaitable[DAVResponse]]) -> DAVResponse:
        """An answer to what changes nothing, tried again where the server is busy or out of reach."""
        for pause in (*self._pauses, None):
            try:
                answer = await attempt()
                if answer.status not in BUSY or pause is None:
                    return answer
                wait = pause
            except _ForbiddenError:
                raise self._refused("403 Forbidden") from None
            except _BusyError as error:
                if pause is None:
                    raise self._unreachable("it is busy") from None
                wait = max(pause, error.seconds)
            except CallAnnotateError as error:
                if pause is None or error.fault is not CONTACTS_UNREACHABLE:
                    raise
                wait = pause
            await sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _book(self, item: _Element) -> Book | None:
        """What a response of a multistatus says of an address book; None of anything else."""
        properties = properties_of(item)
        kind = properties.get(f"{DAV}resourcetype")
        if kind is None or kind.find(f"{CARD}addressbook") is None:
            return None
        url = self._joined(text_of(item, f"{DAV}href"))
        folder = unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
        return Book(
            url=url if url.endswith("/") else f"{url}/",
            name=value_of(properties, f"{DAV}displayname") or folder or "contacts",
            sync_token=value_of(properties, f"{DAV}sync-token") or None,
            ctag=value_of(properties, f"{SERVER}getctag") or None,
        )

    def _members(self, answer: DAVResponse, book: Book) -> list[Member]:
        """What a multistatus lists of a book; an address outside of it is none of its cards."""
        found = []
        for item in responses(answer.tree):
            url = self._joined(text_of(item, f"{DAV}href"))
            if not unquote(url).startswith(unquote(book.url)) and url.rstrip("/") != book.url.rstrip("/"):
                continue
            properties = properties_of(item)
            kind = properties.get(f"{DAV}resourcetype")
            etag = value_of(properties, f"{DAV}getetag")
            found.append(Member(url, status_of(item), etag, kind is not None and len(kind) > 0))
        return found

    def _fetched(self, answer: DAVResponse) -> list[Fetched]:
        found = []
        for item in responses(answer.tree):
            properties = properties_of(item)
            data = properties.get(f"{CARD}address-data")
            if data is not None and data.text:
                url = self._joined(text_of(item, f"{DAV}href"))
                found.append(Fetched(url=url, etag=value_of(properties, f"{DAV}getetag"), text=data.text))
        return found

    def _joined(self, href: str) -> str:
        """The URL that a link of the server means. Raises CONTACTS_LEFT_SERVER or CONTACTS_INVALID."""
        url = urljoin(self._url, href.strip())
        check_origin(url, self.origin)
        return url

    def _expect(self, answer: DAVResponse, *statuses: int) -> None:
        if answer.status in BUSY:
            raise self._unreachable(f"{answer.status} {answer.reason}")
        if answer.status not in statuses or (207 in statuses and answer.tree is None):
            raise self._invalid(f"{answer.status} {answer.reason}")

    def _invalid(self, cause: str) -> CallAnnotateError:
        return CallAnnotateError(CONTACTS_INVALID, server=str(self.origin), cause=cause[:200])

    def _unreachable(self, cause: str) -> CallAnnotateError:
        return CallAnnotateError(CONTACTS_UNREACHABLE, server=str(self.origin), cause=cause[:200])

    def _refused(self, cause: str) -> CallAnnotateError:
        return CallAnnotateError(CONTACTS_REFUSED, server=str(self.origin), cause=cause)
