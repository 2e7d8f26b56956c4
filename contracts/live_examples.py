"""Examples of every message on `/v1/ws/transcribe`: one call of two voices, from its start to its end."""

from datetime import UTC, datetime
from string import Formatter
from typing import Final

from msgspec import Struct

from contracts import live
from contracts.errors import INVALID_MESSAGE, CallAnnotateError, Fault
from contracts.examples import ANNOTATION, JOB_ID, example_error
from contracts.live_audio import AudioFormat
from contracts.live_errors import FIXED_FIELD, INVALID_CONFIG, WRONG_ORDER
from contracts.live_notices import LIVE_WARNINGS, live_error, live_warning

TOKEN: Final = "cmVzdW1lLXRva2VuLW9mLXRoZS1leGFtcGxl"
_TELEPHONE: Final = AudioFormat(encoding="mulaw", sample_rate=8000, channels=1)
_TWO_SIDED: Final = AudioFormat(encoding="pcm_s16le", sample_rate=16000, channels=2)
_CONFIG: Final = live.SessionConfig(
    audio=_TELEPHONE,
    language="ru",
    partials=True,
    words=True,
    diarize=True,
    recognise=False,
    vocabulary=("CallAnnotate",),
    save=True,
)
_LIMITS: Final = live.SessionLimits(
    max_frame_bytes=_TELEPHONE.max_frame_bytes, max_session_s=14400, idle_timeout_s=30, max_unacked_ms=10000
)
_FINAL: Final = live.TranscriptFinal(
    seq=6,
    segment_id="segment_1",
    start_ms=400,
    end_ms=1900,
    text="Добро пожаловать.",
    words=(
        live.LiveWord(word="Добро", start_ms=400, end_ms=900, confidence=0.86),
        live.LiveWord(word="пожаловать.", start_ms=900, end_ms=1900, confidence=0.92),
    ),
    speaker_id="speaker_1",
    confidence=0.89,
    language="ru",
    reason="endpoint",
)
_TOTALS: Final = live.SessionTotals(
    bytes_received=524000,
    ms_received=65500,
    partials=4,
    finals=2,
    words=3,
    speakers=2,
    warnings=0,
    errors=0,
    resumes=1,
)
_SHORT_TOTALS: Final = live.SessionTotals(
    bytes_received=0, ms_received=0, partials=0, finals=0, words=0, speakers=0, warnings=1, errors=0, resumes=0
)

