"""Which words of an utterance that goes on can be shown: those that two hypotheses in a row agree about.

LocalAgreement-2 of Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System", 2023. The first
hypothesis has none before it: it is shown without its last word, so that there is something to read early.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final

EARLY: Final = 3
"""Words of a first hypothesis at least that are shown at once, without the last one of them."""


class Agreement:
    """One utterance in progress: hypotheses in, what is shown out."""

    def __init__(self) -> None:
        self.shown: tuple[str, ...] = ()
        """Words."""
        self._before: tuple[str, ...] | None = None
        """The hypothesis before."""

    def take(self, words: Sequence[str]) -> bool:
        """Take the next hypothesis; say whether it changes what is shown."""
        before, self._before = self._before, tuple(words)
        if before is None:
            agreed = tuple(words[:-1]) if len(words) >= EARLY else ()
        else:
            agreed = common(before, words)
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


def bare(word: str) -> str:
    """A word without case and punctuation, to compare."""
    return "".join(letter for letter in word.casefold() if not unicodedata.category(letter).startswith("P"))
