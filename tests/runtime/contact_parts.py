"""Contacts for tests: over servers that hold a few cards, or none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from contracts.errors import CallAnnotateError, Fault
from runtime.contact_store import ContactStore, Filters
from runtime.contacts import Contacts
from runtime.secret import Secret
from runtime.settings import Settings
from tests.runtime.dav_servers import PASSWORD, USER, DavServer, card

PATIENCE = 60.0
EVERYBODY = Filters()
IVAN = card("ivan", "Иван Петров", "TEL;TYPE=CELL:8 (495) 123-45-67", "ORG:Ромашка", "EMAIL:ivan@example.org")
ANNA = card("anna", "Anna Smith", "TEL:+44 20 7946 0000", "TEL;TYPE=WORK:101", "ORG:Northwind")


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
