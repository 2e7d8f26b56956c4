"""Which contacts the speakers of a call get, and on what evidence."""

from dataclasses import dataclass, field

from contracts.annotation import AnnotatedSpeech, Notice, Segment, Speaker
from contracts.contact_errors import CONTACTS_UNREACHABLE
from contracts.contacts import FoundContact, Parties, Party
from contracts.errors import CallAnnotateError
from contracts.recognition import UNKNOWN, Evidence
from stages.lookup import ONLY_SAID, OWN_SIDE, SAID, SUPPORTED, THE_OTHER, Lookup
from stages.names import words_of


def contact(uid: str, name: str, *numbers: str, organisation: str = "") -> FoundContact:
    return FoundContact(uid=uid, name=name, numbers=numbers, organisation=organisation, contact_id=uid * 32)


IVAN = contact("1", "Иван Петров", "+7111")
ANNA = contact("2", "Anna Smith", "+44222", organisation="Northwind")
OTHER_ANNA = contact("3", "Anna Jones", "+44333", organisation="Acme")
SWITCHBOARD = [contact("4", "Bob Stone", "+7900"), contact("5", "Carl Hill", "+7900")]


@dataclass
class Book:
    """Contacts in the memory."""

    contacts: list[FoundContact] = field(default_factory=lambda: [IVAN, ANNA, OTHER_ANNA, *SWITCHBOARD])
    notice: Notice | None = None
    failure: CallAnnotateError | None = None

    async def open(self) -> Notice | None:
        if self.failure is not None:
            raise self.failure
        return self.notice

    async def by_number(self, number: str) -> tuple[FoundContact, ...]:
        return tuple(contact for contact in self.contacts if number in contact.numbers)

    async def by_name(self, name: str) -> tuple[FoundContact, ...]:
        words = set(words_of(name))
        return tuple(contact for contact in self.contacts if words and words <= set(words_of(contact.name)))


def speaker(
    number: int, *texts: str, channel: int | None = None, voice: str | None = None, confidence: float = 0.0
) -> Speaker:
    segments = tuple(Segment(float(n), n + 1.0, text, 0.9, "en", ()) for n, text in enumerate(texts))
    return Speaker(f"speaker_{number}", segments, channel, voice, confidence)


async def looked_up(*speakers: Speaker, parties: Parties | None = None, book: Book | None = None) -> AnnotatedSpeech:
    return await Lookup(book or Book(), parties or Parties()).look_up(AnnotatedSpeech(speakers, (), 60.0))


def contacts(speech: AnnotatedSpeech) -> list[str | None]:
    return [speaker.contact.name if speaker.contact is not None else None for speaker in speech.speakers]


def evidence(speech: AnnotatedSpeech) -> list[list[tuple[str, str, float]]]:
    return [[(item.kind, item.text, item.probability) for item in speaker.evidence] for speaker in speech.speakers]


CALL = Parties(caller=Party("", "+7111"), callee=Party("", "+44222"))


async def test_a_known_voice_gets_the_contact_of_its_name() -> None:
    speech = await looked_up(speaker(1, voice="Иван Петров", confidence=0.97), speaker(2, voice=UNKNOWN))
    assert contacts(speech) == ["Иван Петров", None]
    assert (speech.speakers[0].identified_as, speech.speakers[0].confidence) == ("Иван Петров", 0.97)
    assert [speaker.carddav_search_performed for speaker in speech.speakers] == [True, True]
    assert speech.carddav_lookup == "completed"


async def test_a_name_that_two_contacts_have_gives_none() -> None:
    assert contacts(await looked_up(speaker(1, voice="Anna"))) == [None]


async def test_on_two_sides_each_number_belongs_to_its_side() -> None:
    speakers = [speaker(1, channel=1), speaker(2, channel=0)]
    speech = await looked_up(*speakers, parties=CALL)
    assert contacts(speech) == ["Anna Smith", "Иван Петров"]
    assert evidence(speech) == [[("number", "+44222", OWN_SIDE)], [("number", "+7111", OWN_SIDE)]]
    assert [speaker.identified_as for speaker in speech.speakers] == [None, None]
    turned = Parties(caller=CALL.caller, callee=CALL.callee, caller_channel=1)
    assert contacts(await looked_up(*speakers, parties=turned)) == ["Иван Петров", "Anna Smith"]


async def test_several_speakers_on_a_side_share_its_number_as_a_suggestion() -> None:
    speech = await looked_up(speaker(1, channel=0), speaker(2, channel=0), speaker(3, channel=1), parties=CALL)
    assert contacts(speech) == [None, None, "Anna Smith"]
    assert evidence(speech)[0] == evidence(speech)[1] == [("number", "+7111", OWN_SIDE / 2)]


async def test_on_one_channel_numbers_are_suggestions_for_everybody() -> None:
    speech = await looked_up(speaker(1), speaker(2), parties=CALL)
    assert contacts(speech) == [None, None]
    both = [("number", "+7111", OWN_SIDE / 2), ("number", "+44222", OWN_SIDE / 2)]
    assert evidence(speech) == [both, both]
    assert [item.contact for item in speech.speakers[0].evidence] == [IVAN, ANNA]


async def test_on_one_channel_a_known_voice_leaves_the_other_end_to_the_other_speaker() -> None:
    speech = await looked_up(speaker(1), speaker(2, voice="Иван Петров", confidence=0.9), parties=CALL)
    assert contacts(speech) == ["Anna Smith", "Иван Петров"]
    assert evidence(speech) == [[("number", "+44222", THE_OTHER)], [("number", "+7111", SUPPORTED)]]


