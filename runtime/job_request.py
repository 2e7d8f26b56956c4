"""What a client asks for with a recording: the JSON of `metadata`, checked, as options of the graph."""

import unicodedata
from collections.abc import Collection
from importlib.util import find_spec
from typing import Final

from contracts.errors import INVALID_FIELD, CallAnnotateError
from contracts.jobs import JobRequest
from contracts.options import AnnotateOptions, Engine
from models.catalogue import default_catalogue, entry
from runtime.engine import translators
from runtime.json_request import read_struct
from runtime.settings import Settings

FIELD: Final = "metadata"
LARGEST: Final = 64 * 1024
"""Bytes of the JSON at most."""
LONGEST_NAME: Final = 255
"""Characters of a file's name that are kept."""


def read_request(metadata: bytes) -> tuple[JobRequest, dict[str, object]]:
    """The request, and everything that the client sent; raises INVALID_JSON or INVALID_FIELD."""
    if len(metadata) > LARGEST:
        raise CallAnnotateError(
            INVALID_FIELD, field=FIELD, problem=f"it has {len(metadata)} bytes", allowed=f"at most {LARGEST} bytes"
        )
    return read_struct(metadata, JobRequest, FIELD)


def options_of(request: JobRequest, settings: Settings) -> AnnotateOptions:
    """The options of the graph; raises INVALID_FIELD."""
    fewest, most = _bounds(request)
    return AnnotateOptions(
        language=None if request.language in {None, "auto"} else request.language,
        min_speakers=fewest,
        max_speakers=most,
        channels=request.channels,
        model=_model(request.model, settings),
        engine=_engine(request, settings),
        recognise=request.recognise,
        task=request.task,
        prompt=request.prompt,
    )


def check_language(language: str | None, known: Collection[str], model: str) -> None:
    """Raises INVALID_FIELD where a model does not know the language."""
    if language is not None and language not in known:
        problem = f"{language!r} is unknown to the model {model!r}"
        allowed = ", ".join(["auto", *sorted(known)])
        raise CallAnnotateError(INVALID_FIELD, field=f"{FIELD}.language", problem=problem, allowed=allowed)


def check_task(options: AnnotateOptions) -> None:
    """Raises INVALID_FIELD where a model is known not to translate and is asked to."""
    model = entry(options.model, "transcription")
    if options.task == "translate" and not (model.translates and model.languages != ("en",)):
        problem = f"the model {options.model!r} does not translate"
        allowed = f"transcribe, or one of the models {', '.join(translators())}"
        raise CallAnnotateError(INVALID_FIELD, field=f"{FIELD}.task", problem=problem, allowed=allowed)


def safe_name(filename: str) -> str:
    """A file's name as it can be shown: without folders and control characters, and not too long."""
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(letter for letter in unicodedata.normalize("NFC", last) if letter.isprintable()).strip()
    return shown[:LONGEST_NAME] if shown.strip(".") else "recording"


def _bounds(request: JobRequest) -> tuple[int, int | None]:
    fewest, most = request.min_speakers, request.max_speakers
    if request.speakers is not None:
        if fewest is not None or most is not None:
            problem = "it stands beside min_speakers or max_speakers"
            allowed = "either the exact number, or bounds"
            raise CallAnnotateError(INVALID_FIELD, field=f"{FIELD}.speakers", problem=problem, allowed=allowed)
        return request.speakers, request.speakers
    if fewest is not None and most is not None and fewest > most:
        problem = f"{fewest} is more than max_speakers {most}"
        raise CallAnnotateError(
            INVALID_FIELD, field=f"{FIELD}.min_speakers", problem=problem, allowed="bounds in order"
        )
    return fewest or 1, most


def _model(wanted: str | None, settings: Settings) -> str:
    """A name of the catalogue or the server's own model: a client names no folders and no repositories."""
    if wanted is None or wanted == settings.model:
        return settings.model
    names = [entry.name for entry in default_catalogue().models if entry.kind == "transcription"]
    for name in names:
        if wanted in {name, name.removeprefix("whisper-")}:
            return name
    allowed = ", ".join(dict.fromkeys([settings.model, *names]))
    raise CallAnnotateError(
        INVALID_FIELD, field=f"{FIELD}.model", problem=f"there is no model {wanted!r}", allowed=allowed
    )


def _engine(request: JobRequest, settings: Settings) -> Engine:
    wanted = request.engine or settings.engine
    if wanted == "pyannote" and (find_spec("pyannote") is None or find_spec("pyannote.audio") is None):
        problem = "the engine 'pyannote' is not installed on this server"
        raise CallAnnotateError(INVALID_FIELD, field=f"{FIELD}.engine", problem=problem, allowed="onnx")
    return wanted
