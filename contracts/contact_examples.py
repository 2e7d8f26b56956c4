"""Examples of what travels about contacts."""

from datetime import UTC, datetime
from typing import Final

from contracts.contact_parameters import CONTACT_ID_EXAMPLE
from contracts.contacts import (
    AddressBook,
    Contact,
    ContactDraft,
    ContactPage,
    ContactsStatus,
    DraftNumber,
    FoundContact,
    PhoneNumber,
    UnreadCard,
)

CONTACT_DRAFT: Final = ContactDraft(
    name="Иван Петров",
    given_name="Иван",
    family_name="Петров",
    organisation="Ромашка",
    title="Director",
    numbers=(DraftNumber(number="8 (495) 123-45-67", kinds=("work",)),),
    emails=("ivan@example.org",),
)
CONTACT: Final = Contact(
    contact_id=CONTACT_ID_EXAMPLE,
    uid="ivan-petrov-1",
    name="Иван Петров",
    given_name="Иван",
    family_name="Петров",
    organisation="Ромашка",
    title="Director",
    numbers=(PhoneNumber("8 (495) 123-45-67", "+74951234567", ("work",)),),
    emails=("ivan@example.org",),
    book="Work",
    etag='"9c1f7d2b6a"',
)
FOUND_CONTACT: Final = FoundContact(
    uid="ivan-petrov-1",
    name="Иван Петров",
    organisation="Ромашка",
    numbers=("+74951234567",),
    contact_id=CONTACT_ID_EXAMPLE,
)
_SYNCED: Final = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
_STATUS: Final = ContactsStatus(
    server="https://dav.example.org",
    state="current",
    synced_at=_SYNCED,
    contacts=1200,
    books=(AddressBook(name="Work", contacts=1200, changes="sync-token", synced_at=_SYNCED),),
    unread=(
        UnreadCard(
            book="Work",
            card="https://dav.example.org/ivan/office/broken.vcf",
            problem="it does not begin with BEGIN:VCARD",
            usable=False,
        ),
    ),
    unread_total=1,
)

CONTACT_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("listContacts", 200): {"page": ContactPage(contacts=(CONTACT,), total=1, limit=50, offset=0)},
    ("createContact", 201): {"made": CONTACT},
    ("getContact", 200): {"contact": CONTACT},
    ("updateContact", 200): {"changed": CONTACT},
    ("getAddressBooks", 200): {"current": _STATUS},
    ("syncAddressBooks", 200): {"current": _STATUS},
}
"""Of each answer with a body."""
CONTACT_DETAILS: Final[dict[str, str | float]] = {
    "book": "Work",
    "contact_id": CONTACT_ID_EXAMPLE,
    "server": "https://dav.example.org",
    "target": "http://192.0.2.1",
    "synced_at": "2026-11-22T17:30:00+00:00",
}
"""Details of errors that only contacts have."""
CONTACT_SPECIAL_DETAILS: Final[dict[str, dict[str, str | float]]] = {
    "CONTACTS_INVALID": {"cause": "404 Not Found"},
    "CONTACTS_OUTDATED": {"cause": "https://dav.example.org: the address books cannot be reached (no answer in time)"},
    "CONTACTS_REFUSED": {"cause": "401 Unauthorized"},
    "CONTACTS_UNREACHABLE": {"cause": "Connection refused"},
}
