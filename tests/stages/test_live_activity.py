"""Where a live channel speaks: with scores that follow the level of the audio, whose truth is known."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.live_speech import SpeechBegan, SpeechStopped
from contracts.live_stages import Utterance
from models.segmentation import FRAME_LENGTH
from stages.leveling import Leveler
from stages.live_activity import ENDPOINT, LONGEST, REST, SIGHT, Activity, Event

Spans = Sequence[tuple[float, float, int]]
"""Start and end in seconds, and who speaks: 1, 2, or 3 for both."""

CLASSES = {0: 0, 1: 1, 2: 2, 3: 4}
"""Class of the powerset for the bits of who speaks."""


def call(seconds: float, spans: Spans) -> Samples:
    """Noise far below the constant levels that stand for voices."""
    rng = np.random.default_rng(0)
    samples = (1e-4 * rng.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)
    for start, end, who in spans:
        samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0.1 * who
    return samples


def scores(window: Samples) -> npt.NDArray[np.float32]:
    """What a perfect network says of such a window."""
    centres = np.arange((len(window) - FRAME_LENGTH) // FRAME_STEP + 1) * FRAME_STEP + FRAME_LENGTH // 2
    classes = [CLASSES[round(float(window[centre]) * 10)] for centre in centres]
    return np.log(np.eye(7)[classes] * 0.97 + 0.004).astype(np.float32)


def told(samples: Samples, chunk: int = 1600, *, flush: bool = True) -> list[Event]:
    """Everything that is known of a call that comes in chunks, and at its end."""
    activity, events = Activity(0), list[Event]()
    for start in range(0, len(samples), chunk):
        activity.take(samples[start : start + chunk])
        while (window := activity.next_window()) is not None:
            events += activity.see(scores(window))
    if flush and (window := activity.last_window()) is not None:
        events += activity.see(scores(window), "end")
    return events


def complete(events: Sequence[Event]) -> list[tuple[float, float]]:
    """Start and end of the utterances, to a twentieth of a second."""
    found = [event for event in events if isinstance(event, Utterance) and event.state == "complete"]
    return [(round(own.start_time * 20) / 20, round(own.end_time * 20) / 20) for own in found]


def test_an_utterance_ends_after_a_pause_and_the_next_one_begins() -> None:
    events = told(call(8, [(1, 3, 1), (4, 6.5, 1)]))
    assert complete(events) == [(1.0, 3.0), (4.0, 6.5)]
    voices = [event for event in events if not isinstance(event, Utterance)]
    assert [type(event) for event in voices] == [SpeechBegan, SpeechStopped] * 2
    assert [event.time for event in voices] == pytest.approx([1, 3, 4, 6.5], abs=0.05)


def test_a_short_pause_ends_nothing() -> None:
    assert complete(told(call(6, [(1, 2, 1), (2.2, 4, 1)]))) == [(1.0, 4.0)]


@pytest.mark.parametrize("offset", [0.0, 0.02, 0.04, 0.06, 0.08])
def test_after_a_pause_that_may_be_within_a_sentence_the_speaker_has_not_stopped(offset: float) -> None:
    begin, end = 1 + offset, 3 + offset
    pause = (REST + 3) * FRAME_STEP / SAMPLE_RATE
    events = told(call(8, [(begin, end, 1), (end + pause, end + pause + 2, 1)]))
    found = [event for event in events if isinstance(event, Utterance) and event.state == "complete"]
    assert [own.settled for own in found[:-1]] == [False]
    assert abs(found[0].end_time - end) < 0.05
    voices = [event for event in events if not isinstance(event, Utterance)]
    assert [type(event) for event in voices] == [SpeechBegan, SpeechStopped]
    assert voices[1].time == pytest.approx(end + pause + 2, abs=0.05)


def test_a_speaker_has_stopped_once_the_pause_is_long_even_where_speech_follows_at_once() -> None:
    pause = (ENDPOINT + 1) * FRAME_STEP / SAMPLE_RATE
    events = told(call(8, [(1, 3, 1), (3 + pause, 5, 1)]))
    assert complete(events) == [(1.0, 3.0), (pytest.approx(3 + pause, abs=0.05), 5.0)]
    first = next(event for event in events if isinstance(event, Utterance) and event.state == "complete")
    told_of = [event for event in events if isinstance(event, SpeechStopped) and event.time < 4]
    assert first.settled or told_of


def test_a_flush_within_a_pause_settles_what_was_said() -> None:
    events = told(call(3.3, [(1, 3, 1)]))
    kinds = [type(event) for event in events if not isinstance(event, Utterance)]
    assert kinds == [SpeechBegan, SpeechStopped]


def test_a_click_is_no_speech() -> None:
    assert told(call(4, [(1, 1.05, 1)])) == []


def test_the_network_does_not_look_at_silence() -> None:
    activity, looks = Activity(0), 0
    samples = call(60, [(30, 31, 1)])
    for start in range(0, len(samples), 1600):
        activity.take(samples[start : start + 1600])
        while (window := activity.next_window()) is not None:
            activity.see(scores(window))
            looks += 1
    assert 5 < looks < 30


@pytest.mark.parametrize("chunk", [160, 1600, 7777, 160000])
def test_where_chunks_are_cut_makes_no_difference(chunk: int) -> None:
    samples = call(14, [(0.5, 3, 1), (3.6, 6, 2), (6, 8.5, 1), (9.5, 9.9, 1), (11, 14, 2)])
    expected, found = told(samples), told(samples, chunk)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        if isinstance(one, Utterance) and isinstance(other, Utterance):
            assert (one.number, one.state, one.start, one.reason) == (
                other.number, other.state, other.start, other.reason,
            )  # fmt: skip
            assert np.array_equal(one.samples, other.samples)
        else:
            assert one == other


def test_the_end_completes_what_goes_on_and_says_why() -> None:
    events = told(call(3.3, [(1, 3.3, 1)]))
    last = events[-1]
    assert isinstance(last, Utterance)
    assert (last.state, last.reason) == ("complete", "end")
    assert last.end_time == pytest.approx(3.3, abs=0.03)


def test_after_a_flush_the_call_goes_on() -> None:
    activity, events = Activity(0), list[Event]()
    samples = call(6, [(1, 5, 1)])
    for part in (samples[:40000], samples[40000:]):
        activity.take(part)
        while (window := activity.next_window()) is not None:
            events += activity.see(scores(window))
        if (window := activity.last_window()) is not None:
            events += activity.see(scores(window), "finalize")
    assert complete(events) == [(1.0, 2.5), (2.5, 5.0)]


def test_what_was_told_when_speech_paused_is_what_is_complete() -> None:
    events = [event for event in told(call(5, [(1, 3, 1)])) if isinstance(event, Utterance)]
    assert [event.state for event in events[-2:]] == ["pausing", "complete"]
    assert events[-1].samples is events[-2].samples


def test_an_utterance_is_told_of_as_it_grows() -> None:
    events = [event for event in told(call(6, [(1, 4, 1)])) if isinstance(event, Utterance)]
    grown = [event.end_time - 1 for event in events if event.state == "growing"]
    assert grown[0] < 0.8
    assert grown[1] < 1.1
    assert all(0.2 < after - before < 1.0 for before, after in pairwise(grown))


def test_long_speech_is_told_of_less_often_as_it_grows() -> None:
    events = [event for event in told(call(14, [(1, 13.5, 1)])) if isinstance(event, Utterance)]
    grown = [event.end_time - 1 for event in events if event.state == "growing"]
    late = [after - before for before, after in pairwise(grown) if before > 9]
    assert len(late) >= 2
    assert all(1.0 < each < 2.0 for each in late)


def test_an_utterance_is_cut_where_somebody_else_takes_over_at_a_dip() -> None:
    assert complete(told(call(8, [(1, 3.4, 1), (3.5, 6, 2)]))) == [(1.0, 3.4), (3.5, 6.0)]


def test_a_change_without_a_dip_cuts_no_word() -> None:
    assert complete(told(call(8, [(1, 3.5, 1), (3.5, 6, 2)]))) == [(1.0, 6.0)]


def test_long_speech_is_cut_at_its_quietest_place() -> None:
    samples = call(24, [(1, 22, 1)])
    samples[round(12.0 * SAMPLE_RATE) : round(12.1 * SAMPLE_RATE)] *= 0.2
    found = complete(told(samples))
    assert len(found) == 2
    assert found[0][1] == pytest.approx(12.05, abs=0.1)
    assert found[1][0] == pytest.approx(12.05, abs=0.1)
    assert found[1][1] == 22.0


def test_nothing_of_a_long_call_is_kept() -> None:
    activity = Activity(0)
    samples = call(40, [(n + 0.2, n + 0.7, 1) for n in range(0, 40, 2)])
    for _ in range(5):
        for start in range(0, len(samples), 1600):
            activity.take(samples[start : start + 1600])
            while (window := activity.next_window()) is not None:
                assert len(window) < (SIGHT + 10) * FRAME_STEP
                activity.see(scores(window))
    assert activity.held < (SIGHT + LONGEST + ENDPOINT) * FRAME_STEP


def levels(samples: Samples) -> Samples:
    """The level of the whole recording, as the file door has it."""
    leveler = Leveler()
    return np.concatenate([leveler.take(samples.astype(np.float64)), leveler.finish()])


@pytest.mark.parametrize("chunk", [1600, 7000])
def test_an_utterance_has_the_level_that_it_has_in_a_recording(chunk: int) -> None:
    samples = call(20, [(1, 3, 3), (4, 6.5, 1), (12, 18, 2)])
    events = [event for event in told(samples, chunk) if isinstance(event, Utterance) and event.state == "complete"]
    assert len(events) == 3
    for own in events:
        whole = levels(samples)[own.start : own.start + len(own.samples)]
        assert len(own.levelled) == len(own.samples)
        assert np.sqrt(np.mean((own.levelled - whole) ** 2)) < 0.05 * np.sqrt(np.mean(whole**2))


@pytest.mark.parametrize("offset", [0.0, 0.02, 0.04, 0.06, 0.08])
@pytest.mark.parametrize("flushed", [False, True])
def test_a_pause_that_just_lasts_long_enough_ends_an_utterance_wherever_it_lies(offset: float, flushed: bool) -> None:
    begin, end = 1 + offset, 3 + offset
    pause = (ENDPOINT + 2) * FRAME_STEP / SAMPLE_RATE
    events = told(call(end + pause + (0.2 if flushed else 3), [(begin, end, 1), (end + pause, end + pause + 1, 1)]))
    utterances = [event for event in events if isinstance(event, Utterance) and event.state == "complete"]
    assert len(utterances) == 2
    assert abs(utterances[0].end_time - end) < 0.05