LIVE_MESSAGES: Final[dict[str, dict[str, Struct]]] = {
    "session.start": {
        "telephone": live.SessionStart(
            id="m1", audio=_TELEPHONE, language="ru", vocabulary=("CallAnnotate",), save=True
        ),
        "two_sided": live.SessionStart(audio=_TWO_SIDED, partials=False),
    },
    "session.resume": {
        "resume": live.SessionResume(id="m9", session_id=JOB_ID, resume_token=TOKEN, last_seq=7),
        "nothing_received": live.SessionResume(session_id=JOB_ID, resume_token=TOKEN, last_seq=0),
    },
    "finalize": {"finalize": live.Finalize(id="m2"), "bare": live.Finalize()},
    "pause": {"pause": live.Pause(id="m3"), "bare": live.Pause()},
    "resume": {"resume": live.Resume(id="m4"), "bare": live.Resume()},
    "config.update": {
        "language": live.ConfigUpdate(id="m5", language="en"),
        "quiet": live.ConfigUpdate(partials=False, words=False),
        "vocabulary": live.ConfigUpdate(id="m6", vocabulary=("Иван Петров", "diarization")),
        "detect": live.ConfigUpdate(language=None),
    },
    "keepalive": {"keepalive": live.Keepalive(id="m7"), "bare": live.Keepalive()},
    "audio.end": {"end": live.AudioEnd(id="m8", bytes_sent=524000), "nothing": live.AudioEnd(bytes_sent=0)},
    "session.started": {
        "started": live.SessionStarted(
            seq=1,
            in_reply_to="m1",
            session_id=JOB_ID,
            resume_token=TOKEN,
            config=_CONFIG,
            limits=_LIMITS,
            expires_at=datetime(2026, 11, 22, 22, 0, 0, tzinfo=UTC),
        )
    },
    "session.resumed": {
        "resumed": live.SessionResumed(seq=12, in_reply_to="m9", session_id=JOB_ID, bytes_received=131200)
    },
    "audio.ack": {
        "ack": live.AudioAck(seq=4, bytes_received=8000, ms_received=1000),
        "finishing": live.AudioAck(seq=21, bytes_received=524000, ms_received=65500, result_progress=97),
    },
    "speech.started": {"started": live.SpeechStarted(seq=2, time_ms=400)},
    "speech.ended": {"ended": live.SpeechEnded(seq=5, time_ms=1900)},
    "transcript.partial": {
        "first": live.TranscriptPartial(
            seq=3, segment_id="segment_1", revision=1, start_ms=400, text="Добро", speaker_id="speaker_1"
        ),
        "other_side": live.TranscriptPartial(
            seq=8, segment_id="segment_2", revision=2, channel=1, start_ms=2300, text="Спаси"
        ),
    },
    "transcript.final": {
        "endpoint": _FINAL,
        "without_words": live.TranscriptFinal(
            seq=9,
            segment_id="segment_2",
            channel=1,
            start_ms=2300,
            end_ms=3100,
            text="Спасибо.",
            words=(),
            speaker_id="speaker_2",
            confidence=0.94,
            language="ru",
            reason="finalize",
        ),
    },
    "speaker.updated": {
        "revised": live.SpeakerUpdated(
            seq=7, updates=(live.SpeakerUpdate(segment_ids=("segment_1", "segment_3"), speaker_id="speaker_2"),)
        ),
        "named": live.SpeakerUpdated(
            seq=13,
            updates=(live.SpeakerUpdate(segment_ids=("segment_1",), speaker_id="speaker_1", name="Иван Петров"),),
        ),
    },
    "finalized": {"finalized": live.Finalized(seq=10, in_reply_to="m2")},
    "paused": {"paused": live.Paused(seq=14, in_reply_to="m3")},
    "resumed": {"resumed": live.Resumed(seq=15, in_reply_to="m4")},
    "config.updated": {"updated": live.ConfigUpdated(seq=16, in_reply_to="m5", config=_CONFIG)},
    "keepalive.ack": {"ack": live.KeepaliveAck(seq=17, in_reply_to="m7")},
    "live_closing": {"stopping": live.SessionClosing(seq=18, reason="SHUTTING_DOWN", deadline_ms=2000)},
    "session.ended": {
        "kept": live.SessionEnded(seq=22, in_reply_to="m8", totals=_TOTALS, result=ANNOTATION, job_id=JOB_ID),
        "nothing_heard": live.SessionEnded(seq=3, totals=_SHORT_TOTALS, result=ANNOTATION),
    },
}
"""Of each message whose examples do not follow from the errors and warnings."""

_WARNING_DETAILS: Final[dict[str, str | float]] = {
    "bytes_received": 523680,
    "bytes_sent": 524000,
    "cause": "the volume has no room for the recording",
    "date": "2027-11-22",
    "path": "/v2/ws/transcribe",
    "seconds": 60,
}


def warning_examples() -> dict[str, Struct]:
    """Every warning, by its code."""
    found: dict[str, Struct] = {}
    for code, warned in LIVE_WARNINGS.items():
        texts = (warned.message, warned.advice)
        wanted = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        details = {name: _WARNING_DETAILS[name] for name in sorted(wanted)}
        found[code] = live_warning(code, 11, in_reply_to=None, language="en", **details)
    return found


def live_error_example(fault: Fault) -> live.LiveError:
    """The error as a message."""
    error = CallAnnotateError(fault, **example_error(fault).details)
    answered = {INVALID_CONFIG: "m1", INVALID_MESSAGE: "m5", FIXED_FIELD: "m5", WRONG_ORDER: "m2"}.get(fault)
    return live_error(error, 1 if fault is INVALID_CONFIG else 19, in_reply_to=answered)
