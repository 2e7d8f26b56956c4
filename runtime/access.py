"""Who asks, and what that opens: API keys, the logins of browsers, and nobody at all where no key was ever made."""

import hashlib
import hmac
import re
import secrets
import time
from base64 import b32encode
from typing import Final, Literal, get_args

import anyio
import structlog
from anyio import Event, sleep
from msgspec import Struct

from contracts.access import Key, Login
from contracts.access_errors import KEY_NOT_FOUND, KEY_REQUIRED, SCOPE_MISSING
from contracts.errors import SETTING_INVALID, CallAnnotateError
from contracts.fault import HEALTH_PREFIX, KEY_PREFIX, LOGIN_PREFIX, SECRET
from contracts.scopes import Scope
from runtime.access_store import AccessStore, KeyRow, LoginRow
from runtime.clock import moment
from runtime.settings import Settings

LOGIN_LIFETIME: Final = 12 * 3600.0
"""Seconds."""
POLL: Final = 1.0
"""Seconds from one look for changes to the next, for connections that are open."""
COARSE: Final = 3600.0
"""Seconds within which a key that is used again is not written down again."""
SECRET_BYTES: Final = 32
ID_BYTES: Final = 5

log: Final = structlog.get_logger()


class Holder(Struct, frozen=True, kw_only=True):
    """One who asks."""

    by: Literal["anonymous", "key", "login", "health"]
    scopes: frozenset[Scope]
    key_id: str | None = None
    name: str | None = None
    login_id: str | None = None
    expires_at: float | None = None
    """Seconds since 1970."""

    def require(self, scope: Scope) -> None:
        """Raises SCOPE_MISSING."""
        if scope not in self.scopes:
            allowed = ", ".join(each for each in get_args(Scope) if each in self.scopes)
            raise CallAnnotateError(SCOPE_MISSING, key_id=self.key_id or self.by, scope=scope, allowed=allowed)


ANYBODY: Final = Holder(by="anonymous", scopes=frozenset(get_args(Scope)))


