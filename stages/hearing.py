"""What one channel's segmentation windows say together: the pure part of the stage `segment`, one window at a time.

Windows start a whole number of frames apart, so that frame k of every window lies on one grid for the whole stream and
nothing has to be interpolated. The aggregation is pyannote.audio's (Bredin, Interspeech 2023) in that windows are
averaged per frame; it differs in averaging the probabilities of the powerset classes (Plaquet and Bredin, Interspeech
2023) instead of decisions, and needs no matching of local speakers, because only their number and their changes are
used. `docs/diarization.md` says how each constant was chosen.
"""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.audio import FRAME_STEP, AudioChunk, Samples
from contracts.speech import SpeechRegion
from models.segmentation import FRAME_LENGTH, FRAMES, POWERSET, WINDOW
from stages.stretches import joined, stretches

HOP: Final = FRAMES // 2
"""Frames from one window to the next (4.96 s): every frame but the first and last few seconds is seen twice."""
LEAD: Final = FRAME_LENGTH // 2 - FRAME_STEP // 2
"""Samples of silence before the stream: they put the centre of the network's frame 0 on the centre of the grid's."""
ONSET: Final = 0.6
"""Probability of speech that starts a region."""
OFFSET: Final = 0.4
"""Probability of speech below which it pauses."""
TWO: Final = 0.4
"""Probability of two at once above which two are counted."""
PAUSE: Final = 15
"""Frames (0.25 s) without speech that end a region; shorter ones are kept inside with 0 speakers."""
SHORTEST: Final = 6
"""Frames (0.1 s): a region that is shorter holds no word and is dropped."""
MAX_REGION: Final = 1777
"""Frames (30 s): the longest region, as long as Whisper hears at once."""
TOLERANCE: Final = 5
"""Frames (84 ms) by which windows may disagree about when speakers change and still mean the same change."""
MARGIN: Final = 24
"""Frames (0.4 s) of audio beside a region, as far as they are nearer to it than to the next: with them Whisper hears
soft beginnings and ends of words (WER of four English calls 2.4 % without, 1.8 % with)."""
SMOOTH: Final = 13
"""Frames (0.2 s) over which speech is averaged to find the best place for a cut."""

SPEAKERS: Final = POWERSET.sum(axis=1)
"""(7,): speakers in each powerset class."""


@dataclass(frozen=True, eq=False)
class View:
    """What one window saw."""

    first: int
    """Frame on the stream's grid."""
    spoken: npt.NDArray[np.uint8]
    """(FRAMES,): bits of the local speakers who speak, or who spoke last where nobody does; 0 before any speech."""

    def at(self, frame: int) -> int:
        """Bits at a frame of the stream, 0 outside of the window."""
        index = frame - self.first
        return int(self.spoken[index]) if 0 <= index < len(self.spoken) else 0


