"""The routes for clients of OpenAI: the same paths, forms, answers and errors as those of OpenAI's audio interface."""

from typing import Final

from contracts import errors, openai_errors
from contracts.openai import (
    OpenAIDiarized,
    OpenAIModel,
    OpenAIModels,
    OpenAITranscription,
    OpenAITranscriptionForm,
    OpenAITranslationForm,
    OpenAIVerbose,
)
from contracts.parameters import JOB_HEADER, MODEL_NAME
from contracts.route import (
    ANY_KEY,
    AUDIO_MEDIA_TYPES,
    CONTENT_ERRORS,
    EVERY,
    UPLOAD_ERRORS,
    Form,
    Response,
    Route,
    json_response,
)

_KINDS: Final = tuple(AUDIO_MEDIA_TYPES.values())
_TEXTS: Final[dict[str, object]] = {"text/plain": str, "application/x-subrip": str, "text/vtt": str}
_ERRORS: Final = (
    *EVERY,
    *(fault for fault in UPLOAD_ERRORS if fault is not errors.INVALID_JSON),
    *CONTENT_ERRORS,
    errors.AUDIO_TOO_LONG,
    errors.INVALID_SAMPLES,
    errors.QUEUE_FULL,
    errors.JOB_NOT_FOUND,
    errors.PROCESSING_FAILED,
    openai_errors.MODEL_NOT_FOUND,
)

OPENAI_ROUTES: Final = (
    Route(
        operation_id="createTranscription",
        method="POST",
        path="/v1/audio/transcriptions",
        summary="Transcribe a recording, for clients of OpenAI",
        description="Waits until the recording is transcribed. With `stream` the answer is server-sent events: the "
        "text as it is written down. The request is a job like any other, which is removed as soon as it is answered.",
        tag="OpenAI",
        scope="submit",
        over_websocket=False,
        form=Form(
            fields=OpenAITranscriptionForm,
            example=OpenAITranscriptionForm(model="whisper-1", language="ru", response_format="verbose_json"),
            summary="The recording",
            kinds=_KINDS,
        ),
        responses=(
            Response(
                status=200,
                summary="The transcription, as `response_format` and `stream` ask for it.",
                content={
                    "application/json": (OpenAITranscription, OpenAIVerbose, OpenAIDiarized),
                    **_TEXTS,
                    "text/event-stream": str,
                },
                headers=(JOB_HEADER,),
            ),
        ),
        errors=_ERRORS,
    ),
    Route(
        operation_id="createTranslation",
        method="POST",
        path="/v1/audio/translations",
        summary="Translate a recording into English, for clients of OpenAI",
        description="Waits until the recording is translated. The request is a job like any other, which is removed as "
        "soon as it is answered.",
        tag="OpenAI",
        scope="submit",
        over_websocket=False,
        form=Form(
            fields=OpenAITranslationForm,
            example=OpenAITranslationForm(model="whisper-1"),
            summary="The recording",
            kinds=_KINDS,
        ),
        responses=(
            Response(
                status=200,
                summary="The translation, as `response_format` asks for it.",
                content={"application/json": (OpenAITranscription, OpenAIVerbose), **_TEXTS},
                headers=(JOB_HEADER,),
            ),
        ),
        errors=_ERRORS,
    ),
    Route(
        operation_id="listModels",
        method="GET",
        path="/v1/models",
        summary="Models that a transcription may ask for",
        tag="OpenAI",
        scope="monitor",
        over_websocket=False,
        responses=(json_response(200, "All of them.", OpenAIModels),),
        errors=ANY_KEY,
    ),
    Route(
        operation_id="getModel",
        method="GET",
        path="/v1/models/{model}",
        summary="One of the models",
        tag="OpenAI",
        scope="monitor",
        over_websocket=False,
        parameters=(MODEL_NAME,),
        responses=(json_response(200, "The model.", OpenAIModel),),
        errors=(*ANY_KEY, openai_errors.MODEL_NOT_FOUND),
    ),
)
