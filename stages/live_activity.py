"""Where one channel of a live call speaks, as far as can be told now: the pure part of the stage `listen`.

The segmentation network looks at the last seconds again and again. What it says of the newest frames is nearly as good
as what it says of older ones, so speech is noticed within 0.2 s and its end as soon as enough silence has followed.
Everything is decided on a grid of the stream's own time: where chunks are cut, and how fast they come, leaves no trace.
"""

import math
from collections import deque
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples
from contracts.live_speech import FinalReason, SpeechBegan, SpeechStopped
from contracts.live_stages import Utterance
from contracts.speech import SpeechRegion
from stages.hearing import LEAD, SPEAKERS, TOLERANCE, TWO, View, active_frames, carried, changes
from stages.live_leveling import LiveLevel
from stages.parts import change_frames
from stages.stretches import joined, stretches

STEP: Final = 6
"""Frames (0.1 s) from one decision to the next."""
SIGHT: Final = 474
"""Frames (8 s) that the network looks back at: with 3 s it takes three times as much silence for speech."""
LEAST_SIGHT: Final = 59
"""Frames (1 s) that it needs at least."""
EDGE: Final = 1
"""Frames at the end of a window that are not believed, besides the two or three that it does not tell of."""
UNSEEN: Final = EDGE + 2
"""Frames at the end of a window that it does not tell of, or is not believed about."""
STEADY: Final = 4
"""Steps from one look to the next at most while somebody goes on speaking."""
BEYOND: Final = 6
"""Frames of silence after the audio where no more is waited for, so that the window tells of all of it."""
NOTICED: Final = 6
"""Frames (0.1 s) of speech that begin an utterance."""
DRAFT: Final = 8
"""Frames (0.13 s) of silence after which an utterance is written on the chance that it is complete."""
FALTERING: Final = 3
"""Frames (0.05 s) of silence from which on no growth is told: either more is said, or a final is wanted soon."""
REST: Final = 18
"""Frames (0.3 s) of silence that end an utterance if its text ends a sentence."""
ENDPOINT: Final = 24
"""Frames (0.4 s) of silence that end an utterance whatever its text."""
WAVERING: Final = 6
"""Frames (0.1 s) by which the end of speech may move from one look to the next and still be the same: less than what is
heard behind it."""
MARGIN: Final = 24
"""Frames (0.4 s) of audio at most that belong to an utterance beside its speech."""
GROWTH: Final = (27, 18, 27, 27, 45)
"""Frames (0.5, 0.3, 0.5, 0.5, 0.8 s) by which an utterance has grown when it is told of for the first time, the second
time and so on: two hypotheses have to agree before the first word is shown."""
GROWTH_SHARE: Final = 8
"""Part of its length by which a long utterance has to have grown: what is heard of it is heard anew each time."""
SETTLED: Final = 30
"""Frames (0.5 s) that must follow a change of speakers before it is believed."""
TURN: Final = 59
"""Frames (1 s) of speech at least on both sides of a change that cuts an utterance: shorter ones are mostly within a
word, and a word that is cut is heard wrongly on both sides."""
NEARBY: Final = 18
"""Frames (0.3 s) by which a cut is moved to a quieter place."""
DIP: Final = 12.0
"""Decibels below the utterance that its level must fall to where it is cut."""
LONGEST: Final = 830
"""Frames (14 s) of an utterance at most."""
QUIET: Final = -58.0
"""dBFS below which nothing is speech, as in stages.leveling."""
ABOVE_NOISE: Final = 6.0
"""Decibels above the noise below which nothing is speech that was not before."""
FALLEN: Final = 15.0
"""Decibels below the loudest of the last steps below which two steps have to be where somebody may have stopped."""
FLOOR: Final = 60
"""Steps (6 s) whose quietest one is the noise."""

Event = SpeechBegan | SpeechStopped | Utterance


