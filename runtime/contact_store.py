"""The copy of the address books: contacts by number and by name, in a database that can be made anew at any time."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from contracts.contacts import AddressBook, Contact, FoundContact, UnreadCard
from contracts.errors import CallAnnotateError
from runtime.database import Database
from stages.names import folded, words_of

NAME: Final = "contacts.sqlite3"
SCHEMA: Final = 1
"""Of the tables below; a file of any other is made anew."""
TABLES: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE books (
    url TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    token TEXT,
    ctag TEXT,
    synced_at REAL
) STRICT;
CREATE TABLE cards (
    card_id TEXT PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    book TEXT NOT NULL REFERENCES books (url) ON DELETE CASCADE,
    etag TEXT NOT NULL,
    uid TEXT NOT NULL,
    problem TEXT,
    contact BLOB,
    name TEXT NOT NULL,
    organisation TEXT NOT NULL,
    search TEXT NOT NULL
) STRICT;
CREATE INDEX cards_by_name ON cards (name, card_id) WHERE contact IS NOT NULL;
CREATE INDEX cards_of_books ON cards (book);
CREATE INDEX cards_by_uid ON cards (uid);
CREATE TABLE numbers (
    number TEXT NOT NULL,
    card_id TEXT NOT NULL REFERENCES cards (card_id) ON DELETE CASCADE,
    PRIMARY KEY (number, card_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX numbers_of_cards ON numbers (card_id);
CREATE TABLE words (
    word TEXT NOT NULL,
    card_id TEXT NOT NULL REFERENCES cards (card_id) ON DELETE CASCADE,
    PRIMARY KEY (word, card_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX words_of_cards ON words (card_id);
"""
FOUND: Final = 10
"""Contacts at most that a number or a name leads to."""
UNREAD: Final = 100


class CardRow(Struct, frozen=True, kw_only=True):
    """A card as it is kept."""

    card_id: str
    url: str
    etag: str
    uid: str = ""
    problem: str | None = None
    """What of it could not be read."""
    contact: Contact | None = None
    """None for one that is no contact, or that cannot be read."""
    keys: tuple[str, ...] = ()
    """Its numbers as `number_key` makes them."""


class BookRow(Struct, frozen=True, kw_only=True):
    """An address book as the last sync left it."""

    url: str
    name: str
    token: str | None = None
    ctag: str | None = None
    synced_at: float | None = None
    """Seconds since 1970; None before it was whole."""


class Filters(Struct, frozen=True, kw_only=True):
    """Which contacts are asked for; all of them have to be so."""

    search: str | None = None
    """Text within a name, an organisation, an address or a number."""
    number: str | None = None
    """As `number_key` makes it."""
    name: str | None = None
    """All of its words."""
    organisation: str | None = None
    """Text within it."""
    book: str | None = None
    """Name of an address book."""
    uid: str | None = None


