"""What the server reads and writes, as types. Made by `callannotate contracts` from contracts/; do not edit by hand.

Fields and messages that are not known here are ignored, since a later server may have them; for the same reason
values of what the server writes are not narrowed down.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

BYTES_PER_SAMPLE: Final = {"pcm_s16le": 2, "pcm_f32le": 4, "mulaw": 1, "alaw": 1}
"""Of one channel, by the encoding of live audio."""
SHORTEST_FRAME_MS: Final = 20
"""Of a binary frame of live audio, but for the last one."""


class AddressBook(Struct, frozen=True, kw_only=True):
    """One address book of the server."""

    name: str
    contacts: int
    """Cards that could be read."""
    changes: str
    """How it is found out what has changed. One of: ctag, etags, sync-token."""
    synced_at: datetime


class AudioAck(Struct, frozen=True, kw_only=True, tag="audio.ack"):
    """How much audio has been taken over all; about once a second, also while the result is being made."""

    seq: int
    in_reply_to: str | None = None
    bytes_received: int
    ms_received: int
    result_progress: int | None = None
    """After `audio.end`: how far the result is; null before."""


class AudioEnd(Struct, frozen=True, kw_only=True, tag="audio.end", omit_defaults=True):
    """No more audio comes; answered by `session.ended`."""

    id: str | None = None
    bytes_sent: int
    """Of all binary frames of the session, to be compared with those that arrived."""


class AudioFormat(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the samples of the binary frames are written; fixed for the session."""

    encoding: Literal["alaw", "mulaw", "pcm_f32le", "pcm_s16le"]
    sample_rate: int
    """Hertz."""
    channels: int
    """1 for one signal with all voices; 2, interleaved, for a call with one side on each."""


class Closing(Struct, frozen=True, kw_only=True, tag="session.closing"):
    """The server is about to close the connection, because it stops."""

    reason: str
    deadline_ms: int


class ConfigUpdate(Struct, frozen=True, kw_only=True, tag="config.update", omit_defaults=True):
    """Changes what may change; what is left out stays. Answered by `config.updated`."""

    id: str | None = None
    language: str | UnsetType | None = UNSET
    partials: bool | UnsetType = UNSET
    words: bool | UnsetType = UNSET
    vocabulary: tuple[str, ...] | UnsetType = UNSET


class Delivery(Struct, frozen=True, kw_only=True):
    """What became of a message."""

    delivery_id: str
    job_id: str
    type: str
    """One of: job.cancelled, job.completed, job.failed."""
    url: str
    """Where it goes, without the query, which may have a secret in it."""
    state: str
    """`pending`: it will be tried (again). `dead`: given up until somebody has it sent again. One of: dead,
    delivered, pending."""
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None = None
    """Null once it is not tried any more."""
    last_attempt_at: datetime | None = None
    status: int | None = None
    """Of the last answer; null where there was none."""
    problem: str | None = None
    """Why the last attempt failed; docs/webhooks.md says what each means. One of: address_refused, gone, protocol,
    redirect, status, timeout, tls, unreachable."""


class DiskUsage(Struct, frozen=True, kw_only=True):
    """Room on the volume."""

    volume_free: str
    """Such as "50GB"."""
    logs_size: str


