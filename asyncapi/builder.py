"""Builds the AsyncAPI document (3.0) of the WebSocket paths from contracts/websocket.py and the contract types.

AsyncAPI has no home for the order of messages, for close codes and for errors: they stand in extensions (`x-`) of the
channels, in the words of contracts/websocket.py. `x-frame` of a message is the name by which the order calls it.
"""

from functools import cache
from typing import Final

import msgspec
from msgspec import Struct

from asyncapi.live_operations import LIVE_OPERATIONS
from asyncapi.operations import operation_faults, operation_messages
from contracts import errors
from contracts.channel import Channel, ChannelMessage, Machine, Side
from contracts.errors import Fault
from contracts.examples import MESSAGES, example_connection_error, plain
from contracts.jobs import ErrorBody, Job
from contracts.live import WarningCode
from contracts.live_channel import LIVE_CHANNEL
from contracts.live_examples import LIVE_MESSAGES, live_error_example, warning_examples
from contracts.live_notices import LIVE_WARNINGS
from contracts.openapi import API_VERSION, CONTACT, LICENSE, LOGIN_COOKIE, request_schemas, x_errors
from contracts.routes import SESSION_ROUTES
from contracts.schemas import Json, schema_of, schemas_of
from contracts.websocket import CHANNELS, JOB_CHANNEL, SESSION_CHANNEL

_SPECIAL: Final = ("request", "reply")
"""Frames that the document describes once for each operation."""
_BINARY_EXAMPLES: Final = {
    "audio": ("~~~~~~~~", "One millisecond of telephone audio (mu-law); a real frame has 20 to 1000 of them"),
}
_WAV_EXAMPLE: Final = ("RIFF", "The first bytes of a WAV file")
"""AsyncAPI can show bytes as a string only."""
_SECURITY_SCHEMES: Final[dict[str, Json]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, in the header of the handshake."},
    "header": {
        "type": "httpApiKey", "name": "X-API-Key", "in": "header", "description": "The same in another header.",
    },
    "login": {
        "type": "httpApiKey",
        "name": LOGIN_COOKIE,
        "in": "cookie",
        "description": "What a browser has once it has sent a key to `POST /api/v1/login`; from the same origin only.",
    },
}  # fmt: skip
"""How one who connects says who it is."""
_RESERVED_WARNINGS: Final = ("version_deprecated",)
"""That this version of the protocol knows and never sends: there is no newer one."""


@cache
def asyncapi_document() -> Json:
    """The document as nested dicts; not to be changed."""
    frames = {message.name: message for channel in CHANNELS for message in channel.messages}
    messages = {name: _message(frame) for name, frame in frames.items() if name not in _SPECIAL}
    structs = [frame.type for frame in frames.values() if frame.type is not bytes]
    bodies = [
        kind
        for route in SESSION_ROUTES
        for response in route.responses
        for kind in response.content.values()
        if isinstance(kind, type) and issubclass(kind, Struct)
    ]
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {
            "local": {
                "host": "localhost:8000",
                "protocol": "ws",
                "description": "Your own machine. Without API keys nobody is asked who they are; once there is a key, "
                "every handshake needs one, with the scope that `x-scope` of the channel names.",
                "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in _SECURITY_SCHEMES],
            },
        },
        "channels": {channel.name: _channel(channel) for channel in CHANNELS},
        "operations": {**_job_operations(), **_session_operations(), **_live_operations()},
        "components": {
            "messages": {**messages, **operation_messages()},
            "schemas": {**schemas_of([*structs, *bodies, Job, ErrorBody]), **request_schemas()},
            "securitySchemes": _SECURITY_SCHEMES,
        },
        "x-errors": x_errors(
            [*_stated_faults(), *(fault for route in SESSION_ROUTES for fault in operation_faults(route))]
        ),
    }


