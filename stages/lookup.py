"""Looks up in the address books who the speakers may be: by the call's numbers and names, and by what speakers say.

What the address book says never changes `identified_as`, which is the voice's. It gives a contact where there is one
only: of the known voice, of the one speaker on a side of the call whose number is known, or of a speaker who gives the
name that the other end of the call is known by. All else is evidence: a suggestion, with a probability that is a rule
of thumb and not measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from anyio.abc import ObjectReceiveStream, ObjectSendStream
from msgspec import Struct
from msgspec.structs import replace

from contracts.annotation import AnnotatedSpeech, Notice, Speaker
from contracts.contacts import FoundContact, Parties, Party
from contracts.errors import CallAnnotateError
from contracts.recognition import UNKNOWN, Evidence, EvidenceKind
from contracts.speech import Reached, Transcript
from stages.introductions import Introduction, introductions
from stages.names import words_of

OWN_SIDE: Final = 0.8
"""That the one speaker on a side is who its number belongs to: others use it, too."""
SUPPORTED: Final = 0.9
"""The same of a speaker who gives that very name."""
THE_OTHER: Final = 0.7
"""The same of the one speaker who is left, of two."""
SAID: Final = 0.5
"""That the name is the speaker's own, which a contact has."""
ONLY_SAID: Final = 0.3
"""The same where nobody is known by it."""


class Directory(Protocol):
    """Address books. Every method raises CallAnnotateError where it cannot look."""

    async def open(self) -> Notice | None:
        """Make ready; the notice says why what is found may be outdated."""

    async def by_number(self, number: str) -> tuple[FoundContact, ...]:
        """The contacts that have this number, as anybody writes it."""

    async def by_name(self, name: str) -> tuple[FoundContact, ...]:
        """The contacts with all words of this name; those of exactly this name where there are some."""


class End(Struct, frozen=True):
    """What is known of one end of the call."""

    kind: EvidenceKind
    text: str
    """The number or the name."""
    contacts: tuple[FoundContact, ...]
    channel: int | None
    """Of a two-sided call; None where nobody knows."""

    @property
    def contact(self) -> FoundContact | None:
        """The contact, if there is exactly one."""
        return self.contacts[0] if len(self.contacts) == 1 else None


@dataclass(frozen=True)
class Lookup:
    """Adds contacts and evidence to the speakers of a call."""

    directory: Directory | None = field(repr=False)
    """None: there are no address books, and what speakers say of themselves is all there is."""
    parties: Parties = field(default_factory=Parties)
    """Who the call was between."""

    async def run(
        self,
        receive: ObjectReceiveStream[Transcript | Reached | AnnotatedSpeech],
        send: ObjectSendStream[AnnotatedSpeech],
    ) -> None:
        """One AnnotatedSpeech in, one out. What goes wrong with the address books is told in it and stops nothing."""
        async for item in receive:
            if isinstance(item, AnnotatedSpeech):
                await send.send(await self.look_up(item))

    async def look_up(self, speech: AnnotatedSpeech) -> AnnotatedSpeech:
        """The same for what has been annotated elsewhere."""
        said = [introductions(speaker.segments) for speaker in speech.speakers]
        if self.directory is None:
            return replace(speech, speakers=await with_contacts(NoDirectory(), Parties(), speech.speakers, said))
        try:
            notice = await self.directory.open()
            speakers = await with_contacts(self.directory, self.parties, speech.speakers, said)
        except CallAnnotateError as error:
            told = Notice(error.fault.code, str(error))
            speakers = await with_contacts(NoDirectory(), Parties(), speech.speakers, said)
            return replace(speech, speakers=speakers, carddav_lookup="failed", warnings=(*speech.warnings, told))
        searched = tuple(replace(speaker, carddav_search_performed=True) for speaker in speakers)
        if notice is None:
            return replace(speech, speakers=searched, carddav_lookup="completed")
        return replace(speech, speakers=searched, carddav_lookup="failed", warnings=(*speech.warnings, notice))


class NoDirectory:
    """Finds nobody."""

    async def open(self) -> Notice | None:
        """Nothing to make ready."""
        return None

    async def by_number(self, number: str) -> tuple[FoundContact, ...]:  # noqa: ARG002
        """Nobody."""
        return ()

    async def by_name(self, name: str) -> tuple[FoundContact, ...]:  # noqa: ARG002
        """Nobody."""
        return ()


async def with_contacts(
    directory: Directory,
    parties: Parties,
    speakers: Sequence[Speaker],
    said: Sequence[Sequence[Introduction]],
) -> tuple[Speaker, ...]:
    """The speakers with what the address books say; `said` is what each says of himself."""
    two_sided = any(speaker.channel is not None for speaker in speakers)
    ends = await _ends(directory, parties, two_sided=two_sided)
    voices = [await _of_voice(directory, speaker) for speaker in speakers]
    whose = _assigned(speakers, said, voices, ends)
    found = []
    for place, speaker in enumerate(speakers):
        evidence = [*speaker.evidence, *_of_ends(place, speaker, speakers, ends, whose)]
        evidence += [await _of_introduction(directory, introduction) for introduction in said[place]]
        end = whose.get(place)
        contact = voices[place] or (end[0].contact if end is not None else None)
        found.append(replace(speaker, contact=contact, evidence=tuple(evidence)))
    return tuple(found)


