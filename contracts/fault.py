"""What an entry of the error catalogue is, and the error that is raised with it."""

import re
from typing import Final, Literal

from msgspec import Struct

from contracts.russian import RUSSIAN

Language = Literal["en", "ru"]
KEY_PREFIX: Final = "cak_"
LOGIN_PREFIX: Final = "cal_"
HEALTH_PREFIX: Final = "cah_"
SECRET: Final = re.compile(
    f"(?P<prefix>{KEY_PREFIX}|{LOGIN_PREFIX}|{HEALTH_PREFIX})(?P<id>[a-z2-7]{{8}})_[a-z2-7]{{52}}"
)
"""An API key, the cookie of a login, or what the health check has."""
_LIKE_ONE: Final = re.compile(
    f"((?:{KEY_PREFIX}|{LOGIN_PREFIX}|{HEALTH_PREFIX})[a-z2-7]{{8}}_)[a-z0-9]+", re.IGNORECASE
)
"""The same wherever it stands in a text, also in large letters or without the last ones: most of it is too much."""


def redacted(text: str) -> str:
    """The text without the secrets of API keys and logins: clients put them where they do not belong."""
    return _LIKE_ONE.sub(r"\1...", text) if "_" in text else text


class Fault(Struct, frozen=True):
    """One entry of the catalogue."""

    code: str
    exit_code: int | None
    """Of the command line; 1 is kept for our own mistakes and 2 for usage; None for what only a server can answer."""
    message: str
    """What was wrong and where, as a format string over the details."""
    advice: str
    """What is allowed and what to do, as a format string over the details."""
    http_status: int = 500
    """Of the answer over REST."""
    close_code: int | None = None
    """Of the WebSocket connection that it ends; None where the connection stays open."""
    retryable: bool = False
    """Whether the same request may succeed later."""


class CallAnnotateError(Exception):
    """An error from the catalogue with its details filled in; str() is one line for a user."""

    def __init__(self, fault: Fault, **details: str | float) -> None:
        self.fault: Final = fault
        shown = {name: redacted(value) if isinstance(value, str) else value for name, value in details.items()}
        self.details: Final[dict[str, str | float]] = shown
        self.message: Final = fault.message.format(**shown)
        self.advice: Final = fault.advice.format(**shown)
        super().__init__(f"{self.message}. {self.advice}" if self.advice else self.message)

    def message_in(self, language: Language) -> str:
        """What was wrong and where; in English where there is no translation."""
        return self.message if language == "en" else self._translated(0, self.message)

    def advice_in(self, language: Language) -> str:
        """What is allowed and what to do; in English where there is no translation."""
        return self.advice if language == "en" else self._translated(1, self.advice)

    def _translated(self, part: int, otherwise: str) -> str:
        texts = RUSSIAN.get(self.fault.code)
        return texts[part].format(**self.details) if texts else otherwise
