"""Known voices as the REST interface shows them: people who have been enrolled, and the samples that they are known by.

A voice's samples hold its voiceprints. Those are biometric data: they leave the server only by `getVoiceprints`.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from contracts.jobs import JobId, Moment

VoiceId = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
SampleId = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
_BLANK = "\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff"
VoiceName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=f"^[^{_BLANK}]([^\\x00-\\x1f\\x7f-\\x9f]*[^{_BLANK}])?$",
    ),
]
"""Without control characters, and without blanks at its ends."""
Note = Annotated[str, Meta(max_length=1000)]
SampleSource = Literal["upload", "job", "import"]
VoiceprintFormat = Literal["npy", "vec"]
MOST_SAMPLES = 100
"""Of one voice."""
VOICEPRINT_SIZE = 192
"""Values of a voiceprint."""


class VoiceRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who a new voice belongs to: the form field `metadata` beside its first sample."""

    name: VoiceName
    """What results call it; no two voices have the same, whatever the case of the letters."""
    note: Note = ""
    """For people; never in a result."""


class SampleRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of another sample: nothing so far."""


class VoiceUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a voice is called from now on."""

    name: VoiceName
    note: Note = ""
    """For people; what is left out becomes empty."""


class SpeakerEnrolment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose voice a speaker of a job is: a new one's, by its name, or one that is known, by its id."""

    name: VoiceName | UnsetType = UNSET
    """Of a new voice; not together with `voice_id`."""
    voice_id: VoiceId | UnsetType = UNSET
    """Of a known voice, which gets another sample."""
    note: Note = ""
    """Of a new voice."""

    def __post_init__(self) -> None:
        """What the schema says as `oneOf`. Raises ValueError."""
        if (self.name is UNSET) == (self.voice_id is UNSET):
            raise ValueError(
                f"there has to be one of name and voice_id, not {'none' if self.name is UNSET else 'both'}"
            )


class VoiceSample(Struct, frozen=True, kw_only=True):
    """One recording, or one file of voiceprints, that a voice is known by."""

    sample_id: SampleId
    """UUID."""
    created_at: Moment
    source: SampleSource
    """Uploaded as a recording, cut out of a job's recording, or imported as voiceprints."""
    filename: str
    """As the client named it, without folders; what a result gives as `voice_embedding_source`."""
    job_id: JobId | None = None
    """Where it was cut out of."""
    speaker_id: str | None = None
    """Whose words they were in that job."""
    duration: Annotated[float, Meta(ge=0)] | None = None
    """Seconds of the recording; null for voiceprints."""
    speech: Annotated[float, Meta(ge=0)] | None = None
    """Seconds of clean speech that the voiceprints rest on; null for voiceprints that were imported."""
    model: str
    """sha256 of the voiceprint model."""
    stale: bool = False
    """Whether another model made its voiceprints: then nothing is recognised by it."""
    audio_kept: bool
    """Whether its audio was kept, so that another model can make voiceprints of it."""


class Voice(Struct, frozen=True, kw_only=True):
    """One person whose voice is known."""

    voice_id: VoiceId
    """UUID."""
    name: str
    note: str = ""
    created_at: Moment
    updated_at: Moment
    """When the name, the note or a sample changed last."""
    stale: bool
    """Whether nothing can be recognised by it: another voiceprint model made all of its voiceprints."""
    samples: tuple[VoiceSample, ...]
    """The oldest first."""


class VoicePage(Struct, frozen=True, kw_only=True):
    """Voices in the order of their names."""

    voices: tuple[Voice, ...]
    total: int
    """Voices that the filter lets through, on all pages."""
    limit: int
    offset: int