class ContactStore:
    """The copy, open. Several processes may have it open."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it anew where it cannot be used; blocks. Raises DATABASE_UNUSABLE or STORAGE_FULL."""
        try:
            self._database = Database(path, _prepare)
        except CallAnnotateError as error:
            if isinstance(error.__cause__, sqlite3.OperationalError):
                raise  # locked, or no room: there is nothing wrong with the file
            for suffix in ("", "-wal", "-shm"):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
            self._database = Database(path, _prepare)

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    async def begin(self, account: str) -> None:
        """Empty it where it is a copy of something else; `account` says of what."""

        def work(writer: sqlite3.Connection) -> None:
            known = writer.execute("SELECT value FROM facts WHERE name = 'account'").fetchone()
            if known is None or known[0] != account:
                writer.execute("DELETE FROM books")
                writer.execute("DELETE FROM facts")
                writer.execute("INSERT INTO facts VALUES ('account', ?)", (account,))

        await self._database.write(work)

    async def note(self, problem: str | None, now: float) -> None:
        """Write down how a sync ended; `problem` is None for a good end."""

        def work(writer: sqlite3.Connection) -> None:
            if problem is None:
                writer.execute("DELETE FROM facts WHERE name = 'problem'")
                writer.execute("INSERT OR REPLACE INTO facts VALUES ('synced_at', ?)", (str(now),))
            else:
                writer.execute("INSERT OR REPLACE INTO facts VALUES ('problem', ?)", (problem,))

        await self._database.write(work)

    async def facts(self) -> tuple[float | None, str | None]:
        """When all books were in step last (seconds since 1970), and why they have not been since."""
        found = dict(await self._database.read("SELECT name, value FROM facts"))
        synced_at = found.get("synced_at")
        return float(synced_at) if synced_at is not None else None, found.get("problem")

    async def keep_books(self, books: Sequence[tuple[str, str]]) -> dict[str, BookRow]:
        """Have these books (URL and name) and no others; returns them by their URLs."""

        def work(writer: sqlite3.Connection) -> dict[str, BookRow]:
            # One with another name is read again: its contacts say where they are.
            gone = set(writer.execute("SELECT url, name FROM books")) - set(books)
            writer.executemany("DELETE FROM books WHERE url = ?", [(url,) for url, _ in gone])
            writer.executemany("INSERT OR IGNORE INTO books (url, name) VALUES (?, ?)", books)
            return {row.url: row for row in map(_book, writer.execute("SELECT * FROM books"))}

        return await self._database.write(work)

    async def etags(self, book: str) -> dict[str, str]:
        """ETags of the cards of a book by their URLs."""
        return dict(await self._database.read("SELECT url, etag FROM cards WHERE book = ?", book))

    async def put(self, book: str, rows: Iterable[CardRow]) -> None:
        """Add or replace cards of a book; nothing happens where the book is gone meanwhile."""

        def work(writer: sqlite3.Connection) -> None:
            if writer.execute("SELECT 1 FROM books WHERE url = ?", (book,)).fetchone() is not None:
                for row in rows:
                    _put(writer, book, row)

        await self._database.write(work)

    async def remove(self, urls: Iterable[str]) -> None:
        """Take cards out."""
        gone = [(url,) for url in urls]
        await self._database.write(lambda writer: writer.executemany("DELETE FROM cards WHERE url = ?", gone))

    async def settle(self, book: BookRow) -> None:
        """Write down that a book is in step with the server."""
        values = (book.name, book.token, book.ctag, book.synced_at, book.url)
        await self._database.write(
            lambda writer: writer.execute(
                "UPDATE books SET name = ?, token = ?, ctag = ?, synced_at = ? WHERE url = ?", values
            )
        )

    async def books(self) -> list[BookRow]:
        """All books in the order of their names."""
        return [_book(row) for row in await self._database.read("SELECT * FROM books ORDER BY name, url")]

    async def get(self, card_id: str) -> tuple[str, str, Contact] | None:
        """URL of the card, URL of its book, and the contact; None where there is none."""
        rows = await self._database.read(
            "SELECT url, book, contact FROM cards WHERE card_id = ? AND contact IS NOT NULL", card_id
        )
        return (rows[0][0], rows[0][1], _contact(rows[0][2])) if rows else None

    async def page(self, filters: Filters, limit: int, offset: int) -> tuple[list[Contact], int]:
        """Contacts in the order of their names, and how many there are on all pages."""
        where, values = _where(filters)
        rows = await self._database.read(
            f"SELECT (SELECT count(*) FROM cards WHERE {where}), page.contact FROM (SELECT 1) LEFT JOIN"
            f" (SELECT contact, name, card_id FROM cards WHERE {where} ORDER BY name, card_id LIMIT ? OFFSET ?) AS page"
            " ORDER BY page.name, page.card_id",
            *values, *values, limit, min(offset, 2**62),
        )  # fmt: skip
        return [_contact(row[1]) for row in rows if row[1] is not None], int(rows[0][0])

    async def by_number(self, key: str) -> tuple[FoundContact, ...]:
        """The contacts that have this number."""
        return _found(await self._database.read(
            "SELECT contact FROM numbers JOIN cards USING (card_id) WHERE number = ? AND contact IS NOT NULL"
            " ORDER BY name, card_id LIMIT ?",
            key, FOUND,
        ))  # fmt: skip

    async def by_name(self, name: str) -> tuple[FoundContact, ...]:
        """The contacts with all words of the name; where some have no other words, only those."""
        words = words_of(name)
        if not words:
            return ()
        found = _found(await self._database.read(
            f"SELECT contact FROM cards WHERE contact IS NOT NULL AND {_all_words(words)} ORDER BY name, card_id"
            " LIMIT ?",
            *words, FOUND,
        ))  # fmt: skip
        exact = tuple(contact for contact in found if set(words_of(contact.name)) == set(words))
        return exact or found

    async def overview(self) -> tuple[tuple[AddressBook, ...], tuple[UnreadCard, ...], int]:
        """The books, the first cards that could not be read, and how many of those there are."""
        counts = dict(await self._database.read("SELECT book, count(contact) FROM cards GROUP BY book"))
        books = tuple(
            AddressBook(
                name=book.name,
                contacts=counts.get(book.url, 0),
                changes=_changes(book),
                synced_at=datetime.fromtimestamp(round(book.synced_at, 3), UTC),
            )
            for book in await self.books()
            if book.synced_at is not None
        )
        rows = await self._database.read(
            "SELECT books.name, cards.url, problem, contact IS NOT NULL FROM cards JOIN books ON books.url = book"
            " WHERE problem IS NOT NULL ORDER BY cards.url LIMIT ?",
            UNREAD,
        )
        unread = tuple(UnreadCard(book=row[0], card=row[1], problem=row[2], usable=bool(row[3])) for row in rows)
        ((total,),) = await self._database.read("SELECT count(*) FROM cards WHERE problem IS NOT NULL")
        return books, unread, total