async def _ends(directory: Directory, parties: Parties, *, two_sided: bool) -> list[End]:
    """The ends of the call of which anything is known."""
    sides = (parties.caller_channel, 1 - parties.caller_channel) if two_sided else (None, None)
    others = [(Party(number=number), None) for number in parties.others]
    ends = []
    for party, channel in [(parties.caller, sides[0]), (parties.callee, sides[1]), *others]:
        end = await _end(directory, party, channel)
        if end is not None:
            ends.append(end)
    return ends


async def _end(directory: Directory, party: Party, channel: int | None) -> End | None:
    """By the number, and among several contacts that share it by the name; else by the name."""
    by_number = await directory.by_number(party.number) if party.number else ()
    if by_number:
        named = tuple(contact for contact in by_number if _is_named(contact, party.name)) if party.name else ()
        return End("number", party.number, named or by_number, channel)
    by_name = await directory.by_name(party.name) if party.name else ()
    return End("name", party.name, by_name, channel) if by_name else None


async def _of_voice(directory: Directory, speaker: Speaker) -> FoundContact | None:
    """The contact of a known voice, if exactly one has its name."""
    if speaker.identified_as in {None, UNKNOWN}:
        return None
    contacts = await directory.by_name(speaker.identified_as or "")
    return contacts[0] if len(contacts) == 1 else None


def _assigned(
    speakers: Sequence[Speaker],
    said: Sequence[Sequence[Introduction]],
    voices: Sequence[FoundContact | None],
    ends: Sequence[End],
) -> dict[int, tuple[End, float]]:
    """Which end of the call a speaker is, by his place among the speakers, with the probability."""
    whose: dict[int, tuple[End, float]] = {}
    free = [end for end in ends if end.contact is not None]
    for place, speaker in enumerate(speakers):
        for end in [end for end in free if end.channel in {None, speaker.channel}]:
            contact = end.contact
            assert contact is not None
            voice = voices[place]
            same_voice = voice is not None and voice.contact_id == contact.contact_id
            if same_voice or (voice is None and any(_is_named(contact, one.name) for one in said[place])):
                whose[place] = (end, SUPPORTED)
                free.remove(end)
                break
    for end in list(free):
        on_side = [place for place, speaker in enumerate(speakers) if speaker.channel == end.channel is not None]
        if len(on_side) == 1 and on_side[0] not in whose and _may_be(voices[on_side[0]], end):
            whose[on_side[0]] = (end, OWN_SIDE)
            free.remove(end)
    left = [place for place in range(len(speakers)) if place not in whose]
    mono = [end for end in free if end.channel is None]
    if (
        len(speakers) == 2
        and len(left) == 1
        and len(mono) == 1
        and len(ends) == 2
        and _may_be(voices[left[0]], mono[0])
    ):
        whose[left[0]] = (mono[0], THE_OTHER)
    return whose


def _may_be(voice: FoundContact | None, end: End) -> bool:
    """A known voice is not somebody else because it is on somebody else's telephone."""
    return voice is None or (end.contact is not None and voice.contact_id == end.contact.contact_id)


def _of_ends(
    place: int,
    speaker: Speaker,
    speakers: Sequence[Speaker],
    ends: Sequence[End],
    whose: dict[int, tuple[End, float]],
) -> list[Evidence]:
    """What the numbers and names of the call say of a speaker: of his own end, or of those that may be his."""
    if place in whose:
        end, probability = whose[place]
        assert end.contact is not None
        return [_evidence(end, end.contact, probability)]
    taken = [end for end, _ in whose.values()]
    found = []
    for end in ends:
        if end in taken or end.channel not in {None, speaker.channel}:
            continue
        # All who may be there share it, and so do the contacts that have the same number.
        candidates = [other for other in range(len(speakers)) if other not in whose]
        on_side = [other for other in candidates if end.channel in {None, speakers[other].channel}]
        share = round(OWN_SIDE / max(1, len(on_side)) / len(end.contacts), 2)
        found += [_evidence(end, contact, share) for contact in end.contacts]
    return found


def _evidence(end: End, contact: FoundContact, probability: float) -> Evidence:
    return Evidence(kind=end.kind, text=end.text, probability=probability, contact=contact)


async def _of_introduction(directory: Directory, introduction: Introduction) -> Evidence:
    contacts = await directory.by_name(introduction.name)
    if introduction.organisation and len(contacts) > 1:
        words = set(words_of(introduction.organisation))
        same = tuple(contact for contact in contacts if words & set(words_of(contact.organisation)))
        contacts = same or contacts
    contact = contacts[0] if len(contacts) == 1 else None
    probability = SAID if contacts else ONLY_SAID
    return Evidence(kind="self_introduction", text=introduction.text, probability=probability, contact=contact)


def _is_named(contact: FoundContact, name: str) -> bool:
    """Whether all words of the name are the contact's; a first name alone will do."""
    words = set(words_of(name))
    return bool(words) and words <= set(words_of(contact.name))
