"""Known voices over REST and over `/v1/ws`: every operation as it should be used, and every error of each."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.recordings import broken, one_voice, short_speech, speech, tone, voiceprint
from tests.contract.rest import Rest, rest_of
from tests.contract.scenarios_rest import BOUNDARY, MULTIPART, form
from tests.contract.scenarios_session import require_error

JSON = {"Content-Type": "application/json"}
MOST_SAMPLES = 100


def new_name() -> str:
    """One that no voice has."""
    return f"Голос {uuid.uuid4()}"


@asynccontextmanager
async def enrolled(rest: Rest, file: bytes | None = None) -> AsyncIterator[Any]:
    """A voice, for a while."""
    voice = (await rest.ask("createVoice", **form(file or voiceprint(), name=new_name()))).json()
    try:
        yield voice
    finally:
        await rest.ask("deleteVoice", voice["voice_id"])


async def voices(lab: Lab) -> None:
    """Every operation over `/v1/ws`, as it should be used."""
    name = new_name()
    async with lab.session() as talk:
        made = await talk.upload(one_voice(), operation="createVoice", filename="a.wav", metadata={"name": name})
        lab.require(made["status"] == 201, f"createVoice: {made}")
        voice_id = made["body"]["voice_id"]
        lab.require(made["headers"]["Location"].endswith(voice_id), f"Location: {made['headers']}")
        chosen = {"voice_id": voice_id}
        more = await talk.upload(voiceprint(), operation="addSample", parameters=chosen)
        lab.require(len(more["body"]["samples"]) == 2, f"addSample: {more}")
        listed = await talk.ask("listVoices", parameters={"name": name.upper(), "limit": 1, "offset": 0})
        lab.require([voice["voice_id"] for voice in listed["body"]["voices"]] == [voice_id], f"listVoices: {listed}")
        again = await talk.ask("updateVoice", parameters=chosen, body={"name": f"{name} II", "note": "new"})
        lab.require(again["body"]["name"] == f"{name} II", f"updateVoice: {again}")
        text = await talk.ask("getVoiceprints", parameters={**chosen, "format": "vec"})
        lab.require(text["status"] == 200 and len(text["body"].split()) > 192, f"getVoiceprints: {text}")
        talk.audio.clear()
        binary = await talk.ask("getVoiceprints", parameters=chosen)
        with anyio.fail_after(10):
            while len(talk.audio) < int(binary["headers"]["Content-Length"]):
                await talk.ping()
        lab.require(talk.audio.startswith(b"\x93NUMPY"), f"getVoiceprints: {binary}")
        sample = {**chosen, "sample_id": more["body"]["samples"][1]["sample_id"]}
        lab.require((await talk.ask("deleteSample", parameters=sample))["status"] == 204, "deleteSample")
        lab.require(len((await talk.ask("getVoice", parameters=chosen))["body"]["samples"]) == 1, "getVoice")
        job = await lab.finished(one_voice())
        of_job = {"job_id": job["job_id"], "speaker_id": "speaker_1"}
        cut = await talk.ask("enrolSpeaker", parameters=of_job, body={"voice_id": voice_id})
        lab.require([each["source"] for each in cut["body"]["samples"]] == ["upload", "job"], f"enrolSpeaker: {cut}")
        wrong = await talk.ask("updateVoice", parameters=chosen, body={"name": "", "colour": "red"})
        require_error(lab, wrong, "INVALID_FIELD", "updateVoice without a name")
        gone = await talk.ask("deleteVoice", parameters={**chosen, "forget_results": True})
        lab.require(gone["status"] == 204 and gone["body"] is None, f"deleteVoice: {gone}")
        require_error(lab, await talk.ask("getVoice", parameters=chosen), "VOICE_NOT_FOUND", "a deleted voice")


async def rest_voices(lab: Lab) -> None:
    """What cannot be done with a voice."""
    async with rest_of(lab) as rest, enrolled(rest) as voice, enrolled(rest) as other:
        own = voice["voice_id"]
        await rest.ask("listVoices", params={"name": "голос", "limit": 1})
        await rest.refused("INVALID_FIELD", "listVoices", params={"limit": 0})
        for operation in ("getVoice", "deleteVoice", "getVoiceprints"):
            await rest.refused("VOICE_NOT_FOUND", operation, UNKNOWN_JOB)
        await rest.ask("getVoice", own)
        await rest.refused("INVALID_FIELD", "deleteVoice", own, params={"forget_results": "perhaps"})
        await rest.refused("INVALID_FIELD", "getVoiceprints", own, params={"format": "txt"})
        sample = voice["samples"][0]["sample_id"]
        await rest.refused("VOICE_NOT_FOUND", "deleteSample", {"voice_id": UNKNOWN_JOB, "sample_id": sample})
        await rest.refused("SAMPLE_NOT_FOUND", "deleteSample", {"voice_id": own, "sample_id": UNKNOWN_JOB})
        for kind in ("npy", "vec"):
            await rest.ask("getVoiceprints", own, params={"format": kind})
        await rest.ask("deleteSample", {"voice_id": own, "sample_id": sample})
        await rest.refused("VOICE_STALE", "getVoiceprints", own)
        await rest.refused("VOICE_NOT_FOUND", "updateVoice", UNKNOWN_JOB, json={"name": new_name()})
        await rest.refused("VOICE_EXISTS", "updateVoice", own, json={"name": other["name"].upper()})
        await _wrong_bodies(rest, "updateVoice", own)
        await rest.ask("updateVoice", own, json={"name": new_name(), "note": "new"})


async def _wrong_bodies(rest: Rest, operation: str, place: Any) -> None:
    await rest.refused("INVALID_FIELD", operation, place, json={"name": "x" * 201})
    await rest.refused("INVALID_JSON", operation, place, content=b"{", headers=JSON)
    await rest.refused("UNSUPPORTED_MEDIA_TYPE", operation, place, content=b"name=x")
    await rest.refused("BODY_TOO_LARGE", operation, place, json={"name": "x", "note": "y" * 70_000})


async def rest_refused_samples(lab: Lab) -> None:
    """What no voice can be enrolled with."""
    async with rest_of(lab) as rest, enrolled(rest) as voice:
        await rest.refused("VOICE_EXISTS", "createVoice", **form(voiceprint(), name=voice["name"]))
        await rest.refused("VOICE_NOT_FOUND", "addSample", UNKNOWN_JOB, **form(voiceprint()))
        for operation, place, named in (
            ("createVoice", "", {"name": new_name()}),
            ("addSample", voice["voice_id"], {}),
        ):
            for code, data in (
                ("FILE_EMPTY", b""),
                ("UNSUPPORTED_FORMAT", b"hello " * 100),
                ("NO_AUDIO", tone(0.0)),
                ("TOO_MANY_CHANNELS", tone(channels=3)),
                ("UNSUPPORTED_SAMPLE_RATE", tone(1.0, rate=1000)),
                ("AUDIO_TOO_SHORT", tone(0.01)),
                ("INVALID_SAMPLES", broken()),
                ("VOICEPRINT_UNUSABLE", b"0.1 0.2 0.3"),
                ("VOICE_TOO_SHORT", short_speech(4.0)),
                ("VOICE_TOO_NOISY", one_voice("noisy")),
                ("VOICE_CLIPPED", one_voice("clipped")),
                ("VOICE_SEVERAL_SPEAKERS", speech()),
            ):
                await rest.refused(code, operation, place, **form(data, **named))
            await rest.refused("INVALID_FIELD", operation, place, **form(voiceprint(), colour="red"))
            await rest.refused("INVALID_JSON", operation, place, files={"file": tone()}, data={"metadata": "{"})
            await rest.refused("MISSING_FILE", operation, place, files={"metadata": (None, "{}")})
            await rest.refused("SEVERAL_FILES", operation, place, files=[("file", tone()), ("file", tone())])
            await rest.refused("UNSUPPORTED_MEDIA_TYPE", operation, place, json={})
            cut_off = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'
            await rest.refused("MALFORMED_UPLOAD", operation, place, content=cut_off.encode(), headers=MULTIPART)
        for _ in range(MOST_SAMPLES - 1):
            await rest.ask("addSample", voice["voice_id"], **form(voiceprint()))
        await rest.refused("VOICE_FULL", "addSample", voice["voice_id"], **form(voiceprint()))
        job = await lab.finished(one_voice())
        of_job = {"job_id": job["job_id"], "speaker_id": "speaker_1"}
        await rest.refused("VOICE_FULL", "enrolSpeaker", of_job, json={"voice_id": voice["voice_id"]})
        await rest.refused("VOICE_EXISTS", "enrolSpeaker", of_job, json={"name": voice["name"]})
        await rest.refused("VOICE_NOT_FOUND", "enrolSpeaker", of_job, json={"voice_id": UNKNOWN_JOB})
        made = (await rest.ask("enrolSpeaker", of_job, json={"name": new_name()})).json()
        await rest.ask("deleteVoice", made["voice_id"])
        await _wrong_bodies(rest, "enrolSpeaker", of_job)


async def rest_refused_speakers(lab: Lab) -> None:
    """Speakers of jobs that cannot be enrolled."""
    failed = await lab.finished(broken())
    wanted = {"name": new_name()}
    async with rest_of(lab) as rest:

        async def refused(code: str, job_id: str, speaker_id: str = "speaker_1") -> None:
            place = {"job_id": job_id, "speaker_id": speaker_id}
            await rest.refused(code, "enrolSpeaker", place, json=wanted)

        await refused("JOB_NOT_FOUND", UNKNOWN_JOB)
        await refused("WRONG_STATE", failed["job_id"])
        short = await lab.finished(short_speech(5.0))
        await refused("SPEAKER_NOT_FOUND", short["job_id"], "speaker_9")
        await refused("VOICE_TOO_SHORT", short["job_id"])
        await refused("VOICE_TOO_NOISY", (await lab.finished(one_voice("noisy")))["job_id"])
        await refused("VOICE_CLIPPED", (await lab.finished(one_voice("clipped")))["job_id"])
        both = await lab.finished(short_speech(25.0), json.dumps({"speakers": 1}))
        await refused("VOICE_SEVERAL_SPEAKERS", both["job_id"])


async def rest_voice_limits(lab: Lab) -> None:
    """MAX_FILE_SIZE, MAX_SAMPLE_DURATION, UPLOAD_STALL_TIMEOUT."""

    async def stalling() -> Any:
        yield b" "
        await anyio.sleep(2.0)

    async with rest_of(lab) as rest, enrolled(rest) as voice:
        own = voice["voice_id"]
        for operation, place, named in (("createVoice", "", {"name": new_name()}), ("addSample", own, {})):
            await rest.refused("FILE_TOO_LARGE", operation, place, **form(bytes(400_000), **named))
            await rest.refused("SAMPLE_TOO_LONG", operation, place, **form(tone(9.0), **named))
            await rest.refused("UPLOAD_STALLED", operation, place, content=stalling(), headers=MULTIPART)
        of_job = {"job_id": UNKNOWN_JOB, "speaker_id": "speaker_1"}
        for operation, where in (("updateVoice", own), ("enrolSpeaker", of_job)):
            await rest.refused("UPLOAD_STALLED", operation, where, content=stalling(), headers=JSON)


async def rest_voice_full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk: there are no voices, and none can be enrolled."""
    async with rest_of(lab) as rest:
        await rest.refused("STORAGE_FULL", "createVoice", **form(voiceprint(), name=new_name()))
        await rest.refused("STORAGE_FULL", "addSample", UNKNOWN_JOB, **form(voiceprint()))
        of_job = {"job_id": UNKNOWN_JOB, "speaker_id": "speaker_1"}
        await rest.refused("STORAGE_FULL", "enrolSpeaker", of_job, json={"name": new_name()})