def _prepare(connection: sqlite3.Connection, _path: Path) -> None:
    """Check what is there and add what is missing. Raises sqlite3.Error."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in {0, SCHEMA}:
        raise sqlite3.DatabaseError(f"schema {found}")
    connection.execute("PRAGMA journal_mode = WAL")
    # A copy that a power cut sets back is brought in step again.
    connection.execute("PRAGMA synchronous = NORMAL")
    if found == 0:
        connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {SCHEMA}; COMMIT;")


def _put(writer: sqlite3.Connection, book: str, row: CardRow) -> None:
    writer.execute("DELETE FROM cards WHERE card_id = ?", (row.card_id,))
    contact = row.contact
    texts = [] if contact is None else [contact.name, contact.organisation, *contact.emails, *row.keys]
    texts += [] if contact is None else [number.number for number in contact.numbers]
    writer.execute(
        "INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row.card_id, row.url, book, row.etag, row.uid, row.problem,
            None if contact is None else msgspec.json.encode(contact),
            "" if contact is None else folded(contact.name),
            "" if contact is None else folded(contact.organisation),
            folded("\n".join(texts)),
        ),
    )  # fmt: skip
    if contact is not None:
        names = " ".join((contact.name, contact.given_name, contact.family_name))
        writer.executemany("INSERT OR IGNORE INTO numbers VALUES (?, ?)", [(key, row.card_id) for key in row.keys])
        writer.executemany("INSERT INTO words VALUES (?, ?)", [(word, row.card_id) for word in words_of(names)])


def _where(filters: Filters) -> tuple[str, list[object]]:
    conditions, values = ["contact IS NOT NULL"], list[object]()
    if filters.search:
        conditions.append("instr(search, ?)")
        values.append(folded(filters.search))
    if filters.organisation:
        conditions.append("instr(organisation, ?)")
        values.append(folded(filters.organisation))
    if filters.number is not None:
        conditions.append("card_id IN (SELECT card_id FROM numbers WHERE number = ?)")
        values.append(filters.number)
    if filters.name and (words := words_of(filters.name)):
        conditions.append(_all_words(words))
        values += words
    if filters.book is not None:
        conditions.append("book IN (SELECT url FROM books WHERE name = ?)")
        values.append(filters.book)
    if filters.uid is not None:
        conditions.append("uid = ?")
        values.append(filters.uid)
    return " AND ".join(conditions), values


def _all_words(words: Sequence[str]) -> str:
    one = "card_id IN (SELECT card_id FROM words WHERE word = ?)"
    return " AND ".join([one] * len(words))


def _contact(data: object) -> Contact:
    assert isinstance(data, bytes)
    return msgspec.json.decode(data, type=Contact)


def _found(rows: Sequence[tuple[Any, ...]]) -> tuple[FoundContact, ...]:
    return tuple(found_contact(_contact(row[0])) for row in rows)


def found_contact(contact: Contact) -> FoundContact:
    """A contact as a result names it."""
    return FoundContact(
        uid=contact.uid,
        name=contact.name,
        organisation=contact.organisation,
        numbers=tuple(number.e164 or number.number for number in contact.numbers),
        contact_id=contact.contact_id,
    )


def _book(row: tuple[object, ...]) -> BookRow:
    return BookRow(**dict(zip(BookRow.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]  # STRICT tables


def _changes(book: BookRow) -> Literal["sync-token", "ctag", "etags"]:
    if book.token is not None:
        return "sync-token"
    return "ctag" if book.ctag is not None else "etags"
