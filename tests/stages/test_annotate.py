"""Words meet turns."""

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.annotation import AnnotatedSpeech
from contracts.speech import Diarization, SpeakerTurn, TimedWord, Transcript
from stages.annotate import LONGEST_SEGMENT, PAUSE, Annotate, annotated


def word(text: str, start: float, length: float = 0.3) -> TimedWord:
    return TimedWord(text, start, start + length, 0.9)


def said(*words: TimedWord, channel: int = 0, language: str = "en") -> Transcript:
    return Transcript(channel, language, words, words[-1].end_time if words else 0.0)


def turn(speaker: int, start: float, end: float, channel: int = 0) -> SpeakerTurn:
    return SpeakerTurn(channel, speaker, start, end)


def texts(speech: AnnotatedSpeech) -> dict[str, list[str]]:
    return {speaker.speaker_id: [segment.text for segment in speaker.segments] for speaker in speech.speakers}


def test_a_word_belongs_to_the_speaker_whose_turn_it_falls_into() -> None:
    speech = annotated(
        [said(word("Hello", 0.1), word("there.", 0.5)), said(word("Hi!", 1.2))],
        [turn(0, 0, 1), turn(1, 1.1, 2)],
        2.0,
        two_sided=False,
    )
    assert texts(speech) == {"speaker_1": ["Hello there."], "speaker_2": ["Hi!"]}


def test_where_two_speak_at_once_a_word_stays_with_the_speaker_of_its_utterance() -> None:
    utterance = said(word("I", 0.2), word("would", 0.8), word("say", 1.6), word("so.", 2.1))
    speech = annotated([utterance], [turn(0, 0, 2.5), turn(1, 1.5, 2.4)], 2.5, two_sided=False)
    assert texts(speech) == {"speaker_1": ["I would say so."], "speaker_2": []}
    assert [(t.speaker_id, t.start_time, t.end_time) for t in speech.turns] == [
        ("speaker_1", 0, 2.5),
        ("speaker_2", 1.5, 2.4),
    ]


def test_a_word_outside_every_turn_goes_to_the_nearest_one() -> None:
    speech = annotated([said(word("so", 5.0))], [turn(0, 0, 1), turn(1, 6, 7)], 7, two_sided=False)
    assert texts(speech) == {"speaker_1": [], "speaker_2": ["so"]}


def test_words_of_a_channel_without_a_turn_get_a_speaker_of_their_own() -> None:
    speech = annotated(
        [said(word("yes", 1.0), channel=1), said(word("hello", 0.0))], [turn(0, 0, 2)], 2.0, two_sided=True
    )
    assert texts(speech) == {"speaker_1": ["hello"], "speaker_2": ["yes"]}
    assert [speaker.channel for speaker in speech.speakers] == [0, 1]
    assert speech.turns[1].start_time == 1.0


def test_a_word_never_crosses_to_the_other_side_of_the_call() -> None:
    speech = annotated(
        [said(word("mine", 1.0), channel=1)],
        [turn(0, 0, 2, channel=0), turn(1, 5, 6, channel=1)],
        6.0,
        two_sided=True,
    )
    assert texts(speech) == {"speaker_1": [], "speaker_2": ["mine"]}


@pytest.mark.parametrize(
    ("second", "language", "other", "count"),
    [
        (word("two", 0.5), "en", None, 1),
        (word("two", 0.4 + PAUSE), "en", None, 2),
        (word("two", 0.5), "ru", None, 2),
        (word("two", 1.0), "en", word("mhm", 0.5), 2),
    ],
    ids=["in a row", "after a pause", "in another language", "after somebody else's word"],
)
def test_a_segment_is_what_is_said_in_a_row(
    second: TimedWord, language: str, other: TimedWord | None, count: int
) -> None:
    transcripts = [said(word("one", 0.0)), said(second, language=language)]
    turns = [turn(0, 0, 3)]
    if other is not None:
        transcripts.append(said(other, channel=1))
        turns.append(turn(1, 0.4, 0.9, channel=1))
    assert len(annotated(transcripts, turns, 3.0, two_sided=False).speakers[0].segments) == count


def test_a_long_segment_ends_at_the_end_of_a_sentence() -> None:
    words = [word("word" if n % 10 else "end.", n * 0.5, 0.4) for n in range(200)]
    speech = annotated([said(*words)], [turn(0, 0, 100)], 100.0, two_sided=False)
    lengths = [segment.end_time - segment.start_time for segment in speech.speakers[0].segments]
    assert len(lengths) > 2
    assert max(lengths) < LONGEST_SEGMENT + 6
    assert all(segment.text.endswith("end.") for segment in speech.speakers[0].segments[:-1])


def test_japanese_is_joined_without_spaces() -> None:
    speech = annotated([said(word("もし", 0), word("もし", 0.4), language="ja")], [turn(0, 0, 1)], 1.0, two_sided=False)
    assert texts(speech) == {"speaker_1": ["もしもし"]}


times = st.floats(0, 100, allow_nan=False)


@given(
    st.lists(st.tuples(times, st.floats(0.02, 2), st.integers(0, 1)), max_size=30),
    st.lists(st.tuples(times, st.floats(0.1, 20), st.integers(0, 3)), max_size=8),
)
def test_every_word_belongs_to_exactly_one_speaker_with_its_own_turn(
    heard: list[tuple[float, float, int]], spoken: list[tuple[float, float, int]]
) -> None:
    transcripts = [said(word(f"w{n}", start, length), channel=c) for n, (start, length, c) in enumerate(heard)]
    turns = [turn(speaker, start, start + length, channel=speaker % 2) for start, length, speaker in spoken]
    speech = annotated(transcripts, turns, 200.0, two_sided=True)
    owned = [w.word for speaker in speech.speakers for segment in speaker.segments for w in segment.words]
    assert sorted(owned) == sorted(f"w{n}" for n in range(len(heard)))
    assert {t.speaker_id for t in speech.turns} == {speaker.speaker_id for speaker in speech.speakers}
    assert [t.start_time for t in speech.turns] == sorted(t.start_time for t in speech.turns)


@pytest.mark.anyio
async def test_the_last_diarization_counts_and_the_result_comes_at_the_end() -> None:
    into, receive = anyio.create_memory_object_stream[Transcript | Diarization](4)
    send, out = anyio.create_memory_object_stream[AnnotatedSpeech](1)
    async with receive, send, out:
        async with into:
            await into.send(Diarization((turn(0, 0, 1),), 1.0))
            await into.send(said(word("late", 3.0)))
            await into.send(Diarization((turn(0, 0, 1), turn(1, 3, 4)), 4.0))
        with anyio.fail_after(5):
            await Annotate().run(receive, send)
            speech = await out.receive()
    assert texts(speech) == {"speaker_1": [], "speaker_2": ["late"]}
    assert speech.end_time == 4.0
