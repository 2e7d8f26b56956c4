"""The secrets that messages are signed with, and the signature of Standard Webhooks.

WEBHOOK_SECRET, or else one that is made once for each volume: so a callback works without any setting, and
`callannotate webhooks secret` shows what its receiver has to know.
"""

import base64
import hashlib
import hmac
import os
import secrets
from binascii import Error
from pathlib import Path
from typing import Final

from contracts.errors import SETTING_INVALID, CallAnnotateError
from runtime.settings import Settings

NAME: Final = "webhook.secret"
PREFIX: Final = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret, by the specification of Standard Webhooks."""
OWN: Final = 32
"""Bytes of one that is made here."""


def secrets_of(settings: Settings) -> tuple[bytes, ...]:
    """All that a message is signed with, the one to be used from now on first; blocks. Raises SETTING_INVALID."""
    if settings.webhook_secret is not None:
        found = tuple(decoded(text) for text in settings.webhook_secret.reveal().split())
        if not found:
            raise _invalid("it is empty")
        return found
    return (decoded(own_secret(settings.volume_path)),)


def own_secret(volume: Path) -> str:
    """That of the volume, made where there is none; blocks. Raises OSError."""
    path = volume / NAME
    new = path.with_name(f"{NAME}.{secrets.token_hex(8)}")
    if not path.exists():
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(PREFIX + base64.b64encode(secrets.token_bytes(OWN)).decode())
            file.flush()
            os.fsync(file.fileno())
        try:
            # Where somebody else makes one at the same time, theirs is as good.
            os.link(new, path)
        except FileExistsError:
            pass
        except OSError:
            new.replace(path)  # a volume without links
        finally:
            new.unlink(missing_ok=True)
    return path.read_text().strip()


def decoded(text: str) -> bytes:
    """The bytes of a secret such as whsec_MfKQ... Raises SETTING_INVALID."""
    try:
        found = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except Error:
        raise _invalid("it is not base64") from None
    if not SHORTEST <= len(found) <= LONGEST:
        raise _invalid(f"it stands for {len(found)} bytes")
    return found


def signature(keys: tuple[bytes, ...], delivery_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`; `timestamp` in seconds since 1970."""
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    each = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return " ".join(f"v1,{text}" for text in each)


def _invalid(problem: str) -> CallAnnotateError:
    allowed = (
        f"{PREFIX} and {SHORTEST} to {LONGEST} random bytes in base64; two of them, separated by a blank, to change it"
    )
    return CallAnnotateError(
        SETTING_INVALID, source="settings", name="WEBHOOK_SECRET", problem=problem, allowed=allowed
    )
