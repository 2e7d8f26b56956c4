"""Contacts: a copy of the address books that is kept in step, looked into, and written through to the server."""

import hashlib
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote
from uuid import uuid4

import structlog
from anyio import CapacityLimiter, Event, Lock, move_on_after, sleep, to_thread
from msgspec import Struct
from msgspec.structs import replace

from contracts.annotation import Notice
from contracts.contact_errors import (
    CONTACT_CHANGED,
    CONTACT_NOT_FOUND,
    CONTACTS_NOT_CONFIGURED,
    CONTACTS_OUTDATED,
    CONTACTS_UNREACHABLE,
)
from contracts.contacts import Contact, ContactDraft, ContactPage, ContactsStatus, FoundContact, PhoneNumber
from contracts.errors import INVALID_FIELD, CallAnnotateError
from runtime.carddav import PAUSES, Book, CardDav, Fetched, connect
from runtime.contact_settings import account_of, check_settings
from runtime.contact_store import BookRow, CardRow, ContactStore, Filters
from runtime.dav_session import Account, origin_of
from runtime.phone_numbers import e164, number_key
from runtime.settings import Settings
from runtime.vcards import UnreadableCardError, changed_card, new_card, read_card

READER: Final = 1
"""Changes with the way that cards are read: then all are read again."""
FIRST_SYNC: Final = 30.0
"""Seconds that a job waits for the first sync of a server that has just begun."""
SOON: Final = 5.0
"""Seconds after which a sync that failed is tried again; twice as many after each failure."""

log: Final = structlog.get_logger()


class SyncReport(Struct, frozen=True, kw_only=True):
    """What a sync has done."""

    books: int = 0
    read: int = 0
    """Cards that were fetched."""
    removed: int = 0
    unread: int = 0
    """Cards fetched that could not be read, or not all of them."""
    unchanged: int = 0
    """Books in which nothing had changed."""


