"""Examples of what travels about known voices."""

from datetime import UTC, datetime
from typing import Final

from contracts.voice_parameters import SAMPLE_ID_EXAMPLE, VOICE_ID_EXAMPLE
from contracts.voices import (
    SampleRequest,
    SpeakerEnrolment,
    Voice,
    VoicePage,
    VoiceRequest,
    VoiceSample,
    VoiceUpdate,
)

VOICE_REQUEST: Final = VoiceRequest(name="Иван Петров", note="Sales")
SAMPLE_REQUEST: Final = SampleRequest()
VOICE_UPDATE: Final = VoiceUpdate(name="Иван Иванович Петров", note="Sales")
SPEAKER_ENROLMENT: Final = SpeakerEnrolment(name="Анна Смирнова")
VOICE: Final = Voice(
    voice_id=VOICE_ID_EXAMPLE,
    name="Иван Петров",
    note="Sales",
    created_at=datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
    updated_at=datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
    stale=False,
    samples=(
        VoiceSample(
            sample_id=SAMPLE_ID_EXAMPLE,
            created_at=datetime(2026, 11, 22, 17, 30, tzinfo=UTC),
            source="upload",
            filename="ivan.wav",
            duration=34.2,
            speech=28.7,
            model="9f1c1d3b1e0a5f4b6d7c8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            audio_kept=True,
        ),
    ),
)
_VEC: Final = (
    "# voiceprints: 192 values a line\n"
    "# model 9f1c1d3b1e0a5f4b6d7c8e9f0a1b2c3d4e5f60718293a4b5c6d7e8f901234567\n" + "0.0721688 " * 191 + "0.0721688\n"
)

VOICE_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("listVoices", 200): {"page": VoicePage(voices=(VOICE,), total=1, limit=50, offset=0)},
    ("createVoice", 201): {"enrolled": VOICE},
    ("getVoice", 200): {"voice": VOICE},
    ("updateVoice", 200): {"renamed": VOICE},
    ("addSample", 201): {"enrolled": VOICE},
    ("getVoiceprints", 200): {"vec": _VEC},
    ("enrolSpeaker", 201): {"enrolled": VOICE},
}
"""Of each answer with a body."""
VOICE_DETAILS: Final[dict[str, str | float]] = {
    "measured": 1.5,
    "needed": 5.0,
    "sample_id": SAMPLE_ID_EXAMPLE,
    "speaker_id": "speaker_7",
    "voice_id": VOICE_ID_EXAMPLE,
}
"""Details of errors that only voices have."""
VOICE_SPECIAL_DETAILS: Final[dict[str, dict[str, str | float]]] = {
    "SAMPLE_TOO_LONG": {"duration": 900.0, "max_allowed": 600.0},
    "SPEAKER_NOT_FOUND": {"allowed": "speaker_1, speaker_2"},
    "VOICEPRINT_UNUSABLE": {"path": "ivan.npy", "cause": "it has 256 values", "size": 192},
    "VOICE_CLIPPED": {"measured": 0.05, "needed": 0.01},
    "VOICE_FULL": {"limit": 100},
    "VOICE_SEVERAL_SPEAKERS": {"measured": 0.31, "needed": 0.1},
    "VOICE_TOO_NOISY": {"measured": 4.0, "needed": 10.0},
    "VOICE_TOO_SHORT": {"measured": 1.5, "needed": 5.0},
}
