"""The form of a request for a transcription or a translation, as clients of OpenAI send it, checked."""

import json
import re
from typing import Final, NoReturn, TypeVar

import msgspec

from contracts.errors import INVALID_FIELD, CallAnnotateError
from contracts.openai import OpenAITranscriptionForm, OpenAITranslationForm

F = TypeVar("F", OpenAITranscriptionForm, OpenAITranslationForm)

STREAMED: Final = ("json", "text", "diarized_json")
"""Formats that a stream of events can carry."""
VAD_SETTINGS: Final = frozenset({"type", "threshold", "prefix_padding_ms", "silence_duration_ms"})
"""Of a chunking strategy; clients of OpenAI send them as fields of their own, such as `chunking_strategy[type]`."""
REFUSED: Final = {
    "include[]": ("log-probabilities of tokens are not told", "verbose_json, whose segments have avg_logprob"),
    "known_speaker_references[]": (
        "samples of voices cannot be sent along",
        "known_speaker_names[] of voices that were enrolled with POST /api/v1/voices",
    ),
}
"""What OpenAI knows and this server cannot do: what is wrong, and what there is instead."""


def fields_of(sent: dict[str, tuple[str, ...]], kind: type[F]) -> F:
    """The fields of a form; those without a text count as absent. Raises INVALID_FIELD."""
    lists = {field.encode_name for field in msgspec.structs.fields(kind) if field.encode_name.endswith("[]")}
    refused = REFUSED if kind is OpenAITranscriptionForm else {}
    values: dict[str, str | tuple[str, ...]] = {}
    strategy: dict[str, str] = {}
    for name, texts in sent.items():
        given: tuple[str, ...] = tuple(text for text in texts if text.strip())
        listed: str = name if name.endswith("[]") else f"{name}[]"
        if not given:
            continue
        if listed in refused:
            wrong(listed, *refused[listed])
        if listed in lists:
            values[listed] = (*values.get(listed, ()), *given)
        elif len(given) > 1:
            wrong(name, "is there more than once", "one value")
        elif name.startswith("chunking_strategy[") and name.endswith("]"):
            strategy[name[len("chunking_strategy[") : -1]] = given[0]
        else:
            values[name] = given[0]
    if strategy:
        values.setdefault("chunking_strategy", json.dumps(strategy))
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        name = re.sub(r"\[(\d+|\.\.\.)\]$", "", place.rstrip("`"))
        if not name:
            # Such as: Object missing required field `model`
            name = problem.split("`")[1]
        if "unknown field" in problem:
            wrong(name, "is not known here", ", ".join(field.encode_name for field in msgspec.structs.fields(kind)))
        if "missing required" in problem:
            wrong(name, "is missing", "a name of GET /v1/models")
        wrong(name, problem, f"what /openapi.json says of {kind.__name__}")


def checked(form: OpenAITranscriptionForm) -> None:
    """Raises INVALID_FIELD where fields that are right do not go together."""
    chosen = form.response_format
    if form.stream and chosen not in STREAMED:
        wrong("stream", f"cannot go with the format {chosen}", f"true with {', '.join(STREAMED)}, or false")
    if form.timestamp_granularities and chosen != "verbose_json":
        wrong("timestamp_granularities[]", f"cannot go with the format {chosen}", "response_format verbose_json")
    if form.known_speaker_names and chosen != "diarized_json":
        wrong("known_speaker_names[]", f"cannot go with the format {chosen}", "response_format diarized_json")
    if form.language and form.languages and form.language not in form.languages:
        wrong("languages[]", "is another language than language", "one of the two")
    if form.chunking_strategy and not _known_strategy(form.chunking_strategy):
        wrong("chunking_strategy", "is not known here", "auto, or an object with the type server_vad")


def _known_strategy(text: str) -> bool:
    if text == "auto":
        return True
    try:
        strategy = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(strategy, dict) and strategy.get("type") == "server_vad" and strategy.keys() <= VAD_SETTINGS


def wrong(field: str, problem: str, allowed: str) -> NoReturn:
    """Raises INVALID_FIELD."""
    raise CallAnnotateError(INVALID_FIELD, field=field[:100], problem=problem[:500], allowed=allowed)
