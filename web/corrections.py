"""The operations on corrections."""

from typing import Final

from contracts.corrections import Corrections, CorrectionsUpdate
from runtime.corrections import etag_of
from runtime.service import JobService
from web.answers import Answer, Call, Handler, json_answer
from web.bodies import body_of


class CorrectionOperations:
    """Every operation of the route table that is about corrections."""

    def __init__(self, service: JobService) -> None:
        self._corrections: Final = service.corrections
        self._admit: Final = service.voices.admit
        """Raises STORAGE_FULL."""
        self._patience: Final = service.settings.upload_stall_timeout
        self.handlers: Final[dict[str, Handler]] = {
            "getCorrections": self.get_corrections,
            "correctResult": self.correct_result,
            "deleteCorrections": self.delete_corrections,
        }

    async def get_corrections(self, call: Call) -> Answer:
        """All corrections of a result."""
        return _answered(await self._corrections.get(call.values["job_id"]))

    async def correct_result(self, call: Call) -> Answer:
        """Some made, some taken back."""
        await self._admit()
        update = await body_of(call, CorrectionsUpdate, self._patience)
        return _answered(await self._corrections.change(call.values["job_id"], update, _if_match(call)))

    async def delete_corrections(self, call: Call) -> Answer:
        """None any more."""
        await self._admit()
        await self._corrections.clear(call.values["job_id"], _if_match(call))
        return Answer(204, "")


def _answered(corrections: Corrections) -> Answer:
    return json_answer(200, corrections, {"ETag": etag_of(corrections)})


def _if_match(call: Call) -> str | None:
    """The ETag that a change is meant for; None where any will do."""
    text = (call.values.get("If-Match") or "").strip()
    return None if text in {"", "*"} else text
