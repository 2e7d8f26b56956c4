"""The error catalogue: everything that can go wrong in a way that a user can understand, in one place.

An entry is raised as `CallAnnotateError(ENTRY, path=...)`; its message is a format string over the details.
Warnings are entries too: the call is annotated as far as it can be read, the result names them, and the exit code tells
a script. What only a live session answers with stands in contracts/live_errors.py, what only known voices need in
contracts/voice_errors.py, what only who asks decides in contracts/access_errors.py.
"""

from typing import Final

from contracts import access_errors, contact_errors, live_errors, openai_errors, voice_errors, webhook_errors
from contracts.fault import CallAnnotateError as CallAnnotateError  # noqa: PLC0414
from contracts.fault import Fault as Fault  # noqa: PLC0414
from contracts.fault import Language as Language  # noqa: PLC0414

INTERNAL = Fault(
    "INTERNAL", 1, "{stage}: {cause}", "This is our mistake; please report it with the input that shows it.", 500, 1011
)
INVALID_OPTION = Fault("INVALID_OPTION", 2, "{option}: {problem}", "Allowed: {allowed}.", 400)

FILE_NOT_FOUND = Fault("FILE_NOT_FOUND", 10, "{path}: no such file", "Check the path.")
NOT_A_FILE = Fault(
    "NOT_A_FILE",
    11,
    "{path}: is a {kind}, not a file",
    "Name the recordings themselves, such as calls/*.wav.",
)
FILE_UNREADABLE = Fault(
    "FILE_UNREADABLE", 12, "{path}: cannot be read ({cause})", "Check the permissions and the disk."
)
FILE_EMPTY = Fault(
    "FILE_EMPTY",
    13,
    "{path}: the file is empty (0 bytes)",
    "Check that the recording was written or copied to its end.",
    400,
)
UNSUPPORTED_FORMAT = Fault(
    "UNSUPPORTED_FORMAT", 14, "{path}: not a recording that can be read ({cause})",
    "Allowed: WAV (PCM, float, mu-law, A-law, GSM 6.10), MP3, FLAC and Ogg Opus; the content decides, not the name.",
    415,
)  # fmt: skip
NO_AUDIO = Fault(
    "NO_AUDIO",
    15,
    "{path}: there are 0 samples in it",
    "Check that the recording was written to its end.",
    400,
)
TOO_MANY_CHANNELS = Fault(
    "TOO_MANY_CHANNELS",
    16,
    "{path}: has {channels} channels",
    "Allowed: 1 (mono) or 2 (a side each, or stereo).",
    415,
)
UNSUPPORTED_SAMPLE_RATE = Fault(
    "UNSUPPORTED_SAMPLE_RATE", 17, "{path}: is sampled at {sample_rate} Hz",
    "Allowed: {lowest} to {highest} Hz; resample it first.", 415,
)  # fmt: skip
INVALID_SAMPLES = Fault(
    "INVALID_SAMPLES", 18, "{path}: a sample is not a number or infinite, first at {time:.3f} s",
    "Write the recording again as PCM, or repair these samples.", 400,
)  # fmt: skip
AUDIO_TOO_SHORT = Fault(
    "AUDIO_TOO_SHORT",
    19,
    "{path}: lasts only {duration:.3f} s",
    "A call must last at least {shortest} s.",
    400,
)

UNKNOWN_LANGUAGE = Fault(
    "UNKNOWN_LANGUAGE",
    20,
    "language {language!r} is unknown to model {model!r}",
    "Allowed: auto, {allowed}.",
    400,
)
NO_TRANSLATION = Fault("NO_TRANSLATION", 27, "model {model!r} does not translate", "Allowed: {allowed}.", 400)
UNKNOWN_MODEL = Fault("UNKNOWN_MODEL", 21, "no {kind} model is called {name!r}", "Allowed: {allowed}.", 400)
WEIGHTS_CORRUPT = Fault(
    "WEIGHTS_CORRUPT", 22, "{name}: {file} has the wrong sha256 (expected {expected}, found {found})",
    "Nothing of it was kept in use; run `callannotate models remove {name}` and `callannotate models pull {name}`.",
)  # fmt: skip
WEIGHTS_MISSING = Fault(
    "WEIGHTS_MISSING", 23, "{name}: the weights are not on this machine ({cause})",
    "Go online and run `callannotate models pull {name}`, or copy the cache folder of a machine that has them.", 503,
)  # fmt: skip
WEIGHTS_UNUSABLE = Fault(
    "WEIGHTS_UNUSABLE", 26, "{name}: cannot be used as a {kind} model ({cause})", "Allowed: {allowed}."
)
ENGINE_UNAVAILABLE = Fault(
    "ENGINE_UNAVAILABLE", 24, "the diarization engine {engine!r} cannot be loaded ({cause})",
    "Install the extra `callannotate[pyannote]`, or use --engine onnx.", 400,
)  # fmt: skip
PIPELINE_UNAVAILABLE = Fault(
    "PIPELINE_UNAVAILABLE", 25, "the pyannote pipeline {name!r} cannot be loaded ({cause})",
    "Allowed: a folder with a config.yaml, or a hub id (a gated one needs its conditions accepted and HF_TOKEN set).",
)  # fmt: skip

