"""How the figures of live sessions are computed from what arrived and when; the definitions that the table names."""

import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from benchmarks.protocol import Turn, Word
from benchmarks.scores import normalised
from contracts.annotation import Annotation
from contracts.live import LiveServerMessage, SessionEnded, SpeakerUpdated, TranscriptFinal, TranscriptPartial

CLOSED: Final = 0.3
"""Seconds: a shorter gap between turns belongs to the speech."""
SHARED: Final = 0.2
"""Seconds that a final has to share with a stretch of speech to count as part of it, or half of either."""


class Arrival(Struct, frozen=True):
    """A message of the server, as it arrived."""

    at: float
    """Seconds since the audio began."""
    message: LiveServerMessage


class Stretch(Struct, frozen=True):
    """Somebody speaks, without a gap of CLOSED."""

    start: float
    """Seconds from the start of the call."""
    end: float
    """Seconds from the start of the call."""


class Delays(Struct, frozen=True):
    """How long after what was said something arrived."""

    finals: tuple[float, ...]
    """Seconds from the true end of each stretch of speech to the final that covers its last word."""
    partials: tuple[float, ...]
    """Seconds from the true start of each stretch of speech to the first text that is shown of it."""
    missed: int
    """Stretches of which no final tells anything."""
    ends: tuple[float, ...] = ()
    """Seconds of the call: the ends that belong to `finals`."""


def stretches(turns: Sequence[Turn]) -> list[Stretch]:
    """The union of the turns, gaps below CLOSED closed."""
    found: list[Stretch] = []
    for turn in sorted(turns, key=lambda turn: turn.start):
        if found and turn.start < found[-1].end + CLOSED:
            found[-1] = Stretch(found[-1].start, max(found[-1].end, turn.end))
        else:
            found.append(Stretch(turn.start, turn.end))
    return found


def belongs(final: TranscriptFinal, stretch: Stretch) -> bool:
    """Whether a final tells something of a stretch."""
    start, end = final.start_ms / 1000, final.end_ms / 1000
    shared = min(end, stretch.end) - max(start, stretch.start)
    return shared > min(SHARED, (end - start) / 2, (stretch.end - stretch.start) / 2)


def finals_of(arrivals: Sequence[Arrival]) -> list[TranscriptFinal]:
    """The finals that say something, in the order of arrival."""
    return [a.message for a in arrivals if isinstance(a.message, TranscriptFinal) and a.message.text]


def delays(turns: Sequence[Turn], arrivals: Sequence[Arrival], speed: float = 1.0) -> Delays:
    """The delays of a call that was streamed `speed` times as fast as real time.

    The final that covers the last word of a stretch is the one of those belonging to it that ends last.
    """
    finals = [(a.at, a.message) for a in arrivals if isinstance(a.message, TranscriptFinal) and a.message.text]
    shown: dict[str, float] = {}
    for arrival in arrivals:
        if isinstance(arrival.message, (TranscriptPartial, TranscriptFinal)) and arrival.message.text:
            shown.setdefault(arrival.message.segment_id, arrival.at)
    after_end, after_start, ends, missed = [], [], [], 0
    for stretch in stretches(turns):
        own = [(at, final) for at, final in finals if belongs(final, stretch)]
        if not own:
            missed += 1
            continue
        at, _ = max(own, key=lambda item: item[1].end_ms)
        after_end.append(at - stretch.end / speed)
        ends.append(stretch.end)
        first = min(own, key=lambda item: item[1].start_ms)[1]
        after_start.append(shown[first.segment_id] - stretch.start / speed)
    return Delays(tuple(after_end), tuple(after_start), missed, tuple(ends))


def words_of(finals: Iterable[TranscriptFinal]) -> list[Word]:
    """All words of the finals."""
    return [
        Word(word.start_ms / 1000, word.end_ms / 1000, word.word, final.speaker_id)
        for final in finals
        for word in final.words
    ]


def result_words(result: Annotation) -> list[Word]:
    """All words of a result."""
    return [
        Word(word.start_time, word.end_time, word.word, speaker.speaker_id)
        for speaker in result.speakers
        for segment in speaker.segments
        for word in segment.words
    ]


def result_turns(result: Annotation) -> list[Turn]:
    """All turns of a result."""
    return [Turn(turn.start_time, turn.end_time, turn.speaker_id) for turn in result.turns]


def announced_turns(arrivals: Sequence[Arrival]) -> list[Turn]:
    """Who speaks when by the finals as they came."""
    return [Turn(final.start_ms / 1000, final.end_ms / 1000, final.speaker_id) for final in finals_of(arrivals)]


def revised_turns(arrivals: Sequence[Arrival]) -> list[Turn]:
    """The same after every speaker.updated."""
    speakers = {final.segment_id: final.speaker_id for final in finals_of(arrivals)}
    for arrival in arrivals:
        for update in arrival.message.updates if isinstance(arrival.message, SpeakerUpdated) else ():
            speakers |= dict.fromkeys(update.segment_ids, update.speaker_id)
    return [
        Turn(final.start_ms / 1000, final.end_ms / 1000, speakers[final.segment_id]) for final in finals_of(arrivals)
    ]


def changed_words(arrivals: Sequence[Arrival]) -> tuple[int, int]:
    """Words that were shown and then changed, and words of the finals.

    Of each text, the words behind the longest beginning that it shares with the next text of its segment count as
    changed ("erasure" in Arivazhagan et al., "Re-translation versus streaming", 2020), case and punctuation apart.
    """
    texts: dict[str, list[list[str]]] = {}
    for arrival in arrivals:
        if isinstance(arrival.message, (TranscriptPartial, TranscriptFinal)):
            texts.setdefault(arrival.message.segment_id, []).append(normalised(arrival.message.text).split())
    changed = sum(len(before) - common(before, after) for told in texts.values() for before, after in pairwise(told))
    return changed, sum(len(normalised(final.text).split()) for final in finals_of(arrivals))


def common(before: Sequence[str], after: Sequence[str]) -> int:
    """Words at the beginning that both share."""
    for number, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            return number
    return min(len(before), len(after))


def ended(arrivals: Sequence[Arrival]) -> SessionEnded:
    """The last message."""
    last = arrivals[-1].message
    if not isinstance(last, SessionEnded):
        raise TypeError(f"the last message is {type(last).__name__}")
    return last


def share(values: Sequence[float], part: float) -> float:
    """The value that this part of them stays within; infinite for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")


def middle(values: Sequence[float]) -> float:
    """The median; infinite for none."""
    return statistics.median(values) if values else float("inf")


def numbering(arrivals: Sequence[Arrival]) -> int:
    """Messages that are missing or doubled by their `seq`."""
    numbers = [arrival.message.seq for arrival in arrivals]
    return len(set(range(1, len(numbers) + 1)) ^ set(numbers)) + len(numbers) - len(set(numbers))
