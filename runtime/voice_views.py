"""Voices as clients see them, made of the rows of the database."""

from collections.abc import Sequence

from contracts.voices import Voice, VoiceSample
from runtime.job_views import moment
from runtime.voice_store import SampleRow, VoiceRow


def voice_view(row: VoiceRow, samples: Sequence[SampleRow], model: str) -> Voice:
    """A voice; `model` is the sha256 of the present voiceprint model."""
    return Voice(
        voice_id=row.voice_id,
        name=row.name,
        note=row.note,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        stale=all(sample.model != model for sample in samples),
        samples=tuple(
            VoiceSample(
                sample_id=sample.sample_id,
                created_at=moment(sample.created_at),
                source=sample.source,
                filename=sample.filename,
                job_id=sample.job_id,
                speaker_id=sample.speaker_id,
                duration=None if sample.duration is None else round(sample.duration, 3),
                speech=None if sample.speech is None else round(sample.speech, 3),
                model=sample.model,
                stale=sample.model != model,
                audio_kept=bool(sample.audio_kept),
            )
            for sample in samples
        ),
    )
