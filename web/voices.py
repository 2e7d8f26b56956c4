"""The operations on known voices."""

from typing import Final

from werkzeug.http import dump_options_header

from contracts.errors import FILE_NOT_FOUND, JOB_NOT_FOUND, SHUTTING_DOWN, CallAnnotateError
from contracts.voice_routes import VOICEPRINT_MEDIA_TYPES
from contracts.voices import SpeakerEnrolment, Voice, VoiceUpdate
from runtime.service import JobService
from web.answers import Answer, Call, Handler, json_answer
from web.bodies import body_of
from web.parameters import value_of


class VoiceOperations:
    """Every operation of the route table that is about voices."""

    def __init__(self, service: JobService) -> None:
        self._service: Final = service
        self.handlers: Final[dict[str, Handler]] = {
            "listVoices": self.list_voices,
            "createVoice": self.create_voice,
            "getVoice": self.get_voice,
            "updateVoice": self.update_voice,
            "deleteVoice": self.delete_voice,
            "addSample": self.add_sample,
            "deleteSample": self.delete_sample,
            "getVoiceprints": self.get_voiceprints,
            "enrolSpeaker": self.enrol_speaker,
        }

    async def list_voices(self, call: Call) -> Answer:
        """One page of voices."""
        name, limit, offset = value_of(call, "name"), value_of(call, "limit"), value_of(call, "offset")
        return json_answer(200, await self._service.voices.page(name, limit, offset))

    async def create_voice(self, call: Call) -> Answer:
        """A file becomes the first sample of a voice."""
        await self._admit()
        assert call.form is not None  # the route table says that this operation has an upload
        async with call.form.receive(self._service) as submission:
            voice = await self._service.voices.enrol(submission.upload, submission.metadata)
        return _made(voice)

    async def get_voice(self, call: Call) -> Answer:
        """One voice."""
        return json_answer(200, await self._service.voices.get(call.values["voice_id"]))

    async def update_voice(self, call: Call) -> Answer:
        """Another name for a voice."""
        wanted = await body_of(call, VoiceUpdate, self._service.settings.upload_stall_timeout)
        return json_answer(200, await self._service.voices.rename(call.values["voice_id"], wanted))

    async def delete_voice(self, call: Call) -> Answer:
        """Forget a voice, and where it is wanted its name in results."""
        results = value_of(call, "forget_results")
        await self._service.voices.delete(call.values["voice_id"], forget_results=results)
        return Answer(204, "")

    async def add_sample(self, call: Call) -> Answer:
        """A file becomes another sample of a voice."""
        await self._admit()
        await self._service.voices.get(call.values["voice_id"])
        assert call.form is not None  # the route table says that this operation has an upload
        async with call.form.receive(self._service) as submission:
            voice = await self._service.voices.add_sample(
                call.values["voice_id"], submission.upload, submission.metadata
            )
        return _made(voice)

    async def delete_sample(self, call: Call) -> Answer:
        """Forget a sample."""
        await self._service.voices.delete_sample(call.values["voice_id"], call.values["sample_id"])
        return Answer(204, "")

    async def get_voiceprints(self, call: Call) -> Answer:
        """Voiceprints as a file."""
        kind = value_of(call, "format")
        found = await self._service.voices.voiceprints(call.values["voice_id"], kind)
        headers = {
            "Content-Disposition": dump_options_header("attachment", {"filename": f"{call.values['voice_id']}.{kind}"}),
            "X-Voiceprint-Model": found.model,
        }
        media_type = VOICEPRINT_MEDIA_TYPES[kind]
        return Answer(200, media_type if kind == "npy" else f"{media_type}; charset=utf-8", found.content, headers)

    async def enrol_speaker(self, call: Call) -> Answer:
        """A speaker of a completed job becomes a sample."""
        await self._admit()
        wanted = await body_of(call, SpeakerEnrolment, self._service.settings.upload_stall_timeout)
        job_id, speaker_id = call.values["job_id"], call.values["speaker_id"]
        found = await self._service.result(job_id)
        audio = await self._service.audio(job_id)
        try:
            voice = await self._service.voices.enrol_speaker(
                wanted, found.result, audio.path, audio.filename, job_id, speaker_id
            )
        except CallAnnotateError as error:
            if error.fault is not FILE_NOT_FOUND:
                raise
            # The job was archived or deleted this very moment: now this says so.
            await self._service.audio(job_id)
            raise CallAnnotateError(JOB_NOT_FOUND, job_id=job_id) from error
        return _made(voice)

    async def _admit(self) -> None:
        """Raises SHUTTING_DOWN or STORAGE_FULL."""
        if self._service.stopping.is_set():
            raise CallAnnotateError(SHUTTING_DOWN)
        await self._service.voices.admit()


def _made(voice: Voice) -> Answer:
    return json_answer(201, voice, {"Location": f"/api/v1/voices/{voice.voice_id}"})