class Activity:
    """One channel in progress: audio in, windows for the network out; scores in, events out."""

    def __init__(self, channel: int) -> None:
        self._channel: Final = channel
        self._audio: Samples = np.zeros(0, np.float32)
        self._origin = 0
        """Sample of the stream that `_audio[0]` is."""
        self._level: Final = LiveLevel()
        """Of what is decided."""
        self._step = 0
        """Frame up to which everything is decided."""
        self._steps = 0
        self._looked = 0
        """Step of the last window."""
        self._levels: deque[float] = deque(maxlen=FLOOR)
        """dBFS of the last steps."""
        self._number = 0
        """Of the utterance that goes on or comes next."""
        self._done = 0
        """Frame before which all speech belongs to utterances that are complete."""
        self._begin: int | None = None
        """First frame of the utterance that goes on."""
        self._lead = 0
        """Frames of audio before it that belong to it."""
        self._count: npt.NDArray[np.uint8] = np.zeros(0, np.uint8)
        """(frames,): speakers at once from frame `_done` on, by the latest window that told of them."""
        self._marks: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        """(frames,): changes of speakers, likewise."""
        self._draft: Utterance | None = None
        """What was told when speech paused, as long as nobody went on."""
        self._told = 0
        """Frame up to which the utterance was told of as it grew."""
        self._times = 0
        """That it was told of."""
        self._doubt = 0
        """Frame of a change of speakers that the window before saw, or 0."""
        self._rest: int | None = None
        """Frame at which the last utterance ended, as long as its speaker may yet go on."""

    def take(self, samples: Samples) -> None:
        """Hear more of the channel."""
        self._audio = np.concatenate([self._audio, samples])

    @property
    def held(self) -> int:
        """Samples that are kept."""
        return len(self._audio)

    @property
    def _heard(self) -> int:
        """Whole frames of the stream so far."""
        return (self._origin + len(self._audio)) // FRAME_STEP

    def next_window(self) -> Samples | None:
        """What the network is to look at next: float32 (samples,); None until there is more to hear."""
        while self._step + STEP <= self._heard:
            self._advance(self._step + STEP)
            if self._wanted():
                return self._window(0)
            if self._begin is None:
                self._forget(self._step)
        return None

    def last_window(self) -> Samples | None:
        """The same for all that was heard, where no more is waited for; None where nobody speaks."""
        if self._step < self._heard:
            self._advance(self._heard)
        waits = self._begin is not None or self._rest is not None
        return self._window(BEYOND) if waits or self._loud() else None

    def _advance(self, step: int) -> None:
        begin, end = (frame * FRAME_STEP - self._origin for frame in (self._step, step))
        self._level.take(self._audio[begin:end])
        power = float(np.mean(np.square(self._audio[begin:end], dtype=np.float64)))
        self._levels.append(10 * math.log10(power + 1e-14))
        self._step, self._steps = step, self._steps + 1

    @property
    def _latest(self) -> float:
        """dBFS of the last two steps, of the louder one."""
        return max(list(self._levels)[-2:], default=-np.inf)

    def _loud(self) -> bool:
        """Whether there is more than silence and noise."""
        return self._latest > QUIET and self._latest > min(self._levels) + ABOVE_NOISE

    def _wanted(self) -> bool:
        """Whether the network has to look: not at silence, and less often while nothing may end."""
        if self._begin is None:
            return self._loud() or self._rest is not None
        fallen = self._latest < max(self._levels) - FALLEN
        grown = self._step - UNSEEN - self._told >= self._growth
        return fallen or grown or self._draft is not None or self._steps - self._looked >= STEADY

    @property
    def _growth(self) -> int:
        """Frames by which the utterance has to grow before it is told of again."""
        least = GROWTH[min(self._times, len(GROWTH) - 1)]
        return least if self._begin is None else max(least, (self._told - self._begin) // GROWTH_SHARE)

    def _window(self, beyond: int) -> Samples:
        """The last SIGHT, with silence where the stream has nothing."""
        self._looked = self._steps
        first = self._first_seen()
        window = np.zeros((self._step + beyond - first) * FRAME_STEP + LEAD, np.float32)
        begin, end = first * FRAME_STEP - LEAD - self._origin, self._step * FRAME_STEP - self._origin
        window[max(0, -begin) : end - begin] = self._audio[max(0, begin) : end]
        return window

    def _first_seen(self) -> int:
        """Frame that a window begins with; below 0 at the start of the stream."""
        return min(max(0, self._step - SIGHT), self._step - LEAST_SIGHT)

    def see(self, scores: npt.NDArray[np.float32], flushed: FinalReason | None = None) -> list[Event]:
        """Take the log-probabilities (frames, 7) of the window given last; return what is known by it.

        `flushed`: it was the last window, and what goes on is complete for this reason.
        """
        self._remember(scores, 0 if flushed else EDGE)
        events: list[Event] = []
        if self._begin is None:
            events += self._between(flushed)
        if self._begin is not None:
            events += self._follow(self._begin, flushed)
        if self._begin is None:
            self._forget(max(self._done, self._step - SIGHT))
        return events

    def _remember(self, scores: npt.NDArray[np.float32], edge: int) -> None:
        """Put what a window tells in the place of what earlier ones told."""
        first = self._first_seen()
        end = min(first + len(scores) - edge, self._step)
        if self._begin is None and first > self._done:
            # Nobody spoke before, or it would have been noticed.
            self._done, self._count, self._marks = first, self._count[:0], self._marks[:0]
        begin = max(first, self._done)
        if end <= begin:
            return
        chances = np.exp(scores, dtype=np.float64)
        speaks = active_frames(1 - chances[:, 0], speaking=False)
        count = (speaks * (1 + (chances[:, SPEAKERS == 2].sum(axis=1) > TWO))).astype(np.uint8)
        marks = changes([View(first, carried(scores))], begin, end)
        self._count = np.concatenate([self._count[: begin - self._done], count[begin - first : end - first]])
        self._marks = np.concatenate([self._marks[: begin - self._done], marks])

    def _between(self, flushed: FinalReason | None) -> list[Event]:
        """What is known while no utterance goes on: that its speaker has stopped for good, that speech begins."""
        events: list[Event] = []
        begin = self._noticed()
        silent = self._done + self._silent() if begin is None else begin
        if self._rest is not None and (silent - self._rest >= ENDPOINT or (flushed and begin is None)):
            events.append(SpeechStopped(self._channel, self._rest * FRAME_STEP / SAMPLE_RATE))
            self._rest = None
        if begin is not None:
            if self._rest is None:
                events.append(SpeechBegan(self._channel, begin * FRAME_STEP / SAMPLE_RATE))
            self._start(begin, min(MARGIN, (begin - self._done) // 2))
        return events

    def _silent(self) -> int:
        """Frames known up to where speech may be about to begin."""
        spans = joined(stretches(self._count > 0), DRAFT)
        return next((start for start, stop in spans if stop > len(self._count) - DRAFT), len(self._count))

    def _noticed(self) -> int | None:
        """Frame at which speech begins, if it does."""
        for start, stop in joined(stretches(self._count > 0), DRAFT):
            if np.count_nonzero(self._count[start:stop]) >= NOTICED:
                return self._done + start
        return None

    def _start(self, begin: int, lead: int) -> None:
        self._count, self._marks = self._count[begin - self._done :], self._marks[begin - self._done :]
        self._begin = self._done = self._told = begin
        self._lead, self._draft, self._doubt, self._times, self._rest = lead, None, 0, 0, None

    def _follow(self, begin: int, flushed: FinalReason | None) -> list[Event]:
        """What becomes of the utterance that goes on."""
        if (pause := self._pause()) is not None:
            whole, following = self._cut(begin, begin + pause, rest=True), begin + pause
            return [whole, *self._follow(following, flushed)]
        spoken = np.flatnonzero(self._count)
        last = begin + (int(spoken[-1]) + 1 if len(spoken) else min(NOTICED, len(self._count)))
        silence = begin + len(self._count) - last
        if self._draft is not None and last > begin + len(self._draft.speakers) + WAVERING:
            self._draft = None
        if flushed or silence >= REST:
            whole = self._draft or self._utterance("pausing", begin, last)
            if flushed or silence >= ENDPOINT:
                stopped = SpeechStopped(self._channel, whole.end_time)
                return [stopped, self._complete(whole, flushed or "endpoint")]
            self._rest = whole.first_frame + len(whole.speakers)
            return [self._complete(whole, "endpoint", settled=False)]
        if (change := self._change(begin)) is not None:
            return [self._cut(begin, change)]
        if silence < DRAFT and last - begin > LONGEST:
            return [self._cut(begin, self._quietest(begin, last))]
        told = None
        if silence >= DRAFT and self._draft is None:
            told = self._draft = self._utterance("pausing", begin, last)
        elif silence < FALTERING and last - self._told >= self._growth:
            told = self._utterance("growing", begin, last)
            self._told, self._times = last, self._times + 1
        return [told] if told else []

    def _utterance(self, state: Literal["growing", "pausing"], begin: int, last: int, trail: int = MARGIN) -> Utterance:
        """The utterance from its begin to the frame `last`, with margins of which the one behind has `trail` frames."""
        start = (begin - self._lead) * FRAME_STEP - self._origin
        stop = min(last + trail, self._step) * FRAME_STEP - self._origin
        return Utterance(
            self._number,
            self._channel,
            state,
            begin,
            self._count[: last - begin].copy(),
            self._marks[: last - begin].copy(),
            start + self._origin,
            self._audio[max(0, start) : stop].copy(),
            self._level.stretch(start + self._origin, stop + self._origin),
        )

    def _complete(self, whole: Utterance, reason: FinalReason, *, settled: bool = True) -> Utterance:
        """The same as what stays; what comes next is another utterance."""
        self._number += 1
        end = whole.first_frame + len(whole.speakers)
        self._count, self._marks = self._count[end - self._done :], self._marks[end - self._done :]
        self._done, self._begin, self._draft = end, None, None
        return replace(whole, state="complete", reason=reason, settled=settled)

    def _pause(self) -> int | None:
        """Frames up to a pause that ended before it was seen to be one; None where there is none."""
        for (_, stop), (start, _) in pairwise(stretches(self._count > 0)):
            if start - stop >= REST:
                return start
        return None

    def _cut(self, begin: int, place: int, *, rest: bool = False) -> Utterance:
        """Complete the utterance up to a frame within it; another one goes on behind.

        `rest`: at a pause, after which the same sentence may go on.
        """
        spoken = np.flatnonzero(self._count) + begin
        last = int(spoken[spoken < place][-1]) + 1
        following = int(spoken[spoken >= place][0])
        pause = following - last
        whole = self._draft
        if whole is None or abs(whole.first_frame + len(whole.speakers) - last) > WAVERING:
            whole = self._utterance("pausing", begin, last, min(MARGIN, pause // 2))
        whole = self._complete(whole, "endpoint", settled=not rest or pause >= ENDPOINT)
        self._start(following, min(MARGIN, pause - pause // 2))
        return whole

    def _change(self, begin: int) -> int | None:
        """Frame at which somebody else took over, once two looks and what followed confirm it."""
        spoken = np.flatnonzero(self._count)
        length = int(spoken[-1]) + 1 if len(spoken) else 0
        nothing = np.zeros(0, np.float32)
        seen = SpeechRegion(0, self._channel, begin, self._count[:length], self._marks[:length], nothing)
        places = [frame for frame in change_frames(seen) if TURN <= frame <= length - max(TURN, SETTLED)]
        if not places:
            self._doubt = 0
            return None
        place, before = begin + places[0], self._doubt
        self._doubt = place
        return self._dip(place, begin, begin + length) if abs(place - before) <= TOLERANCE else None

    def _dip(self, place: int, begin: int, last: int) -> int | None:
        """The quietest frame near a place where an utterance may be cut, if it is quiet."""
        levels = self._frame_levels(begin, last)
        first = max(1, place - begin - NEARBY)
        near = levels[first : min(len(levels) - 1, place - begin + NEARBY)]
        quietest = int(near.argmin())
        return begin + first + quietest if near[quietest] < levels.max() - DIP else None

    def _frame_levels(self, begin: int, last: int) -> npt.NDArray[np.float64]:
        """dBFS of each frame and its neighbours, (frames,)."""
        samples = self._audio[begin * FRAME_STEP - self._origin : last * FRAME_STEP - self._origin]
        power = np.square(samples, dtype=np.float64).reshape(-1, FRAME_STEP).mean(axis=1)
        smooth = np.convolve(np.pad(power, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
        levels: npt.NDArray[np.float64] = 10 * np.log10(smooth + 1e-14)
        return levels

    def _quietest(self, begin: int, last: int) -> int:
        """The quietest frame in the last third of a long utterance."""
        first = (last - begin) * 2 // 3
        return begin + first + int(self._frame_levels(begin, last)[first:].argmin())

    def _forget(self, needed: int) -> None:
        """Let go of the audio that neither the next window nor an utterance from frame `needed` on can want."""
        oldest = min(needed - MARGIN, self._step - SIGHT) * FRAME_STEP - LEAD
        if oldest > self._origin:
            self._audio, self._origin = self._audio[oldest - self._origin :], oldest
            self._level.forget(oldest)
