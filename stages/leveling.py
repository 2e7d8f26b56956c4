"""Takes rumble off one channel and brings its speech to one level: the pure part of the stage `preprocess`.

The level of speech is the mean power of the frames that rise above the noise, much as ITU-T P.56 measures active
speech. The gain waits for speech before it moves, moves ahead of the speech that needs it, and stays where the result
is near enough: a call at an even level gets one gain, a pause keeps the gain of what was said before, noise gets none.
"""

import math
from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import signal

from contracts.audio import SAMPLE_RATE, Samples

FRAME: Final = 320
"""Samples (20 ms): one level is measured over them, and one step of the gain is spread over them."""
AHEAD: Final = 30
"""Frames (0.6 s) that are heard before the gain of a frame is settled."""
BEHIND: Final = 10
"""Frames (0.2 s) before a frame over which its level is measured, besides those ahead."""
FLOOR: Final = 300
"""Frames (6 s) whose quietest one is the noise: nobody speaks for so long without the shortest stop."""
ABOVE_NOISE: Final = 8.0
"""Decibels above the noise from which on a frame is speech."""
SPOKEN: Final = 5
"""Frames of speech (0.1 s) around a frame from which on the gain may fall; fewer may be a click."""
SUSTAINED: Final = 26
"""Frames of speech (0.5 s) around a frame from which on it may rise; fewer may be a breath, or a word that fades."""
QUIETEST: Final = -58.0
"""dBFS of what is still taken for speech: below it lies the noise of lines, which must not become loud."""
TARGET: Final = -20.0
"""dBFS of speech."""
LOUDER: Final = 4.0
"""Decibels above TARGET that are left as they are."""
QUIETER: Final = 6.0
"""Decibels below TARGET that are left as they are."""
MOST_GAIN: Final = 30.0
"""Decibels. There is no least gain: nothing that it does can make noise loud."""
RISE: Final = 1.2
"""Decibels a frame (60 dB/s): a speaker 30 dB below the one before is reached in the frames ahead."""
FALL: Final = 2.4
"""Decibels a frame (120 dB/s)."""
KNEE: Final = 0.9
"""Of full scale: what goes beyond it is bent, so that it never reaches 1."""

HIGH_PASS: Final = signal.butter(2, 60, "highpass", fs=SAMPLE_RATE, output="sos")
"""Ends below the deepest voices, and is no steeper than it must be: takes off DC, rumble and some of the mains hum."""


