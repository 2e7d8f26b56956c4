"""The result of a call: the customer's schema (speakers with segments with words, metadata), turns beside it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.contacts import FoundContact
from contracts.options import Task
from contracts.recognition import Evidence

Seconds = Annotated[float, Meta(ge=0)]
Confidence = Annotated[float, Meta(ge=0, le=1)]
StageOutcome = Literal["completed", "skipped", "failed"]


class Word(Struct, frozen=True):
    """One word of a segment."""

    word: str
    start_time: Seconds
    """Seconds from the start of the call."""
    end_time: Seconds
    """Seconds from the start of the call."""
    confidence: Confidence
    """0 to 1: geometric mean of the probabilities that Whisper gave to the word's tokens."""


class Segment(Struct, frozen=True):
    """Words that one speaker says in a row, in one language."""

    start_time: Seconds
    """Seconds: start of the first word."""
    end_time: Seconds
    """Seconds: end of the last word."""
    text: str
    confidence: Confidence
    """0 to 1: mean of the words' confidences."""
    language: str
    """ISO 639-1 code."""
    words: tuple[Word, ...]


class Speaker(Struct, frozen=True):
    """One voice of the call and all that it says."""

    speaker_id: str
    """`speaker_1` for the first to speak, and so on."""
    segments: tuple[Segment, ...]
    """In time order."""
    channel: int | None = None
    """Side of a two-sided call, counted from 0; null for a mono call."""
    identified_as: str | None = None
    """Name of a known voice, "unknown" where none matched, null where recognition did not run."""
    confidence: Confidence = 0.0
    """0 to 1: the probability that the identification is right. 0 of "unknown" and where recognition did not run."""
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


class Turn(Struct, frozen=True):
    """One speaker speaking without a pause; turns of different speakers overlap where both speak."""

    speaker_id: str
    start_time: Seconds
    """Seconds from the start of the call."""
    end_time: Seconds
    """Seconds from the start of the call."""


class AnnotatedSpeech(Struct, frozen=True, tag=True):
    """All speech of a call with every word given to one speaker; what the graph ends in."""

    speakers: tuple[Speaker, ...]
    """In the order of first appearance."""
    turns: tuple[Turn, ...]
    """In the order of start_time."""
    end_time: Seconds
    """Seconds from the start of the call to the end of what was annotated."""
    carddav_lookup: StageOutcome = "skipped"
    """What became of looking into the address books."""
    warnings: tuple["Notice", ...] = ()
    """What went wrong with it."""


class ModelUsed(Struct, frozen=True):
    """A network that took part, by name and by the hash of its weights."""

    kind: str
    """What it did: "segmentation", "voiceprint", "transcription" or "diarization"."""
    name: str
    sha256: str
    """Of the weights as they were fetched."""


class ProcessingStages(Struct, frozen=True):
    """What became of each stage of the specification."""

    diarization: StageOutcome = "completed"
    transcription: StageOutcome = "completed"
    recognition: StageOutcome = "skipped"
    carddav_lookup: StageOutcome = "skipped"
    annotation: StageOutcome = "completed"


class Notice(Struct, frozen=True):
    """Something that the reader of a result has to know, such as a recording that broke off."""

    code: str
    """From the error catalogue."""
    message: str


class Metadata(Struct, frozen=True):
    """Facts about the call and about how it was annotated."""

    total_duration: Seconds
    """Seconds of audio."""
    speaker_count: int
    word_count: int
    confidence_average: Confidence
    """0 to 1: mean over all words; 0 for a call without words."""
    processing_stages: ProcessingStages
    languages: tuple[str, ...]
    """ISO 639-1 codes, the one with most words first."""
    channels: Literal["mono", "two-sided"]
    """How the recording was treated."""
    engine: str
    """Diarization engine: "onnx" or "pyannote"."""
    models: tuple[ModelUsed, ...]
    processing_time: Seconds
    """Seconds from the first block read to the result, without loading the models."""
    real_time_factor: Annotated[float, Meta(ge=0)]
    """processing_time / total_duration; 0 for a call without audio."""
    version: str
    """Of CallAnnotate."""
    warnings: tuple[Notice, ...] = ()
    task: Task = "transcribe"
    """With "translate" the text is English; the languages are still those of the speech."""


class Annotation(Struct, frozen=True):
    """Everything that is known about a call. The JSON file is this object."""

    speakers: tuple[Speaker, ...]
    """In the order of first appearance."""
    turns: tuple[Turn, ...]
    """Of all speakers in the order of start_time; this is the diarization, kept whole, overlap included."""
    metadata: Metadata
