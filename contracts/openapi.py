"""Builds the OpenAPI document (3.1) from the route table, the contract types and the error catalogue."""

from collections.abc import Iterable
from functools import cache
from itertools import groupby
from typing import Final, cast

from msgspec import Struct

from contracts import access_errors, errors
from contracts.errors import Fault
from contracts.examples import RESPONSES, example_error_body, example_openai_error, plain
from contracts.jobs import ErrorBody
from contracts.openai import OpenAIErrorBody
from contracts.parameters import (
    ACCEPT_LANGUAGE,
    CONTENT_LANGUAGE,
    RATE_LIMIT_HEADERS,
    REQUEST_ID,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    Header,
    Parameter,
)
from contracts.route import Form, Response, Route, Upload
from contracts.routes import FORMAT_MEDIA_TYPES, ROUTES
from contracts.russian import RUSSIAN
from contracts.schemas import Json, schema_of, schemas_of
from contracts.scopes import SCOPES
from contracts.webhook_examples import WEBHOOK_MESSAGES
from contracts.webhooks import WebhookMessage

API_VERSION: Final = "1.0.0"
"""Of the interfaces, as the specification counts it; not that of the program."""
PROJECT: Final = "https://github.com/momentics/CallAnnotate"
CONTACT: Final = {"name": "CallAnnotate Support", "email": "akoodoy@capilot.ru", "url": PROJECT}
LICENSE: Final = {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"}
_ANYWHERE: Final = (errors.ROUTE_NOT_FOUND, errors.METHOD_NOT_ALLOWED)
"""Errors of requests that belong to no operation."""
LOGIN_COOKIE: Final = "callannotate_login"
SECURITY_SCHEMES: Final[dict[str, Json]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key (`callannotate keys add`)."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same in another header."},
    "login": {
        "type": "apiKey",
        "in": "cookie",
        "name": LOGIN_COOKIE,
        "description": "What a browser has once it has sent a key to `POST /api/v1/login`; from the same origin only.",
    },
}
"""How one who asks says who it is."""
_JOB_LINKS: Final = ("getJob", "getJobResult", "getJobAudio", "deleteJob")
_VOICE_LINKS: Final = ("getVoice", "updateVoice", "deleteVoice", "getVoiceprints")

_CONTACT_LINKS: Final = ("getContact", "updateContact", "deleteContact")


def _to(targets: Iterable[str], **sources: str) -> tuple[tuple[str, dict[str, str]], ...]:
    """Links to these operations, each with the same parameters."""
    return tuple((target, sources) for target in targets)


LINKS: Final[dict[str, tuple[tuple[str, dict[str, str]], ...]]] = {
    "createJob": _to(_JOB_LINKS, job_id="$response.body#/job_id"),
    "listJobs": _to(_JOB_LINKS, job_id="$response.body#/jobs/0/job_id"),
    "getQueueStatus": _to(("getJob",), job_id="$response.body#/jobs/0/job_id"),
    "getJob": _to(_JOB_LINKS[1:], job_id="$response.body#/job_id"),
    "getJobResult": _to(("getJobAudio",), job_id="$request.path.job_id"),
    "createVoice": _to((*_VOICE_LINKS, "addSample"), voice_id="$response.body#/voice_id"),
    "listVoices": _to(_VOICE_LINKS, voice_id="$response.body#/voices/0/voice_id"),
    "getVoice": _to(_VOICE_LINKS[1:], voice_id="$response.body#/voice_id"),
    "addSample": _to(
        ("deleteSample",), voice_id="$response.body#/voice_id", sample_id="$response.body#/samples/0/sample_id"
    ),
    "createContact": _to(_CONTACT_LINKS, contact_id="$response.body#/contact_id"),
    "listContacts": _to(_CONTACT_LINKS, contact_id="$response.body#/contacts/0/contact_id"),
    "getContact": _to(_CONTACT_LINKS[1:], contact_id="$response.body#/contact_id"),
    "enrolSpeaker": _to(_VOICE_LINKS, voice_id="$response.body#/voice_id"),
}
"""Operation: those that its answer leads to, and where their parameters come from."""


