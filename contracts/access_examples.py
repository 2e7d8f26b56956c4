"""Examples of what travels about access."""

from datetime import UTC, datetime
from typing import Final

from contracts.access import Login

KEY_ID_EXAMPLE: Final = "q7k2mzp4"
_LOGIN: Final = Login(
    by="login",
    key_id=KEY_ID_EXAMPLE,
    name="Anna's browser",
    scopes=("monitor", "read", "submit"),
    expires_at=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
)
ACCESS_RESPONSES: Final[dict[tuple[str, int], dict[str, object]]] = {
    ("getLogin", 200): {"anonymous": Login(by="anonymous", scopes=("monitor", "read", "submit", "live", "manage"))},
    ("createLogin", 201): {"login": _LOGIN},
}
"""Of each answer with a body."""
ACCESS_DETAILS: Final[dict[str, str | float]] = {
    "key_id": KEY_ID_EXAMPLE,
    "origin": "https://example.org",
    "scope": "manage",
}
"""Details of errors that only access has."""
ACCESS_SPECIAL_DETAILS: Final[dict[str, dict[str, str | float]]] = {
    "KEY_REQUIRED": {"cause": "none was sent"},
    "SCOPE_MISSING": {"allowed": "monitor, read"},
}
