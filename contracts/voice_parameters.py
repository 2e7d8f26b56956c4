"""Parameters and headers of the routes of voices."""

from typing import Annotated, Final

from msgspec import Meta

from contracts.parameters import Header, Parameter, page_of
from contracts.voices import SampleId, VoiceId, VoiceprintFormat

VOICE_ID_EXAMPLE: Final = "7b7c9f0a-4a1e-4c53-9b7e-2f1d8c6e5a40"
SAMPLE_ID_EXAMPLE: Final = "0d9f6c1e-8a3b-4f27-a5d4-6b1c2e3f4a5b"

VOICE_ID: Final = Parameter(
    name="voice_id",
    place="path",
    type=VoiceId,
    summary="UUID of the voice; anything else is a voice that does not exist.",
    required=True,
    example=VOICE_ID_EXAMPLE,
)
SAMPLE_ID: Final = Parameter(
    name="sample_id",
    place="path",
    type=SampleId,
    summary="UUID of the sample; anything else is a sample that does not exist.",
    required=True,
    example=SAMPLE_ID_EXAMPLE,
)
SPEAKER_ID: Final = Parameter(
    name="speaker_id",
    place="path",
    type=Annotated[str, Meta(min_length=1, max_length=64)],
    summary="Speaker in the job's result.",
    required=True,
    example="speaker_1",
)
NAME_FILTER: Final = Parameter(
    name="name",
    place="query",
    type=Annotated[str, Meta(max_length=200)],
    summary="Only voices with this in their names, whatever the case of the letters.",
    example="Петров",
)
VOICE_LIMIT, VOICE_OFFSET = page_of("voices")
FORGET_RESULTS: Final = Parameter(
    name="forget_results",
    place="query",
    type=bool,
    summary="Whether results of finished jobs forget the name as well: where it stood `unknown` stands then.",
    default=False,
    example=True,
)
VOICEPRINT_FORMAT: Final = Parameter(
    name="format",
    place="query",
    type=VoiceprintFormat,
    summary="`npy`: NumPy's, float32 (voiceprints, 192). `vec`: text, a voiceprint a line, blanks between values.",
    default="npy",
    example="vec",
)
VOICEPRINT_MODEL: Final = Header(
    name="X-Voiceprint-Model",
    type=Annotated[str, Meta(pattern="^[0-9a-f]{64}$")],
    summary="sha256 of the model that made the voiceprints.",
    example="9f1c1d3b1e0a5f4b6d7c8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
)
