"""Addresses, WebSockets, and how long to wait before trying again."""

import random
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

from callannotate_client.errors import INVALID_ADDRESS, INVALID_KEY, CallAnnotateError, refused, unreachable

BACK_OFF: Final = (0.2, 5.0)
"""Seconds before the first and at most before any further attempt; doubled from one to the next."""
PATIENCE: Final = 60.0
"""Seconds without a connection after which it is given up; servers keep a live session as long by default."""
PING: Final = 10.0
"""Seconds from one protocol ping to the next, and until one without an answer means that the connection is lost."""
HANDSHAKE_ERRORS: Final = (OSError, TimeoutError, InvalidHandshake, InvalidURI)
"""What connecting raises."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Delays:
    """The seconds between attempts: ever longer, and a little at random, so that not all clients come back at once."""

    def __init__(self, first: float = BACK_OFF[0], most: float = BACK_OFF[1]) -> None:
        self._first: Final = first
        self._most: Final = most
        self._next = first

    def reset(self) -> None:
        """It went well: begin anew."""
        self._next = self._first

    def after(self, wanted: float | None = None) -> float:
        """Seconds until the next attempt, and no sooner than the server wants."""
        wait, self._next = self._next * random.uniform(0.5, 1.0), min(2 * self._next, self._most)
        return max(wait, wanted or 0.0)


def is_loopback(url: str) -> bool:
    """Whether it is this machine, to which no proxy leads."""
    return urlsplit(url).hostname in _LOOPBACK


def http_address(url: str) -> str:
    """The address of the server, of whatever a user names it by, without a slash at its end."""
    scheme, rest = _parts(url)
    return urlunsplit(({"ws": "http", "wss": "https"}[scheme], *rest, "", "")).rstrip("/")


def socket_address(url: str, path: str) -> str:
    """The address of a WebSocket of this server."""
    scheme, (host, prefix) = _parts(url)
    return f"{scheme}://{host}{prefix.rstrip('/')}{path}"


def live_address(url: str, path: str) -> str:
    """The same, where the user may have named the whole path of live sessions."""
    scheme, (host, named) = _parts(url)
    query = urlsplit(url if "//" in url else f"//{url}").query
    return urlunsplit((scheme, host, named if named.strip("/") else path, query, ""))


def authorization(api_key: str) -> dict[str, str]:
    """The header with a key, which may come from a file with a line break at its end. Raises INVALID_KEY."""
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        # The libraries would tell of it with the key in their words.
        raise CallAnnotateError(INVALID_KEY, "what was given as the API key is none", "One line, such as cak_...")
    return {"Authorization": f"Bearer {key}"}


def _parts(url: str) -> tuple[str, tuple[str, str]]:
    """Scheme of a WebSocket; host and path. Raises INVALID_ADDRESS."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="ws")
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    scheme = _SCHEMES.get(parts.scheme) if usable else None
    if scheme is None:
        raise CallAnnotateError(
            INVALID_ADDRESS, f"{url} is no address of a server", "Such as http://127.0.0.1:8000."
        )  # fmt: skip
    return scheme, (parts.netloc, parts.path)


def connecting(url: str, headers: dict[str, str]) -> connect:
    """A connection that notices when the other side is gone; raises HANDSHAKE_ERRORS."""
    proxy: Literal[True] | None = None if is_loopback(url) else True
    return connect(
        url, additional_headers=headers, proxy=proxy, max_size=None, compression=None, ping_interval=PING,
        ping_timeout=PING,
    )  # fmt: skip


def refusal(url: str, error: Exception) -> CallAnnotateError:
    """Why there is no connection."""
    if not isinstance(error, InvalidStatus):
        return unreachable(url, error)
    answer = error.response
    return refused(answer.status_code, bytes(answer.body or b""), answer.headers.get("Retry-After"))