class Hearing:
    """One channel in progress: audio in, windows out; scores in, regions out.

    Everything is decided frame by frame from the windows that cover it, so the cuts of the chunks leave no trace.
    """

    def __init__(self, channel: int) -> None:
        self._channel = channel
        self._chunks: deque[tuple[int, Samples]] = deque()
        self._heard = 0
        """Samples of the stream so far."""
        self._ended = False
        self._next: int | None = 0
        """First frame of the next window; None after the last."""
        self._views: list[View] = []
        self._open = np.zeros((0, 3))
        """float64 (frames, 3): sums over windows of P(somebody), P(two at once) and 1, for frames not yet final."""
        self._settled = np.zeros((0, 2))
        """float64 (frames, 2): P(somebody), P(two at once) of final frames that no region has taken yet."""
        self._first = 0
        """Frame on the grid of `_settled[0]`."""
        self._speaking = False
        """The region before was cut at `_first` while somebody spoke."""
        self._stop = 0
        """Frame on the grid after the last region."""

    def hear(self, chunk: AudioChunk) -> None:
        """Take the next chunk."""
        self._chunks.append((chunk.start, chunk.samples))
        self._heard = chunk.start + len(chunk.samples)

    def finish(self) -> None:
        """Say that no chunk follows."""
        self._ended = True

    @property
    def _frames(self) -> int:
        """Whole frames of the stream so far."""
        return self._heard // FRAME_STEP

    def next_window(self) -> Samples | None:
        """float32 (WINDOW,), or None while there is not enough audio and after the last window."""
        if self._next is None:
            return None
        start = self._next * FRAME_STEP - LEAD
        if self._heard < start + WINDOW:
            if not self._ended or self._frames == 0:
                return None
            if self._frames <= self._next + FRAMES:
                # The last window is moved back to end with the stream: it hears more speech than one filled with zeros.
                self._next = max(0, self._frames - FRAMES)
                start = self._next * FRAME_STEP - LEAD
        return self._read(start, start + WINDOW)

    def see(self, scores: npt.NDArray[np.float32]) -> list[SpeechRegion]:
        """Take the log-probabilities (FRAMES, 7) of the window given last; return the regions that are now final."""
        assert self._next is not None
        first, base = self._next, self._first + len(self._settled)
        self._views.append(View(first, carried(scores)))
        self._add(first - base, scores)
        last = self._ended and first + FRAMES >= self._frames
        final = self._frames - base if last else first + HOP - base
        done, self._open = self._open[:final], self._open[final:]
        self._settled = np.concatenate([self._settled, done[:, :2] / np.maximum(done[:, 2:], 1)])
        self._next = None if last else first + HOP
        regions = self._regions(last)
        self._forget()
        return regions

    def _add(self, offset: int, scores: npt.NDArray[np.float32]) -> None:
        """Add a window that begins `offset` frames after the first open frame; of final frames it says nothing new."""
        chances = np.exp(scores[max(0, -offset) :], dtype=np.float64)
        begin = max(0, offset)
        missing = begin + len(chances) - len(self._open)
        self._open = np.concatenate([self._open, np.zeros((max(0, missing), 3))])
        self._open[begin : begin + len(chances)] += np.stack(
            [1 - chances[:, 0], chances[:, SPEAKERS == 2].sum(axis=1), np.ones(len(chances))], axis=1
        )

    def _regions(self, last: bool) -> list[SpeechRegion]:
        """Take the final regions off `_settled`, and the silence with them."""
        active = active_frames(self._settled[:, 0], self._speaking)
        length = len(active)
        regions = []
        for start, stop in joined(stretches(active), PAUSE):
            begin, cut = start, False
            while stop - begin > MAX_REGION:
                middle = self._best_cut(begin, begin + MAX_REGION)
                regions.append(self._region(active, begin, middle))
                begin, cut = middle + int(active[middle:].argmax()), True
            if not last and stop + PAUSE > length:
                self._drop(begin, speaking=cut or (self._speaking and begin == 0))
                return regions
            if stop - begin >= SHORTEST:
                regions.append(self._region(active, begin, stop))
        self._drop(length, speaking=False)
        return regions

    def _drop(self, frames: int, *, speaking: bool) -> None:
        self._settled, self._first, self._speaking = self._settled[frames:], self._first + frames, speaking

    def _region(self, active: npt.NDArray[np.bool_], begin: int, stop: int) -> SpeechRegion:
        """The frames `begin` to `stop` of `_settled`, without the pause before the end."""
        stop = int(np.flatnonzero(active[:stop])[-1]) + 1
        first = self._first + begin
        lead = min(MARGIN, (first - self._stop) // 2)
        following = np.flatnonzero(active[stop:])
        trail = min(MARGIN, int(following[0] if len(following) else len(active) - stop) // 2)
        self._stop = self._first + stop
        two = self._settled[begin:stop, 1] > TWO
        return SpeechRegion(
            number=0,
            channel=self._channel,
            first_frame=first,
            speakers=(active[begin:stop] * (1 + two)).astype(np.uint8),
            changes=changes(self._views, first, first + stop - begin),
            samples=self._read(first * FRAME_STEP, self._stop * FRAME_STEP),
            lead=self._read((first - lead) * FRAME_STEP, first * FRAME_STEP),
            trail=self._read(self._stop * FRAME_STEP, (self._stop + trail) * FRAME_STEP),
        )

    def _best_cut(self, begin: int, stop: int) -> int:
        """Frame of `_settled` in the later half of `begin` to `stop` where a cut hurts least: a pause or a change."""
        chances = np.pad(self._settled[begin:stop, 0], SMOOTH // 2, mode="edge")
        silence = 1 - np.convolve(chances, np.full(SMOOTH, 1 / SMOOTH), mode="valid")
        fitness = np.maximum(silence, changes(self._views, self._first + begin, self._first + stop))
        half = (stop - begin) // 2
        return begin + half + int(fitness[half:].argmax())

    def _read(self, start: int, stop: int) -> Samples:
        """Audio from sample `start` to `stop`, zeros where the stream has none."""
        read = np.zeros(stop - start, np.float32)
        for first, samples in self._chunks:
            begin, end = max(start, first), min(stop, first + len(samples))
            if begin < end:
                read[begin - start : end - start] = samples[begin - first : end - first]
        return read

    def _forget(self) -> None:
        """Let go of audio and views that nothing needs any more."""
        # The last window, moved back, begins after the one before it and before the one that would have come.
        keep = self._first if self._next is None else min(self._first, self._next - HOP)
        oldest = (keep - MARGIN) * FRAME_STEP - LEAD
        while self._chunks and self._chunks[0][0] + len(self._chunks[0][1]) <= oldest:
            self._chunks.popleft()
        self._views = [view for view in self._views if view.first + FRAMES > self._first]


def changes(views: list[View], first: int, stop: int) -> npt.NDArray[np.float32]:
    """Share of windows that see the speakers change, as SpeechRegion.changes: float32 (stop - first,).

    Windows that see the same change a few frames apart are counted together, at the median of their frames.
    """
    share = np.zeros(stop - first, np.float32)
    share[0] = _resumption(views, first)
    seen = []
    for number, view in enumerate(views):
        before, after = view.spoken[:-1], view.spoken[1:]
        frames = np.flatnonzero((before != after) & (before != 0)) + view.first + 1
        seen += [(int(frame), number) for frame in frames if first + TOLERANCE < frame < stop]
    seen.sort()
    edges = [0, *(i for i in range(1, len(seen)) if seen[i][0] - seen[i - 1][0] > TOLERANCE), len(seen)]
    for left, right in pairwise(edges):
        if left < right:
            frame = seen[(left + right) // 2][0]
            watching = sum(view.first < frame < view.first + FRAMES for view in views)
            share[frame - first] = len({number for _, number in seen[left:right]}) / watching
    return share


def _resumption(views: list[View], first: int) -> float:
    """Share of the windows spanning the pause before frame `first` in which somebody else spoke before; NaN without."""
    pairs = [(view.at(first - 1 - TOLERANCE), view.at(first + TOLERANCE)) for view in views]
    other = [not before & after for before, after in pairs if before and after]
    return sum(other) / len(other) if other else float("nan")


def carried(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Bits of the local speakers in the likeliest class, carried through silence: (FRAMES, 7) -> (FRAMES,)."""
    bits = (POWERSET @ np.array([1, 2, 4], np.uint8))[scores.argmax(axis=1)]
    carried: npt.NDArray[np.uint8] = bits[np.maximum.accumulate(np.where(bits != 0, np.arange(len(bits)), 0))]
    return carried


def active_frames(speech: npt.NDArray[np.float64], speaking: bool) -> npt.NDArray[np.bool_]:
    """Hysteresis: on from ONSET upwards, off below OFFSET, as before in between; `speaking` says what was before."""
    decided = np.where((speech >= ONSET) | (speech < OFFSET), np.arange(len(speech)), -1)
    latest = np.maximum.accumulate(decided)
    active: npt.NDArray[np.bool_] = np.where(latest >= 0, speech[latest] >= ONSET, speaking)
    return active
