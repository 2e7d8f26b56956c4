"""Whose voice each utterance of a live call is, as far as can be told now: the pure part of the stage `tell_apart`.

An utterance is compared with the running mean of every voice so far. From time to time all voiceprints are clustered
anew, as for a recording, and the voices found are matched to those that were told, so that most speech keeps its name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from contracts.audio import FRAME_STEP, SAMPLE_RATE
from models.voiceprint import SIZE
from stages.clustering import Vectors, find_speakers

SAME: Final = 0.42
"""Cosine similarity of an utterance to the mean of a voice from which on it is that voice's."""
ENOUGH: Final = 1.0
"""Seconds of an utterance at least that make a voice of its own, where there is another one already."""


@dataclass(frozen=True, eq=False)
class Prints:
    """The voiceprints of one utterance."""

    channel: int
    vectors: Vectors
    """(windows, 192): unit length; none for an utterance that is too short."""
    seconds: npt.NDArray[np.float64]
    """(windows,): of speech that each stands for."""


class Speakers:
    """The voices of a call in progress. Memory grows by about 1 kB for every second of speech."""

    def __init__(self) -> None:
        self._prints: Final[dict[int, Prints]] = {}
        """By utterance, in the order of time."""
        self._told: Final[dict[int, int]] = {}
        """Utterance -> speaker, as the client knows it."""
        self._sums: Final[dict[int, npt.NDArray[np.float64]]] = {}
        """Speaker -> sum of voiceprints, weighted with their seconds: (192,)."""
        self._channels: Final[dict[int, int]] = {}
        """Speaker -> channel."""
        self._latest: Final[dict[int, int]] = {}
        """Channel -> who spoke last."""

    def tell(self, utterance: int, prints: Prints, *, apart: bool = True) -> int:
        """The speaker of the next utterance; with `apart` false all speech of a channel is one speaker's."""
        latest = None if apart else self._latest.get(prints.channel)
        speaker = self._nearest(prints) if latest is None else latest
        self._prints[utterance], self._told[utterance] = prints, speaker
        self._latest[prints.channel] = speaker
        if len(prints.vectors):
            total = prints.seconds @ prints.vectors
            self._sums[speaker] = self._sums.get(speaker, np.zeros(len(total))) + total
        return speaker

    def guess(self, prints: Prints, *, apart: bool = True) -> int | None:
        """Who seems to speak, of an utterance that goes on; None where there is no telling yet."""
        if not apart:
            return self._latest.get(prints.channel)
        best, similarity = self._likeliest(prints)
        return best if similarity >= SAME else None

    def _nearest(self, prints: Prints) -> int:
        if prints.channel not in self._latest:
            return self._new(prints.channel)
        best, similarity = self._likeliest(prints)
        if best is None:
            return self._latest[prints.channel]
        if similarity < SAME and float(prints.seconds.sum()) >= ENOUGH:
            return self._new(prints.channel)
        return best

    def _likeliest(self, prints: Prints) -> tuple[int | None, float]:
        """The voice of the channel that is most like these voiceprints, and their cosine similarity; None for none."""
        heard = [own for own, channel in self._channels.items() if channel == prints.channel and own in self._sums]
        if not heard or not len(prints.vectors):
            return None, -1.0
        own = unit(prints.seconds @ prints.vectors)
        similarity = [float(own @ unit(self._sums[speaker])) for speaker in heard]
        best = int(np.argmax(similarity))
        return heard[best], similarity[best]

    def _new(self, channel: int) -> int:
        speaker = len(self._channels)
        self._channels[speaker] = channel
        return speaker

    @property
    def all(self) -> list[int]:
        """Every speaker so far."""
        return list(self._channels)

    def of(self, speakers: Iterable[int]) -> list[int]:
        """The utterances of these speakers, in order."""
        wanted = set(speakers)
        return [utterance for utterance, speaker in self._told.items() if speaker in wanted]

    def speaker(self, utterance: int) -> int:
        """Who says an utterance, as it was told last."""
        return self._told[utterance]

    def heard(self, speaker: int) -> tuple[Vectors, npt.NDArray[np.float64]]:
        """The voiceprints of a speaker (windows, 192), and the seconds that each stands for (windows,)."""
        own = [self._prints[utterance] for utterance in self.of([speaker])]
        own = [prints for prints in own if len(prints.vectors)]
        if not own:
            return np.zeros((0, SIZE), np.float32), np.zeros(0)
        return np.concatenate([prints.vectors for prints in own]), np.concatenate([prints.seconds for prints in own])

    def cluster(self) -> dict[int, int]:
        """Compare all voices anew; the utterances whose speaker is another one now. Blocks."""
        heard = {utterance: prints for utterance, prints in self._prints.items() if len(prints.vectors)}
        if not heard:
            return {}
        channels = np.repeat([own.channel for own in heard.values()], [len(own.vectors) for own in heard.values()])
        vectors = np.concatenate([own.vectors for own in heard.values()])
        seconds = np.concatenate([own.seconds for own in heard.values()])
        found = find_speakers(vectors, seconds, channels.astype(np.int64))
        clusters = {utterance: _closest(prints, found.means, found.channels) for utterance, prints in heard.items()}
        names = self._matched(clusters, found.channels)
        return self._rename({utterance: names[cluster] for utterance, cluster in clusters.items()})

    def _matched(self, clusters: dict[int, int], channels: npt.NDArray[np.int64]) -> list[int]:
        """The speaker that each cluster is, so that as many seconds as can be keep theirs (Kuhn, 1955)."""
        shared = np.zeros((len(channels), len(self._channels)))
        for utterance, cluster in clusters.items():
            shared[cluster, self._told[utterance]] += self._prints[utterance].seconds.sum()
        for cluster, channel in enumerate(channels):
            shared[cluster, [own != channel for own in self._channels.values()]] = -1.0
        matched = dict(zip(*(side.tolist() for side in linear_sum_assignment(-shared)), strict=True))
        return [
            matched[cluster]
            if cluster in matched and shared[cluster, matched[cluster]] > 0
            else self._new(int(channel))
            for cluster, channel in enumerate(channels)
        ]

    def _rename(self, speakers: dict[int, int]) -> dict[int, int]:
        changed = {utterance: own for utterance, own in speakers.items() if self._told[utterance] != own}
        self._told.update(changed)
        self._sums.clear()
        for utterance, prints in self._prints.items():
            if len(prints.vectors):
                speaker = self._told[utterance]
                total = prints.seconds @ prints.vectors
                self._sums[speaker] = self._sums.get(speaker, np.zeros(len(total))) + total
        return changed


def _closest(prints: Prints, means: Vectors, channels: npt.NDArray[np.int64]) -> int:
    likeness = prints.seconds @ (prints.vectors @ means.T)
    return int(np.where(channels == prints.channel, likeness, -np.inf).argmax())


def unit(vector: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The vector at length 1."""
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def seconds_of(spans: Iterable[tuple[int, int]]) -> npt.NDArray[np.float64]:
    """Speech that each span of frames stands for, overlaps shared between neighbours: float64 (spans,)."""
    bounds = np.array(list(spans), np.float64).reshape(-1, 2)
    shared = np.maximum(0, bounds[:-1, 1] - bounds[1:, 0]) / 2
    own = bounds[:, 1] - bounds[:, 0]
    own[:-1] -= shared
    own[1:] -= shared
    frames: npt.NDArray[np.float64] = own * FRAME_STEP / SAMPLE_RATE
    return frames