class DraftNumber(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A telephone number to be written."""

    number: str
    kinds: tuple[str, ...] = ()
    """Such as "cell" or "work"."""


class Endpoints(Struct, frozen=True, kw_only=True):
    """Where the interfaces begin."""

    rest: str = "/api/v1"
    websocket: str = "/ws"


class ErrorDetail(Struct, frozen=True, kw_only=True):
    """One error as every front door tells it."""

    code: str
    """From the error catalogue."""
    message: str
    """What was wrong and where, in the language of `Accept-Language`."""
    advice: str = ""
    """What is allowed and what to do."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    details: dict[str, str | float] = {}
    timestamp: datetime
    request_id: str


class FileInfo(Struct, frozen=True, kw_only=True):
    """The recording of a job."""

    filename: str
    """As the client named it, without folders; never used as a path."""
    size: int
    """Bytes."""
    format: str
    """One of: flac, mp3, opus, wav."""
    duration: float | None = None
    """Seconds."""
    sample_rate: int | None = None
    """Hz."""
    channels: int | None = None


class Finalize(Struct, frozen=True, kw_only=True, tag="finalize", omit_defaults=True):
    """Asks for the finals of all audio sent so far; answered by `finalized`."""

    id: str | None = None


class Finalized(Struct, frozen=True, kw_only=True, tag="finalized"):
    """All audio received before `finalize` is final."""

    seq: int
    in_reply_to: str | None = None


class FoundContact(Struct, frozen=True, kw_only=True):
    """The contact of a speaker, as the address book has it."""

    uid: str
    """Of the card."""
    name: str
    organisation: str = ""
    numbers: tuple[str, ...] = ()
    """E.164 where they can be, else as they are written."""
    contact_id: str
    """For `/api/v1/contacts/{contact_id}`."""


class JobFailure(Struct, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    """From the error catalogue."""
    message: str
    advice: str = ""
    stage: str | None = None
    details: dict[str, str | float] = {}
    """What the message is made of."""


class JobProgress(Struct, frozen=True, kw_only=True):
    """How far a job has come."""

    percentage: int
    """Of the whole job; never goes back while the job runs."""
    current_stage: str | None = None
    """The stage that is furthest behind; null while the job waits and once it has ended. One of: annotation,
    carddav_lookup, diarization, preprocessing, recognition, transcription, validation."""
    stage_progress: int = 0
    """Of `current_stage`."""
    stages_completed: tuple[str, ...] = ()
    """One of: annotation, carddav_lookup, diarization, preprocessing, recognition, transcription, validation."""
    stages_remaining: tuple[str, ...] = ()
    """One of: annotation, carddav_lookup, diarization, preprocessing, recognition, transcription, validation."""
    estimated_completion: datetime | None = None


class JobRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client says of a recording: the form field `metadata`. Keys that are not here are the client's own."""

    description: str = ""
    priority: int = 0
    """The highest first; within one, first in first out."""
    caller: str | None = None
    callee: str | None = None
    language: str | None = None
    """ISO 639-1 code; null or "auto" to detect it per stretch of speech."""
    speakers: int | None = None
    """The number of speakers where it is known; not together with bounds."""
    min_speakers: int | None = None
    max_speakers: int | None = None
    channels: Literal["auto", "mono", "two-sided"] = "auto"
    model: str | None = None
    """Whisper weights by their name in the catalogue; null for the server's own choice."""
    engine: Literal["onnx", "pyannote"] | None = None
    """Diarization engine; null for the server's own choice."""
    recognise: bool = True
    """Whether known voices are named."""
    callback_url: str | None = None
    """Where to say that the job has ended; docs/webhooks.md has what is sent, and which URLs are taken."""
    task: Literal["transcribe", "translate"] = "transcribe"
    """With "translate" the text is English, whatever is spoken; the languages told are those of the speech."""
    prompt: str = ""
    """Words that may be said, or text that might come before: the spelling and the style lean towards it."""


class Keepalive(Struct, frozen=True, kw_only=True, tag="keepalive", omit_defaults=True):
    """Resets the idle timer; answered by `keepalive.ack`."""

    id: str | None = None


class KeepaliveAck(Struct, frozen=True, kw_only=True, tag="keepalive.ack"):
    """The session is alive."""

    seq: int
    in_reply_to: str | None = None


class LiveError(Struct, frozen=True, kw_only=True, tag="error"):
    """What was wrong; goes before every abnormal close."""

    seq: int
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
    retry_after_ms: int | None = None
    details: dict[str, str | float] = {}


class LiveWarning(Struct, frozen=True, kw_only=True, tag="warning"):
    """Something that the client should know; the session goes on."""

    seq: int
    in_reply_to: str | None = None
    code: str
    """One of: bytes_mismatch, frames_short, not_saved, partials_off, partials_reduced, partials_restored,
    recognise_unavailable, session_expires, version_deprecated."""
    message: str
    advice: str = ""
    fatal: Literal[False] = False
    retryable: bool = False
    retry_after_ms: int | None = None
    details: dict[str, str | float] = {}


class LiveWord(Struct, frozen=True, kw_only=True):
    """One word of a final."""

    word: str
    start_ms: int
    end_ms: int
    confidence: float


class Login(Struct, frozen=True, kw_only=True):
    """As whom the server knows the one who asks."""

    by: str
    """`anonymous` where no key is needed; `login` for the cookie that a browser has. One of: anonymous, key,
    login."""
    key_id: str | None = None
    name: str | None = None
    """Of the key."""
    scopes: tuple[str, ...]
    """One of: live, manage, monitor, read, submit."""
    expires_at: datetime | None = None
    """Of the login, or of the key; null where it does not end by itself."""


class MemoryUsage(Struct, frozen=True, kw_only=True):
    """Memory of the server's process, and what the machine or the container still has."""

    used: str
    """Such as "512MB"."""
    available: str
    percentage: int


class ModelUsed(Struct, frozen=True, kw_only=True):
    """A network that took part, by name and by the hash of its weights."""

    kind: str
    """What it did: "segmentation", "voiceprint", "transcription" or "diarization"."""
    name: str
    sha256: str
    """Of the weights as they were fetched."""


class Notice(Struct, frozen=True, kw_only=True):
    """Something that the reader of a result has to know, such as a recording that broke off."""

    code: str
    """From the error catalogue."""
    message: str


class Pause(Struct, frozen=True, kw_only=True, tag="pause", omit_defaults=True):
    """Stops the audio for a while; what is pending becomes final. Answered by `paused`."""

    id: str | None = None


class Paused(Struct, frozen=True, kw_only=True, tag="paused"):
    """All audio received before `pause` is final; audio is an error until `resume`."""

    seq: int
    in_reply_to: str | None = None


class PhoneNumber(Struct, frozen=True, kw_only=True):
    """A telephone number of a contact."""

    number: str
    """As it is written on the card."""
    e164: str | None = None
    """Such as "+74951234567"; null where it is no number that could be dialled from abroad, such as an
    extension."""
    kinds: tuple[str, ...] = ()
    """Such as "cell" or "work", in small letters."""


class Ping(Struct, frozen=True, kw_only=True, tag="ping", omit_defaults=True):
    """Asks for a pong; either side may send it. The server does every 30 s."""

    timestamp: datetime | None = None


class Pong(Struct, frozen=True, kw_only=True, tag="pong", omit_defaults=True):
    """Answers a ping with the same timestamp."""

    timestamp: datetime | None = None


class ProcessingStages(Struct, frozen=True, kw_only=True):
    """What became of each stage of the specification."""

    diarization: str = "completed"
    """One of: completed, failed, skipped."""
    transcription: str = "completed"
    """One of: completed, failed, skipped."""
    recognition: str = "skipped"
    """One of: completed, failed, skipped."""
    carddav_lookup: str = "skipped"
    """One of: completed, failed, skipped."""
    annotation: str = "completed"
    """One of: completed, failed, skipped."""


class QueuedJob(Struct, frozen=True, kw_only=True):
    """A job that waits."""

    job_id: str
    status: str = "queued"
    position: int
    estimated_start: datetime | None = None


class Resume(Struct, frozen=True, kw_only=True, tag="resume", omit_defaults=True):
    """Goes on with audio after `pause`; answered by `resumed`."""

    id: str | None = None


class Resumed(Struct, frozen=True, kw_only=True, tag="resumed"):
    """Audio may be sent again."""

    seq: int
    in_reply_to: str | None = None


class SampleRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is said of another sample: nothing so far."""


class SegmentChange(Struct, frozen=True, kw_only=True):
    """Who said a segment."""

    speaker_id: str
    segment: int
    said_by: str | None = None
    """null takes the correction back."""


class SegmentCorrection(Struct, frozen=True, kw_only=True):
    """Who said a segment."""

    speaker_id: str
    """Of the machine's version."""
    segment: int
    said_by: str


class SessionClosing(Struct, frozen=True, kw_only=True, tag="session.closing"):
    """The server is going away; the connection is closed with 1012 after it."""

    seq: int
    in_reply_to: str | None = None
    reason: str
    deadline_ms: int


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


class SessionResume(Struct, frozen=True, kw_only=True, tag="session.resume", omit_defaults=True):
    """Goes on with a session after a lost connection; the first message on the new one."""

    id: str | None = None
    session_id: str
    resume_token: str
    last_seq: int
    """`seq` of the last message that was received; all after it are sent again."""


class SessionResumed(Struct, frozen=True, kw_only=True, tag="session.resumed"):
    """The session goes on; stands after the messages that were sent again."""

    seq: int
    in_reply_to: str | None = None
    session_id: str
    bytes_received: int
    """Audio is to be sent from this byte on. There is one such message on a connection: in the place of an earlier
    one that is to be sent again comes an `audio.ack` with its `seq`."""


class SessionTotals(Struct, frozen=True, kw_only=True):
    """The session in numbers."""

    bytes_received: int
    ms_received: int
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


class SpeakerChange(Struct, frozen=True, kw_only=True):
    """What a speaker is to be called."""

    speaker_id: str
    name: str | None = None
    """null takes the correction back."""


class SpeakerCorrection(Struct, frozen=True, kw_only=True):
    """What a speaker is called."""

    speaker_id: str
    name: str


class SpeakerEnrolment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose voice a speaker of a job is: a new one's, by its name, or one that is known, by its id."""

    name: str | UnsetType = UNSET
    """Of a new voice; not together with `voice_id`."""
    voice_id: str | UnsetType = UNSET
    """Of a known voice, which gets another sample."""
    note: str = ""
    """Of a new voice."""


class SpeakerUpdate(Struct, frozen=True, kw_only=True):
    """Who said these segments, as it is known now."""

    segment_ids: tuple[str, ...]
    speaker_id: str
    name: str | None = None
    """Who the speaker turned out to be; null where nobody knows. It is the name of all that this speaker says, also
    of segments that come later, until an update says another."""


class SpeechEnded(Struct, frozen=True, kw_only=True, tag="speech.ended"):
    """Nobody speaks any more."""

    seq: int
    in_reply_to: str | None = None
    channel: int = 0
    time_ms: int


class SpeechStarted(Struct, frozen=True, kw_only=True, tag="speech.started"):
    """Somebody begins to speak."""

    seq: int
    in_reply_to: str | None = None
    channel: int = 0
    time_ms: int


class TranscriptPartial(Struct, frozen=True, kw_only=True, tag="transcript.partial"):
    """What has been said so far in a segment that goes on; replaced by its next revision or its final."""

    seq: int
    in_reply_to: str | None = None
    segment_id: str
    revision: int
    """Counted from 1 within the segment."""
    channel: int = 0
    start_ms: int
    text: str
    speaker_id: str | None = None
    """null while nobody knows."""


class Turn(Struct, frozen=True, kw_only=True):
    """One speaker speaking without a pause; turns of different speakers overlap where both speak."""

    speaker_id: str
    start_time: float
    """Seconds from the start of the call."""
    end_time: float
    """Seconds from the start of the call."""


class UnreadCard(Struct, frozen=True, kw_only=True):
    """A card that could not be read, or not all of it."""

    book: str
    card: str
    """Its path on the server."""
    problem: str
    usable: bool
    """Whether the rest of it is a contact."""


class VoiceRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who a new voice belongs to: the form field `metadata` beside its first sample."""

    name: str
    """What results call it; no two voices have the same, whatever the case of the letters."""
    note: str = ""
    """For people; never in a result."""


class VoiceSample(Struct, frozen=True, kw_only=True):
    """One recording, or one file of voiceprints, that a voice is known by."""

    sample_id: str
    """UUID."""
    created_at: datetime
    source: str
    """Uploaded as a recording, cut out of a job's recording, or imported as voiceprints. One of: import, job,
    upload."""
    filename: str
    """As the client named it, without folders; what a result gives as `voice_embedding_source`."""
    job_id: str | None = None
    """Where it was cut out of."""
    speaker_id: str | None = None
    """Whose words they were in that job."""
    duration: float | None = None
    """Seconds of the recording; null for voiceprints."""
    speech: float | None = None
    """Seconds of clean speech that the voiceprints rest on; null for voiceprints that were imported."""
    model: str
    """sha256 of the voiceprint model."""
    stale: bool = False
    """Whether another model made its voiceprints: then nothing is recognised by it."""
    audio_kept: bool
    """Whether its audio was kept, so that another model can make voiceprints of it."""


class VoiceUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a voice is called from now on."""

    name: str
    note: str = ""
    """For people; what is left out becomes empty."""


class Waveform(Struct, frozen=True, kw_only=True):
    """The loudest sample of each stretch of a recording."""

    job_id: str
    duration: float
    """Of the recording."""
    rate: float
    """Peaks per second."""
    channels: tuple[tuple[int, ...], ...]
    """Of each side of a two-sided call, or of the only channel: 255 is full scale."""


class Word(Struct, frozen=True, kw_only=True):
    """One word of a segment."""

    word: str
    start_time: float
    """Seconds from the start of the call."""
    end_time: float
    """Seconds from the start of the call."""
    confidence: float
    """0 to 1: geometric mean of the probabilities that Whisper gave to the word's tokens."""


class WordChange(Struct, frozen=True, kw_only=True):
    """What was said."""

    speaker_id: str
    segment: int
    word: int
    text: str | None = None
    """null takes the correction back; the empty text erases the word."""


class WordCorrection(Struct, frozen=True, kw_only=True):
    """What was said."""

    speaker_id: str
    """Of the machine's version."""
    segment: int
    word: int
    text: str
    """Empty where nothing was said."""


class ConnectionErrorMessage(Struct, frozen=True, kw_only=True, tag="error"):
    """What was wrong with a message of the client, or why the connection is about to be closed."""

    error: ErrorDetail
    in_reply_to: str | None = None
    """The `id` of the message that was wrong."""


class Contact(Struct, frozen=True, kw_only=True):
    """One card of an address book."""

    contact_id: str
    """Ours, for the paths of REST; it stays the same as long as the card stays where it is."""
    uid: str
    """Of the card; empty where it has none."""
    name: str
    """FN, or what the card says instead of it."""
    given_name: str = ""
    family_name: str = ""
    organisation: str = ""
    title: str = ""
    numbers: tuple[PhoneNumber, ...] = ()
    emails: tuple[str, ...] = ()
    note: str = ""
    book: str
    """Name of the address book."""
    etag: str
    """Of the card on the server; the header ETag has it as well."""


class ContactDraft(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A contact to be written: what is left out is empty. What the card says beside these fields stays as it is."""

    name: str
    given_name: str = ""
    family_name: str = ""
    organisation: str = ""
    title: str = ""
    numbers: tuple[DraftNumber, ...] = ()
    emails: tuple[str, ...] = ()
    note: str = ""
    book: str | None = None
    """Name of the address book of a new contact, the first one where it is null; a contact stays where it is."""


class ContactsStatus(Struct, frozen=True, kw_only=True):
    """The address books as the last sync left them."""

    server: str
    """Scheme, host and port."""
    state: str
    """Never synced, in step with the server, or not: the server did not answer the last time. One of: away,
    current, never."""
    problem: str | None = None
    """Why the last sync failed."""
    synced_at: datetime | None = None
    """When all address books were in step last."""
    contacts: int = 0
    books: tuple[AddressBook, ...] = ()
    unread: tuple[UnreadCard, ...] = ()
    """The first hundred."""
    unread_total: int = 0


class Corrections(Struct, frozen=True, kw_only=True):
    """All corrections of a result."""

    job_id: str
    revision: int = 0
    """Counts changes; 0 before the first. The ETag is made of it."""
    updated_at: datetime | None = None
    """Of the last change."""
    speakers: tuple[SpeakerCorrection, ...] = ()
    segments: tuple[SegmentCorrection, ...] = ()
    words: tuple[WordCorrection, ...] = ()


class CorrectionsUpdate(Struct, frozen=True, kw_only=True):
    """Corrections to be made or taken back; all others stay."""

    speakers: tuple[SpeakerChange, ...] = ()
    segments: tuple[SegmentChange, ...] = ()
    words: tuple[WordChange, ...] = ()


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """Some of the deliveries, the newest first."""

    deliveries: tuple[Delivery, ...]
    total: int
    """Deliveries that the filter lets through, on all pages."""
    limit: int
    offset: int


class ErrorBody(Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: ErrorDetail


class Evidence(Struct, frozen=True, kw_only=True):
    """One thing that an identification or a suggestion rests on."""

    kind: str
    """One of: name, number, self_introduction, voice."""
    text: str
    """The name of the voice, the number, or the words of the introduction."""
    probability: float
    """That this evidence by itself names the speaker rightly."""
    voice_id: str | None = None
    """Of the known voice, where the kind is "voice"."""
    contact: FoundContact | None = None
    """The contact that it leads to."""


class HealthComponents(Struct, frozen=True, kw_only=True):
    """Every part of the service."""

    queue_manager: str
    """One of: healthy, unhealthy."""
    volume_access: str
    """One of: healthy, unhealthy."""
    audio_processing: str
    """One of: healthy, unhealthy."""
    models: str
    """One of: healthy, unhealthy."""
    memory_usage: MemoryUsage
    disk_usage: DiskUsage


class JobErrorMessage(Struct, frozen=True, kw_only=True, tag="error"):
    """The job failed; the last message of the job."""

    job_id: str
    seq: int
    error: JobFailure
    timestamp: datetime


class Metadata(Struct, frozen=True, kw_only=True):
    """Facts about the call and about how it was annotated."""

    total_duration: float
    """Seconds of audio."""
    speaker_count: int
    word_count: int
    confidence_average: float
    """0 to 1: mean over all words; 0 for a call without words."""
    processing_stages: ProcessingStages
    languages: tuple[str, ...]
    """ISO 639-1 codes, the one with most words first."""
    channels: str
    """How the recording was treated. One of: mono, two-sided."""
    engine: str
    """Diarization engine: "onnx" or "pyannote"."""
    models: tuple[ModelUsed, ...]
    processing_time: float
    """Seconds from the first block read to the result, without loading the models."""
    real_time_factor: float
    """processing_time / total_duration; 0 for a call without audio."""
    version: str
    """Of CallAnnotate."""
    warnings: tuple[Notice, ...] = ()
    task: str = "transcribe"
    """With "translate" the text is English; the languages are still those of the speech. One of: transcribe,
    translate."""


class QueueStatus(Struct, frozen=True, kw_only=True):
    """The queue as a whole."""

    queue_length: int
    processing_job: str | None = None
    """The job that runs, the oldest of them where several do."""
    processing_jobs: tuple[str, ...] = ()
    average_processing_time: float = 0.0
    """Seconds, over the last jobs; 0 before the first."""
    jobs: tuple[QueuedJob, ...] = ()
    """The first hundred in the order in which they will run."""


class Segment(Struct, frozen=True, kw_only=True):
    """Words that one speaker says in a row, in one language."""

    start_time: float
    """Seconds: start of the first word."""
    end_time: float
    """Seconds: end of the last word."""
    text: str
    confidence: float
    """0 to 1: mean of the words' confidences."""
    language: str
    """ISO 639-1 code."""
    words: tuple[Word, ...]


class ServiceInfo(Struct, frozen=True, kw_only=True):
    """What the service can do."""

    service: str = "CallAnnotate"
    version: str
    supported_formats: tuple[str, ...] = ("wav", "mp3", "flac", "opus")
    """One of: flac, mp3, opus, wav."""
    max_file_size: int
    """Bytes."""
    max_duration: float
    """Seconds."""
    processing_mode: str = "asynchronous"
    model: str
    engine: str
    """One of: onnx, pyannote."""
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes that the model knows."""
    api_endpoints: Endpoints = Endpoints()


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


class SessionStart(Struct, frozen=True, kw_only=True, tag="session.start", omit_defaults=True):
    """Opens a session; the first message, within 5 s."""

    id: str | None = None
    audio: AudioFormat
    language: str | None = None
    """ISO 639-1 code; null or "auto" to detect it per stretch of speech."""
    partials: bool = True
    """Whether `transcript.partial` is sent."""
    words: bool = True
    """Whether `transcript.final` lists its words."""
    diarize: bool = True
    """Whether voices are told apart; without it all is said by one speaker, or by one on each channel."""
    recognise: bool = False
    """Whether known voices are named."""
    vocabulary: tuple[str, ...] = ()
    """Names and terms to be expected."""
    save: bool = False
    """Whether the call is kept as a job with its audio."""


class SpeakerUpdated(Struct, frozen=True, kw_only=True, tag="speaker.updated"):
    """The speaker of some segments was revised, or has a name now."""

    seq: int
    in_reply_to: str | None = None
    updates: tuple[SpeakerUpdate, ...]


class StatusUpdate(Struct, frozen=True, kw_only=True, tag="status_update"):
    """A job has come further, or its state changed."""

    job_id: str
    seq: int
    """Counts the messages of a job from 1 without a gap; `?after_seq=` replays what came after one."""
    status: str
    """One of: archived, completed, failed, processing, queued."""
    progress: JobProgress
    timestamp: datetime


class TranscriptFinal(Struct, frozen=True, kw_only=True, tag="transcript.final"):
    """What was said in a segment; never changes, save its speaker."""

    seq: int
    in_reply_to: str | None = None
    segment_id: str
    channel: int = 0
    start_ms: int
    end_ms: int
    text: str
    """Empty where partials were shown and turned out to be no speech."""
    words: tuple[LiveWord, ...]
    """Empty where `words` is false."""
    speaker_id: str
    confidence: float
    """0 to 1: mean of the words' confidences."""
    language: str
    """ISO 639-1 code."""
    reason: str
    """Why it is final: a pause in speech or a change of speaker, `finalize`, `pause`, or `audio.end`. One of: end,
    endpoint, finalize, pause."""


class Voice(Struct, frozen=True, kw_only=True):
    """One person whose voice is known."""

    voice_id: str
    """UUID."""
    name: str
    note: str = ""
    created_at: datetime
    updated_at: datetime
    """When the name, the note or a sample changed last."""
    stale: bool
    """Whether nothing can be recognised by it: another voiceprint model made all of its voiceprints."""
    samples: tuple[VoiceSample, ...]
    """The oldest first."""


class WebhookJob(Struct, frozen=True, kw_only=True):
    """The job that has ended."""

    job_id: str
    status: str
    """`cancelled`: it was deleted before it had ended, and nothing of it is left. One of: cancelled, completed,
    failed."""
    filename: str | None = None
    """Null for one that was cancelled."""
    created_at: datetime
    ended_at: datetime
    metadata: dict[str, object] = {}
    """As it was sent with the recording; empty for one that was cancelled."""
    error: JobFailure | None = None
    """Why it failed."""
    result_url: str | None = None
    """Path of the result on the server, where there is one."""


class ConfigUpdated(Struct, frozen=True, kw_only=True, tag="config.updated"):
    """The configuration as it is applied from here on."""

    seq: int
    in_reply_to: str | None = None
    config: SessionConfig


class ContactPage(Struct, frozen=True, kw_only=True):
    """Contacts in the order of their names."""

    contacts: tuple[Contact, ...]
    total: int
    """Contacts that the filters let through, on all pages."""
    limit: int
    offset: int


class HealthStatus(Struct, frozen=True, kw_only=True):
    """How the service feels: unhealthy as soon as one component is."""

    status: str
    """One of: healthy, unhealthy."""
    version: str
    uptime: int
    """Seconds."""
    queue_status: str
    """One of: active, stopped, stopping."""
    live_sessions: int = 0
    """Live sessions that have not ended."""
    components: HealthComponents
    problems: tuple[str, ...] = ()
    """One line for each thing that is wrong."""


class SessionStarted(Struct, frozen=True, kw_only=True, tag="session.started"):
    """The session is open: audio may be sent."""

    seq: int
    in_reply_to: str | None = None
    session_id: str
    resume_token: str
    """Secret; who has it may go on with the session."""
    config: SessionConfig
    limits: SessionLimits
    expires_at: datetime
    """When the session ends at the latest."""


class Speaker(Struct, frozen=True, kw_only=True):
    """One voice of the call and all that it says."""

    speaker_id: str
    """`speaker_1` for the first to speak, and so on."""
    segments: tuple[Segment, ...]
    """In time order."""
    channel: int | None = None
    """Side of a two-sided call, counted from 0; null for a mono call."""
    identified_as: str | None = None
    """Name of a known voice, "unknown" where none matched, null where recognition did not run."""
    confidence: float = 0.0
    """0 to 1: the probability that the identification is right. 0 of "unknown" and where recognition did not
    run."""
    voice_embedding_source: str | None = None
    """What the voiceprint of the known voice was taken from, such as "ivan.vec"."""
    carddav_search_performed: bool = False
    """Whether the address books were looked into."""
    voice_id: str | None = None
    """Of the known voice; null where none matched."""
    evidence: tuple[Evidence, ...] = ()
    """What the identification, or a suggestion, rests on."""
    contact: FoundContact | None = None
    """The address book's; it may be known where the voice is not."""


class VoicePage(Struct, frozen=True, kw_only=True):
    """Voices in the order of their names."""

    voices: tuple[Voice, ...]
    total: int
    """Voices that the filter lets through, on all pages."""
    limit: int
    offset: int


class WebhookMessage(Struct, frozen=True, kw_only=True):
    """The body: a job has ended. What was said in the call is not in it; `result_url` leads there."""

    type: str
    """One of: job.cancelled, job.completed, job.failed."""
    timestamp: datetime
    """When the job ended."""
    data: WebhookJob


class Annotation(Struct, frozen=True, kw_only=True):
    """Everything that is known about a call. The JSON file is this object."""

    speakers: tuple[Speaker, ...]
    """In the order of first appearance."""
    turns: tuple[Turn, ...]
    """Of all speakers in the order of start_time; this is the diarization, kept whole, overlap included."""
    metadata: Metadata


class Job(Struct, frozen=True, kw_only=True):
    """One job."""

    job_id: str
    """UUID."""
    status: str
    """One of: archived, completed, failed, processing, queued."""
    created_at: datetime
    started_at: datetime | None = None
    completed_at: datetime | None = None
    """When it completed or failed."""
    priority: int = 0
    position: int | None = None
    """Place in the queue, counted from 1; null unless queued."""
    progress: JobProgress
    estimated_duration: int | None = None
    """Seconds that processing takes by the speed measured on this machine; null where the length is unknown."""
    estimated_completion: datetime | None = None
    file_info: FileInfo
    metadata: dict[str, object] = {}
    """What the client sent with the recording, its own keys included."""
    error: JobFailure | None = None
    """Of a failed job."""
    progress_url: str
    websocket_url: str
    result: Annotation | UnsetType | None = UNSET
    """Only with `?include=result`: the result of a completed job, null before."""


class JobResult(Struct, frozen=True, kw_only=True):
    """The result of a completed job."""

    job_id: str
    status: str = "completed"
    completed_at: datetime
    processing_time: float
    """Seconds."""
    result: Annotation


class ResultMessage(Struct, frozen=True, kw_only=True, tag="result"):
    """The result of a completed job; the last message of the job."""

    job_id: str
    seq: int
    status: str = "completed"
    result: Annotation
    timestamp: datetime


class SessionEnded(Struct, frozen=True, kw_only=True, tag="session.ended"):
    """The last message: all has been said, the connection is closed with 1000."""

    seq: int
    in_reply_to: str | None = None
    totals: SessionTotals
    result: Annotation
    """The whole call, as `callannotate annotate` gives it for the same audio."""
    job_id: str | None = None
    """The job as which the call was kept (`save`), the same UUID as the session's; null where it was not."""


class JobPage(Struct, frozen=True, kw_only=True):
    """Jobs, the newest first."""

    jobs: tuple[Job, ...]
    total: int
    """Jobs that the filter lets through, on all pages."""
    limit: int
    offset: int


JobMessage = StatusUpdate | ResultMessage | JobErrorMessage
"""What is told of a job on `/ws/{job_id}`."""
ConnectionMessage = ConnectionErrorMessage | Ping | Pong | Closing
"""What is told of the connection there."""
LiveClientMessage = SessionStart | Finalize | Pause | Resume | ConfigUpdate | Keepalive | SessionResume | AudioEnd
"""What a client may say in a live session."""
LiveServerMessage = (
    SessionStarted
    | AudioAck
    | TranscriptPartial
    | TranscriptFinal
    | SpeakerUpdated
    | SpeechStarted
    | SpeechEnded
    | Finalized
    | Paused
    | Resumed
    | ConfigUpdated
    | KeepaliveAck
    | SessionResumed
    | LiveWarning
    | LiveError
    | SessionClosing
    | SessionEnded
)
"""What the server may say in a live session."""
