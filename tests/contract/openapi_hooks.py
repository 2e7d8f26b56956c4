"""Hooks of schemathesis: what no schema can say of an upload.

A schema can say neither that bytes are a recording nor that a language is known to a model. Where a case is meant to
be valid, the bytes become a recording and the options such as the server can follow. Where only the metadata is meant
to be invalid, the recording is valid, so that it is really the metadata that is refused.
"""

from functools import cache
from typing import Any
from uuid import uuid4

import schemathesis
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.transport import requests as transport

from contracts.openapi import openapi_document
from tests.contract.recordings import tone_as_text, voiceprint

UPLOADS = {
    "createJob": ("JobRequest", tone_as_text()),
    "createVoice": ("VoiceRequest", voiceprint().decode()),
    "addSample": ("SampleRequest", voiceprint().decode()),
}
"""Operation: the schema of its metadata, and a file that it takes."""
# caldav's HTTP library puts a fork in the place of urllib3, whose pools schemathesis cannot count. It wants to know
# whether a request that was dropped went over a fresh connection; with 0 it is sent once more in either case.
vars(transport)["_count_opened_connections"] = lambda _session: 0
OPENAI = ("createTranscription", "createTranslation")
CORRECTIONS = ("correctResult", "deleteCorrections")
LANGUAGES = (None, "auto", "en", "ru")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Make the upload of a case what it is meant to be."""
    operation = case.operation.definition.raw.get("operationId")
    valid = case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
    if operation == "enrolSpeaker" and valid and case.path_parameters:
        # The jobs here are tones, too short to enrol anybody from.
        case.path_parameters = {**case.path_parameters, "speaker_id": "speaker_99"}
    if operation in CORRECTIONS and valid:
        # The jobs here are tones, in which nobody says anything, and no state of corrections is known beforehand.
        case.headers.pop("If-Match", None)
        if isinstance(case.body, dict):
            case.body = {**case.body, "segments": [], "words": []}
    if operation in OPENAI and valid and isinstance(case.body, dict):
        case.body = as_openai_takes_it(case.body)
    if operation not in UPLOADS or not isinstance(case.body, dict):
        return
    kind, file = UPLOADS[operation]
    metadata = case.body.get("metadata")
    if valid:
        case.body = {**case.body, "file": file}
        if isinstance(metadata, dict):
            case.body["metadata"] = feasible(metadata) if operation == "createJob" else with_new_name(metadata)
    elif "file" in case.body and "metadata" in case.body and not valid_metadata(metadata, kind):
        case.body = {**case.body, "file": file}


def valid_metadata(metadata: object, kind: str) -> bool:
    """Whether the schema lets it through."""
    return validator(kind).is_valid(metadata)


@cache
def validator(kind: str) -> Draft202012Validator:
    """Of one of the schemas."""
    components: Any = openapi_document()["components"]
    return Draft202012Validator({"$ref": f"#/components/schemas/{kind}", "components": components})


def as_openai_takes_it(form: dict[str, Any]) -> dict[str, Any]:
    """The form with a recording, a model that is there, and only such fields as go together."""
    alone = ("file", "model", "prompt", "temperature")
    chosen = {name: value for name, value in form.items() if name in alone}
    if form.get("response_format") in {"json", "text"}:
        chosen["response_format"] = form["response_format"]
    return {**chosen, "file": tone_as_text(), "model": "whisper-1"}


def with_new_name(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata with a name that no voice has."""
    return {**metadata, "name": f"{metadata['name'][:150].strip()} {uuid4()}"} if "name" in metadata else metadata


def feasible(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata with options that this server can follow: one that is unknown to it is another test's matter."""
    chosen = {**metadata, "model": None, "engine": None, "callback_url": None}
    if chosen.get("channels") == "two-sided":
        # The recording has one channel.
        chosen["channels"] = "auto"
    chosen["language"] = LANGUAGES[len(str(metadata.get("language"))) % len(LANGUAGES)]
    if chosen.get("speakers") is not None:
        chosen["min_speakers"] = chosen["max_speakers"] = None
    elif chosen.get("min_speakers") and chosen.get("max_speakers"):
        bounds = sorted((chosen["min_speakers"], chosen["max_speakers"]))
        chosen["min_speakers"], chosen["max_speakers"] = bounds
    return chosen
