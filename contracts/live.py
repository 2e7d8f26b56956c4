"""What a live session and its client say on `/v1/ws/transcribe`; every text frame is one of these, as JSON.

Binary frames are audio in the encoding that `session.start` named. Times are integer milliseconds from the start of the
stream. Messages of the server count in `seq` from 1 without a gap over the whole life of the session, also over lost
connections. What is about a connection and not about the session (a refused `session.start` or `session.resume`, and
TAKEN_OVER) has the number after the last one on that connection, from 1 on, and is never sent again.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.annotation import Annotation, Confidence
from contracts.job_messages import RequestId, Sequence
from contracts.jobs import JobId, Moment, Percentage
from contracts.live_audio import AudioFormat

Milliseconds = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ByteCount = Annotated[int, Meta(ge=0, le=2**53 - 1)]
SessionId = JobId
ResumeToken = Annotated[str, Meta(min_length=1, max_length=256)]
SegmentId = Annotated[str, Meta(pattern="^segment_[0-9]+$")]
"""`segment_1` for the first of the session, and so on."""
SpeakerId = Annotated[str, Meta(pattern="^speaker_[0-9]+$")]
"""`speaker_1` for the first to speak, and so on."""
Channel = Annotated[int, Meta(ge=0, le=1)]
LanguageChoice = Annotated[str, Meta(min_length=2, max_length=16)]
"""ISO 639-1 code, or "auto"."""
Vocabulary = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=100)], ...], Meta(max_length=100)]
FinalReason = Literal["endpoint", "finalize", "pause", "end"]
WarningCode = Literal[
    "partials_reduced",
    "partials_off",
    "partials_restored",
    "recognise_unavailable",
    "frames_short",
    "bytes_mismatch",
    "session_expires",
    "not_saved",
    "version_deprecated",
]


class SessionStart(Struct, frozen=True, kw_only=True, tag="session.start"):
    """Opens a session; the first message, within 5 s."""

    id: RequestId | None = None
    audio: AudioFormat
    language: LanguageChoice | None = None
    """ISO 639-1 code; null or "auto" to detect it per stretch of speech."""
    partials: bool = True
    """Whether `transcript.partial` is sent."""
    words: bool = True
    """Whether `transcript.final` lists its words."""
    diarize: bool = True
    """Whether voices are told apart; without it all is said by one speaker, or by one on each channel."""
    recognise: bool = False
    """Whether known voices are named."""
    vocabulary: Vocabulary = ()
    """Names and terms to be expected."""
    save: bool = False
    """Whether the call is kept as a job with its audio."""


class Finalize(Struct, frozen=True, kw_only=True, tag="finalize"):
    """Asks for the finals of all audio sent so far; answered by `finalized`."""

    id: RequestId | None = None


class Pause(Struct, frozen=True, kw_only=True, tag="pause"):
    """Stops the audio for a while; what is pending becomes final. Answered by `paused`."""

    id: RequestId | None = None


class Resume(Struct, frozen=True, kw_only=True, tag="resume"):
    """Goes on with audio after `pause`; answered by `resumed`."""

    id: RequestId | None = None


class ConfigUpdate(Struct, frozen=True, kw_only=True, tag="config.update"):
    """Changes what may change; what is left out stays. Answered by `config.updated`."""

    id: RequestId | None = None
    language: LanguageChoice | UnsetType | None = UNSET
    partials: bool | UnsetType = UNSET
    words: bool | UnsetType = UNSET
    vocabulary: Vocabulary | UnsetType = UNSET
    audio: object = UNSET
    """May not change: FIXED_FIELD, and nothing of the message is applied."""
    diarize: object = UNSET
    """May not change: FIXED_FIELD."""
    recognise: object = UNSET
    """May not change: FIXED_FIELD."""
    save: object = UNSET
    """May not change: FIXED_FIELD."""


class Keepalive(Struct, frozen=True, kw_only=True, tag="keepalive"):
    """Resets the idle timer; answered by `keepalive.ack`."""

    id: RequestId | None = None


class SessionResume(Struct, frozen=True, kw_only=True, tag="session.resume"):
    """Goes on with a session after a lost connection; the first message on the new one."""

    id: RequestId | None = None
    session_id: str
    resume_token: ResumeToken
    last_seq: Sequence
    """`seq` of the last message that was received; all after it are sent again."""


class AudioEnd(Struct, frozen=True, kw_only=True, tag="audio.end"):
    """No more audio comes; answered by `session.ended`."""

    id: RequestId | None = None
    bytes_sent: ByteCount
    """Of all binary frames of the session, to be compared with those that arrived."""


LiveClientMessage = SessionStart | Finalize | Pause | Resume | ConfigUpdate | Keepalive | SessionResume | AudioEnd
"""What a client may say on `/v1/ws/transcribe`."""


class SessionConfig(Struct, frozen=True, kw_only=True):
    """The configuration as it is applied."""

    audio: AudioFormat
    language: str | None
    """ISO 639-1 code; null where it is detected."""
    partials: bool
    words: bool
    diarize: bool
    recognise: bool
    vocabulary: tuple[str, ...]
    save: bool


class SessionLimits(Struct, frozen=True, kw_only=True):
    """What the session may do."""

    max_frame_bytes: int
    """Of a binary frame: one second of audio, and never more than 64 KiB."""
    max_session_s: int
    """Seconds after which no more audio is taken."""
    idle_timeout_s: int
    """Seconds without audio and without any message after which the session ends."""
    max_unacked_ms: int
    """How far audio may be ahead of real time."""


class SessionStarted(Struct, frozen=True, kw_only=True, tag="session.started"):
    """The session is open: audio may be sent."""

    seq: Sequence
    in_reply_to: str | None = None
    session_id: SessionId
    resume_token: str
    """Secret; who has it may go on with the session."""
    config: SessionConfig
    limits: SessionLimits
    expires_at: Moment
    """When the session ends at the latest."""


class AudioAck(Struct, frozen=True, kw_only=True, tag="audio.ack"):
    """How much audio has been taken over all; about once a second, also while the result is being made."""

    seq: Sequence
    in_reply_to: str | None = None
    bytes_received: ByteCount
    ms_received: Milliseconds
    result_progress: Percentage | None = None
    """After `audio.end`: how far the result is; null before."""


class TranscriptPartial(Struct, frozen=True, kw_only=True, tag="transcript.partial"):
    """What has been said so far in a segment that goes on; replaced by its next revision or its final."""

    seq: Sequence
    in_reply_to: str | None = None
    segment_id: SegmentId
    revision: Annotated[int, Meta(ge=1)]
    """Counted from 1 within the segment."""
    channel: Channel = 0
    start_ms: Milliseconds
    text: str
    speaker_id: SpeakerId | None = None
    """null while nobody knows."""


class LiveWord(Struct, frozen=True, kw_only=True):
    """One word of a final."""

    word: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Confidence


class TranscriptFinal(Struct, frozen=True, kw_only=True, tag="transcript.final"):
    """What was said in a segment; never changes, save its speaker."""

    seq: Sequence
    in_reply_to: str | None = None
    segment_id: SegmentId
    channel: Channel = 0
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    """Empty where partials were shown and turned out to be no speech."""
    words: tuple[LiveWord, ...]
    """Empty where `words` is false."""
    speaker_id: SpeakerId
    confidence: Confidence
    """0 to 1: mean of the words' confidences."""
    language: str
    """ISO 639-1 code."""
    reason: FinalReason
    """Why it is final: a pause in speech or a change of speaker, `finalize`, `pause`, or `audio.end`."""


