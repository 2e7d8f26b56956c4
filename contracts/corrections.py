"""What people have corrected in the result of a call. The machine's version stays as it is beside it.

A place in a result is named by what the machine wrote there: the speaker, the number of the segment among that
speaker's, the number of the word in the segment; both counted from 0.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.jobs import JobId, Moment
from contracts.voices import VoiceName

ResultVersion = Literal["machine", "corrected"]
SpeakerNumber = Annotated[str, Meta(pattern="^speaker_[1-9][0-9]{0,2}$")]
"""One of the result, or another one whom the machine did not tell apart."""
Place = Annotated[int, Meta(ge=0, le=1_000_000)]
WordText = Annotated[str, Meta(max_length=200, pattern="^[^\\x00-\\x1f\\x7f]*$")]


class SpeakerCorrection(Struct, frozen=True, kw_only=True):
    """What a speaker is called."""

    speaker_id: SpeakerNumber
    name: VoiceName


class SegmentCorrection(Struct, frozen=True, kw_only=True):
    """Who said a segment."""

    speaker_id: SpeakerNumber
    """Of the machine's version."""
    segment: Place
    said_by: SpeakerNumber


class WordCorrection(Struct, frozen=True, kw_only=True):
    """What was said."""

    speaker_id: SpeakerNumber
    """Of the machine's version."""
    segment: Place
    word: Place
    text: WordText
    """Empty where nothing was said."""


class Corrections(Struct, frozen=True, kw_only=True):
    """All corrections of a result."""

    job_id: JobId
    revision: Annotated[int, Meta(ge=0)] = 0
    """Counts changes; 0 before the first. The ETag is made of it."""
    updated_at: Moment | None = None
    """Of the last change."""
    speakers: tuple[SpeakerCorrection, ...] = ()
    segments: tuple[SegmentCorrection, ...] = ()
    words: tuple[WordCorrection, ...] = ()


class SpeakerChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a speaker is to be called."""

    speaker_id: SpeakerNumber
    name: VoiceName | None = None
    """null takes the correction back."""


class SegmentChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who said a segment."""

    speaker_id: SpeakerNumber
    segment: Place
    said_by: SpeakerNumber | None = None
    """null takes the correction back."""


class WordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was said."""

    speaker_id: SpeakerNumber
    segment: Place
    word: Place
    text: WordText | None = None
    """null takes the correction back; the empty text erases the word."""


class CorrectionsUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Corrections to be made or taken back; all others stay."""

    speakers: tuple[SpeakerChange, ...] = ()
    segments: tuple[SegmentChange, ...] = ()
    words: tuple[WordChange, ...] = ()
