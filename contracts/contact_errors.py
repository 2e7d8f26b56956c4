"""What can go wrong with address books and contacts; a part of the catalogue."""

from contracts.fault import Fault

CONTACTS_NOT_CONFIGURED = Fault(
    "CONTACTS_NOT_CONFIGURED", 90, "no address book server is configured", "Set CARDDAV_URL; see docs/contacts.md.", 409
)
CONTACTS_UNREACHABLE = Fault(
    "CONTACTS_UNREACHABLE", 91, "{server}: the address books cannot be reached ({cause})",
    "Check CARDDAV_URL and the network; what was synced last stays in use.", 503, retryable=True,
)  # fmt: skip
CONTACTS_REFUSED = Fault(
    "CONTACTS_REFUSED", 92, "{server}: the server does not let us in ({cause})",
    "Check CARDDAV_USERNAME and the password; see docs/contacts.md.", 502,
)  # fmt: skip
CONTACTS_LEFT_SERVER = Fault(
    "CONTACTS_LEFT_SERVER", 93, "{server}: it sends us to another server, {target}",
    "Nothing was sent there. If that is where the address books are, make it CARDDAV_URL.", 502,
)  # fmt: skip
CONTACTS_INVALID = Fault(
    "CONTACTS_INVALID", 94, "{server}: it does not answer as a CardDAV server does ({cause})",
    "Make the address of the address books, or of your account on the server, CARDDAV_URL.", 502,
)  # fmt: skip
CONTACTS_READ_ONLY = Fault(
    "CONTACTS_READ_ONLY", 95, "the address book {book!r} cannot be written", "Use another one, or another account.", 403
)
CONTACT_NOT_FOUND = Fault(
    "CONTACT_NOT_FOUND", 96, "there is no contact {contact_id}", "Check the id; it may have been deleted.", 404
)
CONTACT_CHANGED = Fault(
    "CONTACT_CHANGED", 97, "contact {contact_id} was changed meanwhile", "Read it again and repeat the change.", 412
)
CONTACTS_OUTDATED = Fault(
    "CONTACTS_OUTDATED", 98, "the address books are as of {synced_at}: {cause}",
    "Contacts were looked up in what was synced then.",
)  # fmt: skip
