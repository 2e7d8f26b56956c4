"""Contacts of the address books: what a vCard says, as the REST interface shows it and as a result names it."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

ContactId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Moment = Annotated[datetime, Meta(tz=True)]
"""RFC 3339 with a zone."""
ContactText = Annotated[str, Meta(max_length=500)]


class PhoneNumber(Struct, frozen=True):
    """A telephone number of a contact."""

    number: str
    """As it is written on the card."""
    e164: str | None = None
    """Such as "+74951234567"; null where it is no number that could be dialled from abroad, such as an extension."""
    kinds: tuple[str, ...] = ()
    """Such as "cell" or "work", in small letters."""


class Contact(Struct, frozen=True, kw_only=True):
    """One card of an address book."""

    contact_id: ContactId
    """Ours, for the paths of REST; it stays the same as long as the card stays where it is."""
    uid: str
    """Of the card; empty where it has none."""
    name: str
    """FN, or what the card says instead of it."""
    given_name: str = ""
    family_name: str = ""
    organisation: str = ""
    title: str = ""
    numbers: tuple[PhoneNumber, ...] = ()
    emails: tuple[str, ...] = ()
    note: str = ""
    book: str
    """Name of the address book."""
    etag: str
    """Of the card on the server; the header ETag has it as well."""


class ContactPage(Struct, frozen=True, kw_only=True):
    """Contacts in the order of their names."""

    contacts: tuple[Contact, ...]
    total: int
    """Contacts that the filters let through, on all pages."""
    limit: int
    offset: int


class DraftNumber(Struct, frozen=True, kw_only=True):
    """A telephone number to be written."""

    number: Annotated[str, Meta(min_length=1, max_length=100)]
    kinds: Annotated[tuple[Annotated[str, Meta(max_length=50)], ...], Meta(max_length=10)] = ()
    """Such as "cell" or "work"."""


class ContactDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact to be written: what is left out is empty. What the card says beside these fields stays as it is."""

    name: Annotated[str, Meta(min_length=1, max_length=500)]
    given_name: ContactText = ""
    family_name: ContactText = ""
    organisation: ContactText = ""
    title: ContactText = ""
    numbers: Annotated[tuple[DraftNumber, ...], Meta(max_length=50)] = ()
    emails: Annotated[tuple[ContactText, ...], Meta(max_length=50)] = ()
    note: Annotated[str, Meta(max_length=10_000)] = ""
    book: ContactText | None = None
    """Name of the address book of a new contact, the first one where it is null; a contact stays where it is."""


class AddressBook(Struct, frozen=True, kw_only=True):
    """One address book of the server."""

    name: str
    contacts: int
    """Cards that could be read."""
    changes: Literal["sync-token", "ctag", "etags"]
    """How it is found out what has changed."""
    synced_at: Moment


class UnreadCard(Struct, frozen=True, kw_only=True):
    """A card that could not be read, or not all of it."""

    book: str
    card: str
    """Its path on the server."""
    problem: str
    usable: bool
    """Whether the rest of it is a contact."""


class ContactsStatus(Struct, frozen=True, kw_only=True):
    """The address books as the last sync left them."""

    server: str
    """Scheme, host and port."""
    state: Literal["never", "current", "away"]
    """Never synced, in step with the server, or not: the server did not answer the last time."""
    problem: str | None = None
    """Why the last sync failed."""
    synced_at: Moment | None = None
    """When all address books were in step last."""
    contacts: int = 0
    books: tuple[AddressBook, ...] = ()
    unread: tuple[UnreadCard, ...] = ()
    """The first hundred."""
    unread_total: int = 0


class FoundContact(Struct, frozen=True, kw_only=True):
    """The contact of a speaker, as the address book has it."""

    uid: str
    """Of the card."""
    name: str
    organisation: str = ""
    numbers: tuple[str, ...] = ()
    """E.164 where they can be, else as they are written."""
    contact_id: ContactId
    """For `/api/v1/contacts/{contact_id}`."""


class Party(Struct, frozen=True):
    """One end of a call, as far as it is known before anybody has spoken."""

    name: str = ""
    number: str = ""
    """As it was written."""


class Parties(Struct, frozen=True, kw_only=True):
    """Who a call was between, by its metadata and its file's name."""

    caller: Party = Party()
    callee: Party = Party()
    others: tuple[str, ...] = ()
    """Numbers of which nobody says whose they are."""
    caller_channel: int = 0
    """Of a two-sided call."""