class Access:
    """The keys and logins of one server, or of the command line."""

    def __init__(self, settings: Settings, store: AccessStore) -> None:
        """Blocks. Raises SETTING_INVALID."""
        self._mode: Final = settings.access
        self.origins: Final = allowed_origins(settings.cors_origins)
        """Whose pages may use the server, in small letters; `*` for everybody's."""
        self._store: Final = store
        self._version: int | None = None
        self._keys: dict[str, KeyRow] = {}
        self._logins: dict[str, LoginRow] = {}
        self._used: Final[dict[str, float]] = {}
        """Keys whose use is still to be written down."""
        self.health_token: Final = new_secret(HEALTH_PREFIX, _random(ID_BYTES))
        """What the health check of the container has; it opens that alone, until this server ends."""
        self.changed = Event()
        """Set, and another one put in its place, when connections have to look whether they may stay."""
        self._refresh()

    def needed(self) -> bool:
        """Whether a key is needed. Keys that were revoked or have expired count: nothing opens by itself again."""
        self._refresh()
        return self._mode == "keys" or (self._mode == "auto" and bool(self._keys))

    def holder(self, key: str | None, cookie: str | None) -> Holder:
        """Who has this key or, where there is none, this cookie of a login. Raises KEY_REQUIRED."""
        if not self.needed():
            return ANYBODY
        if key is not None:
            found = self._health(key) or self._of_key(key)
        elif cookie is not None:
            found = self._of_login(cookie)
        else:
            raise CallAnnotateError(KEY_REQUIRED, cause="none was sent")
        if found is None:
            raise CallAnnotateError(KEY_REQUIRED, cause="the one that was sent is unknown, revoked or expired")
        return found

    def still(self, holder: Holder) -> bool:
        """Whether one who was let in before would be let in now."""
        if holder.by == "anonymous":
            return not self.needed()
        self._refresh()
        now = time.time()
        if holder.expires_at is not None and now >= holder.expires_at:
            return False
        if holder.login_id is not None and holder.login_id not in self._logins:
            return False
        row = self._keys.get(holder.key_id or "")
        return holder.by == "health" or (row is not None and row.valid(now))

    async def make(self, name: str, scopes: tuple[Scope, ...], lifetime: float | None) -> tuple[Key, str]:
        """A new key and its secret, which is known to nobody afterwards; `lifetime` in seconds."""
        now, key_id = time.time(), _random(ID_BYTES)
        secret = new_secret(KEY_PREFIX, key_id)
        row = KeyRow(
            key_id=key_id,
            name=name,
            scopes=tuple(scope for scope in get_args(Scope) if scope in {"monitor", *scopes}),
            hash=hashed(secret),
            created_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        await self._store.add(row)
        return _view(row, now), secret

    def listed(self) -> list[Key]:
        """Every key that was ever made, the oldest first."""
        self._refresh()
        return [_view(row, time.time()) for row in self._keys.values()]

    async def revoke(self, key_id: str) -> None:
        """Raises KEY_NOT_FOUND, also for one that was revoked before."""
        if not await self._store.revoke(key_id, time.time()):
            raise CallAnnotateError(KEY_NOT_FOUND, key_id=key_id)

    async def log_in(self, holder: Holder) -> tuple[Holder, str]:
        """A login of a holder's key: who it is, and the cookie. Raises KEY_REQUIRED for one who has no key."""
        if holder.by != "key" or holder.key_id is None:
            raise CallAnnotateError(KEY_REQUIRED, cause="a login is made of a key, not of another login")
        now, login_id = time.time(), _random(ID_BYTES)
        secret = new_secret(LOGIN_PREFIX, login_id)
        expires_at = min(now + LOGIN_LIFETIME, holder.expires_at or now + LOGIN_LIFETIME)
        await self._store.add_login(LoginRow(login_id, holder.key_id, hashed(secret), expires_at), now)
        return Holder(by="login", scopes=holder.scopes, key_id=holder.key_id, name=holder.name, login_id=login_id,
                      expires_at=expires_at), secret  # fmt: skip

    async def log_out(self, holder: Holder) -> None:
        """End the login, where it is one."""
        if holder.login_id is not None:
            await self._store.remove_login(holder.login_id)

    async def run(self) -> None:
        """Tell connections of changes, and write down which keys are used; never returns."""
        seen = self._version
        while True:
            await sleep(POLL)
            try:
                self._refresh()
                if self._used:
                    used = dict(self._used)
                    await self._store.used(used)
                    for key_id, when in used.items():
                        if self._used.get(key_id) == when:
                            del self._used[key_id]
            except CallAnnotateError as error:
                log.error("disk_fails", task="access", problem=str(error))
                continue
            if seen != self._version:
                seen = self._version
                self.changed.set()
                self.changed = Event()

    async def ended(self, holder: Holder) -> None:
        """Return once the holder would not be let in any more."""
        while self.still(holder):
            changed = self.changed
            limit = float("inf") if holder.expires_at is None else max(0.0, holder.expires_at - time.time())
            with anyio.move_on_after(limit):
                await changed.wait()

    def _note_use(self, row: KeyRow, now: float) -> None:
        """To the hour, and so rarely that it costs nothing."""
        if now - (row.used_at or 0.0) > COARSE:
            self._used[row.key_id] = now - now % COARSE

    def _refresh(self) -> None:
        version = self._store.version()
        if version != self._version:
            self._keys, self._logins, self._version = self._store.keys(), self._store.logins(), version

    def _health(self, presented: str) -> Holder | None:
        known = hmac.compare_digest(hashed(presented), hashed(self.health_token))
        return Holder(by="health", scopes=frozenset({"monitor"})) if known else None

    def _of_key(self, presented: str) -> Holder | None:
        row = self._keys.get(_id_of(presented, KEY_PREFIX))
        now = time.time()
        if not _same(presented, row) or row is None or not row.valid(now):
            return None
        self._note_use(row, now)
        return Holder(by="key", scopes=frozenset(row.scopes), key_id=row.key_id, name=row.name,
                      expires_at=row.expires_at)  # fmt: skip

    def _of_login(self, presented: str) -> Holder | None:
        login = self._logins.get(_id_of(presented, LOGIN_PREFIX))
        now = time.time()
        if not _same(presented, login) or login is None or now >= login.expires_at:
            return None
        row = self._keys.get(login.key_id)
        if row is None or not row.valid(now):
            return None
        self._note_use(row, now)
        return Holder(by="login", scopes=frozenset(row.scopes), key_id=row.key_id, name=row.name,
                      login_id=login.login_id, expires_at=login.expires_at)  # fmt: skip


def allowed_origins(setting: str | None) -> frozenset[str]:
    """Of CORS_ORIGINS. Raises SETTING_INVALID."""
    origins = frozenset(origin.strip().rstrip("/").lower() for origin in (setting or "").split(",") if origin.strip())
    for origin in origins - {"*"}:
        if re.fullmatch(r"https?://[^/?#@\s*]+", origin) is None:
            raise CallAnnotateError(
                SETTING_INVALID, source="settings", name="CORS_ORIGINS", problem=f"{origin!r} is no origin",
                allowed="scheme, host and port, such as https://crm.example.org, separated by commas; or *",
            )  # fmt: skip
    return origins


def login_view(holder: Holder) -> Login:
    """What one who asks is told of itself."""
    by = "anonymous" if holder.by == "anonymous" else "login" if holder.by == "login" else "key"
    return Login(
        by=by,  # type: ignore[arg-type]  # one of its three
        key_id=holder.key_id,
        name=holder.name,
        scopes=tuple(scope for scope in get_args(Scope) if scope in holder.scopes),
        expires_at=None if holder.expires_at is None else moment(holder.expires_at),
    )


def new_secret(prefix: str, identifier: str) -> str:
    """Such as cak_q7k2mzp4_ and 52 letters and digits."""
    return f"{prefix}{identifier}_{_random(SECRET_BYTES)}"


def hashed(secret: str) -> bytes:
    """SHA-256."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()


def _random(size: int) -> str:
    """So many random bytes in letters and digits that survive being read out and double-clicked."""
    return b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _id_of(presented: str, prefix: str) -> str:
    found = SECRET.fullmatch(presented)
    return found["id"] if found is not None and found["prefix"] == prefix else ""


def _same(presented: str, row: KeyRow | LoginRow | None) -> bool:
    """In the same time whether there is such a row or not."""
    return hmac.compare_digest(hashed(presented), row.hash if row is not None else bytes(SECRET_BYTES))


def _view(row: KeyRow, now: float) -> Key:
    expired = row.expires_at is not None and now >= row.expires_at
    return Key(
        key_id=row.key_id,
        name=row.name,
        scopes=row.scopes,
        created_at=moment(row.created_at),
        expires_at=None if row.expires_at is None else moment(row.expires_at),
        revoked_at=None if row.revoked_at is None else moment(row.revoked_at),
        used_at=None if row.used_at is None else moment(row.used_at),
        state="revoked" if row.revoked_at is not None else "expired" if expired else "valid",
    )
