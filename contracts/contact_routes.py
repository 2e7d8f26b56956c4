"""The routes of contacts."""

from typing import Final

from contracts import contact_errors, errors
from contracts.contact_examples import CONTACT_DRAFT
from contracts.contact_parameters import (
    BOOK_FILTER,
    CONTACT_ID,
    CONTACT_LIMIT,
    CONTACT_NAME_FILTER,
    CONTACT_OFFSET,
    IF_MATCH,
    NUMBER_FILTER,
    ORGANISATION_FILTER,
    SEARCH,
    UID_FILTER,
)
from contracts.contacts import Contact, ContactDraft, ContactPage, ContactsStatus
from contracts.parameters import ETAG, LOCATION
from contracts.route import BODY_ERRORS, EVERY, Response, Route, json_response

_CONFIGURED: Final = (*EVERY, contact_errors.CONTACTS_NOT_CONFIGURED)
_SERVER: Final = (
    contact_errors.CONTACTS_UNREACHABLE,
    contact_errors.CONTACTS_REFUSED,
    contact_errors.CONTACTS_LEFT_SERVER,
    contact_errors.CONTACTS_INVALID,
)
"""What can go wrong with the server of the address books."""
_WRITTEN: Final = (*_CONFIGURED, *_SERVER, contact_errors.CONTACTS_READ_ONLY, contact_errors.CONTACT_CHANGED)

CONTACT_ROUTES: Final = (
    Route(
        operation_id="listContacts",
        method="GET",
        path="/api/v1/contacts",
        summary="List contacts in the order of their names",
        description="Out of the copy that is kept in step with the address books; it costs the server no request.",
        tag="Contacts",
        parameters=(
            SEARCH,
            NUMBER_FILTER,
            CONTACT_NAME_FILTER,
            ORGANISATION_FILTER,
            BOOK_FILTER,
            UID_FILTER,
            CONTACT_LIMIT,
            CONTACT_OFFSET,
        ),
        responses=(json_response(200, "One page of those that all filters let through.", ContactPage),),
        errors=(*_CONFIGURED, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="createContact",
        method="POST",
        path="/api/v1/contacts",
        summary="Write a new contact",
        description="It is on the server of the address books when this is answered.",
        tag="Contacts",
        body=ContactDraft,
        body_example=CONTACT_DRAFT,
        responses=(json_response(201, "The contact as the server has it.", Contact, LOCATION, ETAG),),
        errors=(*_WRITTEN, *BODY_ERRORS),
    ),
    Route(
        operation_id="getContact",
        method="GET",
        path="/api/v1/contacts/{contact_id}",
        summary="One contact",
        tag="Contacts",
        parameters=(CONTACT_ID,),
        responses=(json_response(200, "The contact.", Contact, ETAG),),
        errors=(*_CONFIGURED, contact_errors.CONTACT_NOT_FOUND),
    ),
    Route(
        operation_id="updateContact",
        method="PUT",
        path="/api/v1/contacts/{contact_id}",
        summary="Write a contact",
        description="All fields are replaced; what the card says beside them, such as a photograph, stays. Where "
        "somebody has changed the card meanwhile nothing is written.",
        tag="Contacts",
        parameters=(CONTACT_ID, IF_MATCH),
        body=ContactDraft,
        body_example=CONTACT_DRAFT,
        responses=(json_response(200, "The contact as the server has it.", Contact, ETAG),),
        errors=(*_WRITTEN, *BODY_ERRORS, contact_errors.CONTACT_NOT_FOUND),
    ),
    Route(
        operation_id="deleteContact",
        method="DELETE",
        path="/api/v1/contacts/{contact_id}",
        summary="Delete a contact",
        description="Where somebody has changed the card meanwhile nothing is deleted.",
        tag="Contacts",
        parameters=(CONTACT_ID, IF_MATCH),
        responses=(Response(status=204, summary="It is gone."),),
        errors=(*_WRITTEN, contact_errors.CONTACT_NOT_FOUND),
    ),
    Route(
        operation_id="getAddressBooks",
        method="GET",
        path="/api/v1/address-books",
        summary="The address books as the last sync left them",
        description="With the cards that could not be read.",
        tag="Contacts",
        responses=(json_response(200, "Whether they are in step, and what is in them.", ContactsStatus),),
        errors=_CONFIGURED,
    ),
    Route(
        operation_id="syncAddressBooks",
        method="POST",
        path="/api/v1/address-books/sync",
        summary="Bring the copy of the address books in step now",
        description="It is done by itself every CARDDAV_SYNC_INTERVAL seconds.",
        tag="Contacts",
        responses=(json_response(200, "They are in step.", ContactsStatus),),
        errors=(*_CONFIGURED, *_SERVER),
    ),
)