class SpeakerUpdate(Struct, frozen=True, kw_only=True):
    """Who said these segments, as it is known now."""

    segment_ids: tuple[SegmentId, ...]
    speaker_id: SpeakerId
    name: str | None = None
    """Who the speaker turned out to be; null where nobody knows. It is the name of all that this speaker says, also of
    segments that come later, until an update says another."""


class SpeakerUpdated(Struct, frozen=True, kw_only=True, tag="speaker.updated"):
    """The speaker of some segments was revised, or has a name now."""

    seq: Sequence
    in_reply_to: str | None = None
    updates: tuple[SpeakerUpdate, ...]


class SpeechStarted(Struct, frozen=True, kw_only=True, tag="speech.started"):
    """Somebody begins to speak."""

    seq: Sequence
    in_reply_to: str | None = None
    channel: Channel = 0
    time_ms: Milliseconds


class SpeechEnded(Struct, frozen=True, kw_only=True, tag="speech.ended"):
    """Nobody speaks any more."""

    seq: Sequence
    in_reply_to: str | None = None
    channel: Channel = 0
    time_ms: Milliseconds


class Finalized(Struct, frozen=True, kw_only=True, tag="finalized"):
    """All audio received before `finalize` is final."""

    seq: Sequence
    in_reply_to: str | None = None