async def test_who_gives_the_name_of_an_end_is_that_end() -> None:
    speech = await looked_up(speaker(1, "Hello, this is Anna."), speaker(2, "Hi."), parties=CALL)
    assert contacts(speech) == ["Anna Smith", "Иван Петров"]
    assert evidence(speech)[0] == [("number", "+44222", SUPPORTED), ("self_introduction", "this is Anna", SAID)]


async def test_of_three_speakers_nobody_is_the_one_who_is_left() -> None:
    speech = await looked_up(speaker(1, voice="Иван Петров"), speaker(2), speaker(3), parties=CALL)
    assert contacts(speech) == ["Иван Петров", None, None]
    assert evidence(speech)[1] == [("number", "+44222", OWN_SIDE / 2)]


async def test_a_known_voice_on_somebody_elses_telephone_keeps_its_own_contact() -> None:
    speech = await looked_up(speaker(1, channel=0, voice="Anna Smith"), speaker(2, channel=1), parties=CALL)
    assert contacts(speech)[0] == "Anna Smith"
    assert "+7111" in [item.text for item in speech.speakers[0].evidence]


async def test_a_self_introduction_is_a_suggestion_and_never_an_identification() -> None:
    speech = await looked_up(speaker(1, "This is Anna Jones from Acme."), speaker(2, "My name is Zed Unheard."))
    assert contacts(speech) == [None, None]
    assert [speaker.identified_as for speaker in speech.speakers] == [None, None]
    assert evidence(speech) == [
        [("self_introduction", "This is Anna Jones from Acme", SAID)],
        [("self_introduction", "My name is Zed Unheard", ONLY_SAID)],
    ]
    assert speech.speakers[0].evidence[0].contact == OTHER_ANNA


async def test_the_organisation_tells_between_contacts_of_the_same_name() -> None:
    (found,) = (await looked_up(speaker(1, "This is Anna from Northwind."))).speakers
    assert found.evidence[0].contact == ANNA
    (unclear,) = (await looked_up(speaker(1, "This is Anna."))).speakers
    assert unclear.evidence[0].contact is None


async def test_a_number_that_several_contacts_share_gives_none_unless_the_name_tells() -> None:
    shared = Parties(caller=Party("", "+7900"))
    speech = await looked_up(speaker(1, channel=0), parties=shared)
    assert contacts(speech) == [None]
    assert [item.contact for item in speech.speakers[0].evidence] == SWITCHBOARD
    named = Parties(caller=Party("Carl Hill", "+7900"))
    assert contacts(await looked_up(speaker(1, channel=0), parties=named)) == ["Carl Hill"]


async def test_a_name_in_the_metadata_is_looked_up_where_there_is_no_number() -> None:
    parties = Parties(caller=Party("Иван Петров"), callee=Party("Nobody"))
    speech = await looked_up(speaker(1, channel=0), speaker(2, channel=1), parties=parties)
    assert contacts(speech) == ["Иван Петров", None]
    assert evidence(speech) == [[("name", "Иван Петров", OWN_SIDE)], []]


async def test_numbers_of_nobody_in_particular_are_suggestions() -> None:
    speech = await looked_up(speaker(1, channel=0), speaker(2, channel=1), parties=Parties(others=("+7111",)))
    assert contacts(speech) == [None, None]
    assert evidence(speech) == [[("number", "+7111", OWN_SIDE / 2)]] * 2


async def test_evidence_of_the_voice_stays_in_front() -> None:
    voice = Evidence("voice", "Иван Петров", 0.9, "v")
    heard = Speaker("speaker_1", (), 0, "Иван Петров", 0.9, evidence=(voice,))
    assert evidence(await looked_up(heard, parties=CALL))[0][0] == ("voice", "Иван Петров", 0.9)


async def test_address_books_that_are_away_fail_the_lookup_and_not_the_call() -> None:
    failure = CallAnnotateError(CONTACTS_UNREACHABLE, server="https://dav.example.org", cause="Connection refused")
    speech = await looked_up(speaker(1, "My name is Anna."), parties=CALL, book=Book(failure=failure))
    assert speech.carddav_lookup == "failed"
    assert [notice.code for notice in speech.warnings] == ["CONTACTS_UNREACHABLE"]
    assert "Connection refused" in speech.warnings[0].message
    assert evidence(speech) == [[("self_introduction", "My name is Anna", ONLY_SAID)]]
    assert not speech.speakers[0].carddav_search_performed


async def test_an_outdated_copy_is_used_and_told_of() -> None:
    notice = Notice("CONTACTS_OUTDATED", "as of yesterday")
    speech = await looked_up(speaker(1, channel=0), parties=CALL, book=Book(notice=notice))
    assert contacts(speech) == ["Иван Петров"]
    assert (speech.carddav_lookup, speech.warnings) == ("failed", (notice,))


async def test_without_address_books_only_what_is_said_counts() -> None:
    speech = await Lookup(None, CALL).look_up(AnnotatedSpeech((speaker(1, "This is Anna.", channel=0),), (), 1.0))
    assert speech.carddav_lookup == "skipped"
    assert contacts(speech) == [None]
    assert evidence(speech) == [[("self_introduction", "This is Anna", ONLY_SAID)]]


async def test_a_call_without_speakers_is_looked_up() -> None:
    assert (await looked_up(parties=CALL)).carddav_lookup == "completed"
