"""The warnings that a live session tells, in both languages, and errors and warnings as messages."""

from typing import Final

from msgspec import Struct

from contracts.errors import CallAnnotateError, Language
from contracts.live import LiveError, LiveWarning, WarningCode


class Warned(Struct, frozen=True):
    """One warning; all texts are format strings over its details."""

    message: str
    advice: str
    russian: tuple[str, str]
    """The message and the advice."""


LIVE_WARNINGS: Final[dict[WarningCode, Warned]] = {
    "partials_reduced": Warned(
        "the machine falls behind; partials come less often",
        "Nothing needs to be done: finals are complete.",
        ("машина не успевает; промежуточный текст приходит реже", "Делать ничего не нужно: окончательный текст полон."),
    ),
    "partials_off": Warned(
        "the machine falls behind; partials stop for a while",
        "Finals are complete, and may come later than usual.",
        (
            "машина не успевает; промежуточный текст пока не приходит",
            "Окончательный текст полон и может прийти позже обычного.",
        ),
    ),
    "partials_restored": Warned(
        "the machine keeps up again; partials come as usual",
        "Nothing needs to be done.",
        ("машина снова успевает; промежуточный текст приходит как обычно", "Делать ничего не нужно."),
    ),
    "recognise_unavailable": Warned(
        "no voice is known on this server; `recognise` is off",
        "Speakers are numbered; enrol voices, and start another session.",
        (
            "на этом сервере нет знакомых голосов; `recognise` выключено",
            "Говорящие пронумерованы; добавьте голоса и начните новую сессию.",
        ),
    ),
    "frames_short": Warned(
        "binary frames last less than 20 ms; they are taken, and cost more than they need to",
        "Send 20 to 1000 ms at once; only the last frame may be shorter.",
        (
            "двоичные кадры короче 20 мс; они приняты, но обходятся дороже, чем нужно",
            "Присылайте от 20 до 1000 мс за раз; короче может быть только последний кадр.",
        ),
    ),
    "bytes_mismatch": Warned(
        "audio.end says {bytes_sent} bytes, {bytes_received} were taken",
        "The result is of what was taken; look for refused frames, or send again from bytes_received after a resume.",
        (
            "в audio.end сказано {bytes_sent} байт, принято {bytes_received}",
            "Результат — по принятому; проверьте отвергнутые кадры, после session.resume начинайте с bytes_received.",
        ),
    ),
    "session_expires": Warned(
        "in {seconds} s the session will have lasted as long as it may; no more audio is taken then",
        "Start a new session in time.",
        (
            "через {seconds} с сеанс достигнет предельной длительности; звук больше не будет приниматься",
            "Вовремя начните новый сеанс.",
        ),
    ),
    "not_saved": Warned(
        "the call could not be kept as a job ({cause})",
        "The result is complete; save it yourself.",
        ("сохранить звонок как задачу не удалось ({cause})", "Результат полон; сохраните его сами."),
    ),
    "version_deprecated": Warned(
        "this version of the protocol goes on {date}",
        "Move to {path}; both run side by side until then.",
        ("эта версия протокола перестанет работать {date}", "Перейдите на {path}; до того дня работают обе."),
    ),
}


def live_error(
    error: CallAnnotateError, seq: int, *, in_reply_to: str | None = None, language: Language = "en"
) -> LiveError:
    """The error as a message; it is fatal where the catalogue gives it a close code."""
    seconds = error.details.get("retry_after")
    return LiveError(
        seq=seq,
        in_reply_to=in_reply_to,
        code=error.fault.code,
        message=error.message_in(language),
        advice=error.advice_in(language),
        fatal=error.fault.close_code is not None,
        retryable=error.fault.retryable,
        retry_after_ms=None if seconds is None else int(float(seconds) * 1000),
        details=dict(error.details),
    )


def live_warning(
    code: WarningCode, seq: int, *, in_reply_to: str | None = None, language: Language = "en", **details: str | float
) -> LiveWarning:
    """A warning as a message."""
    warned = LIVE_WARNINGS[code]
    message, advice = (warned.message, warned.advice) if language == "en" else warned.russian
    return LiveWarning(
        seq=seq,
        in_reply_to=in_reply_to,
        code=code,
        message=message.format(**details),
        advice=advice.format(**details),
        details=details,
    )
