"""From voiceprints to speakers: agglomerative clustering that scales to long calls and counts speakers on short ones.

1. Voiceprints are grouped in blocks of BLOCK by average linkage, into groups so tight that each is of one voice. Memory
   grows with the square of the block, not of the call.
2. Groups are merged while the likeliest pair is one voice. The measure is the mean similarity between two groups over
   the geometric mean of the similarities within them. Voiceprints of 1.5 s are noisy: the plain mean similarity of one
   voice with itself is only about 0.57 and depends on the line and the room, which the quotient takes out (the
   correction for attenuation of Spearman, 1904). Estimates within small groups lean on a prior.
3. Groups with too little speech to be a speaker of their own are given up.
4. Each remaining group's mean is refined by assigning every voiceprint to the nearest mean (spherical k-means).

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
PRIOR_SIMILARITY: Final = 0.58
"""Mean similarity of two voiceprints of one voice."""
PRIOR_PAIRS: Final = 20.0
"""Pairs of voiceprints that the prior counts as."""
LEAST_SPEECH: Final = 1.8
"""Seconds of speech that make a speaker: more than one window can cover."""
LEAST_SHARE: Final = 0.01
"""Share of the call's speech that makes a speaker, as far as MUCH_SPEECH: odd sounds add up in a long call."""
MUCH_SPEECH: Final = 10.0
"""Seconds of speech that make a speaker in a call of any length."""
REFINEMENTS: Final = 4
"""Rounds of reassignment; the means hardly move after two."""

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

    def chosen(self, which: npt.NDArray[np.bool_]) -> "_Groups":
        return _Groups(self.sums[which], self.sizes[which], self.seconds[which], self.channels[which])


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
    needed = min(max(LEAST_SPEECH, LEAST_SHARE * float(seconds.sum())), MUCH_SPEECH)
    found = None
    for distance in TIGHT:
        groups = _merged(_tight(vectors, seconds, channels, distance), needed, minimum, maximum)
        found = _counted(groups, needed, minimum)
        if len(found.sizes) >= minimum:
            break
    assert found is not None
    return _refined(vectors, channels, found)


def _tight(
    vectors: Vectors, seconds: npt.NDArray[np.float64], channels: npt.NDArray[np.int64], distance: float
) -> _Groups:
    sums, sizes, spoken, sides = [], [], [], []
    for channel in np.unique(channels):
        own = np.flatnonzero(channels == channel)
        for block in np.array_split(own, -(-len(own) // BLOCK)):
            labels = _linked(vectors[block], distance)
            for label in range(labels.max() + 1):
                members = block[labels == label]
                sums.append(vectors[members].sum(axis=0, dtype=np.float64))
                sizes.append(len(members))
                spoken.append(seconds[members].sum())
                sides.append(channel)
    return _Groups(np.stack(sums), np.array(sizes, np.float64), np.array(spoken), np.array(sides, np.int64))


def _linked(vectors: Vectors, distance: float) -> npt.NDArray[np.int64]:
    """Labels from 0 of average linkage on cosine distance, at most MOST_GROUPS of them."""
    if len(vectors) == 1:
        return np.zeros(1, np.int64)
    tree = linkage(vectors, "average", metric="cosine")
    labels: npt.NDArray[np.int64] = fcluster(tree, distance, "distance").astype(np.int64) - 1
    if labels.max() >= MOST_GROUPS:
        labels = fcluster(tree, MOST_GROUPS, "maxclust").astype(np.int64) - 1
    return labels


def _similarity(
    products: npt.NDArray[np.float64], squares: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], one: int
) -> npt.NDArray[np.float64]:
    """Corrected similarity of group `one` to every group (groups,), from the products of its sum with theirs."""
    pairs = sizes * (sizes - 1)
    within = (squares - sizes + PRIOR_PAIRS * PRIOR_SIMILARITY) / (pairs + PRIOR_PAIRS)
    within = np.maximum(within, PRIOR_SIMILARITY / 2)
    similarity: npt.NDArray[np.float64] = products / (sizes * sizes[one]) / np.sqrt(within * within[one])
    return similarity


def _merged(groups: _Groups, needed: float, minimum: int, maximum: int | None) -> _Groups:
    """Merge the most similar pair again and again, until no pair is one voice and not too many speakers are left."""
    sums, sizes, seconds = groups.sums.copy(), groups.sizes.copy(), groups.seconds.copy()
    products = sums @ sums.T
    count = len(sizes)
    alive = np.ones(count, bool)
    apart = np.not_equal.outer(groups.channels, groups.channels) | np.eye(count, dtype=bool)
    similarity = np.stack([_similarity(products[one], np.diag(products), sizes, one) for one in range(count)])
    similarity[apart] = -np.inf
    while alive.sum() > 1:
        counted = alive & (seconds >= needed)
        candidates = similarity
        if counted.sum() <= minimum:
            candidates = np.where(np.logical_and.outer(counted, counted), -np.inf, similarity)
        if candidates.max() < SAME:
            if maximum is None or counted.sum() <= maximum:
                break
            candidates = np.where(np.logical_and.outer(counted, counted), similarity, -np.inf)
        if candidates.max() == -np.inf:
            break
        one, other = np.unravel_index(int(candidates.argmax()), candidates.shape)
        sums[one] += sums[other]
        sizes[one] += sizes[other]
        seconds[one] += seconds[other]
        alive[other] = False
        products[one] = products[:, one] = sums @ sums[one]
        row = _similarity(products[one], np.diag(products), sizes, int(one))
        row[apart[one] | ~alive] = -np.inf
        similarity[one] = similarity[:, one] = row
        similarity[other] = similarity[:, other] = -np.inf
    return _Groups(sums, sizes, seconds, groups.channels).chosen(alive)


def _counted(groups: _Groups, needed: float, minimum: int) -> _Groups:
    """The groups that count as speakers: with enough speech; else the longest, for `minimum` and for each channel."""
    counted = groups.seconds >= needed
    longest = np.argsort(-groups.seconds, kind="stable")
    for channel in np.unique(groups.channels):
        if not counted[groups.channels == channel].any():
            counted[next(group for group in longest if groups.channels[group] == channel)] = True
    for group in longest:
        if counted.sum() >= minimum:
            break
        counted[group] = True
    return groups.chosen(counted)


def _refined(vectors: Vectors, channels: npt.NDArray[np.int64], groups: _Groups) -> Speakers:
    means = groups.sums.astype(np.float32)
    apart = np.not_equal.outer(channels, groups.channels)
    for _ in range(REFINEMENTS):
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        nearest = np.where(apart, -np.inf, vectors @ means.T).argmax(axis=1)
        for speaker in range(len(means)):
            if (nearest == speaker).any():
                means[speaker] = vectors[nearest == speaker].sum(axis=0)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return Speakers(means, groups.channels)
