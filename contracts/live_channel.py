"""The channel `/v1/ws/transcribe` as data: the messages of contracts/live.py, their order, and how connections end."""

from typing import Final

from contracts import access_errors, errors, live, live_errors
from contracts.channel import Channel, CloseCode, Machine, Transition, always, client, server
from contracts.live_notices import LIVE_WARNINGS

_MESSAGES: Final = (
    client("session.start", live.SessionStart, "Opens a session; the first message, within 5 s."),
    client("session.resume", live.SessionResume, "Goes on with a session; the first message on a new connection."),
    client("audio", bytes, "20 to 1000 ms of audio in whole samples, at most `max_frame_bytes`."),
    client("finalize", live.Finalize, "Asks for the finals of all audio so far; answered by `finalized`."),
    client("pause", live.Pause, "Stops the audio for a while; answered by `paused`."),
    client("resume", live.Resume, "Goes on with audio; answered by `resumed`."),
    client("config.update", live.ConfigUpdate, "Changes what may change; answered by `config.updated`."),
    client("keepalive", live.Keepalive, "Resets the idle timer; answered by `keepalive.ack`."),
    client("audio.end", live.AudioEnd, "No more audio comes; answered by `session.ended`."),
    server("session.started", live.SessionStarted, "The session is open: audio may be sent."),
    server("session.resumed", live.SessionResumed, "The session goes on; comes after the messages sent again."),
    server("audio.ack", live.AudioAck, "How much audio has been taken, about once a second."),
    server("speech.started", live.SpeechStarted, "Somebody begins to speak."),
    server("speech.ended", live.SpeechEnded, "Nobody speaks any more."),
    server("transcript.partial", live.TranscriptPartial, "What has been said so far; may be replaced."),
    server("transcript.final", live.TranscriptFinal, "What was said; never changes, save its speaker."),
    server("speaker.updated", live.SpeakerUpdated, "The speaker of some segments was revised, or has a name now."),
    server("finalized", live.Finalized, "All audio received before `finalize` is final."),
    server("paused", live.Paused, "All audio received before `pause` is final; no audio until `resume`."),
    server("resumed", live.Resumed, "Audio may be sent again."),
    server("config.updated", live.ConfigUpdated, "The configuration as it is applied from here on."),
    server("keepalive.ack", live.KeepaliveAck, "The session is alive."),
    server("warning", live.LiveWarning, "Something that the client should know; the session goes on."),
    server("live_error", live.LiveError, "What was wrong; goes before every abnormal close."),
    server("live_closing", live.SessionClosing, "The server stops; the connection is closed with 1012 after it."),
    server("session.ended", live.SessionEnded, "The whole result; the last message, before 1000."),
)
_RUNNING: Final = ("open", "ending")
_TALKING: Final = (*_RUNNING, "resuming")
"""States in which messages of the session may come: while it is resumed, those that are sent again."""
_SESSION: Final = Machine(
    name="session",
    key=None,
    start="new",
    transitions=(
        Transition("new", "client", "session.start", "starting"),
        Transition("starting", "server", "session.started", "open"),
        Transition("new", "client", "session.resume", "resuming"),
        # Of a connection on which nothing was received: `last_seq` is 0.
        Transition("resuming", "server", "session.started", "resuming"),
        Transition("resuming", "server", "session.resumed", "open"),
        *always(
            _TALKING,
            ("server", "audio.ack"),
            ("server", "speech.started"),
            ("server", "speech.ended"),
            ("server", "transcript.partial"),
            ("server", "transcript.final"),
            ("server", "speaker.updated"),
            ("server", "finalized"),
            ("server", "paused"),
            ("server", "resumed"),
            ("server", "config.updated"),
            ("server", "keepalive.ack"),
            ("server", "warning"),
        ),
        *always(("open",), ("client", "finalize"), ("client", "config.update")),
        *always(_RUNNING, ("client", "keepalive")),
        Transition("open", "client", "audio.end", "ending"),
        # Without an `audio.end`: it came before the connection was lost, or the session has lasted as long as it may.
        Transition("open", "server", "session.ended", "ended"),
        Transition("ending", "server", "session.ended", "ended"),
        Transition("resuming", "server", "session.ended", "ended"),
        # After `session.closing` the session goes on until its deadline.
        *always(("new", "starting", *_TALKING), ("server", "live_error"), ("server", "live_closing")),
    ),
    # From `resuming` where all had been received before the connection was lost.
    may_close=("ended", "resuming"),
)
_AUDIO: Final = Machine(
    name="audio",
    key=None,
    start="none",
    transitions=(
        Transition("none", "client", "session.start", "flowing"),
        # A session that was paused when the connection was lost is so still.
        Transition("none", "client", "session.resume", "flowing"),
        *always(("flowing",), ("client", "audio"), ("client", "resume")),
        Transition("flowing", "client", "pause", "paused"),
        *always(("paused",), ("client", "pause")),
        Transition("paused", "client", "resume", "flowing"),
        Transition("flowing", "client", "audio.end", "over"),
        Transition("paused", "client", "audio.end", "over"),
    ),
    may_close=("none", "flowing", "paused", "over"),
)
"""What the client may send of audio; the server's answers stand in the other machine."""