class Contacts:
    """The address books of one account. Without CARDDAV_URL every method but `run` raises CONTACTS_NOT_CONFIGURED."""

    def __init__(self, settings: Settings, store: ContactStore, pauses: Sequence[float] = PAUSES) -> None:
        """Raises SETTING_INVALID."""
        check_settings(settings)
        self.configured: Final = settings.carddav_url is not None
        self._settings: Final = settings
        self._store: Final = store
        self._pauses: Final = pauses
        self._syncing: Final = Lock()
        self._reading: Final = CapacityLimiter(1)
        """The thread that reads cards."""
        self._tried: Final = Event()
        """Set when the first sync has ended, well or not."""

    async def run(self) -> None:
        """Keep the copy in step until cancelled."""
        failures = 0
        while True:
            if self.configured:
                failures = 0 if await self._sync_quietly() else failures + 1
            interval = self._settings.carddav_sync_interval
            await sleep(interval if not failures else min(interval, SOON * 2.0 ** min(failures - 1, 10)))

    async def sync(self) -> SyncReport:
        """Bring the copy in step with the server. Raises what connect and CardDav raise, and of the database."""
        async with self._syncing:
            try:
                await self._store.begin(self._account_mark())
                async with connect(self._account(), self._pauses) as dav:
                    report = await self._synced(dav)
                await self._store.note(None, time.time())
            except CallAnnotateError as error:
                await self._store.note(error.message, time.time())
                raise
            finally:
                self._tried.set()
        return report

    async def status(self) -> ContactsStatus:
        """The address books as the last sync left them."""
        await self._store.begin(self._account_mark())
        synced_at, problem = await self._store.facts()
        books, unread, total = await self._store.overview()
        return ContactsStatus(
            server=self._server(),
            state="away" if problem else "never" if synced_at is None else "current",
            problem=problem,
            synced_at=None if synced_at is None else moment(synced_at),
            contacts=sum(book.contacts for book in books),
            books=books,
            unread=unread,
            unread_total=total,
        )

    async def page(self, filters: Filters, limit: int, offset: int) -> ContactPage:
        """Contacts in the order of their names; `filters.number` as anybody writes it."""
        await self._store.begin(self._account_mark())
        if filters.number is not None:
            filters = replace(filters, number=number_key(filters.number, self._settings.phone_region))
        contacts, total = await self._store.page(filters, limit, offset)
        return ContactPage(contacts=tuple(contacts), total=total, limit=limit, offset=offset)

    async def get(self, contact_id: str) -> Contact:
        """One contact; raises CONTACT_NOT_FOUND."""
        return (await self._known(contact_id))[2]

    async def search(self, text: str, limit: int) -> list[Contact]:
        """The contacts that the server itself finds, whatever the copy says."""
        found: list[Contact] = []
        async with connect(self._account(), self._pauses) as dav:
            for book in self._chosen(await dav.books()):
                rows = [self._row(fetched, book.name) for fetched in await dav.find(book, text, limit)]
                found += [row.contact for row in rows if row.contact is not None]
        return found[:limit]

    async def create(self, draft: ContactDraft) -> Contact:
        """Write a new card, then take it into the copy. Raises INVALID_FIELD or CONTACTS_READ_ONLY."""
        await self._store.begin(self._account_mark())
        async with connect(self._account(), self._pauses) as dav:
            book = self._wanted_book(self._chosen(await dav.books()), draft.book)
            text, uid = new_card(draft, str(uuid4()))
            url = f"{book.url}{quote(uid)}.vcf"
            if not await dav.put(book.name, url, text, None):
                raise CallAnnotateError(CONTACT_CHANGED, contact_id=card_id(url))
            return await self._taken_in(dav, book, url)

    async def update(self, contact_id: str, draft: ContactDraft, if_match: str | None = None) -> Contact:
        """Write a card instead of the one that the copy has, or that has the ETag `if_match`.

        Raises CONTACT_NOT_FOUND, CONTACT_CHANGED, INVALID_FIELD or CONTACTS_READ_ONLY.
        """
        url, book_url, known = await self._known(contact_id)
        if draft.book not in {None, known.book}:
            raise CallAnnotateError(
                INVALID_FIELD, field="book", problem="a contact stays in its address book", allowed=known.book
            )
        async with connect(self._account(), self._pauses) as dav:
            book = Book(url=book_url, name=known.book, sync_token=None, ctag=None)
            fetched = await dav.get(book, url)
            if fetched is None:
                await self._store.remove([url])
                raise CallAnnotateError(CONTACT_NOT_FOUND, contact_id=contact_id)
            current = fetched.etag == (if_match or known.etag)
            try:
                text = changed_card(fetched.text, draft)
            except UnreadableCardError:
                text, _ = new_card(draft, known.uid or None)
            if not current or not await dav.put(book.name, url, text, fetched.etag):
                await self._taken_in(dav, book, url)
                raise CallAnnotateError(CONTACT_CHANGED, contact_id=contact_id)
            return await self._taken_in(dav, book, url)

    async def delete(self, contact_id: str, if_match: str | None = None) -> None:
        """Delete a card with the ETag that the copy has, or `if_match`.

        Raises CONTACT_NOT_FOUND, CONTACT_CHANGED or CONTACTS_READ_ONLY.
        """
        url, book_url, known = await self._known(contact_id)
        async with connect(self._account(), self._pauses) as dav:
            if not await dav.delete(known.book, url, if_match or known.etag):
                book = Book(url=book_url, name=known.book, sync_token=None, ctag=None)
                await self._taken_in(dav, book, url)
                raise CallAnnotateError(CONTACT_CHANGED, contact_id=contact_id)
        await self._store.remove([url])

    # What the stage `lookup` asks; see stages.lookup.Directory.

    async def open(self) -> Notice | None:
        """Wait for the first sync; the notice says that the copy may be outdated, and why.

        Raises CONTACTS_UNREACHABLE, or what else went wrong, where there is no copy.
        """
        with move_on_after(FIRST_SYNC):
            await self._tried.wait()
        synced_at, problem = await self._store.facts()
        if synced_at is None:
            cause = problem or f"the first sync has not ended within {FIRST_SYNC:.0f} s"
            raise CallAnnotateError(CONTACTS_UNREACHABLE, server=self._server(), cause=cause)
        if problem is None:
            return None
        shown = moment(synced_at).isoformat(timespec="seconds")
        outdated = CallAnnotateError(CONTACTS_OUTDATED, synced_at=shown, cause=problem)
        return Notice(outdated.fault.code, str(outdated))

    async def by_number(self, number: str) -> tuple[FoundContact, ...]:
        """The contacts that have this number, as anybody writes it."""
        key = number_key(number, self._settings.phone_region)
        return await self._store.by_number(key) if key else ()

    async def by_name(self, name: str) -> tuple[FoundContact, ...]:
        """The contacts with all words of this name; those of exactly this name where there are some."""
        return await self._store.by_name(name)

    async def _sync_quietly(self) -> bool:
        try:
            report = await self.sync()
        except CallAnnotateError as error:
            log.warning("contacts_away", code=error.fault.code, problem=error.message)
            return False
        except Exception:
            # A server that answers what nobody has thought of does not end ours.
            log.exception("contacts_sync_failed")
            return False
        if report.read or report.removed:
            log.info("contacts_synced", books=report.books, read=report.read, removed=report.removed)
        return True

    async def _synced(self, dav: CardDav) -> SyncReport:
        books = self._chosen(await dav.books())
        known = await self._store.keep_books([(book.url, book.name) for book in books])
        report = SyncReport(books=len(books))
        for book in books:
            report = await self._sync_book(dav, book, known[book.url], report)
        return report

    async def _sync_book(self, dav: CardDav, book: Book, known: BookRow, report: SyncReport) -> SyncReport:
        """One book; what was read before the server went away is not read again."""
        settled = BookRow(url=book.url, name=book.name, token=book.sync_token, ctag=book.ctag, synced_at=time.time())
        whole = known.synced_at is not None
        same = book.sync_token == known.token if book.sync_token is not None else book.ctag == known.ctag is not None
        if whole and same:
            await self._store.settle(settled)
            return replace(report, unchanged=report.unchanged + 1)
        changes = await dav.changes(book, known.token if whole else None)
        etags = await self._store.etags(book.url)
        gone = set(etags) - set(changes.changed) if changes.complete else set(changes.deleted) & set(etags)
        wanted = [url for url, etag in changes.changed.items() if etags.get(url) != etag]
        read = unread = 0
        async for fetched in dav.cards(book, wanted):
            rows = await to_thread.run_sync(self._rows, fetched, book.name, limiter=self._reading)
            await self._store.put(book.url, rows)
            read, unread = read + len(rows), unread + sum(row.problem is not None for row in rows)
        await self._store.remove(gone)
        await self._store.settle(replace(settled, token=changes.token))
        return replace(
            report, read=report.read + read, removed=report.removed + len(gone), unread=report.unread + unread
        )

    def _rows(self, fetched: Sequence[Fetched], book: str) -> list[CardRow]:
        return [self._row(card, book) for card in fetched]

    def _row(self, fetched: Fetched, book: str) -> CardRow:
        """A card as it is kept; whatever is in it, it breaks nothing."""
        identity = card_id(fetched.url)
        row = CardRow(card_id=identity, url=fetched.url, etag=fetched.etag)
        try:
            card = read_card(fetched.text)
        except UnreadableCardError as error:
            return replace(row, problem=str(error))
        except Exception as error:
            return replace(row, problem=f"it cannot be read ({type(error).__name__})")
        problem = "; ".join(card.problems)[:500] or None
        if card.group:
            return replace(row, uid=card.uid, problem=problem)
        region = self._settings.phone_region
        contact = Contact(
            contact_id=identity,
            uid=card.uid,
            name=card.name,
            given_name=card.given_name,
            family_name=card.family_name,
            organisation=card.organisation,
            title=card.title,
            numbers=tuple(PhoneNumber(number.text, e164(number.text, region), number.kinds) for number in card.numbers),
            emails=card.emails,
            note=card.note,
            book=book,
            etag=fetched.etag,
        )
        keys = dict.fromkeys(number_key(number.text, region) for number in card.numbers)
        return replace(row, uid=card.uid, problem=problem, contact=contact, keys=tuple(key for key in keys if key))

    async def _taken_in(self, dav: CardDav, book: Book, url: str) -> Contact:
        """The card as the server has it now, in the copy as well. Raises CONTACT_NOT_FOUND where it is gone."""
        fetched = await dav.get(book, url)
        if fetched is None:
            await self._store.remove([url])
            raise CallAnnotateError(CONTACT_NOT_FOUND, contact_id=card_id(url))
        row = self._row(fetched, book.name)
        known = {stored.url: stored for stored in await self._store.books()}
        if book.url not in known:
            await self._store.keep_books([*((stored.url, stored.name) for stored in known.values()),
                                          (book.url, book.name)])  # fmt: skip
        await self._store.put(book.url, [row])
        if row.contact is None:
            raise CallAnnotateError(CONTACT_NOT_FOUND, contact_id=row.card_id)
        return row.contact

    async def _known(self, contact_id: str) -> tuple[str, str, Contact]:
        """URL of the card, URL of its book, and the contact. Raises CONTACT_NOT_FOUND."""
        await self._store.begin(self._account_mark())
        found = await self._store.get(contact_id)
        if found is None:
            raise CallAnnotateError(CONTACT_NOT_FOUND, contact_id=contact_id)
        return found

    def _chosen(self, books: Sequence[Book]) -> list[Book]:
        names = {name.strip() for name in (self._settings.carddav_books or "").split(",")} - {""}
        return [book for book in books if not names or book.name in names]

    def _wanted_book(self, books: Sequence[Book], name: str | None) -> Book:
        for book in books:
            if name in {None, book.name}:
                return book
        allowed = ", ".join(book.name for book in books)
        raise CallAnnotateError(
            INVALID_FIELD, field="book", problem=f"there is no address book {name!r}", allowed=allowed
        )

    def _account(self) -> Account:
        return account_of(self._settings)

    def _account_mark(self) -> str:
        """What the copy is a copy of, without saying so. Raises CONTACTS_NOT_CONFIGURED."""
        settings = self._settings
        if settings.carddav_url is None:
            raise CallAnnotateError(CONTACTS_NOT_CONFIGURED)
        parts = (settings.carddav_url, settings.carddav_username, settings.phone_region, READER)
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()

    def _server(self) -> str:
        return str(origin_of(self._settings.carddav_url or ""))


def card_id(url: str) -> str:
    """Our name of a card: 32 hexadecimal digits."""
    return hashlib.blake2b(url.encode(), digest_size=16).hexdigest()


def moment(seconds: float) -> datetime:
    """A time of the database, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
