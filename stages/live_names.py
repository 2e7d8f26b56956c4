"""Which voices of a live call are known, as far as can be told now: the pure part of naming in `tell_apart`."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from stages.clustering import Vectors
from stages.matching import KnownVoices, Match

Heard = Callable[[int], tuple[Vectors, npt.NDArray[np.float64]]]
"""Of a speaker: the voiceprints, float32 (windows, 192), and the seconds of speech that each stands for (windows,)."""


class Names:
    """The names of the speakers of a call in progress."""

    def __init__(self, known: KnownVoices) -> None:
        self._known: Final = known
        self._matches: Final[dict[int, Match]] = {}
        """Of each speaker with voiceprints, as of the last comparison."""
        self.told: dict[int, str] = {}
        """Speaker -> name, as the client knows it."""

    def compare(self, speakers: Iterable[int], heard: Heard) -> set[int]:
        """Compare these speakers anew; the speakers whose name is another one now, or is no more. Blocks.

        One person is not two speakers: of two that match one voice, the likelier one has the name.
        """
        for speaker in speakers:
            self._matches[speaker] = self._known.match(*heard(speaker))
        owners: dict[str, int] = {}
        for speaker, match in sorted(self._matches.items(), key=lambda item: -item[1].probability):
            if match.voice_id is not None:
                owners.setdefault(match.voice_id, speaker)
        names = {speaker: self._matches[speaker].name or "" for speaker in owners.values()}
        changed = {speaker for speaker in {*names, *self.told} if names.get(speaker) != self.told.get(speaker)}
        self.told = names
        return changed
