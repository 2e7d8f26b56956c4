"""What the stages of the live lane say to each other."""

from typing import Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from contracts.audio import FRAME_STEP, SAMPLE_RATE, AudioChunk, Samples
from contracts.live_speech import FinalReason, FlushReason
from contracts.speech import TimedWord


class Fed(Struct, frozen=True, eq=False, tag=True):
    """What goes into the live lane at once."""

    chunks: tuple[AudioChunk, ...] = ()
    """One for each channel, or none."""
    flush: FlushReason | None = None
    """What came so far, the chunks included, is to be made final for this reason."""

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of the chunks; 0 without any."""
        return max((chunk.end_time for chunk in self.chunks), default=0.0)


class Flush(Struct, frozen=True, tag=True):
    """What came before is to be made final at once. Goes through every stage; the last one makes it a Flushed."""

    reason: FlushReason


class Utterance(Struct, frozen=True, eq=False, tag=True):
    """A stretch of speech as it is known at some moment; a later one of the same number replaces it."""

    number: int
    """Counted from 0 within the channel; not the number that the client is told, since many hold no word."""
    channel: int
    state: Literal["growing", "pausing", "complete"]
    """Somebody goes on speaking; has just stopped, and this is all if silence lasts; or this is all."""
    first_frame: int
    """Of the speech, on the stream's grid."""
    speakers: npt.NDArray[np.uint8]
    """(frames,): how many speak at once; never 0 at the edges."""
    changes: npt.NDArray[np.float32]
    """(frames,): 1 where somebody else seems to take over, otherwise 0."""
    start: int
    """First of `samples`, counted from the start of the stream; before the speech by its margin."""
    samples: Samples
    """float32 (samples,): the speech with margins, at the level that it came with."""
    levelled: Samples
    """float32 (samples,): the same at the level that it has in a recording, as far as that can be told by now."""
    reason: FinalReason = "endpoint"
    settled: bool = True
    """False for a complete one whose speaker may yet go on: either they are said to have stopped, or the channel's next
    utterance follows so soon that it may belong to this one."""

    @property
    def end_time(self) -> float:
        """Seconds from the start of the stream to the end of the speech."""
        return (self.first_frame + len(self.speakers)) * FRAME_STEP / SAMPLE_RATE

    @property
    def speech(self) -> Samples:
        """float32 (samples,): the samples from `first_frame` on, whose frames `speakers` counts."""
        return self.samples[self.first_frame * FRAME_STEP - self.start :]

    @property
    def start_time(self) -> float:
        """Seconds from the start of the stream to the start of the speech."""
        return self.first_frame * FRAME_STEP / SAMPLE_RATE


class Written(Struct, frozen=True, eq=False, tag=True):
    """The text of an utterance that is complete."""

    number: int
    """That the client is told."""
    utterance: Utterance
    words: tuple[TimedWord, ...]
    """As in Final."""
    language: str
