"""The messages of `/v1/ws` that carry operations: a request and a reply for every route, and what is beside them."""

import json
from functools import cache
from itertools import groupby
from typing import Final

import msgspec
from msgspec import Struct

from contracts import access_errors, errors
from contracts.errors import Fault
from contracts.examples import (
    QUEUED_JOB,
    REQUEST_ID,
    RESPONSES,
    example_error_body,
    example_reply,
    plain,
)
from contracts.job_messages import Request
from contracts.jobs import ErrorBody, Job
from contracts.route import Response, Route
from contracts.routes import SESSION_ROUTES
from contracts.schemas import Json, schema_of

HANDSHAKE_ERRORS: Final = (access_errors.KEY_REQUIRED, access_errors.ORIGIN_REFUSED)
"""Of the handshake: who has connected is known, and is let go when that changes."""
FORM_ERRORS: Final = (
    errors.INVALID_JSON,
    errors.MISSING_FILE,
    errors.SEVERAL_FILES,
    errors.UNSUPPORTED_MEDIA_TYPE,
)
"""Of a form: there is none on a WebSocket."""
BODY_ERRORS: Final = (
    errors.INVALID_JSON,
    errors.UNSUPPORTED_MEDIA_TYPE,
    errors.BODY_TOO_LARGE,
    errors.UPLOAD_STALLED,
)
"""Of a body: on a WebSocket it is a part of the message."""
ACCEPT: Final = {"type": "string", "description": "Media types of the transcript, as in the header of HTTP."}
_REQUEST: Final = {"$ref": "#/components/schemas/Request"}
_REPLY: Final = {"$ref": "#/components/schemas/Reply"}
_HEADERS: Final = {"X-Request-ID": REQUEST_ID}


def operation_faults(route: Route) -> list[Fault]:
    """The errors that a reply to the operation may tell."""
    absent = FORM_ERRORS if route.upload is not None else BODY_ERRORS if route.body is not None else ()
    faults = [fault for fault in route.errors if fault not in (*absent, *HANDSHAKE_ERRORS)]
    if errors.INVALID_FIELD not in faults:
        # Beside wrong values, parameters that do not exist or are missing: REST has no such thing.
        faults.append(errors.INVALID_FIELD)
    return [*faults, errors.UPLOAD_IN_PROGRESS] if route.upload else faults


@cache
def operation_messages() -> dict[str, Json]:
    """The request and the reply of every operation, those of subscriptions, and the reply to an unknown operation."""
    found: dict[str, Json] = {}
    for route in SESSION_ROUTES:
        found[f"request.{route.operation_id}"] = _request(route)
        found[f"reply.{route.operation_id}"] = _reply(
            f"reply.{route.operation_id}",
            f"Answers `{route.operation_id}`: {route.summary}",
            [_success(response) for response in route.responses],
            operation_faults(route),
            _success_examples(route),
        )
    found["reply.subscribe"] = _reply(
        "reply.subscribe",
        "Answers `subscribe`: the job as it is, before its first message",
        [_status(200, schema_of(Job))],
        [errors.JOB_NOT_FOUND, access_errors.SCOPE_MISSING],
        [_example("subscribed", 200, QUEUED_JOB, "s1")],
    )
    found["reply.unsubscribe"] = _reply(
        "reply.unsubscribe",
        "Answers `unsubscribe`, whether there was a subscription or not",
        [_status(204, {"type": "null"})],
        [],
        [_example("unsubscribed", 204, None, "u1")],
    )
    found["reply.unknown"] = _reply(
        "reply.unknown",
        "Answers a request for an operation that does not exist",
        [],
        [errors.ROUTE_NOT_FOUND],
        [],
    )
    return found


def _request(route: Route) -> Json:
    required = [parameter.name for parameter in route.parameters if parameter.required]
    known: Json = {
        parameter.name: {**schema_of(parameter.type), "description": parameter.summary}
        for parameter in route.parameters
    }
    if errors.NOT_ACCEPTABLE in route.errors:
        known["Accept"] = ACCEPT
    parameters: Json = {
        "type": "object",
        "properties": known,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
    properties: Json = {"operation": {"const": route.operation_id}, "parameters": parameters}
    wanted = ["parameters"] if required else []
    if route.upload is not None:
        properties["metadata"] = {"$ref": f"#/components/schemas/{route.upload.metadata.__name__}"}
        wanted += ["metadata"] if route.upload.required else []
    if route.body is not None:
        properties["body"] = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        wanted.append("body")
    return {
        "name": "request",
        "title": route.operation_id,
        "summary": route.summary,
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "allOf": [
                _REQUEST,
                {"type": "object", "properties": properties, **({"required": wanted} if wanted else {})},
            ]
        },
        "examples": _request_examples(route, required),
        "x-frame": "request",
    }


