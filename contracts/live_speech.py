"""What the live lane tells of a call while it goes on: voice activity, text as it grows, final text, speakers."""

from typing import Literal

from msgspec import Struct

from contracts.speech import TimedWord

FinalReason = Literal["endpoint", "finalize", "pause", "end"]
"""Why an utterance is final: its speaker stopped (or somebody else took over, or it grew too long), or the client asked
for what is pending, or paused, or sent its last audio."""
FlushReason = Literal["finalize", "pause", "end"]


class LiveOptions(Struct, frozen=True):
    """Choices for one live call."""

    language: str | None = None
    """ISO 639-1 code, or None to detect it per utterance."""
    partials: bool = True
    diarize: bool = True
    """False: all speech of a channel is one speaker's."""
    vocabulary: tuple[str, ...] = ()
    """Words and phrases that are likely to be said; the transcription leans towards their spelling."""
    two_sided: bool = False
    """Each of two channels is one side of the call; otherwise two channels are mixed to one."""

    @property
    def prompt(self) -> str:
        """The vocabulary as the transcription is told of it."""
        return ", ".join(self.vocabulary)


class SpeechBegan(Struct, frozen=True, tag=True):
    """Somebody started to speak after nobody did."""

    channel: int
    time: float
    """Seconds from the start of the stream."""


class SpeechStopped(Struct, frozen=True, tag=True):
    """Nobody speaks any more; every utterance that began before `time` on this channel is about to become final."""

    channel: int
    time: float
    """Seconds from the start of the stream at which speech stopped."""


class Partial(Struct, frozen=True, tag=True):
    """The text of an utterance so far. The next one replaces it, and the final does at last."""

    utterance: int
    """Counted from 0 over all channels, in the order in which they are first mentioned by a Partial or a Final."""
    revision: int
    """Counted from 1 within the utterance."""
    channel: int
    start_time: float
    """Seconds from the start of the stream."""
    text: str
    """Never empty."""
    speaker: int | None
    """Who seems to speak, as in Final; None where there is no telling yet."""


class Final(Struct, frozen=True, tag=True):
    """An utterance as it stays; only its speaker may be told anew, by Relabelled."""

    utterance: int
    """As in Partial."""
    channel: int
    start_time: float
    """Seconds from the start of the stream: where speech starts."""
    end_time: float
    """Seconds from the start of the stream: where speech ends."""
    words: tuple[TimedWord, ...]
    """In the order of start_time. Empty only where a Partial was told whose text turned out to be none."""
    language: str
    """ISO 639-1 code."""
    confidence: float
    """0 to 1: mean of the words' confidences; 0 without words."""
    speaker: int
    """Counted from 0 over all channels, in the order of first appearance; stays the same voice's for the whole call."""
    reason: FinalReason


class Relabelled(Struct, frozen=True, tag=True):
    """The voices were compared anew: these utterances are somebody else's than was told before, or their speaker has
    another name now."""

    speakers: dict[int, int]
    """Utterance -> speaker; utterances that are not named keep theirs."""
    names: dict[int, str] = {}
    """Speaker -> name, of those in `speakers` whose voice is known; a speaker's name is that of all its utterances."""


class Degraded(Struct, frozen=True, tag=True):
    """The machine falls behind, or does so no more; finals always come."""

    level: int
    """0: all as usual; 1: partials are rarer; 2: there are no partials."""


class Flushed(Struct, frozen=True, tag=True):
    """Everything that was fed before this flush is final: comes after the last final of it."""

    reason: FlushReason


LiveEvent = SpeechBegan | SpeechStopped | Partial | Final | Relabelled | Degraded | Flushed