@cache
def openapi_document() -> Json:
    """The document as nested dicts; not to be changed."""
    structs = {kind for route in ROUTES for response in route.responses for kind in _structs(response)}
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "servers": [{"url": "http://localhost:8000", "description": "Your own machine"}],
        "tags": [
            {"name": "Jobs", "description": "Recordings and what becomes of them"},
            {"name": "Voices", "description": "People whose voices are known"},
            {"name": "Contacts", "description": "People and organisations of the CardDAV address books"},
            {"name": "OpenAI", "description": "The same paths as OpenAI's audio interface, for its clients"},
            {"name": "Queue", "description": "Who runs and who waits"},
            {"name": "Webhooks", "description": "What is said to a callback_url when a job ends"},
            {"name": "Access", "description": "Who asks"},
            {"name": "System", "description": "The service itself"},
        ],
        # The empty one: where no key has been made, none is needed.
        "security": [{}, *({name: []} for name in SECURITY_SCHEMES)],
        "paths": {
            path: {route.method.lower(): _operation(route) for route in ROUTES if route.path == path}
            for path in dict.fromkeys(route.path for route in ROUTES)
        },
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "schemas": {**schemas_of([*structs, ErrorBody, OpenAIErrorBody, WebhookMessage]), **request_schemas()},
            "headers": {header.name: _header(header) for header in _headers()},
            "examples": {name: example for route in ROUTES for name, example in _error_examples(route).items()},
        },
        "x-scopes": SCOPES,
        "x-errors": x_errors([*_faults(), *_ANYWHERE]),
    }


def request_schemas() -> Json:
    """What clients write, with an example each: the form around metadata has none, since it has a file in it."""
    written: dict[type[Struct], Struct | None] = {}
    for route in ROUTES:
        if route.upload is not None:
            written[route.upload.metadata] = route.upload.example
        if route.body is not None:
            written[route.body] = route.body_example
        if route.form is not None:
            written[route.form.fields] = route.form.example
    found: Json = dict(schemas_of(written))
    for kind, example in written.items():
        found[kind.__name__] = {**cast(Json, found[kind.__name__]), "examples": [plain(example)]}
    return found


def x_errors(faults: Iterable[Fault]) -> Json:
    """The entries of the catalogue by their codes, texts with their details in braces."""
    return {
        fault.code: {
            "status": fault.http_status,
            **({"close_code": fault.close_code} if fault.close_code else {}),
            "retryable": fault.retryable,
            "message": {"en": fault.message, "ru": RUSSIAN[fault.code][0]},
            "advice": {"en": fault.advice, "ru": RUSSIAN[fault.code][1]},
        }
        for fault in sorted(set(faults), key=lambda fault: fault.code)
    }


def _info() -> Json:
    return {
        "title": "CallAnnotate API",
        "version": API_VERSION,
        "summary": "Annotated transcripts of telephone calls",
        "description": (
            "Submit a recording, follow the job, fetch who spoke when and what they said.\n\n"
            "Every answer has the header X-Request-ID. Every error has the body ErrorBody; its texts are in Russian "
            "where Accept-Language prefers it. Operations for clients of OpenAI have OpenAIErrorBody. All codes are "
            "listed under `x-errors`; a path that does not exist is answered by 404 ROUTE_NOT_FOUND, a method that a "
            "path does not have by 405 METHOD_NOT_ALLOWED with the header Allow. HEAD is answered wherever GET is. "
            "Query parameters that are not described are ignored.\n\n"
            "Without API keys nobody is asked who they are, and the server listens on loopback. Once there is a key, "
            "every request needs one; `x-scope` of an operation is what it has to have (`x-scopes` says what each "
            "opens).\n\n"
            "The WebSocket interface is described by /asyncapi.json."
        ),
        "contact": CONTACT,
        "license": LICENSE,
    }


