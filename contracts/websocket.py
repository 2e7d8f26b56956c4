"""The WebSocket channels `/ws/{job_id}` and `/v1/ws` as data, and all channels together."""

from typing import Final

from contracts import access_errors, errors
from contracts import job_messages as messages
from contracts.channel import Channel, CloseCode, Machine, Transition, always, client, server
from contracts.jobs import JobId
from contracts.live_channel import LIVE_CHANNEL
from contracts.parameters import Parameter

_JOB_MESSAGES: Final = (
    server("status_update", messages.StatusUpdate, "A job has come further, or its state changed."),
    server("result", messages.ResultMessage, "The result; the last message of a completed job."),
    server("job_error", messages.JobErrorMessage, "Why the job failed; the last message of a failed job."),
)
_COMMON_MESSAGES: Final = (
    server("connection_error", messages.ConnectionErrorMessage, "What was wrong with a message, or what ends it all."),
    server("server_ping", messages.Ping, "Asks whether the client is there, every 30 s; any frame answers it."),
    server("server_pong", messages.Pong, "Answers a ping of the client with its timestamp."),
    server("session.closing", messages.Closing, "The server stops; the connection is closed with 1012 after it."),
    client("client_ping", messages.Ping, "Asks for a pong."),
    client("client_pong", messages.Pong, "Answers a ping of the server."),
)
_COMMON_CLOSE_CODES: Final = (
    CloseCode(
        code=1002,
        faults=(errors.PROTOCOL_ERROR,),
        announced_by="connection_error",
        summary="What was sent is against the WebSocket protocol itself (RFC 6455).",
    ),
    CloseCode(
        code=1003,
        faults=(errors.WRONG_FRAME,),
        announced_by="connection_error",
        summary="A binary frame where a text frame belongs.",
    ),
    CloseCode(
        code=1007,
        faults=(errors.INVALID_JSON, errors.INVALID_ENCODING),
        announced_by="connection_error",
        summary="A text frame that is not a JSON object, or not UTF-8.",
    ),
    CloseCode(
        code=1008,
        faults=(errors.SLOW_READER,),
        announced_by=None,
        summary="A message was not read for 10 s, or too many wait; there is no room for another one.",
    ),
    CloseCode(
        code=1009,
        faults=(errors.MESSAGE_TOO_BIG,),
        announced_by="connection_error",
        summary="A frame or message larger than WS_MAX_MESSAGE.",
    ),
    CloseCode(
        code=1011,
        faults=(errors.INTERNAL,),
        announced_by="connection_error",
        summary="A mistake of the server.",
    ),
    CloseCode(
        code=1012,
        faults=(errors.SHUTTING_DOWN,),
        announced_by="session.closing",
        summary="The server stops; connect again in a few seconds.",
    ),
    CloseCode(
        code=1013,
        faults=(errors.TOO_MANY_CONNECTIONS,),
        announced_by="connection_error",
        summary="MAX_CONNECTIONS are open already; right after the handshake.",
    ),
    CloseCode(
        code=4401,
        faults=(access_errors.KEY_REQUIRED,),
        announced_by="connection_error",
        summary="The key of the connection was revoked or has expired, or keys are needed from now on.",
    ),
    CloseCode(
        code=4408,
        faults=(errors.IDLE,),
        announced_by="connection_error",
        summary="Nothing was heard from the client for HEARTBEAT_TIMEOUT.",
    ),
    CloseCode(
        code=4429,
        faults=(errors.RATE_LIMITED,),
        announced_by="connection_error",
        summary="Over the rate limit by this handshake, or by more than 2 x RATE_LIMIT text frames in a window.",
    ),
)


_HEARTBEAT: Final = Machine(
    name="heartbeat",
    key=None,
    start="open",
    transitions=always(
        ("open",),
        ("client", "client_ping"),
        ("server", "server_pong"),
        ("server", "server_ping"),
        ("client", "client_pong"),
    ),
    may_close=("open",),
)
"""Pings and pongs of both sides may stand anywhere; every ping is answered by one pong."""
_END: Final = Machine(
    name="end",
    key=None,
    start="open",
    transitions=(
        *always(("open",), ("server", "connection_error")),
        Transition("open", "server", "session.closing", "closing"),
    ),
    may_close=("open",),
)
_JOB_STATES: Final = ("connected", "following")
_WATCH: Final = Machine(
    name="job",
    key=None,
    start="connected",
    transitions=(
        Transition("connected", "server", "status_update", "following"),
        Transition("following", "server", "status_update", "following"),
        *(Transition(state, "server", "result", "finished") for state in _JOB_STATES),
        *(Transition(state, "server", "job_error", "finished") for state in _JOB_STATES),
    ),
    # From `connected` where `after_seq` is that of the last message, from `following` after the status `archived`.
    may_close=("connected", "following", "finished"),
)

