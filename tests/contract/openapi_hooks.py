"""Hooks of schemathesis: what no schema can say of an upload.

A schema can say neither that bytes are a recording nor that a language is known to a model. Where a case is meant to
be valid, the bytes become a recording and the options such as the server can follow. Where only the metadata is meant
to be invalid, the recording is valid, so that it is really the metadata that is refused.
"""

from typing import Any

import schemathesis
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode

from contracts.openapi import openapi_document
from tests.contract.recordings import tone_as_text

LANGUAGES = (None, "auto", "en", "ru")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:  # noqa: ARG001
    """Make the upload of a case what it is meant to be."""
    if case.operation.definition.raw.get("operationId") != "createJob" or not isinstance(case.body, dict):
        return
    metadata = case.body.get("metadata")
    if case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE:
        case.body = {**case.body, "file": tone_as_text()}
        if isinstance(metadata, dict):
            case.body["metadata"] = feasible(metadata)
    elif "file" in case.body and "metadata" in case.body and not valid_metadata(metadata):
        case.body = {**case.body, "file": tone_as_text()}


def valid_metadata(metadata: object) -> bool:
    """Whether the schema lets it through."""
    components: Any = openapi_document()["components"]
    schema = {"$ref": "#/components/schemas/JobRequest", "components": components}
    return Draft202012Validator(schema).is_valid(metadata)


def feasible(metadata: dict[str, Any]) -> dict[str, Any]:
    """The metadata with options that this server can follow: one that is unknown to it is another test's matter."""
    chosen = {**metadata, "model": None, "engine": None}
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
