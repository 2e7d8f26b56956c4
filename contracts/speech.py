"""What the stages learn about the speech of a call."""

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from contracts.audio import FRAME_STEP, SAMPLE_RATE, Samples


class SpeechRegion(Struct, frozen=True, eq=False, tag=True):
    """One stretch in which somebody speaks, as the segmentation network sees it; at most MAX_REGION long."""

    number: int
    """Counted from 0 over all channels, in the order of sending."""
    channel: int
    first_frame: int
    """Index of the first frame on the stream's grid of FRAME_STEP samples."""
    speakers: npt.NDArray[np.uint8]
    """(frames,): how many speak at once; never 0 at the edges of the region."""
    changes: npt.NDArray[np.float32]
    """(frames,): share of the segmentation windows, 0 to 1, that see the set of speakers change at the frame's start.
    At frame 0 it compares with the last speech before the region: 1 where every window says that somebody else spoke
    there, 0 where the same speaker goes on after a pause, NaN where no window spans the pause."""
    samples: Samples
    """float32 (frames * FRAME_STEP,) but for the end of the stream: the audio from `start` on."""
    lead: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (samples,): the audio right before, for soft beginnings of words; at most half of the pause."""
    trail: Samples = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (samples,): the audio right after, for soft ends of words; at most half of the pause."""

    @property
    def start(self) -> int:
        """First sample, counted from the start of the stream."""
        return self.first_frame * FRAME_STEP

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of the region."""
        return (self.start + len(self.samples)) / SAMPLE_RATE


class Voiceprints(Struct, frozen=True, eq=False, tag=True):
    """The voiceprints of one region, with what diarization needs to know of the region itself."""

    channel: int
    first_frame: int
    speakers: npt.NDArray[np.uint8]
    """(frames,): as in SpeechRegion."""
    spans: npt.NDArray[np.int64]
    """(windows, 2): first and one past the last frame of each voiceprint, on the stream's grid."""
    vectors: npt.NDArray[np.float32]
    """(windows, 192): unit length."""

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of the region."""
        return (self.first_frame + len(self.speakers)) * FRAME_STEP / SAMPLE_RATE


class SpeakerTurn(Struct, frozen=True):
    """One speaker speaking without a pause. Turns of different speakers may overlap."""

    channel: int
    speaker: int
    """Counted from 0 over all channels, in the order of first appearance."""
    start_time: float
    """Seconds from the start of the stream."""
    end_time: float
    """Seconds from the start of the stream."""


class Diarization(Struct, frozen=True, tag=True):
    """Who spoke when, over the whole call so far; a later one replaces it."""

    turns: tuple[SpeakerTurn, ...]
    """In the order of start_time."""
    end_time: float
    """Seconds from the start of the stream to the end of what was diarized."""


class TimedWord(Struct, frozen=True):
    """One word as it was heard."""

    text: str
    """With its punctuation and without surrounding space."""
    start_time: float
    """Seconds from the start of the stream."""
    end_time: float
    """Seconds from the start of the stream; above start_time."""
    confidence: float
    """0 to 1: geometric mean of the probabilities of the word's tokens."""


class Transcript(Struct, frozen=True, tag=True):
    """The words of one stretch of speech: a region, part of one, or several that one speaker says in a row."""

    channel: int
    language: str
    """ISO 639-1 code as Whisper names it, such as "en"."""
    words: tuple[TimedWord, ...]
    """In the order of start_time; empty where no text passed the gates (silence, noise, a loop)."""
    end_time: float
    """Seconds from the start of the stream to the end of the stretch."""


class Reached(Struct, frozen=True, tag=True):
    """How much of the call's speech has been written down, for progress: windows are heard out of order, and their
    transcripts are told when all of a gather are."""

    end_time: float
    """Seconds from the start of the stream: the share of the speech that is done, times the length that it was in."""
