"""The operations of `/v1/ws/transcribe`: what may be said, and what answers it."""

from typing import Final, Literal

from msgspec import Struct


class LiveOperation(Struct, frozen=True):
    """One operation, from the server's point of view."""

    name: str
    action: Literal["receive", "send"]
    summary: str
    messages: tuple[str, ...]
    replies: tuple[str, ...] = ()


LIVE_OPERATIONS: Final = (
    LiveOperation("live.start", "receive", "Open a session", ("session.start",), ("session.started", "live_error")),
    LiveOperation(
        "live.takeup",
        "receive",
        "Go on with a session on a new connection",
        ("session.resume",),
        ("session.resumed", "session.ended", "live_error"),
    ),
    LiveOperation("live.audio", "receive", "Audio", ("audio",), ("audio.ack", "live_error")),
    LiveOperation(
        "live.transcript",
        "send",
        "Words and speakers while the call goes on",
        ("speech.started", "speech.ended", "transcript.partial", "transcript.final", "speaker.updated"),
    ),
    LiveOperation("live.finalize", "receive", "Make all audio so far final", ("finalize",), ("finalized",)),
    LiveOperation("live.pause", "receive", "Stop the audio for a while", ("pause",), ("paused",)),
    LiveOperation("live.resume", "receive", "Go on with audio after a pause", ("resume",), ("resumed",)),
    LiveOperation(
        "live.configure", "receive", "Change the configuration", ("config.update",), ("config.updated", "live_error")
    ),
    LiveOperation(
        "live.keepalive", "receive", "Keep the session alive without audio", ("keepalive",), ("keepalive.ack",)
    ),
    LiveOperation("live.end", "receive", "End the audio and ask for the result", ("audio.end",), ("session.ended",)),
    LiveOperation("live.warning", "send", "Something that the client should know", ("warning",)),
    LiveOperation("live.error", "send", "What was wrong, or what ends it all", ("live_error",)),
    LiveOperation("live.closing", "send", "The server stops", ("live_closing",)),
)
