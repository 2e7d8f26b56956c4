"""The stage `write`: with a recogniser that follows a script, whose turns the test gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from anyio import Event, create_memory_object_stream, create_task_group, fail_after, wait_all_tasks_blocked
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec.structs import replace

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.live_speech import Degraded, LiveOptions, Partial, SpeechStopped
from contracts.live_stages import Flush, Utterance, Written
from models.whisper import Before, Heard
from models.whisper_words import HeardWord
from stages.live_activity import LONGEST
from stages.live_work import Priority, T
from stages.write import Write, joined

pytestmark = pytest.mark.anyio

Input = Utterance | SpeechStopped | Flush
Output = Partial | Written | Degraded | Flush


@dataclass
class Script:
    """Hears what it is told to hear next; "" is not trusted."""

    texts: list[str]
    languages: tuple[str, ...] = ("en", "ru")
    asked: list[tuple[str, int, tuple[int, ...] | None]] = field(default_factory=list)
    """Language, beam and the tokens before of each call."""
    chances: tuple[float, ...] = (0.98, 0.02)

    def detect(self, utterances: Sequence[Samples]) -> npt.NDArray[np.float64]:
        return np.array([self.chances] * len(utterances))

    def tokens(self, text: str) -> list[int]:
        return [len(word) for word in text.split()]

    def hear_live(
        self,
        samples: Samples,
        language: str | Callable[[npt.NDArray[np.float64]], str],
        silence: int,
        *,
        beam: int = 5,
        timed: bool = True,
        context: str = "",
        before: Before | None = None,
    ) -> tuple[str, Heard]:
        assert silence > 0
        assert len(samples) > 0
        assert len(context) == 0
        chosen = language(np.array(self.chances)) if callable(language) else language
        self.asked.append((chosen, beam, before.tokens if before else None))
        text = self.texts.pop(0)
        words = [HeardWord(word, 0.1 * n, 0.1 * n + 0.1, 0.9) for n, word in enumerate(text.split())]
        sure = -0.2 if text else -5.0
        return chosen, Heard(text, tuple(words) if timed else (), sure, 0.1, (len(text), len(words)))


@dataclass
class Turns:
    """Does work when the test lets it."""

    wait: float = 0.0
    load: float = 0.0
    asked: list[Priority] = field(default_factory=list)
    held: Event | None = None
    all_threads: bool = False
    """For everything that can do with them."""

    async def run(self, kind: Priority, work: Callable[[], T], alone: Callable[[], T] | None = None) -> T:
        self.asked.append(kind)
        if self.held is not None:
            await self.held.wait()
        return alone() if self.all_threads and alone is not None else work()


def utterance(number: int, seconds: float, state: str = "complete", start: float = 1.0, channel: int = 0) -> Utterance:
    frames = int(seconds * SAMPLE_RATE) // FRAME_STEP
    first = int(start * SAMPLE_RATE) // FRAME_STEP
    samples = np.random.default_rng(number).normal(0, 0.1, frames * FRAME_STEP).astype(np.float32)
    nothing = np.zeros(frames, np.float32)
    ones = np.ones(frames, np.uint8)
    return Utterance(number, channel, state, first, ones, nothing, first * FRAME_STEP, samples, samples)  # type: ignore[arg-type]


class Talk:
    """The stage at work, and both of its ends."""

    def __init__(
        self, send: MemoryObjectSendStream[Input], receive: MemoryObjectReceiveStream[Output], turns: Turns
    ) -> None:
        self.send, self.receive, self.turns = send, receive, turns

    async def give(self, *items: Input) -> None:
        """Send each when the stage has nothing more to do about the one before."""
        for item in items:
            await self.send.send(item)
            await wait_all_tasks_blocked()

    def take(self) -> list[Output]:
        return [self.receive.receive_nowait() for _ in range(self.receive.statistics().current_buffer_used)]


async def written(
    script: Script,
    talk: Callable[[Talk], object],
    options: LiveOptions | None = None,
    turns: Turns | None = None,
    alone: Script | None = None,
) -> list[Output]:
    """What the stage sends while `talk` is held with it, and after its end."""
    turns = turns or Turns()

    async def loaded() -> Script | None:
        return alone

    stage = Write(script, turns, lambda _second: options or LiveOptions(language="en"), loaded)
    send, inlet = create_memory_object_stream[Input](100)
    outlet, receive = create_memory_object_stream[Output](100)
    sent: list[Output] = []
    with fail_after(10):
        async with create_task_group() as tasks, send, inlet, outlet, receive:
            tasks.start_soon(stage.run, inlet, outlet)
            held = Talk(send, receive, turns)
            await talk(held)  # type: ignore[misc]
            if turns.held is not None:
                turns.held.set()
            await send.aclose()
            await wait_all_tasks_blocked()
            sent = held.take()
    return sent


def texts(events: Sequence[Output]) -> list[str]:
    """What a reader sees: partials with their revision, finals in full."""
    shown = []
    for event in events:
        if isinstance(event, Partial):
            shown.append(f"{event.utterance}.{event.revision} {event.text}")
        elif isinstance(event, Written):
            shown.append(f"{event.number} {' '.join(word.text for word in event.words)}!")
    return shown


async def test_partials_grow_until_the_final_text_comes() -> None:
    script = Script(["after the", "after the tone", "after the tone say", "after the tone"])
    events = await written(
        script,
        lambda talk: talk.give(
            utterance(0, 0.5, "growing"), utterance(0, 0.8, "growing"), utterance(0, 1.3, "growing"), utterance(0, 1.5)
        ),
    )
    assert texts(events) == ["0.1 after", "0.2 after the", "0 after the tone!"]
    assert [beam for _, beam, _ in script.asked] == [1, 1, 1, 5]


async def test_what_was_written_on_the_chance_is_not_written_again() -> None:
    script = Script(["press one"])
    pausing = utterance(0, 1.5, "pausing")
    complete = replace(pausing, state="complete")
    turns = Turns()
    events = await written(script, lambda talk: talk.give(pausing, complete), turns=turns)
    assert texts(events) == ["0 press one!"]
    assert turns.asked == [Priority.DRAFT]


async def test_what_was_written_on_the_chance_is_dropped_where_speech_goes_on() -> None:
    script = Script(["press", "press one now"])
    events = await written(script, lambda talk: talk.give(utterance(0, 1.0, "pausing"), utterance(0, 2.0)))
    assert texts(events) == ["0 press one now!"]


def paused(item: Utterance) -> Utterance:
    """The same, complete after a pause in which its speaker may go on."""
    return replace(item, state="complete", settled=False)


async def test_a_sentence_that_ends_at_a_short_pause_is_final_at_once() -> None:
    async def talk(held: Talk) -> None:
        await held.give(paused(utterance(0, 2)))
        assert texts(held.take()) == ["0 That is all.!"]
        await held.give(utterance(1, 2, start=3.3))
        assert texts(held.take()) == ["1 One more.!"]

    await written(Script(["That is all.", "One more."]), talk)


@pytest.mark.parametrize("text", ["I want to", "I want...", "I want\u2026", ""])
async def test_a_sentence_that_goes_on_after_a_short_pause_is_heard_whole(text: str) -> None:
    first, second = utterance(0, 2), utterance(1, 2, start=3.3)

    async def talk(held: Talk) -> None:
        await held.give(paused(first))
        assert held.take() == []
        await held.give(replace(second, state="pausing"), second)

    heard_again = [] if text else [""]
    (final,) = await written(Script([text, *heard_again, "I want to go home."]), talk)
    assert isinstance(final, Written)
    assert texts([final]) == ["0 I want to go home.!"]
    assert final.utterance.start == first.start
    assert final.utterance.end_time == second.end_time
    assert len(final.utterance.samples) == second.start + len(second.samples) - first.start


async def test_a_sentence_that_does_not_go_on_is_final_when_its_speaker_has_stopped() -> None:
    first = utterance(0, 2)

    async def talk(held: Talk) -> None:
        await held.give(paused(first))
        assert held.take() == []
        await held.give(SpeechStopped(0, first.end_time))
        assert texts(held.take()) == ["0 I want to!"]
        await held.give(utterance(1, 2, start=3.6))

    assert texts(await written(Script(["I want to", "go home."]), talk)) == ["1 go home.!"]


@pytest.mark.parametrize("on_the_chance", [True, False])
async def test_a_sentence_that_goes_on_is_heard_whole_where_its_end_comes_at_once(*, on_the_chance: bool) -> None:
    second = utterance(1, 2, start=3.3)

    async def talk(held: Talk) -> None:
        await held.give(paused(utterance(0, 2)))
        if on_the_chance:
            await held.give(replace(second, state="pausing"))
        await held.give(SpeechStopped(0, second.end_time), second)

    said = ["I want to", "I want to go home."]
    assert texts(await written(Script(said), talk)) == ["0 I want to go home.!"]


async def test_what_is_not_understood_with_what_follows_stays_as_it_was() -> None:
    async def talk(held: Talk) -> None:
        await held.give(paused(utterance(0, 2)), utterance(1, 2, start=3.3))

    said = ["I want to", "", "", "go home."]
    assert texts(await written(Script(said), talk)) == ["0 I want to!", "1 go home.!"]


async def test_partials_of_a_sentence_go_on_after_a_short_pause() -> None:
    grows = [utterance(0, 1, "growing"), utterance(0, 1.5, "growing"), paused(utterance(0, 2))]
    after = [utterance(1, 1, "growing", start=3.3), utterance(1, 2, start=3.3)]

    async def talk(held: Talk) -> None:
        await held.give(*grows, *after)

    said = ["I want", "I want", "I want to", "I want to go", "I want to go home."]
    assert texts(await written(Script(said), talk)) == ["0.1 I", "0.2 I want", "0 I want to go home.!"]


async def test_what_would_be_too_long_with_what_follows_is_not_held_for_it() -> None:
    half = LONGEST * FRAME_STEP / SAMPLE_RATE / 2

    async def talk(held: Talk) -> None:
        await held.give(paused(utterance(0, half)), utterance(1, half, start=1.3 + half))

    assert texts(await written(Script(["I want to", "go home."]), talk)) == ["0 I want to!", "1 go home.!"]


def test_what_is_joined_lies_where_it_was_said() -> None:
    first, second = utterance(0, 1), utterance(1, 1, start=2.3)
    both = joined(first, second)
    assert np.array_equal(both.samples[: len(first.samples)], first.samples)
    assert np.array_equal(both.samples[second.start - first.start :], second.samples)
    assert len(both.speakers) == len(both.changes) == round(both.end_time * SAMPLE_RATE / FRAME_STEP) - both.first_frame
    assert np.flatnonzero(both.speakers == 0).tolist() == list(
        range(len(first.speakers), second.first_frame - first.first_frame)
    )


async def test_a_partial_that_is_out_of_date_is_not_heard() -> None:
    script, turns = Script(["all of it"]), Turns(held=Event())

    async def talk(talk: Talk) -> None:
        await talk.give(utterance(0, 0.5, "growing"), utterance(0, 1.0, "growing"), utterance(0, 1.5))

    events = await written(script, talk, turns=turns)
    assert texts(events) == ["0 all of it!"]
    assert turns.asked == [Priority.PARTIAL, Priority.FINAL]


async def test_what_is_not_trusted_is_heard_once_more_and_then_dropped() -> None:
    script = Script(["", "", "", "second"])
    events = await written(script, lambda talk: talk.give(utterance(0, 1.5), utterance(1, 1.5, start=4)))
    assert texts(events) == ["0 second!"]


async def test_partials_that_turn_out_to_be_nothing_are_taken_back() -> None:
    script = Script(["a noise here", "", ""])
    events = await written(script, lambda talk: talk.give(utterance(0, 0.5, "growing"), utterance(0, 1.0)))
    assert texts(events) == ["0.1 a noise", "0 !"]


async def test_a_flush_comes_after_all_text_before_it() -> None:
    script = Script(["one", "two"])
    events = await written(
        script,
        lambda talk: talk.give(utterance(0, 1.5), utterance(0, 1.5, channel=1), Flush("finalize")),
    )
    assert sorted(texts(events)) == ["0 one!", "1 two!"]
    assert events[-1] == Flush("finalize")


async def test_an_utterance_is_heard_with_what_was_said_before_in_its_language() -> None:
    script = Script(["first one", "and another"])
    await written(script, lambda talk: talk.give(utterance(0, 1.5), utterance(1, 1.5, start=3)))
    assert [before for _, _, before in script.asked] == [None, (9, 2)]


async def test_partials_go_on_from_what_was_said_before_as_the_final_does() -> None:
    script = Script(["first one", "and another", "and another"])
    await written(script, lambda talk: talk.give(utterance(0, 1.5), utterance(1, 0.5, "growing", start=3)))
    assert [before for _, _, before in script.asked] == [None, (9, 2)]


async def test_a_text_with_the_same_words_twice_in_a_row_is_heard_again_alone() -> None:
    script = Script(
        ["please hold", "To leave the conference, leave the conference now.", "To leave the conference now."]
    )
    events = await written(script, lambda talk: talk.give(utterance(0, 1.5), utterance(1, 1.5, start=3)))
    assert texts(events) == ["0 please hold!", "1 To leave the conference now.!"]
    assert [before for _, _, before in script.asked] == [None, (11, 2), None]


async def test_a_partial_with_the_same_words_twice_in_a_row_is_not_shown() -> None:
    script = Script(["leave the conference leave the conference", "leave the conference"])
    events = await written(script, lambda talk: talk.give(utterance(0, 0.5, "growing"), utterance(0, 1.5)))
    assert texts(events) == ["0 leave the conference!"]


async def test_no_partials_are_made_where_none_are_wanted() -> None:
    options, late = LiveOptions(language="en", partials=False), Turns(wait=2.0)
    script = Script(["all"])
    events = await written(script, lambda talk: talk.give(utterance(0, 1, "growing"), utterance(0, 1.5)), options, late)
    assert texts(events) == ["0 all!"]
    assert not [event for event in events if isinstance(event, Degraded)]


async def test_partials_end_where_finals_wait_and_come_back_little_by_little() -> None:
    turns = Turns(wait=2.0)
    script = Script(["all of it", "the rest of", "the rest"])

    async def talk(talk: Talk) -> None:
        await talk.give(utterance(0, 0.5, "growing"), utterance(0, 1.5))
        turns.wait = 0.0
        await talk.give(utterance(1, 0.5, "growing", start=4))  # too soon
        await talk.give(utterance(1, 8.0, "growing", start=4), utterance(1, 19.0, "growing", start=4))
        await talk.give(utterance(1, 19.5, start=4))

    events = await written(script, talk, turns=turns)
    assert [event.level for event in events if isinstance(event, Degraded)] == [2, 1, 0]
    assert texts(events) == ["0 all of it!", "1.1 the rest", "1 the rest!"]


async def test_partials_are_rarer_and_then_end_where_the_networks_are_busy_before_finals_wait() -> None:
    turns = Turns(load=1.2)
    script = Script(["one two", "all of it"])

    async def talk(talk: Talk) -> None:
        await talk.give(*[utterance(0, 0.5 + n / 2, "growing") for n in range(5)])
        await talk.give(utterance(0, 12, "growing"), utterance(0, 14))

    events = await written(script, talk, turns=turns)
    assert [event.level for event in events if isinstance(event, Degraded)] == [1, 2]
    assert texts(events) == ["0.1 one", "0 all of it!"]


async def test_the_language_is_told_by_each_utterance() -> None:
    script = Script(["добрый день"], chances=(0.02, 0.98))
    events = await written(script, lambda talk: talk.give(utterance(0, 2.0)), LiveOptions())
    assert [event.language for event in events if isinstance(event, Written)] == ["ru"]


async def test_where_nothing_else_is_at_work_the_model_with_all_threads_hears_finals() -> None:
    narrow, alone = Script(["press", "press one"]), Script(["press one now"])
    items = utterance(0, 0.5, "growing"), utterance(0, 0.8, "growing"), utterance(0, 1.5)
    events = await written(narrow, lambda talk: talk.give(*items), turns=Turns(all_threads=True), alone=alone)
    assert texts(events) == ["0.1 press", "0 press one now!"]
    assert ([beam for _, beam, _ in narrow.asked], [beam for _, beam, _ in alone.asked]) == ([1, 1], [5])


async def test_a_partial_of_a_long_utterance_goes_on_from_the_words_agreed_about() -> None:
    text = """all lines are busy now but your call matters to us so please hold on and somebody will answer as soon as
        one of them is free"""
    words = text.split()
    script = Script([" ".join(words[:24]), text, "as one of them is", "all of it"])
    items = [utterance(0, seconds, "growing") for seconds in (3.2, 3.4, 4.0)]
    events = await written(script, lambda talk: talk.give(*items, utterance(0, 4.4)))
    beginning = tuple(len(word) for word in words[:23])
    assert [before for _, _, before in script.asked] == [None, None, beginning, None]
    assert texts(events)[-2:] == [f"0.2 {' '.join(words[:24])}", "0 all of it!"]