def _faults() -> list[Fault]:
    """Every error that an operation may answer."""
    return list({fault.code: fault for route in ROUTES for fault in route.errors}.values())


def _headers() -> list[Header]:
    shared = (REQUEST_ID, *RATE_LIMIT_HEADERS, RETRY_AFTER, CONTENT_LANGUAGE, WWW_AUTHENTICATE)
    own = [header for route in ROUTES for response in route.responses for header in response.headers]
    return list({header.name: header for header in (*shared, *own)}.values())


def _structs(response: Response) -> list[type[Struct]]:
    kinds = [kind for entry in response.content.values() for kind in (entry if isinstance(entry, tuple) else (entry,))]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Struct)]


def _header(header: Header) -> Json:
    return {
        "description": header.summary,
        "required": header.required,
        "schema": schema_of(header.type),
        "example": header.example,
    }


def _operation(route: Route) -> Json:
    responses: dict[str, Json] = {str(response.status): _response(route, response) for response in route.responses}
    by_status = sorted(route.errors, key=lambda fault: (route.status_of(fault), fault.code))
    for status, faults in groupby(by_status, key=route.status_of):
        if str(status) not in responses:
            responses[str(status)] = _error_response(route, list(faults))
    return {
        "operationId": route.operation_id,
        "summary": route.summary,
        "description": route.description or f"{route.summary}.",
        "tags": [route.tag],
        "parameters": [_parameter(parameter) for parameter in (*route.parameters, ACCEPT_LANGUAGE)],
        **({"requestBody": _upload(route.upload)} if route.upload is not None else {}),
        **({"requestBody": _form(route.form)} if route.form is not None else {}),
        **({"requestBody": _body(route.body)} if route.body is not None else {}),
        "responses": dict(sorted(responses.items())),
        **({"callbacks": {"jobEnded": _callback()}} if route.operation_id == "createJob" else {}),
        "x-scope": route.needs,
    }


def _parameter(parameter: Parameter) -> Json:
    default = {} if parameter.default is None else {"default": parameter.default}
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.summary,
        "schema": {**schema_of(parameter.type), **default},
        "example": parameter.example,
    }


def _upload(form: Upload) -> Json:
    kinds = ", ".join(form.kinds)
    binary = {"type": "string", "format": "binary", "description": f"{form.summary} ({kinds})."}
    reference = f"#/components/schemas/{form.metadata.__name__}"
    metadata = {"$ref": reference, "description": "What is known of it, as JSON."}
    others = ", ".join(kind for kind in ("application/octet-stream",) if kind not in form.kinds)
    return {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": binary, "metadata": metadata},
                    "required": ["file", *(["metadata"] if form.required else [])],
                },
                "encoding": {
                    "file": {"contentType": f"{kinds}, {others}" if others else kinds},
                    "metadata": {"contentType": "application/json"},
                },
            }
        },
    }


def _form(form: Form) -> Json:
    kinds = ", ".join(form.kinds)
    fields = schemas_of([form.fields])[form.fields.__name__]
    file = {"type": "string", "format": "binary", "description": f"{form.summary} ({kinds})."}
    return {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    **fields,
                    "properties": {"file": file, **cast(Json, fields["properties"])},
                    "required": ["file", *cast(list[str], fields["required"])],
                },
                "encoding": {"file": {"contentType": f"{kinds}, application/octet-stream"}},
            }
        },
    }


def _body(kind: type[Struct]) -> Json:
    return {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}},
    }


def _response(route: Route, response: Response) -> Json:
    links = LINKS.get(route.operation_id, ()) if response.content else ()
    return {
        "description": response.summary,
        "headers": _references((REQUEST_ID, *(RATE_LIMIT_HEADERS if route.limited else ()), *response.headers)),
        **({"content": _content(route, response)} if response.content else {}),
        **({"links": {target: _link(target, sources) for target, sources in links}} if links else {}),
    }