OUTPUT_UNWRITABLE = Fault(
    "OUTPUT_UNWRITABLE",
    30,
    "{path}: cannot be written ({cause})",
    "Nothing was written; check the folder's permissions.",
)
DISK_FULL = Fault("DISK_FULL", 31, "{path}: the disk is full", "Nothing was written; make room or name another folder.")

STAGE_FAILED = Fault(
    "STAGE_FAILED",
    40,
    "stage {stage} failed: {cause}",
    "Nothing was written; please report it with the input that shows it.",
)
FILE_CHANGED = Fault(
    "FILE_CHANGED", 41, "{path}: was changed while it was read (from {before} to {after} bytes)",
    "Nothing was written; wait until the recorder or the copy has finished.",
)  # fmt: skip
INTERRUPTED = Fault("INTERRUPTED", 130, "interrupted", "Outputs that were finished stay; none is left half-written.")

TRUNCATED = Fault(
    "TRUNCATED", 50, "{path}: breaks off after {read:.2f} s ({cause})", "What could be read was annotated."
)
LENGTH_MISMATCH = Fault(
    "LENGTH_MISMATCH",
    51,
    "{path}: the header says {declared:.2f} s, the file holds {read:.2f} s",
    "All that the file holds was annotated.",
)
NO_SIGNAL = Fault(
    "NO_SIGNAL",
    52,
    "{path}: there is no signal (every sample has the same value)",
    "Check the recorder; the transcript is empty.",
)
DAMAGED = Fault(
    "DAMAGED", 53, "{path}: is damaged, first at {time:.2f} s; {lost:.2f} s are lost and taken as silence",
    "All the rest was annotated; fetch the recording again if another copy exists.",
)  # fmt: skip
LIVE_INCOMPLETE = Fault(
    "LIVE_INCOMPLETE", 54, "not all of the call was taken: {code}, {reason}",
    "What was taken was annotated; docs/errors.md says what to do about {code}.",
)  # fmt: skip

SETTING_INVALID = Fault("SETTING_INVALID", 60, "{source}: {name}: {problem}", "Allowed: {allowed}.")
SETTING_UNKNOWN = Fault(
    "SETTING_UNKNOWN",
    61,
    "{source}: there is no setting called {name!r}",
    "Did you mean {near!r}? See docs/settings.md.",
)
CONFIG_UNREADABLE = Fault(
    "CONFIG_UNREADABLE", 62, "{path}: cannot be read as settings ({cause})", "Check CONFIG_PATH and the YAML."
)
VOLUME_UNUSABLE = Fault(
    "VOLUME_UNUSABLE", 63, "{path}: cannot be used as the volume ({cause})",
    "Check VOLUME_PATH, the mount and the permissions; the server needs to read and write there.",
)  # fmt: skip
VOLUME_LOCKED = Fault(
    "VOLUME_LOCKED", 64, "{path}: another server is at work on this volume",
    "Stop it, ask it itself by --url where the command has that, or name another VOLUME_PATH.",
)  # fmt: skip
DATABASE_NEWER = Fault(
    "DATABASE_NEWER", 65, "{path}: was written by a newer version (schema {found}, this version knows {known})",
    "Start that version again, or name another VOLUME_PATH; nothing was changed.",
)  # fmt: skip
DATABASE_UNUSABLE = Fault(
    "DATABASE_UNUSABLE", 66, "{path}: the database cannot be used ({cause})",
    "Restore it from a backup, or move it away to start with an empty one.",
)  # fmt: skip
PORT_UNAVAILABLE = Fault(
    "PORT_UNAVAILABLE", 67, "{host}:{port}: cannot be listened on ({cause})", "Name another --host or --port."
)
SERVER_FAILED = Fault(
    "SERVER_FAILED",
    68,
    "the server stopped because {task} failed: {cause}",
    "Jobs are kept; start it again and report it.",
)
SERVER_UNHEALTHY = Fault(
    "SERVER_UNHEALTHY", 69, "{url}: the server is not well ({problems})",
    "Its log says more; see docs/operations.md for what to do.",
)  # fmt: skip

