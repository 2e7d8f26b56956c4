"""What is looked up for a call: the ends that its metadata and its file's name tell of."""

import msgspec
from msgspec import Struct

from contracts.contacts import Parties, Party
from runtime.contact_settings import phone_pattern
from runtime.contacts import Contacts
from runtime.phone_numbers import parties_in, party_of
from runtime.settings import Settings
from stages.lookup import Lookup


class CallEnds(Struct, frozen=True):
    """Of a job's metadata, what tells between whom the call was."""

    caller: str | None = None
    callee: str | None = None


def parties_of(ends: CallEnds, filename: str, settings: Settings) -> Parties:
    """The metadata goes before the file's name, for each end by itself."""
    region = settings.phone_region
    caller, callee = party_of(ends.caller, region), party_of(ends.callee, region)
    named_caller, named_callee, others = parties_in(filename, phone_pattern(settings))
    known = {caller.number, callee.number}
    return Parties(
        caller=caller if caller.number else Party(caller.name, named_caller),
        callee=callee if callee.number else Party(callee.name, named_callee),
        others=tuple(number for number in others if number not in known),
        caller_channel=settings.caller_channel,
    )


def lookup_of(contacts: Contacts, settings: Settings, metadata: bytes = b"{}", filename: str = "") -> Lookup:
    """The stage for one call; `metadata` is the JSON of a job's metadata, checked before."""
    ends = msgspec.json.decode(metadata, type=CallEnds)
    return Lookup(contacts if contacts.configured else None, parties_of(ends, filename, settings))