class Paused(Struct, frozen=True, kw_only=True, tag="paused"):
    """All audio received before `pause` is final; audio is an error until `resume`."""

    seq: Sequence
    in_reply_to: str | None = None


class Resumed(Struct, frozen=True, kw_only=True, tag="resumed"):
    """Audio may be sent again."""

    seq: Sequence
    in_reply_to: str | None = None


class ConfigUpdated(Struct, frozen=True, kw_only=True, tag="config.updated"):
    """The configuration as it is applied from here on."""

    seq: Sequence
    in_reply_to: str | None = None
    config: SessionConfig


class KeepaliveAck(Struct, frozen=True, kw_only=True, tag="keepalive.ack"):
    """The session is alive."""

    seq: Sequence
    in_reply_to: str | None = None


class SessionResumed(Struct, frozen=True, kw_only=True, tag="session.resumed"):
    """The session goes on; stands after the messages that were sent again."""

    seq: Sequence
    in_reply_to: str | None = None
    session_id: SessionId
    bytes_received: ByteCount
    """Audio is to be sent from this byte on. There is one such message on a connection: in the place of an earlier one
    that is to be sent again comes an `audio.ack` with its `seq`."""


class LiveWarning(Struct, frozen=True, kw_only=True, tag="warning"):
    """Something that the client should know; the session goes on."""

    seq: Sequence
    in_reply_to: str | None = None
    code: WarningCode
    message: str
    advice: str = ""
    fatal: Literal[False] = False
    retryable: bool = False
    retry_after_ms: Milliseconds | None = None
    details: dict[str, str | float] = {}


class LiveError(Struct, frozen=True, kw_only=True, tag="error"):
    """What was wrong; goes before every abnormal close."""

    seq: Sequence
    in_reply_to: str | None = None
    code: str
    """From the error catalogue."""
    message: str
    """What was wrong and where, in the language of the handshake's `Accept-Language`."""
    advice: str = ""
    """What is allowed and what to do."""
    fatal: bool
    """Whether the connection is closed after it, with the code as the reason."""
    retryable: bool = False
    """Whether the same may succeed later."""
    retry_after_ms: Milliseconds | None = None
    details: dict[str, str | float] = {}


class SessionClosing(Struct, frozen=True, kw_only=True, tag="session.closing"):
    """The server is going away; the connection is closed with 1012 after it."""

    seq: Sequence
    in_reply_to: str | None = None
    reason: str
    deadline_ms: Milliseconds


class SessionTotals(Struct, frozen=True, kw_only=True):
    """The session in numbers."""

    bytes_received: ByteCount
    ms_received: Milliseconds
    partials: int
    finals: int
    words: int
    """Of the finals."""
    speakers: int
    """Of the result."""
    warnings: int
    errors: int
    resumes: int
    """How often the session went on after a lost connection."""


class SessionEnded(Struct, frozen=True, kw_only=True, tag="session.ended"):
    """The last message: all has been said, the connection is closed with 1000."""

    seq: Sequence
    in_reply_to: str | None = None
    totals: SessionTotals
    result: Annotation
    """The whole call, as `callannotate annotate` gives it for the same audio."""
    job_id: JobId | None = None
    """The job as which the call was kept (`save`), the same UUID as the session's; null where it was not."""


LiveServerMessage = (
    SessionStarted | AudioAck | TranscriptPartial | TranscriptFinal | SpeakerUpdated | SpeechStarted | SpeechEnded
    | Finalized | Paused | Resumed | ConfigUpdated | KeepaliveAck | SessionResumed | LiveWarning | LiveError
    | SessionClosing | SessionEnded
)  # fmt: skip
"""What the server may say on `/v1/ws/transcribe`."""


def decode_client_message(text: str | bytes) -> LiveClientMessage:
    """The message of a client. Raises msgspec.ValidationError where it is none, msgspec.DecodeError for broken JSON."""
    return _DECODER.decode(text)


_DECODER: Final[msgspec.json.Decoder[LiveClientMessage]] = msgspec.json.Decoder(LiveClientMessage)
