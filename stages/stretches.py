"""Stretches of frames in which something holds."""

import numpy as np
import numpy.typing as npt


def stretches(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last index of each run of True: (frames,) -> pairs in order."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def joined(runs: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    """The same runs with those made one that are less than `gap` apart."""
    found: list[tuple[int, int]] = []
    for start, stop in runs:
        goes_on = bool(found) and start - found[-1][1] < gap
        found.append((found.pop()[0] if goes_on else start, stop))
    return found