def _request_examples(route: Route, required: list[str]) -> list[Json]:
    """With what is required, and with all that is possible."""
    every = {parameter.name: parameter.example for parameter in route.parameters}
    least = {name: value for name, value in every.items() if name in required}
    chosen = {"least": least} if least == every else {"least": least, "full": every}
    return [
        {
            "name": name,
            "summary": f"{route.operation_id} with {'all parameters' if name == 'full' else 'what is needed'}",
            "payload": plain(
                Request(
                    id="r1",
                    operation=route.operation_id,
                    parameters=dict(parameters),
                    metadata={} if route.upload is None else _given(route.upload.example),
                    filename=None if route.upload is None else "audio.wav",
                    body={} if route.body is None else _given(route.body_example),
                )
            ),
        }
        for name, parameters in chosen.items()
    ]


def _given(example: Struct | None) -> dict[str, object]:
    """What a client writes of it."""
    return {name: value for name, value in msgspec.to_builtins(example).items() if value is not None}


def _reply(name: str, summary: str, successes: list[Json], faults: list[Fault], examples: list[Json]) -> Json:
    told = {json.dumps(success["properties"]) for success in successes}
    by_status = groupby(sorted(faults, key=lambda fault: fault.http_status), key=lambda fault: fault.http_status)
    failures = [_status(status, schema_of(ErrorBody)) for status, _ in by_status]
    return {
        "name": "reply",
        "title": name,
        "summary": summary,
        "contentType": "application/json",
        "correlationId": {"location": "$message.payload#/id"},
        "payload": {
            "allOf": [
                _REPLY,
                {"oneOf": [*successes, *(each for each in failures if json.dumps(each["properties"]) not in told)]},
            ]
        },
        "examples": [
            *examples,
            *(_example(fault.code, fault.http_status, example_error_body(fault)) for fault in faults),
        ],
        "x-frame": "reply",
        "x-errors": sorted(fault.code for fault in faults),
    }


def _success(response: Response) -> Json:
    kinds = list(dict.fromkeys(_body_schema_key(kind) for kind in response.content.values()))
    choices = [json.loads(kind) for kind in kinds] or [{"type": "null"}]
    return _status(response.status, choices[0] if len(choices) == 1 else {"anyOf": choices})


def _body_schema_key(kind: object) -> str:
    if kind is bytes:
        # The bytes follow in frames of their own.
        return json.dumps({"type": "null"})
    if kind is dict:
        return json.dumps({"type": "object"})
    return json.dumps(schema_of(kind))


def _status(status: int, body: Json) -> Json:
    return {"type": "object", "properties": {"status": {"const": status}, "body": body}, "required": ["status", "body"]}


def _success_examples(route: Route) -> list[Json]:
    found = [
        _example(name, status, value)
        for (operation, status), values in RESPONSES.items()
        if operation == route.operation_id
        for name, value in values.items()
    ]
    if route.operation_id == "getJobAudio":
        whole = {"Content-Type": "audio/wav", "Content-Length": "1048576"}
        part = {"Content-Type": "audio/wav", "Content-Length": "1024", "Content-Range": "bytes 0-1023/1048576"}
        return [_example("whole", 200, None, headers=whole), _example("range", 206, None, headers=part)]
    if route.operation_id == "getVoiceprints":
        npy = {"Content-Type": "application/octet-stream", "Content-Length": "896"}
        found.append(_example("npy", 200, None, headers=npy))
    if any(response.status == 204 for response in route.responses):
        return [_example("deleted", 204, None)]
    documents = {"getOpenapi": {"openapi": "3.1.0"}, "getAsyncapi": {"asyncapi": "3.0.0"}}
    if route.operation_id in documents:
        return [_example("document", 200, documents[route.operation_id])]
    return found


def _example(
    name: str, status: int, body: object, identifier: str = "r1", headers: dict[str, str] | None = None
) -> Json:
    reply = example_reply(identifier, status, {**_HEADERS, **(headers or {})}, body)
    return {"name": name, "summary": f"{status} {name}", "payload": plain(reply)}
