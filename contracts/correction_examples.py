"""Examples of corrections."""

from typing import Final

from contracts.corrections import (
    Corrections,
    CorrectionsUpdate,
    SegmentChange,
    SegmentCorrection,
    SpeakerChange,
    SpeakerCorrection,
    WordChange,
    WordCorrection,
)

_JOB: Final = "550e8400-e29b-41d4-a716-446655440000"
CORRECTIONS: Final = Corrections(
    job_id=_JOB,
    revision=3,
    speakers=(SpeakerCorrection(speaker_id="speaker_1", name="Анна Орлова"),),
    segments=(SegmentCorrection(speaker_id="speaker_1", segment=0, said_by="speaker_2"),),
    words=(WordCorrection(speaker_id="speaker_1", segment=0, word=1, text="пожаловать!"),),
)
UPDATE: Final = CorrectionsUpdate(
    speakers=(SpeakerChange(speaker_id="speaker_1", name="Анна Орлова"),),
    segments=(SegmentChange(speaker_id="speaker_1", segment=0, said_by="speaker_2"),),
    words=(WordChange(speaker_id="speaker_1", segment=0, word=1, text="пожаловать!"),),
)
CORRECTION_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    (operation, 200): {"corrections": CORRECTIONS} for operation in ("getCorrections", "correctResult")
}
