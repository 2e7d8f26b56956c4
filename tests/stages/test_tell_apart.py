"""The stage `tell_apart`: with a network that knows a voice by its loudness."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from msgspec.structs import replace

from contracts.live_speech import Final, LiveEvent, Partial
from contracts.live_stages import Flush, Utterance, Written
from contracts.speech import TimedWord
from stages.live_work import Priority, T
from stages.tell_apart import TellApart
from tests.stages.flow import through
from tests.stages.test_write import utterance
from tests.stages.voices import voices

pytestmark = pytest.mark.anyio

ANNA, BORIS = voices(2)
LOUD, SOFT = 1.0, 0.001


class Loudness:
    """Anna is loud, Boris is not."""

    def embed(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.array([ANNA if own.mean() > 0 else BORIS for own in features], np.float32)


class AtOnce:
    """Does all work at once."""

    wait = load = 0.0

    async def run(self, _kind: Priority, work: Callable[[], T], _alone: Callable[[], T] | None = None) -> T:
        return work()


def said(number: int, level: float, seconds: float, start: float, state: str = "growing") -> Utterance:
    own = utterance(number, seconds, state, start)
    return replace(own, samples=own.samples * np.float32(level * 1e4 if level == LOUD else level))


def partial(number: int, of: Utterance) -> Partial:
    return Partial(number, 1, of.channel, of.start_time, "so far", None)


def written(number: int, of: Utterance) -> Written:
    return Written(number, replace(of, state="complete"), (TimedWord("all", 1.0, 2.0, 0.9),), "en")


Item = LiveEvent | Utterance | Written | Flush


async def told(*items: Item, apart: bool = True) -> list[int | None]:
    """The speakers of partials and finals."""
    events = await through(TellApart(Loudness(), AtOnce(), apart), items)
    return [event.speaker for event in events if isinstance(event, (Partial, Final))]


async def test_partials_are_of_the_voice_that_is_heard_as_soon_as_it_is_known() -> None:
    anna, boris, again = said(0, LOUD, 3, 1), said(1, SOFT, 3, 5), said(2, LOUD, 3, 9)
    items: list[Item] = [anna, partial(0, anna), written(0, anna), boris, partial(1, boris), written(1, boris)]
    assert await told(*items, again, partial(2, again), written(2, again)) == [None, 0, None, 1, 0, 0]


async def test_a_partial_that_comes_late_is_not_of_who_speaks_next() -> None:
    anna, boris = said(0, LOUD, 3, 1), said(1, SOFT, 3, 5)
    once, late = said(2, LOUD, 3, 9), said(3, SOFT, 3, 13)
    items: list[Item] = [anna, written(0, anna), boris, written(1, boris)]
    assert await told(*items, once, late, partial(2, once), partial(3, late)) == [0, 1, 0, 1]


async def test_of_what_is_too_short_to_tell_nobody_is_said_to_speak() -> None:
    anna, short = said(0, LOUD, 3, 1), said(1, LOUD, 0.5, 5)
    assert await told(anna, written(0, anna), short, partial(1, short)) == [0, None]


async def test_where_voices_are_not_told_apart_partials_are_of_the_only_speaker() -> None:
    first, second = said(0, LOUD, 3, 1), said(1, SOFT, 3, 5)
    items: list[Item] = [first, partial(0, first), written(0, first), second, partial(1, second)]
    assert await told(*items, apart=False) == [None, 0, 0]