LIVE_UNREACHABLE = Fault(
    "LIVE_UNREACHABLE", 70, "{url}: no live session can be opened ({cause})",
    "Check the address and that the server runs; without --url one is started for the call.",
)  # fmt: skip
LIVE_ENDED = Fault("LIVE_ENDED", 71, "the server ended the session: {code}, {reason}", "{remedy}.")
LIVE_LOST = Fault(
    "LIVE_LOST", 72, "{url}: the connection was lost and the session cannot be gone on with ({cause})",
    "What was shown stays; start again for what follows.",
)  # fmt: skip
SERVER_UNREACHABLE = Fault(
    "SERVER_UNREACHABLE", 74, "{url}: no answer that can be understood ({cause})",
    "Check the address and that the server runs.",
)  # fmt: skip
MICROPHONE_UNAVAILABLE = Fault(
    "MICROPHONE_UNAVAILABLE", 73, "the microphone cannot be used ({cause})", "{remedy}.",
)  # fmt: skip

VOICE_TOO_SHORT = Fault(
    "VOICE_TOO_SHORT", 80, "{path}: holds only {measured:.1f} s of clean speech by one speaker",
    "Needed: {needed:.1f} s, better 30 s; record more.", 400,
)  # fmt: skip
VOICE_TOO_NOISY = Fault(
    "VOICE_TOO_NOISY", 81, "{path}: the speech is only {measured:.0f} dB above the noise",
    "Needed: {needed:.0f} dB; record in a quiet place.", 400,
)  # fmt: skip
VOICE_SEVERAL_SPEAKERS = Fault(
    "VOICE_SEVERAL_SPEAKERS", 82, "{path}: {measured:.0%} of the speech is another speaker's",
    "Allowed: {needed:.0%}; cut out what others say.", 400,
)  # fmt: skip
VOICE_CLIPPED = Fault(
    "VOICE_CLIPPED", 83, "{path}: {measured:.2%} of the samples of speech are clipped",
    "Allowed: {needed:.2%}; record at a lower level.", 400,
)  # fmt: skip

