"""The part of the error catalogue that only a live session answers with.

An entry with a close code is fatal: it ends the connection, and the session with it (but for TAKEN_OVER). After one
without, the connection stays, and what was wrong has had no effect.
"""

from contracts.fault import Fault

INVALID_CONFIG = Fault("INVALID_CONFIG", None, "{field}: {problem}", "Allowed: {allowed}.", 400, 4400)
SESSION_EXPECTED = Fault(
    "SESSION_EXPECTED", None, "the first message is no session.start and no session.resume ({cause})",
    "Connect again and begin with one of them.", 400, 4400,
)  # fmt: skip
START_TIMEOUT = Fault(
    "START_TIMEOUT", None, "no session.start or session.resume came within {seconds} s",
    "Connect again and send it at once.", 408, 4408, retryable=True,
)  # fmt: skip
UNKNOWN_SESSION = Fault(
    "UNKNOWN_SESSION", None, "there is no session {session_id} with this resume_token",
    "Start a new one with session.start.", 404, 4404,
)  # fmt: skip
TAKEN_OVER = Fault(
    "TAKEN_OVER", None, "another connection goes on with the session",
    "Go on there; whoever has the resume_token can take it over.", 409, 4409,
)  # fmt: skip
SESSION_EXPIRED = Fault(
    "SESSION_EXPIRED", None, "the session {session_id} is over", "Start a new one with session.start.", 410, 4410
)
REPLAY_GONE = Fault(
    "REPLAY_GONE", None, "the messages after number {last_seq} are no longer kept (the first one kept is {first})",
    "Start a new session; read faster, or resume sooner.", 410, 4410,
)  # fmt: skip
TOO_FAST = Fault(
    "TOO_FAST", None, "audio came {ahead_ms} ms ahead of real time",
    "Allowed: {max_allowed} ms; send at the speed of the recording, and see that sample_rate is what is sent.", 429,
    4429,
)  # fmt: skip
TOO_MANY_ERRORS = Fault(
    "TOO_MANY_ERRORS", None, "{count} messages of the session were wrong", "Correct the client.", 400, 1008
)
TOO_MANY_SESSIONS = Fault(
    "TOO_MANY_SESSIONS", None, "{limit} live sessions are open already", "Try again in {retry_after} s.", 503, 1013,
    retryable=True,
)  # fmt: skip
LIVE_OVERLOADED = Fault(
    "LIVE_OVERLOADED", None, "the machine would not keep up with one more live session ({cause})",
    "Try again in {retry_after} s.", 503, 1013, retryable=True,
)  # fmt: skip
FRAME_TOO_LARGE = Fault("FRAME_TOO_LARGE", None, "a frame has {size} bytes", "Allowed: {max_allowed} bytes.", 413, 1009)
EMPTY_FRAME = Fault(
    "EMPTY_FRAME", None, "a binary frame is empty", "Send audio, or keepalive where there is none.", 400
)
FRAME_TOO_LONG = Fault(
    "FRAME_TOO_LONG", None, "a binary frame lasts {duration_ms} ms; it was not taken",
    "Allowed: 20 to 1000 ms, and {max_allowed} bytes.", 413,
)  # fmt: skip
ODD_FRAME = Fault(
    "ODD_FRAME", None, "a binary frame of {size} bytes does not end with a sample; it was not taken",
    "Allowed: multiples of {multiple} bytes.", 400,
)  # fmt: skip
FRAME_NOT_FINITE = Fault(
    "FRAME_NOT_FINITE", None, "a sample of a binary frame is not a number or infinite; the frame was not taken",
    "Send finite samples, of which full scale is 1.0.", 400,
)  # fmt: skip
AUDIO_WHILE_PAUSED = Fault(
    "AUDIO_WHILE_PAUSED", None, "audio came while the session is paused; it was not taken", "Send resume first.", 409
)
AUDIO_AFTER_END = Fault(
    "AUDIO_AFTER_END", None, "audio came after its end; it was not taken", "Start a new session for another call.", 409
)
SESSION_TOO_LONG = Fault(
    "SESSION_TOO_LONG", None, "the session has lasted {max_allowed} s; no more audio is taken",
    "Its result follows; start a new session for what comes.", 413,
)  # fmt: skip
FIXED_FIELD = Fault(
    "FIXED_FIELD", None, "{field} cannot change within a session; nothing of the message was applied",
    "Allowed: {allowed}.", 409,
)  # fmt: skip
WRONG_ORDER = Fault(
    "WRONG_ORDER", None, "{message} cannot come {place}; it was not taken", "Allowed here: {allowed}.", 409
)
