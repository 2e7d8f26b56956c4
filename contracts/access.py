"""Who may do what: API keys, their scopes, and the login that a browser makes of a key."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.jobs import Moment
from contracts.scopes import Scope

KeyId = Annotated[str, Meta(pattern="^[a-z2-7]{8}$")]
"""Names a key; it is no secret."""


class Key(Struct, frozen=True, kw_only=True):
    """An API key without its secret, which nobody but its holder knows."""

    key_id: KeyId
    name: str
    scopes: tuple[Scope, ...]
    created_at: Moment
    expires_at: Moment | None = None
    revoked_at: Moment | None = None
    used_at: Moment | None = None
    """When it was used last, to the hour."""
    state: Literal["valid", "expired", "revoked"] = "valid"


class Login(Struct, frozen=True, kw_only=True):
    """As whom the server knows the one who asks."""

    by: Literal["anonymous", "key", "login"]
    """`anonymous` where no key is needed; `login` for the cookie that a browser has."""
    key_id: KeyId | None = None
    name: str | None = None
    """Of the key."""
    scopes: tuple[Scope, ...]
    expires_at: Moment | None = None
    """Of the login, or of the key; null where it does not end by itself."""
