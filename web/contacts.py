"""The operations on contacts."""

from typing import Final

from contracts.contacts import Contact, ContactDraft
from runtime.contact_store import Filters
from runtime.service import JobService
from web.answers import Answer, Call, Handler, json_answer
from web.bodies import body_of
from web.parameters import value_of

PATH: Final = "/api/v1/contacts"
FILTERS: Final = ("search", "number", "name", "organisation", "book", "uid")


class ContactOperations:
    """Every operation of the route table that is about contacts."""

    def __init__(self, service: JobService) -> None:
        self._contacts: Final = service.contacts
        self._patience: Final = service.settings.upload_stall_timeout
        self.handlers: Final[dict[str, Handler]] = {
            "listContacts": self.list_contacts,
            "createContact": self.create_contact,
            "getContact": self.get_contact,
            "updateContact": self.update_contact,
            "deleteContact": self.delete_contact,
            "getAddressBooks": self.get_address_books,
            "syncAddressBooks": self.sync_address_books,
        }

    async def list_contacts(self, call: Call) -> Answer:
        """One page of contacts."""
        filters = Filters(**{name: value_of(call, name) for name in FILTERS})
        return json_answer(200, await self._contacts.page(filters, value_of(call, "limit"), value_of(call, "offset")))

    async def create_contact(self, call: Call) -> Answer:
        """A new card on the server."""
        draft = await body_of(call, ContactDraft, self._patience)
        contact = await self._contacts.create(draft)
        return _answered(201, contact, Location=f"{PATH}/{contact.contact_id}")

    async def get_contact(self, call: Call) -> Answer:
        """One contact."""
        return _answered(200, await self._contacts.get(call.values["contact_id"]))

    async def update_contact(self, call: Call) -> Answer:
        """Another card in the place of one."""
        draft = await body_of(call, ContactDraft, self._patience)
        return _answered(200, await self._contacts.update(call.values["contact_id"], draft, _if_match(call)))

    async def delete_contact(self, call: Call) -> Answer:
        """One card less."""
        await self._contacts.delete(call.values["contact_id"], _if_match(call))
        return Answer(204, "")

    async def get_address_books(self, _call: Call) -> Answer:
        """The address books as the last sync left them."""
        return json_answer(200, await self._contacts.status())

    async def sync_address_books(self, _call: Call) -> Answer:
        """A sync, now."""
        await self._contacts.sync()
        return json_answer(200, await self._contacts.status())


def _answered(status: int, contact: Contact, **headers: str) -> Answer:
    return json_answer(status, contact, {"ETag": contact.etag, **headers})


def _if_match(call: Call) -> str | None:
    """The ETag that a change is meant for; None where any will do."""
    text = (call.values.get("If-Match") or "").strip()
    return None if text in {"", "*"} else text