def _info() -> Json:
    return {
        "title": "CallAnnotate WebSocket API",
        "version": API_VERSION,
        "description": (
            "Progress and results of jobs as they come (`/ws/{job_id}`), every REST operation over one connection "
            "(`/v1/ws`), and live transcription (`/v1/ws/transcribe`).\n\n"
            "Every text frame is one JSON object with a `type`. Fields that are not described are ignored. A text "
            "frame that is no JSON object ends the connection with 1007, a binary frame where none belongs with 1003. "
            "A message that is not valid by the schema of its frame (`x-client-frames` of the channel) is answered by "
            "an `error` INVALID_MESSAGE, and the connection goes on; but where the first message of a live connection "
            "is wrong, it ends with 4400. A valid `request` is always answered by a `reply`, also where the operation "
            "or its parameters are wrong.\n\n"
            "Before an abnormal close comes an `error` (or `session.closing`) where `x-close-codes` names one; the "
            "reason of the close frame is the error's code. Texts are in Russian where the Accept-Language of the "
            "handshake prefers it."
        ),
        "contact": CONTACT,
        "license": LICENSE,
        "tags": [{"name": "Jobs", "description": "Recordings and what becomes of them"}],
    }


def _message(frame: ChannelMessage) -> Json:
    if frame.type is bytes:
        example, meaning = _BINARY_EXAMPLES.get(frame.name, _WAV_EXAMPLE)
        return {
            "name": frame.name,
            "title": frame.name,
            "summary": frame.summary,
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
            "examples": [{"name": "bytes", "summary": meaning, "payload": example}],
            "x-frame": frame.name,
        }
    return {
        "name": _tag(frame.type),
        "title": frame.name,
        "summary": frame.summary,
        "contentType": "application/json",
        "payload": schema_of(frame.type),
        "examples": [
            {"name": name, "summary": f"{frame.name}: {name}", "payload": plain(value)}
            for name, value in _examples(frame).items()
        ],
        "x-frame": frame.name,
    }


def _tag(kind: object) -> str:
    """The `type` of the message."""
    assert isinstance(kind, type)
    return str(msgspec.inspect.type_info(kind).tag)  # type: ignore[attr-defined]


def _examples(frame: ChannelMessage) -> dict[str, Struct]:
    if frame.name == "connection_error":
        return {fault.code: example_connection_error(fault) for fault in _told_faults(JOB_CHANNEL, SESSION_CHANNEL)}
    if frame.name == "live_error":
        return {fault.code: live_error_example(fault) for fault in _told_faults(LIVE_CHANNEL)}
    if frame.name == "warning":
        return warning_examples()
    return dict((MESSAGES | LIVE_MESSAGES)[frame.name])


def _told_faults(*channels: Channel) -> list[Fault]:
    """The errors that may come in a message of their own."""
    found = [fault for channel in channels for fault in channel.faults]
    found += [
        fault
        for channel in channels
        for close in channel.close_codes
        if close.announced_by in {"connection_error", "live_error"}
        for fault in close.faults
    ]
    return list(dict.fromkeys(found))


def _stated_faults() -> list[Fault]:
    """Every error that the channels name."""
    closing = [fault for channel in CHANNELS for close in channel.close_codes for fault in close.faults]
    refusing = [fault for channel in CHANNELS for fault in channel.all_refusals]
    return [*_told_faults(*CHANNELS), *closing, *refusing, errors.PROCESSING_FAILED, errors.UPLOAD_IN_PROGRESS]


def _channel(channel: Channel) -> Json:
    query = [parameter for parameter in channel.parameters if parameter.place == "query"]
    path = [parameter for parameter in channel.parameters if parameter.place == "path"]
    binding: Json = {"method": "GET", "bindingVersion": "0.1.0"}
    if query:
        properties = {each.name: {**schema_of(each.type), "description": each.summary} for each in query}
        binding["query"] = {"type": "object", "properties": properties}
    parameters = {each.name: {"description": each.summary, "examples": [str(each.example)]} for each in path}
    return {
        "address": channel.path,
        "title": channel.path,
        "summary": channel.summary,
        **({"description": channel.description} if channel.description else {}),
        **({"parameters": parameters} if parameters else {}),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _names(channel, "server", "client")},
        "bindings": {"ws": binding},
        "x-client-frames": _frames(channel, "client"),
        "x-server-frames": _frames(channel, "server"),
        "x-order": [_machine(machine) for machine in channel.machines],
        "x-close-codes": [
            {
                "code": close.code,
                "errors": [fault.code for fault in close.faults],
                "announced_by": close.announced_by,
                "summary": close.summary,
            }
            for close in channel.close_codes
        ],
        "x-errors": [fault.code for fault in channel.faults],
        **({"x-warnings": [_warning(code) for code in channel.warnings]} if channel.warnings else {}),
        "x-scope": channel.scope,
        "x-refusals": [{"status": fault.http_status, "error": fault.code} for fault in channel.all_refusals],
    }