_DESCRIPTION: Final = """\
**Audio.** Binary frames are audio as `session.start` named it: `pcm_s16le` and `pcm_f32le` (little-endian,
interleaved), `mulaw` or `alaw`, uncompressed; 20 to 1000 ms and at most `limits.max_frame_bytes` at a time, in whole
samples, at the speed of the recording. More than `limits.max_unacked_ms` ahead of real time is refused with 4429.
`audio.ack` counts what was taken. `audio.end` ends it, and the whole result follows.

**Time.** Times are integer milliseconds from the start of the stream.

**Numbers.** `seq` counts the messages of the server from 1 without a gap, over all connections of a session. What
refuses `session.start` or `session.resume`, and the error TAKEN_OVER, have the number after the last one on their
connection.

**Lost connections.** A session waits 60 s for its client. `session.resume` with the `seq` of the last message that
was read has all later ones sent again; then `session.resumed` says from which byte on the audio is to be sent.

**Errors.** `fatal` says whether the connection is closed after it; the reason of the close frame is the `code`. A
fatal error ends the session, but for TAKEN_OVER. What `x-errors` names leaves everything as it was.

**Versions.** The version is in the path. Within it, fields, types of messages and codes may be added, which clients
ignore where they do not know them. What breaks such a client is a new version with a new path; both run side by side
for at least twelve months, in which sessions of the old one begin with the `warning` `version_deprecated`, which
names the day on which it goes and the path of the new one.
"""

LIVE_CHANNEL: Final = Channel(
    name="live",
    path="/v1/ws/transcribe",
    summary="Live transcription: audio in, words with speakers out while the call goes on, the whole result at its "
    "end; a session outlives its connection.",
    description=_DESCRIPTION,
    messages=_MESSAGES,
    machines=(_SESSION, _AUDIO),
    warnings=tuple(LIVE_WARNINGS),
    scope="live",
    faults=(
        errors.INVALID_MESSAGE,
        errors.INVALID_FIELD,
        live_errors.WRONG_ORDER,
        live_errors.FIXED_FIELD,
        live_errors.EMPTY_FRAME,
        live_errors.FRAME_TOO_LONG,
        live_errors.ODD_FRAME,
        live_errors.FRAME_NOT_FINITE,
        live_errors.AUDIO_WHILE_PAUSED,
        live_errors.AUDIO_AFTER_END,
        live_errors.SESSION_TOO_LONG,
    ),
    refusals=(
        errors.ROUTE_NOT_FOUND,
        live_errors.TOO_MANY_SESSIONS,
        live_errors.LIVE_OVERLOADED,
    ),
    close_codes=(
        CloseCode(
            code=1000,
            announced_by=None,
            summary="All has been said: after `session.ended`; also to a `session.resume` of a session that has ended, "
            "after what was not yet received.",
        ),
        CloseCode(
            code=1002,
            faults=(errors.PROTOCOL_ERROR,),
            announced_by="live_error",
            summary="What was sent is against the WebSocket protocol itself (RFC 6455).",
        ),
        CloseCode(
            code=1003,
            faults=(errors.WRONG_FRAME,),
            announced_by="live_error",
            summary="A binary frame before the session is open.",
        ),
        CloseCode(
            code=1007,
            faults=(errors.INVALID_JSON, errors.INVALID_ENCODING),
            announced_by="live_error",
            summary="A text frame that is not a JSON object, or not UTF-8.",
        ),
        CloseCode(
            code=1008,
            faults=(errors.SLOW_READER,),
            announced_by=None,
            summary="Messages were not read for 10 s; there is no room for another one. The session may be resumed.",
        ),
        CloseCode(
            code=1008,
            faults=(live_errors.TOO_MANY_ERRORS,),
            announced_by="live_error",
            summary="More than 100 messages or frames of the session were wrong.",
        ),
        CloseCode(
            code=1009,
            faults=(live_errors.FRAME_TOO_LARGE, errors.MESSAGE_TOO_BIG),
            announced_by="live_error",
            summary="A frame of more than 64 KiB; one larger than WS_MAX_MESSAGE is not even read.",
        ),
        CloseCode(
            code=1011,
            faults=(errors.INTERNAL,),
            announced_by="live_error",
            summary="A mistake of the server.",
        ),
        CloseCode(
            code=1012,
            faults=(errors.SHUTTING_DOWN,),
            announced_by="live_closing",
            summary="The server stops.",
        ),
        CloseCode(
            code=1013,
            faults=(
                live_errors.TOO_MANY_SESSIONS,
                live_errors.LIVE_OVERLOADED,
                errors.STORAGE_FULL,
                errors.TOO_MANY_CONNECTIONS,
            ),
            announced_by="live_error",
            summary="No room for the session; come back later, or ask another machine.",
        ),
        CloseCode(
            code=4400,
            faults=(live_errors.INVALID_CONFIG, live_errors.SESSION_EXPECTED),
            announced_by="live_error",
            summary="The first message opens no session.",
        ),
        CloseCode(
            code=4401,
            faults=(access_errors.KEY_REQUIRED,),
            announced_by="live_error",
            summary="The key of the connection was revoked or has expired, or keys are needed from now on. With "
            "another one the session may be resumed.",
        ),
        CloseCode(
            code=4404,
            faults=(live_errors.UNKNOWN_SESSION,),
            announced_by="live_error",
            summary="`session.resume` of a session that is not there, or with a wrong `resume_token`.",
        ),
        CloseCode(
            code=4408,
            faults=(live_errors.START_TIMEOUT, errors.IDLE),
            announced_by="live_error",
            summary="No session.start within 5 s, or neither audio nor a message for `idle_timeout_s`.",
        ),
        CloseCode(
            code=4409,
            faults=(live_errors.TAKEN_OVER,),
            announced_by="live_error",
            summary="Another connection goes on with the session.",
        ),
        CloseCode(
            code=4410,
            faults=(live_errors.SESSION_EXPIRED, live_errors.REPLAY_GONE),
            announced_by="live_error",
            summary="The session is over, or messages that are to be sent again are no longer kept.",
        ),
        CloseCode(
            code=4429,
            faults=(live_errors.TOO_FAST, errors.RATE_LIMITED),
            announced_by="live_error",
            summary="Audio more than `max_unacked_ms` ahead of real time, or too many text frames.",
        ),
    ),
)
