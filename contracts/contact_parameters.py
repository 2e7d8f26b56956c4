"""Parameters of the routes of contacts."""

from typing import Annotated, Final

from msgspec import Meta

from contracts.contacts import ContactId
from contracts.parameters import Parameter, page_of

CONTACT_ID_EXAMPLE: Final = "4f0c7a1e9b3d4c52a6e8f17d2b905c3e"
_Text = Annotated[str, Meta(min_length=1, max_length=200)]

CONTACT_ID: Final = Parameter(
    name="contact_id",
    place="path",
    type=ContactId,
    summary="Of the contact; anything else is a contact that does not exist.",
    required=True,
    example=CONTACT_ID_EXAMPLE,
)
SEARCH: Final = Parameter(
    name="search",
    place="query",
    type=_Text,
    summary="Text within a name, an organisation, an address or a number, whatever the case of the letters.",
    example="ромашка",
)
NUMBER_FILTER: Final = Parameter(
    name="number",
    place="query",
    type=_Text,
    summary="Only contacts with this telephone number, however it is written.",
    example="+7 (495) 123-45-67",
)
CONTACT_NAME_FILTER: Final = Parameter(
    name="name",
    place="query",
    type=_Text,
    summary="Only contacts with all of these words in their names, in any order.",
    example="Петров Иван",
)
ORGANISATION_FILTER: Final = Parameter(
    name="organisation",
    place="query",
    type=_Text,
    summary="Only contacts with this text within their organisation.",
    example="Ромашка",
)
BOOK_FILTER: Final = Parameter(
    name="book", place="query", type=_Text, summary="Only contacts of this address book.", example="Work"
)
UID_FILTER: Final = Parameter(
    name="uid",
    place="query",
    type=_Text,
    summary="Only the contact with this UID on its card.",
    example="ivan-petrov-1",
)
CONTACT_LIMIT, CONTACT_OFFSET = page_of("contacts")
IF_MATCH: Final = Parameter(
    name="If-Match",
    place="header",
    type=str,
    summary="The ETag of the contact that the change is meant for; of another one nothing is changed. Without it, "
    "that which was synced last.",
    example='"9c1f7d2b6a"',
)