class Gain:
    """The gain of one channel, frame by frame: levels in, gains out, AHEAD frames later."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=BEHIND + 1 + AHEAD)
        """dBFS of the frames around the one whose gain is next; minus infinity beyond the end."""
        self._lows: deque[float] = deque(maxlen=FLOOR // AHEAD)
        """dBFS of the quietest frame of each AHEAD frames."""
        self._heard = 0
        """Frames."""
        self._gain = 0.0
        """Decibels at the end of the frame before."""
        self._wanted = 0.0
        """Decibels where it is going."""

    def hear(self, level: float) -> float | None:
        """The level (dBFS) of the next frame in, the gain (decibels) at the end of the frame AHEAD before it out."""
        if self._heard % AHEAD == 0:
            self._lows.append(level)
        self._lows[-1] = min(self._lows[-1], level)
        return self._settle(level)

    def hear_end(self) -> float | None:
        """The same for a frame beyond the end."""
        return self._settle(-math.inf)

    def _settle(self, heard: float) -> float | None:
        self._levels.append(heard)
        self._heard += 1
        if self._heard <= AHEAD:
            return None
        level, spoken = speech_level(self._levels, min(self._lows))
        off = level + self._gain - TARGET
        if level > QUIETEST and ((off > LOUDER and spoken >= SPOKEN) or (off < -QUIETER and spoken >= SUSTAINED)):
            self._wanted = min(TARGET - level, MOST_GAIN)
        if self._heard == AHEAD + 1:
            # Nothing was heard at another gain yet.
            self._gain = self._wanted
        self._gain += min(max(self._wanted - self._gain, -FALL), RISE)
        return self._gain


def speech_level(levels: Iterable[float], noise: float) -> tuple[float, int]:
    """dBFS of the mean power of the frames that rise above the noise (minus infinity for none), and how many do."""
    powers = [10 ** (level / 10) for level in levels if level > noise + ABOVE_NOISE]
    return 10 * math.log10(sum(powers) / len(powers)) if powers else -math.inf, len(powers)


class HighPass:
    """The high-pass filter of one channel: as many samples out as in."""

    def __init__(self) -> None:
        self._state: npt.NDArray[np.float64] | None = None
        """(sections, 2); None before the first sample."""

    def take(self, samples: Samples) -> npt.NDArray[np.float64]:
        """The samples of another chunk, filtered."""
        if not len(samples):
            return np.zeros(0)
        if self._state is None:
            # As if the first sample had been there for ever: a constant offset makes no click.
            self._state = signal.sosfilt_zi(HIGH_PASS) * float(samples[0])
        filtered: npt.NDArray[np.float64]
        filtered, self._state = signal.sosfilt(HIGH_PASS, samples.astype(np.float64), zi=self._state)
        return filtered


class Leveler:
    """One channel in progress: samples in, samples out AHEAD frames later; how they are cut makes no difference."""

    def __init__(self) -> None:
        self._waiting: npt.NDArray[np.float64] = np.zeros(0)
        """Samples that did not go out yet; the first is the first of a frame."""
        self._measured = 0
        """Samples of `_waiting` whose level the gain has heard."""
        self._gain: Final = Gain()
        self._reached: float | None = None
        """Decibels at the end of what went out; None before that."""

    def take(self, samples: npt.NDArray[np.float64]) -> Samples:
        """What is ready after another chunk."""
        self._waiting = np.concatenate([self._waiting, samples])
        whole = (len(self._waiting) - self._measured) // FRAME * FRAME
        levels = frame_levels(self._waiting[self._measured : self._measured + whole])
        self._measured += whole
        return self._give([self._gain.hear(level) for level in levels])

    def finish(self) -> Samples:
        """The rest."""
        levels = frame_levels(self._waiting[self._measured :])
        length = len(self._waiting)
        self._waiting = np.concatenate([self._waiting, np.zeros(-length % FRAME)])
        gains = [self._gain.hear(level) for level in levels] + [self._gain.hear_end() for _ in range(AHEAD)]
        return self._give(gains)[:length]

    def _give(self, gains: list[float | None]) -> Samples:
        """Take the frames whose gain is settled off `_waiting`; the gain goes in a straight line through each frame."""
        ends = [gain for gain in gains if gain is not None]
        if not ends:
            return np.zeros(0, np.float32)
        ready, self._waiting = np.split(self._waiting, [len(ends) * FRAME])
        self._measured -= len(ready)
        start, self._reached = ends[0] if self._reached is None else self._reached, ends[-1]
        return bent(ready * ramps(np.power(10.0, np.array([start, *ends]) / 20))).astype(np.float32)


def frame_levels(samples: npt.NDArray[np.float64]) -> list[float]:
    """dBFS of each FRAME samples, the last ones too if they are fewer: (samples,) -> (frames,)."""
    powers = np.add.reduceat(samples**2, np.arange(0, len(samples), FRAME)) if len(samples) else np.zeros(0)
    counts = np.minimum(FRAME, len(samples) - np.arange(len(powers)) * FRAME)
    levels: list[float] = (10 * np.log10(powers / counts + 1e-14)).tolist()
    return levels


def ramps(gains: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A straight line from each gain to the next over FRAME samples: (frames + 1,) -> (frames * FRAME,)."""
    line = (np.arange(FRAME) + 1) / FRAME
    return (gains[:-1, None] + np.diff(gains)[:, None] * line).ravel()


def bent(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Samples whose peaks above KNEE come ever closer to 1 and never reach it; the rest stays as it is."""
    size = np.abs(samples)
    over = np.maximum(size - KNEE, 0) / (1 - KNEE)
    return np.where(size > KNEE, np.copysign(KNEE + (1 - KNEE) * np.tanh(over), samples), samples)
