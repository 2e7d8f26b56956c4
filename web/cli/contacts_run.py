"""What the commands of `callannotate contacts` do."""

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import click
import msgspec

from contracts.contacts import Contact, ContactDraft, ContactsStatus
from contracts.errors import INVALID_OPTION, VOLUME_UNUSABLE, CallAnnotateError
from runtime.contact_store import NAME, ContactStore, Filters
from runtime.contacts import Contacts
from runtime.settings import load_settings
from runtime.volume import make_root

T = TypeVar("T")


def sync_now(config: Path | None) -> None:
    """A sync, and what could not be read."""

    async def work(contacts: Contacts) -> ContactsStatus:
        report = await contacts.sync()
        click.echo(f"{report.read} read, {report.removed} removed")
        return await contacts.status()

    _print_status(_run(config, work))


def show_status(config: Path | None, *, as_json: bool) -> None:
    """The address books."""
    found = _run(config, lambda contacts: contacts.status())
    if as_json:
        _print_json(found)
    else:
        _print_status(found)


def list_contacts(
    config: Path | None, filters: Mapping[str, str | None], limit: int, offset: int, *, as_json: bool
) -> None:
    """One page."""
    page = _run(config, lambda contacts: contacts.page(Filters(**filters), limit, offset))
    if as_json:
        _print_json(page)
        return
    _print_rows(page.contacts)
    if page.total > offset + len(page.contacts):
        click.echo(f"{page.total} in all; see --limit and --offset", err=True)


def show_contact(config: Path | None, contact_id: str, *, as_json: bool) -> None:
    """One contact."""
    contact = _run(config, lambda contacts: contacts.get(contact_id))
    if as_json:
        _print_json(contact)
        return
    click.echo(contact.name)
    for label, text in [("organisation", contact.organisation), ("title", contact.title)]:
        if text:
            click.echo(f"  {label}: {text}")
    for number in contact.numbers:
        kinds = f" ({', '.join(number.kinds)})" if number.kinds else ""
        click.echo(f"  number: {number.e164 or number.number}{kinds}")
    for email in contact.emails:
        click.echo(f"  email: {email}")
    click.echo(f"  book: {contact.book}")
    click.echo(f"  uid: {contact.uid}")


def search_server(config: Path | None, text: str, limit: int, *, as_json: bool) -> None:
    """What the server itself finds."""
    found = _run(config, lambda contacts: contacts.search(text, limit))
    if as_json:
        _print_json(found)
    else:
        _print_rows(found)


def add_contact(
    config: Path | None,
    name: str,
    numbers: Sequence[str],
    emails: Sequence[str],
    organisation: str,
    book: str | None,
) -> None:
    """A new card."""
    given = {"name": name, "numbers": [{"number": number} for number in numbers], "emails": list(emails)}
    try:
        draft = msgspec.convert({**given, "organisation": organisation, "book": book}, ContactDraft)
    except msgspec.ValidationError as error:
        allowed = "texts that are neither empty nor too long"
        raise CallAnnotateError(INVALID_OPTION, option="contact", problem=str(error), allowed=allowed) from error
    contact = _run(config, lambda contacts: contacts.create(draft))
    click.echo(contact.contact_id)


def remove_contact(config: Path | None, contact_id: str) -> None:
    """One card less."""
    _run(config, lambda contacts: contacts.delete(contact_id))


def _run(config: Path | None, work: Callable[[Contacts], Awaitable[T]]) -> T:
    """Do something with the copy in the volume, which a server may have open as well."""
    settings = load_settings(os.environ, config)
    try:
        make_root(settings.volume_path)
    except OSError as error:
        cause = error.strerror or str(error)
        raise CallAnnotateError(VOLUME_UNUSABLE, path=str(settings.volume_path), cause=cause) from error
    store = ContactStore(settings.volume_path / NAME)
    try:
        contacts = Contacts(settings, store)

        async def main() -> T:
            return await work(contacts)

        return anyio.run(main)
    finally:
        store.close()


def _print_json(found: object) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


def _print_status(found: ContactsStatus) -> None:
    when = "never" if found.synced_at is None else found.synced_at.isoformat(timespec="seconds")
    click.echo(f"{found.server}: {found.contacts} contacts, in step {when}")
    for book in found.books:
        click.echo(f"  {book.name}: {book.contacts} contacts")
    if found.problem is not None:
        click.echo(f"  away: {found.problem}")
    for card in found.unread:
        click.echo(f"  {'partly ' if card.usable else ''}unread: {card.card}: {card.problem}")
    if found.unread_total > len(found.unread):
        click.echo(f"  unread in all: {found.unread_total}")


def _print_rows(contacts: Sequence[Contact]) -> None:
    rows = [(contact.contact_id, contact.name, contact.organisation, _numbers(contact)) for contact in contacts]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    for row in rows:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]))


def _numbers(contact: Contact) -> str:
    return ", ".join(number.e164 or number.number for number in contact.numbers)
