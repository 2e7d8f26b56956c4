"""What a client chooses for a live session, checked and completed."""

from typing import Final

from msgspec import UNSET

from contracts.errors import INVALID_FIELD, CallAnnotateError, Fault
from contracts.live import ConfigUpdate, SessionConfig, SessionLimits, SessionStart
from contracts.live_errors import FIXED_FIELD, INVALID_CONFIG
from contracts.live_speech import LiveOptions
from contracts.options import AnnotateOptions
from runtime.engine import Engine
from runtime.settings import Settings

FIXED: Final = ("audio", "diarize", "recognise", "save")
CHANGEABLE: Final = ("language", "partials", "words", "vocabulary")


def config_of(message: SessionStart, engine: Engine, *, voices: int) -> SessionConfig:
    """The configuration as it is applied, where so many voices are known; raises INVALID_CONFIG."""
    return SessionConfig(
        audio=message.audio,
        language=_language(message.language, engine, INVALID_CONFIG),
        partials=message.partials,
        words=message.words,
        diarize=message.diarize,
        recognise=message.recognise and voices > 0,
        vocabulary=message.vocabulary,
        save=message.save,
    )


def updated(config: SessionConfig, message: ConfigUpdate, engine: Engine) -> SessionConfig:
    """The configuration after a change; raises FIXED_FIELD or INVALID_FIELD, and then nothing has changed."""
    for field in FIXED:
        if getattr(message, field) is not UNSET:
            raise CallAnnotateError(FIXED_FIELD, field=field, allowed=", ".join(CHANGEABLE))
    return SessionConfig(
        audio=config.audio,
        language=config.language if message.language is UNSET else _language(message.language, engine, INVALID_FIELD),
        partials=config.partials if message.partials is UNSET else message.partials,
        words=config.words if message.words is UNSET else message.words,
        diarize=config.diarize,
        recognise=config.recognise,
        vocabulary=config.vocabulary if message.vocabulary is UNSET else message.vocabulary,
        save=config.save,
    )


def _language(choice: str | None, engine: Engine, fault: Fault) -> str | None:
    if choice is None or choice == "auto":
        return None
    if choice not in engine.whisper.languages:
        allowed = ", ".join(["auto", *sorted(engine.whisper.languages)])
        raise CallAnnotateError(fault, field="language", problem=f"{choice!r} is unknown", allowed=allowed)
    return choice


def options_of(config: SessionConfig) -> LiveOptions:
    """For the live call."""
    return LiveOptions(
        language=config.language,
        partials=config.partials,
        diarize=config.diarize,
        vocabulary=config.vocabulary,
        two_sided=config.audio.channels == 2,
    )


def job_options(config: SessionConfig, settings: Settings) -> AnnotateOptions:
    """For a job that the session becomes: what gives the same as the session's own result."""
    return AnnotateOptions(
        language=config.language,
        max_speakers=None if config.diarize else 1,
        channels="two-sided" if config.audio.channels == 2 else "auto",
        model=settings.model,
        engine=settings.engine,
        recognise=config.recognise,
        prompt=options_of(config).prompt,
    )


def limits_of(config: SessionConfig, settings: Settings) -> SessionLimits:
    """What the client is told of its limits."""
    return SessionLimits(
        max_frame_bytes=config.audio.max_frame_bytes,
        max_session_s=int(settings.live_max_session_s),
        idle_timeout_s=int(settings.live_idle_timeout_s),
        max_unacked_ms=settings.live_max_unacked_ms,
    )
