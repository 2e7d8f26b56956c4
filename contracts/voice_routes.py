"""The routes of known voices."""

from typing import Final

from contracts import errors, voice_errors
from contracts.parameters import DISPOSITION, JOB_ID, LOCATION
from contracts.route import (
    AUDIO_MEDIA_TYPES,
    BODY_ERRORS,
    CONTENT_ERRORS,
    EVERY,
    UPLOAD_ERRORS,
    Response,
    Route,
    Upload,
    json_response,
)
from contracts.voice_examples import SAMPLE_REQUEST, SPEAKER_ENROLMENT, VOICE_REQUEST, VOICE_UPDATE
from contracts.voice_parameters import (
    FORGET_RESULTS,
    NAME_FILTER,
    SAMPLE_ID,
    SPEAKER_ID,
    VOICE_ID,
    VOICE_LIMIT,
    VOICE_OFFSET,
    VOICEPRINT_FORMAT,
    VOICEPRINT_MODEL,
)
from contracts.voices import SampleRequest, SpeakerEnrolment, Voice, VoicePage, VoiceRequest, VoiceUpdate

VOICEPRINT_MEDIA_TYPES: Final = {"npy": "application/octet-stream", "vec": "text/plain"}
"""Of each format of voiceprints."""
_SAMPLE_KINDS: Final = (*AUDIO_MEDIA_TYPES.values(), *VOICEPRINT_MEDIA_TYPES.values())
_SAMPLE: Final = "A recording of this one person, 30 s of clean speech at best, or voiceprints as `.npy` or `.vec`"
_QUALITY: Final = (
    errors.VOICE_TOO_SHORT,
    errors.VOICE_TOO_NOISY,
    errors.VOICE_SEVERAL_SPEAKERS,
    errors.VOICE_CLIPPED,
)
"""Why a recording is no good sample of a voice."""
_SAMPLE_ERRORS: Final = (
    *EVERY,
    *UPLOAD_ERRORS,
    *CONTENT_ERRORS,
    *_QUALITY,
    errors.INVALID_SAMPLES,
    voice_errors.SAMPLE_TOO_LONG,
    voice_errors.VOICEPRINT_UNUSABLE,
)