def _warning(code: WarningCode) -> Json:
    warned = LIVE_WARNINGS[code]
    return {
        "code": code,
        "reserved": code in _RESERVED_WARNINGS,
        "message": {"en": warned.message, "ru": warned.russian[0]},
        "advice": {"en": warned.advice, "ru": warned.russian[1]},
    }


def _names(channel: Channel, *senders: Side) -> list[str]:
    """The document's messages of these senders, those of the operations one by one."""
    found: list[str] = []
    for frame in channel.messages:
        if frame.sender in senders:
            prefix = f"{frame.name}."
            found += [name for name in operation_messages() if frame.name in _SPECIAL and name.startswith(prefix)]
            found += [] if frame.name in _SPECIAL else [frame.name]
    return found


def _frames(channel: Channel, sender: Side) -> Json:
    """Of each frame the schema by which it is judged first; null for a binary frame."""
    return {
        frame.name: None if frame.type is bytes else schema_of(frame.type)["$ref"]
        for frame in channel.messages
        if frame.sender == sender
    }


def _machine(machine: Machine) -> Json:
    return {
        "name": machine.name,
        "key": machine.key,
        "start": machine.start,
        "transitions": [msgspec.to_builtins(transition) for transition in machine.transitions],
        "may_close": list(machine.may_close),
    }


def _on(channel: Channel, *names: str) -> list[Json]:
    return [{"$ref": f"#/channels/{channel.name}/messages/{name}"} for name in names]


def _operation(channel: Channel, action: str, summary: str, *names: str, replies: tuple[str, ...] = ()) -> Json:
    reference = {"$ref": f"#/channels/{channel.name}"}
    return {
        "action": action,
        "channel": reference,
        "title": summary,
        "summary": summary,
        "description": f"{summary}.",
        "messages": _on(channel, *names),
        **({"reply": {"channel": reference, "messages": _on(channel, *replies)}} if replies else {}),
    }


def _shared(channel: Channel) -> dict[str, Json]:
    """What both channels know: heartbeats, errors, the end."""
    prefix = channel.name
    return {
        f"{prefix}.ping": _operation(
            channel, "receive", "The client asks for a pong", "client_ping", replies=("server_pong",)
        ),
        f"{prefix}.heartbeat": _operation(
            channel, "send", "The server asks for a pong", "server_ping", replies=("client_pong",)
        ),
        f"{prefix}.error": _operation(channel, "send", "What was wrong, or what ends it all", "connection_error"),
        f"{prefix}.closing": _operation(channel, "send", "The server stops", "session.closing"),
    }


def _job_operations() -> dict[str, Json]:
    channel = JOB_CHANNEL
    watch = _operation(channel, "send", "Progress and result of the job", "status_update", "result", "job_error")
    return {"job.watch": watch, **_shared(channel)}


def _session_operations() -> dict[str, Json]:
    channel = SESSION_CHANNEL
    found = {}
    for route in SESSION_ROUTES:
        more = ("upload.ready", "upload.progress") if route.upload else ()
        name = route.operation_id
        found[f"session.{name}"] = _operation(
            channel, "receive", route.summary, f"request.{name}", replies=(*more, f"reply.{name}", "reply.unknown")
        )
    return {
        **found,
        "session.upload": _operation(channel, "receive", "An upload", "upload.data", "upload.end"),
        "session.audio": _operation(channel, "send", "The bytes of a file", "audio.data"),
        "session.subscribe": _operation(
            channel,
            "receive",
            "Ask for the messages of a job",
            "subscribe",
            replies=("reply.subscribe", "status_update", "result", "job_error"),
        ),
        "session.unsubscribe": _operation(
            channel, "receive", "Ask for no more messages of a job", "unsubscribe", replies=("reply.unsubscribe",)
        ),
        "session.watch": _operation(
            channel, "send", "Progress and results of the jobs", "status_update", "result", "job_error"
        ),
        **_shared(channel),
    }


def _live_operations() -> dict[str, Json]:
    return {
        each.name: _operation(LIVE_CHANNEL, each.action, each.summary, *each.messages, replies=each.replies)
        for each in LIVE_OPERATIONS
    }
