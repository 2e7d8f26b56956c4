"""Which language is spoken, from uncertain probabilities of short parts."""

import numpy as np
import numpy.typing as npt

from stages.languages import Languages
from stages.parts import BREATH, CHANGED

EN, RU, IT, HI = range(4)


def heard(*beliefs: dict[int, float]) -> npt.NDArray[np.float64]:
    """A row per part; what is not named shares the rest."""
    rows = [[belief.get(n, (1 - sum(belief.values())) / (4 - len(belief))) for n in range(4)] for belief in beliefs]
    return np.array(rows)


def choose(rows: npt.NDArray[np.float64], change: float = CHANGED, seconds: float = 3.0) -> list[int]:
    return Languages(4).choose(rows, [seconds] * len(rows), [change] * len(rows))


def test_a_call_may_switch_between_languages() -> None:
    sure = [{EN: 0.97}, {RU: 0.97}, {EN: 0.97}, {IT: 0.97}, {RU: 0.97}]
    assert choose(heard(*sure)) == [EN, RU, EN, IT, RU]


def test_one_part_alone_is_taken_for_what_it_seems_most_likely() -> None:
    assert choose(heard({IT: 0.6})) == [IT]


def test_a_rumour_of_another_language_is_not_believed() -> None:
    parts = [{EN: 0.9}, {RU: 0.9}] * 3
    assert choose(heard(*parts, {HI: 0.6, RU: 0.3}, *parts))[6] == RU


def test_what_is_said_in_one_breath_is_in_one_language() -> None:
    parts = [{EN: 0.95}, {RU: 0.95}] * 3
    doubtful = heard(*parts, {EN: 0.95}, {EN: 0.3, RU: 0.65})
    changes = [CHANGED] * 7
    assert Languages(4).choose(doubtful, [3.0] * 8, [*changes, BREATH])[-1] == EN
    assert Languages(4).choose(doubtful, [3.0] * 8, [*changes, CHANGED])[-1] == RU


def test_a_channel_remembers_its_languages() -> None:
    languages = Languages(4)
    languages.choose(heard(*[{RU: 0.9}] * 6), [3.0] * 6, [CHANGED] * 6)
    doubtful = heard({HI: 0.5, RU: 0.4})
    assert languages.choose(doubtful, [1.0], [CHANGED]) == [RU]
    assert choose(doubtful, seconds=1.0) == [HI]


def test_probabilities_of_zero_are_no_error() -> None:
    assert choose(np.eye(4)[[EN, RU, RU]]) == [EN, RU, RU]


def test_the_same_parts_give_the_same_languages() -> None:
    rows = np.random.default_rng(3).dirichlet(np.ones(4), 50)
    assert choose(rows) == choose(rows)


def test_a_part_for_itself_is_in_a_language_of_the_call_unless_its_sound_says_otherwise() -> None:
    known = Languages(3)
    sure = np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01]] * 5)
    known.choose(sure, [3.0] * 10, [0.9] * 10)
    assert known.alone(np.array([[0.30, 0.25, 0.45], [0.01, 0.98, 0.01], [0.0, 0.0, 1.0]])) == [0, 1, 2]


def test_a_copy_does_not_learn_what_is_heard_later() -> None:
    known = Languages(3)
    known.choose(np.array([[0.98, 0.01, 0.01]] * 5), [3.0] * 5, [0.9] * 5)
    then, doubtful = known.copy(), np.array([[0.3, 0.4, 0.3]])
    known.choose(np.array([[0.01, 0.98, 0.01]] * 20), [3.0] * 20, [0.9] * 20)
    assert (then.alone(doubtful), known.alone(doubtful)) == ([0], [1])
