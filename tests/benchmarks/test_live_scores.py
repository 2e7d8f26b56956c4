"""The figures of live sessions, on messages made by hand."""

import math

import pytest

from benchmarks.live_scores import (
    Arrival,
    Stretch,
    announced_turns,
    changed_words,
    delays,
    middle,
    numbering,
    revised_turns,
    share,
    stretches,
)
from benchmarks.protocol import Turn
from contracts.live import AudioAck, SpeakerUpdate, SpeakerUpdated, TranscriptFinal, TranscriptPartial


def partial(at: float, segment: int, text: str, seq: int = 1) -> Arrival:
    message = TranscriptPartial(seq=seq, segment_id=f"segment_{segment}", revision=1, start_ms=0, text=text)
    return Arrival(at, message)


def final(at: float, segment: int, start: float, end: float, text: str = "word", speaker: int = 1) -> Arrival:
    return Arrival(
        at,
        TranscriptFinal(
            seq=1, segment_id=f"segment_{segment}", start_ms=round(1000 * start), end_ms=round(1000 * end), text=text,
            words=(), speaker_id=f"speaker_{speaker}", confidence=0.9, language="en", reason="endpoint",
        ),
    )  # fmt: skip


def test_turns_with_little_between_them_are_one_stretch_of_speech() -> None:
    turns = [Turn(5.0, 6.0, "a"), Turn(0.0, 2.0, "a"), Turn(1.5, 1.8, "b"), Turn(2.2, 3.0, "b")]
    assert stretches(turns) == [Stretch(0.0, 3.0), Stretch(5.0, 6.0)]


def test_the_delay_is_that_of_the_final_with_the_last_words_of_the_stretch() -> None:
    turns = [Turn(1.0, 4.0, "a"), Turn(6.0, 7.0, "b")]
    arrivals = [partial(2.0, 1, "one"), final(3.5, 1, 1.0, 2.5), final(4.6, 2, 2.5, 4.0), final(8.5, 3, 6.1, 6.9)]
    found = delays(turns, arrivals)
    assert found.finals == pytest.approx((0.6, 1.5))
    assert found.partials == pytest.approx((1.0, 2.5))
    assert found.missed == 0


def test_a_final_that_only_touches_a_stretch_tells_nothing_of_it() -> None:
    found = delays([Turn(1.0, 4.0, "a"), Turn(4.5, 6.0, "b")], [final(7.0, 1, 3.9, 6.0)])
    assert found.missed == 1
    assert found.finals == pytest.approx((1.0,))


def test_one_final_over_two_stretches_is_late_for_the_first() -> None:
    found = delays([Turn(1.0, 2.0, "a"), Turn(3.0, 4.0, "a")], [final(4.5, 1, 1.0, 4.0)])
    assert found.finals == pytest.approx((2.5, 0.5))


def test_delays_of_a_call_that_is_sent_faster_count_by_when_its_audio_was_sent() -> None:
    found = delays([Turn(2.0, 4.0, "a")], [final(2.5, 1, 2.0, 4.0)], speed=2.0)
    assert found.finals == pytest.approx((0.5,))


def test_words_behind_the_first_difference_count_as_changed() -> None:
    arrivals = [
        partial(1.0, 1, "The cat"), partial(1.5, 1, "the cat sat on"), partial(2.0, 1, "The cat sits on a mat"),
        final(2.5, 1, 0.0, 2.0, "The cat sits on the mat."), partial(3.0, 2, "noise"), final(3.5, 2, 3.0, 3.1, ""),
    ]  # fmt: skip
    assert changed_words(arrivals) == (2 + 2 + 1, 6)


def test_labels_are_those_first_announced_or_those_after_all_revisions() -> None:
    update = SpeakerUpdated(seq=3, updates=(SpeakerUpdate(segment_ids=("segment_2",), speaker_id="speaker_1"),))
    arrivals = [final(1.0, 1, 0.0, 1.0), final(2.0, 2, 1.0, 2.0, speaker=2), Arrival(3.0, update)]
    assert [turn.speaker for turn in announced_turns(arrivals)] == ["speaker_1", "speaker_2"]
    assert [turn.speaker for turn in revised_turns(arrivals)] == ["speaker_1", "speaker_1"]


@pytest.mark.parametrize(("numbers", "wrong"), [((1, 2, 3), 0), ((1, 3), 2), ((1, 2, 2, 3), 2)])
def test_messages_that_are_missing_or_doubled_are_counted(numbers: tuple[int, ...], wrong: int) -> None:
    arrivals = [Arrival(0.0, AudioAck(seq=number, bytes_received=0, ms_received=0)) for number in numbers]
    assert (numbering(arrivals) == 0) == (wrong == 0)


def test_nothing_measured_is_no_good_figure() -> None:
    assert middle([]) == share([], 0.95) == math.inf
    assert share([1.0, 2.0, 3.0, 4.0], 0.5) == 3.0
