"""From voiceprints to speakers: agglomerative clustering that scales to long calls and counts speakers on short ones.

1. Voiceprints are grouped in blocks of BLOCK by average linkage, into groups so tight that each is of one voice. Memory
   grows with the square of the block, not of the call.
2. Groups are merged while the likeliest pair is one voice. The measure is the mean similarity between two groups over
   the geometric mean of the similarities within them. Voiceprints of 1.5 s are noisy: the plain mean similarity of one
   voice with itself is only about 0.57 and depends on the line and the room, which the quotient takes out (the
   correction for attenuation of Spearman, 1904). Estimates within small groups lean on a prior.
3. Groups with too little speech to be a speaker are given up; the means of the others are the speakers.

`docs/diarization.md` says how each constant was chosen.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage

BLOCK: Final = 1000
"""Voiceprints (about 17 minutes of speech) that are clustered at once: 4 MB of distances."""
MOST_GROUPS: Final = 50
"""Groups that a block may leave: bounds the work that noise and music make in the merging."""
TIGHT: Final = (0.5, 0.35, 0.2)
"""Cosine distances of the average linkage in the order tried; the later ones only where too few speakers were found."""
SAME: Final = 0.565
"""Corrected similarity of two groups from which on they are one voice."""
COHESION: Final = 0.9
"""Least similarity within a merged group, as a share of what it was within its parts. Without a limit, two voices taken
for one make a group so loose that it draws in a third."""
PRIOR_SIMILARITY: Final = 0.58
"""Mean similarity of two voiceprints of one voice."""
PRIOR_PAIRS: Final = 20.0
"""Pairs of voiceprints that the prior counts as."""
LEAST_SPEECH: Final = 1.0
"""Seconds of speech that make a speaker in a short call: less is a cough, or two voices at once."""
LEAST_SHARE: Final = 0.015
"""Share of the speech that makes a speaker in a longer call, because odd sounds add up."""
ENOUGH_SPEECH: Final = 30.0
"""Seconds of speech that make a speaker in any call."""
BRIEF: Final = 3.5
"""Seconds of speech below which a speaker has to differ clearly from the others."""
CLEARLY: Final = 0.5
"""Corrected similarity to every other speaker below which a brief one differs clearly."""

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Speakers:
    """The voices that were found."""

    means: npt.NDArray[np.float32]
    """(speakers, 192): unit length."""
    channels: npt.NDArray[np.int64]
    """(speakers,): voices of different channels are never taken for one."""


@dataclass(eq=False)
class _Groups:
    """Groups of voiceprints. Sums are enough to know every mean similarity within and between them."""

    sums: npt.NDArray[np.float64]
    """(groups, 192): of unit vectors."""
    sizes: npt.NDArray[np.float64]
    """(groups,): voiceprints."""
    seconds: npt.NDArray[np.float64]
    """(groups,): of speech."""
    channels: npt.NDArray[np.int64]
    """(groups,)"""
    within: npt.NDArray[np.float64]
    """(groups,): mean similarity of two voiceprints of the group."""

    def chosen(self, which: npt.NDArray[np.bool_]) -> "_Groups":
        return _Groups(
            self.sums[which], self.sizes[which], self.seconds[which], self.channels[which], self.within[which]
        )

    def similarity(self, one: int) -> npt.NDArray[np.float64]:
        """Corrected similarity of group `one` to every group (groups,); -inf to itself and across channels."""
        between = (self.sums @ self.sums[one]) / (self.sizes * self.sizes[one])
        similarity: npt.NDArray[np.float64] = between / np.sqrt(self.within * self.within[one])
        similarity[self.channels != self.channels[one]] = -np.inf
        similarity[one] = -np.inf
        return similarity

    def similarities(self) -> npt.NDArray[np.float64]:
        """(groups, groups): of every group to every group."""
        return np.stack([self.similarity(one) for one in range(len(self.sizes))])

    def merge(self, one: int, other: int) -> None:
        """Take group `other` into group `one`; what is left of `other` means nothing any more."""
        parts = np.average(self.within[[one, other]], weights=self.sizes[[one, other]])
        self.sums[one] += self.sums[other]
        self.sizes[one] += self.sizes[other]
        self.seconds[one] += self.seconds[other]
        self.within[one] = max(_within(self.sums[one], self.sizes[one]), COHESION * parts)


def find_speakers(
    vectors: Vectors,
    seconds: npt.NDArray[np.float64],
    channels: npt.NDArray[np.int64],
    minimum: int = 1,
    maximum: int | None = None,
) -> Speakers:
    """The speakers behind voiceprints (n, 192) of unit length in time order, each standing for some seconds of speech.

    Between `minimum` and `maximum` speakers over all channels, but at least one for each channel, and no more than the
    voiceprints can tell apart.
    """
    needed = min(max(LEAST_SPEECH, LEAST_SHARE * float(seconds.sum())), ENOUGH_SPEECH)
    for distance in TIGHT:
        groups = _merged(_tight(vectors, seconds, channels, distance), needed, minimum)
        found = _limited(_counted(groups, needed, minimum), maximum)
        if len(found.sizes) >= minimum:
            break
    means = (found.sums / np.linalg.norm(found.sums, axis=1, keepdims=True)).astype(np.float32)
    return Speakers(means, found.channels)


def _tight(
    vectors: Vectors, seconds: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], distance: float
) -> _Groups:
    members = []
    for channel in np.unique(channels):
        own = np.flatnonzero(channels == channel)
        for block in np.array_split(own, -(-len(own) // BLOCK)):
            labels = _linked(vectors[block], distance)
            members += [block[labels == label] for label in range(labels.max() + 1)]
    sums = np.stack([vectors[group].sum(axis=0, dtype=np.float64) for group in members])
    sizes = np.array([len(group) for group in members], np.float64)
    spoken = np.array([seconds[group].sum() for group in members])
    within = np.array([_within(total, size) for total, size in zip(sums, sizes, strict=True)])
    return _Groups(sums, sizes, spoken, np.array([channels[group[0]] for group in members], np.int64), within)


def _linked(vectors: Vectors, distance: float) -> npt.NDArray[np.int64]:
    """Labels from 0 of average linkage on cosine distance, at most MOST_GROUPS of them."""
    if len(vectors) == 1:
        return np.zeros(1, np.int64)
    tree = linkage(vectors, "average", metric="cosine")
    labels: npt.NDArray[np.int64] = fcluster(tree, distance, "distance").astype(np.int64) - 1
    if labels.max() >= MOST_GROUPS:
        labels = fcluster(tree, MOST_GROUPS, "maxclust").astype(np.int64) - 1
    return labels


def _within(total: npt.NDArray[np.float64], size: float) -> float:
    """Mean similarity of two of `size` unit vectors with this sum, leaning on the prior where pairs are few.

    It is above zero because the linkage never puts a dozen vectors together that cancel each other out.
    """
    return float((total @ total - size + PRIOR_PAIRS * PRIOR_SIMILARITY) / (size * (size - 1) + PRIOR_PAIRS))


def _merged(groups: _Groups, needed: float, minimum: int) -> _Groups:
    """Merge the most similar pair again and again, until no pair is one voice or fewer than `minimum` would be left."""
    alive = np.ones(len(groups.sizes), bool)
    similarity = groups.similarities()
    while True:
        candidates = similarity
        counted = alive & (groups.seconds >= needed)
        if counted.sum() <= minimum:
            candidates = np.where(np.logical_and.outer(counted, counted), -np.inf, similarity)
        one, other = (int(index) for index in np.unravel_index(candidates.argmax(), candidates.shape))
        if candidates[one, other] < SAME:
            return groups.chosen(alive)
        groups.merge(one, other)
        alive[other] = False
        similarity[one] = similarity[:, one] = np.where(alive, groups.similarity(one), -np.inf)
        similarity[other] = similarity[:, other] = -np.inf


def _counted(groups: _Groups, needed: float, minimum: int) -> _Groups:
    """The groups that count as speakers: with enough speech; else the longest, for `minimum` and for each channel."""
    counted = groups.seconds >= needed
    longest = [int(group) for group in np.argsort(-groups.seconds, kind="stable")]
    for group in reversed(longest):
        if groups.seconds[group] < BRIEF and (groups.similarity(group)[counted] >= CLEARLY).any():
            counted[group] = False
    for channel in np.unique(groups.channels):
        if not counted[groups.channels == channel].any():
            counted[next(group for group in longest if groups.channels[group] == channel)] = True
    for group in longest:
        counted[group] |= counted.sum() < minimum
    return groups.chosen(counted)


def _limited(groups: _Groups, maximum: int | None) -> _Groups:
    """At most `maximum` groups, but one for each channel: brief ones are given up, then the most similar merged."""
    while maximum is not None and len(groups.sizes) > maximum:
        similarity = groups.similarities()
        merges = similarity.max(axis=1) > -np.inf  # not those that are alone on their channel
        if not merges.any():
            break
        briefest = int(np.where(merges, groups.seconds, np.inf).argmin())
        if groups.seconds[briefest] >= BRIEF:
            one, briefest = (int(index) for index in np.unravel_index(similarity.argmax(), similarity.shape))
            groups.merge(one, briefest)
        groups = groups.chosen(np.arange(len(groups.sizes)) != briefest)
    return groups
