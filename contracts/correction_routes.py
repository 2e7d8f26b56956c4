"""The routes of corrections, with their parameters."""

from typing import Final

from contracts import errors
from contracts.correction_examples import UPDATE
from contracts.corrections import Corrections, CorrectionsUpdate, ResultVersion
from contracts.parameters import ETAG, JOB_ID, Parameter
from contracts.route import BODY_ERRORS, EVERY, Response, Route, json_response

RESULT_VERSION: Final = Parameter(
    name="version",
    place="query",
    type=ResultVersion,
    summary="`machine`: as the networks wrote it. `corrected`: with what people have corrected.",
    default="machine",
    example="corrected",
)
IF_MATCH: Final = Parameter(
    name="If-Match",
    place="header",
    type=str,
    summary="The ETag of the corrections that the change is meant for; of others nothing is changed. Without it, or "
    "with `*`, whatever they are.",
    example='"550e8400-e29b-41d4-a716-446655440000-3"',
)
_ERRORS: Final = (*EVERY, errors.JOB_NOT_FOUND, errors.WRONG_STATE)
_PATH: Final = "/api/v1/jobs/{job_id}/corrections"

CORRECTION_ROUTES: Final = (
    Route(
        operation_id="getCorrections",
        method="GET",
        path=_PATH,
        summary="What people have corrected in a result",
        description="The result itself has it where it is asked for with `version=corrected`.",
        tag="Jobs",
        parameters=(JOB_ID,),
        responses=(json_response(200, "All corrections.", Corrections, ETAG),),
        errors=_ERRORS,
    ),
    Route(
        operation_id="correctResult",
        method="PATCH",
        path=_PATH,
        summary="Name a speaker, correct a word, or say who said a segment",
        description="All of it is done, or nothing. The machine's version stays.",
        tag="Jobs",
        parameters=(JOB_ID, IF_MATCH),
        body=CorrectionsUpdate,
        body_example=UPDATE,
        responses=(json_response(200, "All corrections as they are now.", Corrections, ETAG),),
        errors=(*_ERRORS, *BODY_ERRORS, errors.CORRECTIONS_CHANGED, errors.STORAGE_FULL),
    ),
    Route(
        operation_id="deleteCorrections",
        method="DELETE",
        path=_PATH,
        summary="Take all corrections of a result back",
        tag="Jobs",
        parameters=(JOB_ID, IF_MATCH),
        responses=(Response(status=204, summary="The result is the machine's."),),
        errors=(*_ERRORS, errors.CORRECTIONS_CHANGED, errors.STORAGE_FULL),
    ),
)