def _callback() -> Json:
    """What is sent when a job ends, and what its receiver should answer."""
    headers = {
        "webhook-id": "Names the message: the same however often it is sent.",
        "webhook-timestamp": "Seconds since 1970 of this attempt.",
        "webhook-signature": "`v1,` and the base64 of the HMAC-SHA256 of `{id}.{timestamp}.{body}`; several where the "
        "secret is being changed.",
    }
    return {
        "{$request.body#/metadata/callback_url}": {
            "post": {
                "summary": "A job has ended",
                "description": "In the format of Standard Webhooks. Sent at least once: again and again until it is "
                "answered by 2xx, for WEBHOOK_RETRY_HOURS; docs/webhooks.md says what else an answer means.",
                "parameters": [
                    {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
                    for name, text in headers.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": schema_of(WebhookMessage),
                            "examples": {name: {"value": plain(each)} for name, each in WEBHOOK_MESSAGES.items()},
                        }
                    },
                },
                "responses": {
                    "2XX": {"description": "It has arrived."},
                    "410": {"description": "Nobody wants it any more: it is not sent again."},
                    "default": {"description": "It is sent again later."},
                },
                "security": [],
            }
        }
    }


def _link(target: str, sources: dict[str, str]) -> Json:
    return {"operationId": target, "parameters": sources}


def _references(headers: Iterable[Header]) -> Json:
    return {header.name: {"$ref": f"#/components/headers/{header.name}"} for header in headers}


def _content(route: Route, response: Response) -> Json:
    """The media types of an answer, with the examples that are of each."""
    examples = RESPONSES.get((route.operation_id, response.status), {})
    kinds = {media_type: kind for kind, media_type in FORMAT_MEDIA_TYPES.items()}
    texts = [kind for kind in response.content.values() if kind is str]
    content: Json = {}
    for media_type, kind in response.content.items():
        entry: Json = {}
        if kind is dict:
            entry["schema"] = {"type": "object"}
        elif isinstance(kind, tuple):
            entry["schema"] = {"anyOf": [schema_of(choice) for choice in kind]}
        elif kind is not bytes:
            entry["schema"] = schema_of(kind)
        named = {
            name: {"value": plain(value)}
            for name, value in examples.items()
            if (isinstance(value, str) if kind is str else isinstance(value, Struct) and kind is not bytes)
            and (kind is not str or len(texts) == 1 or name == kinds.get(media_type, "events"))
        }
        content[media_type] = {**entry, **({"examples": named} if named else {})}
    return content


def _error_example(route: Route, fault: Fault) -> str:
    """What the example of an error is called."""
    return f"openai.{fault.code.lower()}" if route.tag == "OpenAI" else fault.code


def _error_examples(route: Route) -> Json:
    """The examples of all errors of a route by their names."""
    return {
        _error_example(route, fault): {
            "summary": fault.code,
            "value": plain(
                example_openai_error(fault, route.status_of(fault))
                if route.tag == "OpenAI"
                else example_error_body(fault)
            ),
        }
        for fault in sorted(route.errors, key=lambda fault: fault.code)
    }


def _error_response(route: Route, faults: list[Fault]) -> Json:
    headers = [REQUEST_ID, CONTENT_LANGUAGE]
    if route.limited:
        headers += RATE_LIMIT_HEADERS
    if all(fault.retryable for fault in faults):
        headers.append(RETRY_AFTER)
    if access_errors.KEY_REQUIRED in faults:
        headers.append(WWW_AUTHENTICATE)
    return {
        "description": ", ".join(fault.code for fault in faults),
        "headers": _references(headers),
        "content": {
            "application/json": {
                "schema": schema_of(OpenAIErrorBody if route.tag == "OpenAI" else ErrorBody),
                "examples": {
                    fault.code: {"$ref": f"#/components/examples/{_error_example(route, fault)}"} for fault in faults
                },
            }
        },
    }