INVALID_JSON = Fault(
    "INVALID_JSON", None, "{field}: is not JSON ({cause})", "Send one JSON object in UTF-8.", 400, close_code=1007
)
CORRECTIONS_CHANGED = Fault(
    "CORRECTIONS_CHANGED", None, "the corrections of job {job_id} were changed meanwhile",
    "Read them again and repeat the change.", 412,
)  # fmt: skip
INVALID_FIELD = Fault("INVALID_FIELD", None, "{field}: {problem}", "Allowed: {allowed}.", 400)
MISSING_FILE = Fault("MISSING_FILE", None, "the form has no file", "Send the recording as the part called `file`.", 400)
SEVERAL_FILES = Fault(
    "SEVERAL_FILES", None, "the form has more than one file", "Send one recording per request; nothing was kept.", 400
)
MALFORMED_UPLOAD = Fault(
    "MALFORMED_UPLOAD",
    None,
    "the upload cannot be read ({cause})",
    "Send multipart/form-data to its end; nothing was kept.",
    400,
)
ROUTE_NOT_FOUND = Fault(
    "ROUTE_NOT_FOUND", None, "{path}: there is nothing here", "See /openapi.json for what there is.", 404
)
JOB_NOT_FOUND = Fault(
    "JOB_NOT_FOUND", None, "there is no job {job_id}", "Check the id; deleted jobs are gone.", 404, close_code=4404
)
METHOD_NOT_ALLOWED = Fault("METHOD_NOT_ALLOWED", None, "{method} is not possible here", "Allowed: {allowed}.", 405)
NOT_ACCEPTABLE = Fault("NOT_ACCEPTABLE", None, "there is no {wanted} of a result", "Allowed: {allowed}.", 406)
UPLOAD_STALLED = Fault(
    "UPLOAD_STALLED",
    None,
    "no byte of the upload arrived for {seconds} s",
    "Send it again; nothing was kept.",
    408,
    retryable=True,
)
WRONG_STATE = Fault("WRONG_STATE", None, "job {job_id} is {status}", "{needed}.", 409)
IDEMPOTENCY_CONFLICT = Fault(
    "IDEMPOTENCY_CONFLICT", None, "the Idempotency-Key was used for another upload, job {job_id}", "Use a new key.", 409
)
FILE_TOO_LARGE = Fault(
    "FILE_TOO_LARGE", None, "the recording is larger than {max_allowed} bytes", "Split it, or raise MAX_FILE_SIZE.", 413
)
AUDIO_TOO_LONG = Fault(
    "AUDIO_TOO_LONG", None, "the recording lasts {duration:.0f} s", "Allowed: {max_allowed:.0f} s (MAX_DURATION).", 413
)
UNSUPPORTED_MEDIA_TYPE = Fault(
    "UNSUPPORTED_MEDIA_TYPE", None, "the request has the content type {found}", "Allowed: {allowed}.", 415
)
RANGE_NOT_SATISFIABLE = Fault(
    "RANGE_NOT_SATISFIABLE", None, "the range {range} lies outside of {size} bytes", "Ask for bytes from 0 on.", 416
)
RATE_LIMITED = Fault(
    "RATE_LIMITED",
    None,
    "more than {limit} requests in {seconds} s",
    "Wait {retry_after} s.",
    429,
    close_code=4429,
    retryable=True,
)
QUEUE_FULL = Fault(
    "QUEUE_FULL", None, "{queued} jobs are waiting already", "Try again in {retry_after} s.", 503, retryable=True
)
STORAGE_FULL = Fault(
    "STORAGE_FULL",
    None,
    "the volume has no room for the recording",
    "Make room; nothing of it was kept.",
    503,
    close_code=1013,
    retryable=True,
)
SHUTTING_DOWN = Fault(
    "SHUTTING_DOWN",
    None,
    "the server is stopping",
    "Connect again in a few seconds; jobs are kept.",
    503,
    1012,
    retryable=True,
)
PROCESSING_FAILED = Fault(
    "PROCESSING_FAILED",
    None,
    "stage {stage} failed: {cause}",
    "Submit the recording again; report it if it fails again.",
)
WRONG_FRAME = Fault("WRONG_FRAME", None, "a binary frame where a text frame belongs", "{advice}.", 400, 1003)
INVALID_ENCODING = Fault("INVALID_ENCODING", None, "a text frame is not UTF-8", "Encode it as UTF-8.", 400, 1007)
PROTOCOL_ERROR = Fault(
    "PROTOCOL_ERROR", None, "a frame is against the WebSocket protocol ({cause})", "Keep to RFC 6455.", 400, 1002
)
INVALID_MESSAGE = Fault(
    "INVALID_MESSAGE", None, "the message is not one that belongs here ({cause})", "Allowed: {allowed}.", 400
)
MESSAGE_TOO_BIG = Fault(
    "MESSAGE_TOO_BIG", None, "a message is larger than {max_allowed} bytes", "Send smaller ones.", 413, 1009
)
SLOW_READER = Fault(
    "SLOW_READER",
    None,
    "messages were not read for too long",
    "Connect again with ?after_seq= or session.resume, and read faster.",
    429,
    1008,
    retryable=True,
)
TOO_MANY_CONNECTIONS = Fault(
    "TOO_MANY_CONNECTIONS",
    None,
    "{limit} WebSocket connections are open already",
    "Try again later.",
    503,
    1013,
    retryable=True,
)
IDLE = Fault(
    "IDLE",
    None,
    "nothing was heard from the client for {seconds} s",
    "Answer pings; where there is no audio, send keepalive.",
    408,
    4408,
    retryable=True,
)
MESSAGES_GONE = Fault(
    "MESSAGES_GONE", None, "messages after {after_seq} are no longer kept", "The state as it is now follows.", 410
)
BODY_TOO_LARGE = Fault("BODY_TOO_LARGE", None, "the body is larger than {max_allowed} bytes", "Send less at once.", 413)
UPLOAD_IN_PROGRESS = Fault(
    "UPLOAD_IN_PROGRESS", None, "a recording is being uploaded on this connection", "Wait for its reply.", 409
)

CATALOGUE: Final = {
    entry.code: entry
    for entry in [
        *globals().values(),
        *vars(live_errors).values(),
        *vars(access_errors).values(),
        *vars(contact_errors).values(),
        *vars(openai_errors).values(),
        *vars(voice_errors).values(),
        *vars(webhook_errors).values(),
    ]
    if isinstance(entry, Fault)
}
"""Every entry by its code."""