JOB_CHANNEL: Final = Channel(
    name="job",
    path="/ws/{job_id}",
    summary="Progress and result of one job: its state at once, then every change; closed with 1000 after the last.",
    parameters=(
        Parameter(
            name="job_id",
            place="path",
            type=JobId,
            summary="UUID of the job.",
            required=True,
            example="550e8400-e29b-41d4-a716-446655440000",
        ),
        Parameter(
            name="after_seq",
            place="query",
            type=messages.Sequence,
            summary="Replay the messages after the one with this `seq` instead of the state as it is.",
            example=17,
        ),
    ),
    messages=(*_JOB_MESSAGES, *_COMMON_MESSAGES),
    machines=(_WATCH, _HEARTBEAT, _END),
    faults=(errors.INVALID_MESSAGE, errors.MESSAGES_GONE),
    refusals=(errors.ROUTE_NOT_FOUND, errors.INVALID_FIELD),
    scope="read",
    close_codes=(
        CloseCode(
            code=1000,
            announced_by=None,
            summary="All has been said: after `result`, after the `error` of a failed job, or after the status "
            "`archived`.",
        ),
        *_COMMON_CLOSE_CODES,
        CloseCode(
            code=4404,
            faults=(errors.JOB_NOT_FOUND,),
            announced_by="connection_error",
            summary="There is no such job, or it was deleted while it was watched.",
        ),
    ),
)

_REQUEST: Final = Machine(
    name="request",
    key="id",
    start="new",
    transitions=(
        Transition("new", "client", "request", "asked"),
        Transition("new", "client", "subscribe", "asked"),
        Transition("new", "client", "unsubscribe", "asked"),
        Transition("asked", "server", "upload.ready", "uploading"),
        *always(("uploading", "uploaded"), ("server", "upload.progress")),
        Transition("uploading", "client", "upload.end", "uploaded"),
        Transition("asked", "server", "reply", "new"),
        # An upload that is refused in the middle; what the client has sent meanwhile is thrown away.
        Transition("uploading", "server", "reply", "refused"),
        Transition("uploaded", "server", "reply", "new"),
        Transition("refused", "client", "upload.end", "new"),
    ),
    may_close=("new", "asked", "uploading", "uploaded", "refused"),
)
_SUBSCRIPTION: Final = Machine(
    name="subscription",
    key="job_id",
    start="none",
    transitions=(
        *always(("none", "wanted"), ("client", "unsubscribe")),
        *(Transition(state, "client", "subscribe", "wanted") for state in ("none", "wanted")),
        Transition("wanted", "server", "status_update", "wanted"),
        Transition("wanted", "server", "result", "none"),
        Transition("wanted", "server", "job_error", "none"),
    ),
    may_close=("none", "wanted"),
)

SESSION_CHANNEL: Final = Channel(
    name="session",
    path="/v1/ws",
    summary="Every operation of REST, and the messages of any number of jobs, over one connection.",
    scope="monitor",
    messages=(
        client("request", messages.Request, "One REST operation; answered by the `reply` with its `id`."),
        client("subscribe", messages.Subscribe, "Asks for the messages of a job; answered by a `reply` (200 or 404)."),
        client("unsubscribe", messages.Unsubscribe, "Asks for no more of them; answered by a `reply` (204)."),
        client("upload.end", messages.UploadEnd, "The upload is complete; answered by the `reply` to its request."),
        client("upload.data", bytes, "Bytes of the upload, between `upload.ready` and `upload.end`."),
        server("reply", messages.Reply, "Status, headers and body of an operation, as REST gives them."),
        server("upload.ready", messages.UploadReady, "The upload may be sent now."),
        server("upload.progress", messages.UploadProgress, "How much of it has been written."),
        server(
            "audio.data",
            bytes,
            "Bytes of a recording, of voiceprints or of a document: after the `reply` (200 or 206) to getJobAudio, "
            "or to getVoiceprints or getJobResult in a binary format, as many as its Content-Length says, with no "
            "other file in between.",
        ),
        *_JOB_MESSAGES,
        *_COMMON_MESSAGES,
    ),
    machines=(_REQUEST, _SUBSCRIPTION, _HEARTBEAT, _END),
    faults=(errors.INVALID_MESSAGE, errors.MESSAGES_GONE, errors.JOB_NOT_FOUND),
    close_codes=(*_COMMON_CLOSE_CODES,),
)
CHANNELS: Final = (JOB_CHANNEL, SESSION_CHANNEL, LIVE_CHANNEL)
