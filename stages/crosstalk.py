"""Silences what each side of a two-sided call hears of the other: crosstalk of lines and echo of handsets.

It is 20 dB and more below the speech it comes from, but the networks hear each side by itself and adapt to any level,
so they would find the same words on both sides. Where a side is far below what the other says at the time, it is
silenced: the words are there on the other side.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from stages.leveling import FRAME, frame_levels, ramps

Side = tuple[int, npt.NDArray[np.float64]]
"""A side, 0 or 1, and samples of it."""

FAR: Final = 18.0
"""Decibels below the other side from which on a side is taken to have no speech of its own."""
SPEAKS: Final = 15.0
"""Decibels above its own noise from which on a side can be the cause of an echo."""
AROUND: Final = 5
"""Frames (0.1 s) before and after, over whose loudest a side's level is taken: words have soft parts."""
DELAY: Final = 15
"""Frames (0.3 s) that an echo may come late."""
FLOOR: Final = 300
"""Frames (6 s) whose quietest one is the noise of a side."""


class Crosstalk:
    """Both sides in progress: samples in, samples out AROUND frames later; how they are cut makes no difference."""

    def __init__(self) -> None:
        self._waiting: list[npt.NDArray[np.float64]] = [np.zeros(0), np.zeros(0)]
        """Samples of each side that did not go out yet; the first is the first of a frame."""
        self._levels: list[npt.NDArray[np.float64]] = [np.full(FLOOR, np.nan), np.full(FLOOR, np.nan)]
        """dBFS of FLOOR frames that went out and of the whole ones in `_waiting`; NaN where there is no frame."""
        self._open = [1.0, 1.0]
        """Gain of each side at the end of what went out: 0 where it is silenced."""

    def take(self, side: int, samples: npt.NDArray[np.float64]) -> list[Side]:
        """What is ready after another chunk of one side: equally many samples of both."""
        waiting = self._waiting[side] = np.concatenate([self._waiting[side], samples])
        measured, whole = len(self._levels[side]) - FLOOR, len(waiting) // FRAME
        levels = frame_levels(waiting[measured * FRAME : whole * FRAME])
        self._levels[side] = np.concatenate([self._levels[side], levels])
        return self._give(min(map(len, self._levels)) - FLOOR - AROUND)

    def finish(self) -> list[Side]:
        """The rest of both sides."""
        lengths = [len(waiting) for waiting in self._waiting]
        frames = -(-max(lengths) // FRAME)
        for side, waiting in enumerate(self._waiting):
            levels = np.array(frame_levels(waiting[(len(self._levels[side]) - FLOOR) * FRAME :]))
            missing = FLOOR + frames + AROUND - len(self._levels[side]) - len(levels)
            self._levels[side] = np.concatenate([self._levels[side], levels, np.full(missing, np.nan)])
            self._waiting[side] = np.concatenate([waiting, np.zeros(frames * FRAME - len(waiting))])
        return [(side, samples[: lengths[side]]) for side, samples in self._give(frames) if lengths[side]]

    def _give(self, frames: int) -> list[Side]:
        """Take the first frames of both sides off `_waiting`, each silenced where the other one is heard in it."""
        if frames <= 0:
            return []
        ready = []
        for side, waiting in enumerate(self._waiting):
            heard = self._levels[1 - side][: FLOOR + frames + AROUND]
            silenced = echoes(self._levels[side][: FLOOR + frames + AROUND], heard)
            ends = np.where(silenced, 0.0, 1.0)
            ready.append((side, waiting[: frames * FRAME] * ramps(np.concatenate([[self._open[side]], ends]))))
            self._open[side] = float(ends[-1])
        self._waiting = [waiting[frames * FRAME :] for waiting in self._waiting]
        self._levels = [levels[frames:] for levels in self._levels]
        return ready


def echoes(own: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which frames of a side hold nothing but the other side.

    Both are dBFS, (FLOOR + frames + AROUND,), NaN where there is no frame; the result is (frames,).
    """
    loudest = windowed(other, DELAY, np.fmax)
    noise = windowed(other, FLOOR, np.fmin)
    return (loudest - windowed(own, AROUND, np.fmax) > FAR) & (loudest - noise > SPEAKS)


def windowed(levels: npt.NDArray[np.float64], before: int, reduce: np.ufunc) -> npt.NDArray[np.float64]:
    """The levels from `before` frames before each frame to AROUND after it, reduced to one."""
    windows = np.lib.stride_tricks.sliding_window_view(levels[FLOOR - before :], before + 1 + AROUND)
    reduced: npt.NDArray[np.float64] = reduce.reduce(windows, axis=1)
    return reduced