VOICE_ROUTES: Final = (
    Route(
        operation_id="listVoices",
        method="GET",
        path="/api/v1/voices",
        summary="List known voices in the order of their names",
        tag="Voices",
        parameters=(NAME_FILTER, VOICE_LIMIT, VOICE_OFFSET),
        responses=(json_response(200, "One page of them.", VoicePage),),
        errors=(*EVERY, errors.INVALID_FIELD),
    ),
    Route(
        operation_id="createVoice",
        method="POST",
        path="/api/v1/voices",
        summary="Enrol a voice with its first sample",
        description="From then on jobs and live sessions recognise it. A recording that is too short, too noisy, "
        "clipped, or has several speakers in it is refused, and says what was measured. Content decides whether the "
        "file is a recording or voiceprints.",
        tag="Voices",
        upload=Upload(
            metadata=VoiceRequest, example=VOICE_REQUEST, summary=_SAMPLE, kinds=_SAMPLE_KINDS, required=True
        ),
        responses=(json_response(201, "The voice is known.", Voice, LOCATION),),
        errors=(*_SAMPLE_ERRORS, voice_errors.VOICE_EXISTS),
    ),
    Route(
        operation_id="getVoice",
        method="GET",
        path="/api/v1/voices/{voice_id}",
        summary="A known voice and its samples",
        tag="Voices",
        parameters=(VOICE_ID,),
        responses=(json_response(200, "The voice.", Voice),),
        errors=(*EVERY, voice_errors.VOICE_NOT_FOUND),
    ),
    Route(
        operation_id="updateVoice",
        method="PUT",
        path="/api/v1/voices/{voice_id}",
        summary="Rename a voice",
        description="Results of jobs that have finished keep the name of then.",
        tag="Voices",
        parameters=(VOICE_ID,),
        body=VoiceUpdate,
        body_example=VOICE_UPDATE,
        responses=(json_response(200, "The voice as it is now.", Voice),),
        errors=(*EVERY, *BODY_ERRORS, voice_errors.VOICE_NOT_FOUND, voice_errors.VOICE_EXISTS),
    ),
    Route(
        operation_id="deleteVoice",
        method="DELETE",
        path="/api/v1/voices/{voice_id}",
        summary="Delete a voice with its samples and voiceprints",
        description="Nothing of it is left on the volume but its name in results of finished jobs, which go as well "
        "with `forget_results`.",
        tag="Voices",
        parameters=(VOICE_ID, FORGET_RESULTS),
        responses=(Response(status=204, summary="It is gone."),),
        errors=(*EVERY, errors.INVALID_FIELD, voice_errors.VOICE_NOT_FOUND),
    ),
    Route(
        operation_id="addSample",
        method="POST",
        path="/api/v1/voices/{voice_id}/samples",
        summary="Add a sample to a voice",
        description="Samples of other days, telephones and rooms make it easier to recognise.",
        tag="Voices",
        parameters=(VOICE_ID,),
        upload=Upload(metadata=SampleRequest, example=SAMPLE_REQUEST, summary=_SAMPLE, kinds=_SAMPLE_KINDS),
        responses=(json_response(201, "The voice with the sample.", Voice, LOCATION),),
        errors=(*_SAMPLE_ERRORS, voice_errors.VOICE_NOT_FOUND, voice_errors.VOICE_FULL),
    ),
    Route(
        operation_id="deleteSample",
        method="DELETE",
        path="/api/v1/voices/{voice_id}/samples/{sample_id}",
        summary="Delete a sample with its audio and its voiceprints",
        tag="Voices",
        parameters=(VOICE_ID, SAMPLE_ID),
        responses=(Response(status=204, summary="It is gone."),),
        errors=(*EVERY, voice_errors.VOICE_NOT_FOUND, voice_errors.SAMPLE_NOT_FOUND),
    ),
    Route(
        operation_id="getVoiceprints",
        method="GET",
        path="/api/v1/voices/{voice_id}/voiceprints",
        summary="Voiceprints of a voice, as a file",
        description="Those of the present model, one a sample or more. These are biometric data.",
        tag="Voices",
        scope="manage",
        parameters=(VOICE_ID, VOICEPRINT_FORMAT),
        responses=(
            Response(
                status=200,
                summary="The file.",
                content={VOICEPRINT_MEDIA_TYPES["npy"]: bytes, VOICEPRINT_MEDIA_TYPES["vec"]: str},
                headers=(DISPOSITION, VOICEPRINT_MODEL),
            ),
        ),
        errors=(*EVERY, errors.INVALID_FIELD, voice_errors.VOICE_NOT_FOUND, voice_errors.VOICE_STALE),
    ),
    Route(
        operation_id="enrolSpeaker",
        method="POST",
        path="/api/v1/jobs/{job_id}/speakers/{speaker_id}/enrol",
        summary="Enrol a speaker of a finished job",
        description="What the speaker says while nobody else speaks is cut out of the recording and becomes a sample "
        "of a new voice, or of a known one.",
        tag="Voices",
        parameters=(JOB_ID, SPEAKER_ID),
        body=SpeakerEnrolment,
        body_example=SPEAKER_ENROLMENT,
        responses=(json_response(201, "The voice with the sample.", Voice, LOCATION),),
        errors=(
            *EVERY,
            *BODY_ERRORS,
            *_QUALITY,
            errors.JOB_NOT_FOUND,
            errors.WRONG_STATE,
            errors.STORAGE_FULL,
            voice_errors.SPEAKER_NOT_FOUND,
            voice_errors.VOICE_NOT_FOUND,
            voice_errors.VOICE_EXISTS,
            voice_errors.VOICE_FULL,
        ),
    ),
)
