"""Which words of an utterance that goes on can be shown: those that the last hypotheses agree about.

LocalAgreement-n of Liu, Spanakis and Niehues, "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by
Partial Hypothesis Selection", 2020, with n = 3 as soon as there are three hypotheses. With two (Macháček, Dabre and
Bojar, "Turning Whisper into Real-Time Transcription System", 2023) half as many words again are taken back. The first
hypothesis has none before it: it is shown without its last word, so that there is something to read early.
"""

import unicodedata
from collections import deque
from collections.abc import Sequence
from functools import reduce
from typing import Final

AGREEING: Final = 3
"""Hypotheses in a row that agree about what is shown; both of the first two."""
EARLY: Final = 2
"""Words of a first hypothesis at least that are shown at once, without the last one of them."""

REPEATED: Final = 3
"""Words at least that are there twice in a row in a text that is not believed."""


class Agreement:
    """One utterance in progress: hypotheses in, what is shown out."""

    def __init__(self) -> None:
        self.shown: tuple[str, ...] = ()
        """Words."""
        self._latest: Final[deque[tuple[str, ...]]] = deque(maxlen=AGREEING)
        """Hypotheses."""

    def take(self, words: Sequence[str]) -> bool:
        """Take the next hypothesis; say whether it changes what is shown."""
        self._latest.append(tuple(words))
        if len(self._latest) == 1:
            agreed = tuple(words[:-1]) if len(words) >= EARLY else ()
        else:
            agreed = reduce(common, self._latest)
            if len(agreed) == len(words) > 1:
                agreed = agreed[:-1]  # the end of the audio may have cut it in both
        kept = len(common(self.shown, agreed))
        if len(agreed) > kept and (kept == len(self.shown) or len(agreed) >= kept):
            self.shown = agreed
            return True
        return False


def common(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """The words that both begin with, as the other one writes them; case and punctuation make no difference."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if bare(left) != bare(right):
            break
        length += 1
    return tuple(other[:length])


def doubled(text: str) -> bool:
    """Whether some words of a text are there twice in a row."""
    words = [bare(word) for word in text.split()]
    return any(
        words[start : start + length] == words[start + length : start + 2 * length]
        for length in range(REPEATED, len(words) // 2 + 1)
        for start in range(len(words) - 2 * length + 1)
    )


def bare(word: str) -> str:
    """A word without case and punctuation, to compare."""
    return "".join(letter for letter in word.casefold() if not unicodedata.category(letter).startswith("P"))
