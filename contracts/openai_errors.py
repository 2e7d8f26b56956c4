"""Errors as clients of OpenAI know them, and those that only the doors for them answer with."""

from typing import Final

from contracts.fault import CallAnnotateError, Fault, Language
from contracts.openai import OpenAIError, OpenAIErrorBody

MODEL_NOT_FOUND = Fault(
    "MODEL_NOT_FOUND", None, "the model {model!r} does not exist", "Allowed: {allowed}.", http_status=404
)
_OF_FILE: Final = frozenset(
    {
        "AUDIO_TOO_LONG",
        "AUDIO_TOO_SHORT",
        "FILE_EMPTY",
        "FILE_TOO_LARGE",
        "INVALID_SAMPLES",
        "MISSING_FILE",
        "NO_AUDIO",
        "SEVERAL_FILES",
        "TOO_MANY_CHANNELS",
        "UNSUPPORTED_FORMAT",
        "UNSUPPORTED_SAMPLE_RATE",
    }
)
"""Codes of what is wrong with the part `file`."""


def openai_error(error: CallAnnotateError, language: Language, status: int) -> OpenAIErrorBody:
    """The error with the status of its answer, as clients of OpenAI know it."""
    code = error.fault.code
    param = error.details.get("field") if code == "INVALID_FIELD" else "file" if code in _OF_FILE else None
    return OpenAIErrorBody(
        OpenAIError(
            message=f"{error.message_in(language)}. {error.advice_in(language)}",
            type="server_error" if status >= 500 else "rate_limit_error" if status == 429 else "invalid_request_error",
            param="model" if code == "MODEL_NOT_FOUND" else None if param is None else str(param),
            code=code.lower(),
        )
    )
