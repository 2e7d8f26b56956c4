"""What the doors that clients of OpenAI know say: requests, answers, events and errors of `/v1/audio` and `/v1/models`.

The names, fields and types are those of OpenAI's reference of the audio interface (November 2026), so that its clients
read them.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Seconds = Annotated[float, Meta(ge=0)]
OWN_MODEL: Final = "whisper-1"
"""The name under which clients of OpenAI ask for Whisper: here it is the server's own model."""
CREATED: Final = 1663718400
"""Unix time of the day on which Whisper was published; OpenAI's reference wants one for every model."""
TranscriptionFormat = Literal["json", "text", "srt", "verbose_json", "vtt", "diarized_json"]
TranslationFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Language = Annotated[str, Meta(max_length=16)]


class OpenAITranslationForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside `file` in the form of a translation. A field without a text counts as one that is absent."""

    model: Name
    """`whisper-1` for the server's own, or a name of `GET /v1/models`; not all of them translate."""
    prompt: str = ""
    """English text that might come before, or words that may be said; its last 2000 characters count."""
    response_format: TranslationFormat = "json"
    temperature: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Taken and without effect: the decoder always takes the most likely words."""


class OpenAITranscriptionForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands beside `file` in the form of a transcription. A field without a text counts as one that is absent."""

    model: Name
    """`whisper-1` for the server's own, or a name of `GET /v1/models`."""
    language: Language = ""
    """ISO 639-1 code; without it the language is detected per stretch of speech, and a call may have several."""
    languages: Annotated[tuple[Language, ...], Meta(max_length=1)] = msgspec.field(default=(), name="languages[]")
    """The same as `language`."""
    prompt: str = ""
    """Text that might come before, or words that may be said; its last 2000 characters count."""
    keywords: tuple[str, ...] = msgspec.field(default=(), name="keywords[]")
    """Words that may be said; they are put behind `prompt`."""
    response_format: TranscriptionFormat = "json"
    temperature: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Taken and without effect: the decoder always takes the most likely words."""
    timestamp_granularities: tuple[Literal["word", "segment"], ...] = msgspec.field(
        default=(), name="timestamp_granularities[]"
    )
    """Only with `verbose_json`: `segment` (the default), `word`, or both."""
    stream: bool = False
    """Server-sent events while the work goes on; with `json`, `text` and `diarized_json`."""
    chunking_strategy: str = ""
    """Taken and without effect: speech is always cut where speakers and pauses are. `auto`, or an object as JSON with
    the type `server_vad`."""
    known_speaker_names: tuple[Name, ...] = msgspec.field(default=(), name="known_speaker_names[]")
    """Only with `diarized_json`: names of voices that are enrolled here; only these are named. Without it all are."""


class OpenAIUsage(Struct, frozen=True, kw_only=True):
    """What a request would be billed by."""

    type: Literal["duration"] = "duration"
    seconds: Seconds
    """Of the recording."""


class OpenAILanguage(Struct, frozen=True, kw_only=True):
    """A language of the speech."""

    code: str
    """ISO 639-1."""


class OpenAITranscription(Struct, frozen=True, kw_only=True):
    """A transcription or a translation in the format `json`."""

    text: str
    languages: tuple[OpenAILanguage, ...] = ()
    """Those that were heard, the one with most words first."""
    usage: OpenAIUsage


class OpenAISegment(Struct, frozen=True, kw_only=True):
    """Words that one speaker says in a row."""

    id: Annotated[int, Meta(ge=0)]
    """Counted from 0."""
    seek: Annotated[int, Meta(ge=0)]
    """`start` in hundredths of a second."""
    start: Seconds
    """Seconds from the start of the recording."""
    end: Seconds
    """Seconds from the start of the recording."""
    text: str
    tokens: tuple[int, ...]
    """The text in the tokens of the model."""
    temperature: float = 0.0
    """Always 0."""
    avg_logprob: float
    """Mean of the natural logarithms of the words' confidences."""
    compression_ratio: Annotated[float, Meta(ge=0)]
    """Bytes of the text over its bytes when compressed."""
    no_speech_prob: float = 0.0
    """Always 0: what was probably no speech has been left out."""


class OpenAIWord(Struct, frozen=True, kw_only=True):
    """One word."""

    word: str
    start: Seconds
    """Seconds from the start of the recording."""
    end: Seconds
    """Seconds from the start of the recording."""


class OpenAIVerbose(Struct, frozen=True, kw_only=True):
    """A transcription or a translation in the format `verbose_json`."""

    task: Literal["transcribe", "translate"]
    language: str
    """English name of the language with most words, such as `russian`; that of the output for a translation. `unknown`
    where nothing is said."""
    duration: Seconds
    """Of the recording."""
    text: str
    segments: tuple[OpenAISegment, ...] | UnsetType = UNSET
    """Unless only words are asked for."""
    words: tuple[OpenAIWord, ...] | UnsetType = UNSET
    """Where words are asked for."""
    usage: OpenAIUsage


class OpenAISpeakerSegment(Struct, frozen=True, kw_only=True):
    """Words that one speaker says in a row, with the speaker; in a stream it is an event."""

    type: Literal["transcript.text.segment"] = "transcript.text.segment"
    id: str
    """Such as `seg_001`."""
    start: Seconds
    """Seconds from the start of the recording."""
    end: Seconds
    """Seconds from the start of the recording."""
    text: str
    speaker: str
    """The name of a known voice, or such as `speaker_1`."""


class OpenAIDiarized(Struct, frozen=True, kw_only=True):
    """A transcription in the format `diarized_json`."""

    task: Literal["transcribe"] = "transcribe"
    duration: Seconds
    """Of the recording."""
    text: str
    segments: tuple[OpenAISpeakerSegment, ...]
    usage: OpenAIUsage


class OpenAITextDelta(Struct, frozen=True, kw_only=True):
    """An event of a stream: text that follows what came before."""

    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str


class OpenAITextDone(Struct, frozen=True, kw_only=True):
    """The last event of a stream."""

    type: Literal["transcript.text.done"] = "transcript.text.done"
    text: str
    """All deltas, one after the other."""
    languages: tuple[OpenAILanguage, ...] = ()
    """Those that were heard, the one with most words first."""


OpenAIEvent = OpenAITextDelta | OpenAISpeakerSegment | OpenAITextDone


class OpenAIModel(Struct, frozen=True, kw_only=True):
    """A model that may be asked for."""

    id: str
    object: Literal["model"] = "model"
    created: int = CREATED
    """Unix time."""
    owned_by: str = "callannotate"


class OpenAIModels(Struct, frozen=True, kw_only=True):
    """All models that may be asked for."""

    object: Literal["list"] = "list"
    data: tuple[OpenAIModel, ...]


class OpenAIError(Struct, frozen=True, kw_only=True):
    """One error as clients of OpenAI know it."""

    message: str
    """What was wrong, what is allowed and what to do, in the language of `Accept-Language`."""
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None = None
    """The field of the form or the part of the path that was wrong."""
    code: str
    """From the error catalogue, in small letters."""


class OpenAIErrorBody(Struct, frozen=True):
    """The body of every answer under `/v1/audio` and `/v1/models` that is an error."""

    error: OpenAIError
