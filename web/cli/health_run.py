"""Ask a server how it feels. Only the standard library speaks HTTP here: probes run often, and shall cost little."""

import os
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from contracts.errors import INVALID_OPTION, SERVER_UNHEALTHY, SERVER_UNREACHABLE, CallAnnotateError
from contracts.jobs import HealthStatus
from runtime.health_pass import ANY, read_pass
from runtime.settings import load_settings

PATH: Final = "/health"
KEYS: Final = (401, 403)
"""Statuses of a server that needs a key."""
LONGEST: Final = 65536
"""Bytes of an answer that are read."""


class Server(Struct, frozen=True):
    """Whom to ask."""

    url: str
    token: str | None = None
    """What opens its health where keys are needed."""


def own_server(config: Path | None) -> Server:
    """The server on the volume of the settings; where none says that it runs there, the one at HOST and PORT."""
    settings = load_settings(os.environ, config)
    if found := read_pass(settings.volume_path):
        return Server(_url(found.host, found.port), found.token)
    return Server(_url(ANY.get(settings.host, settings.host), settings.port))


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def ask_health(server: Server, timeout: float, *, alive: bool) -> str:
    """One line about a healthy server, or with `alive` about one that answers at all.

    Raises INVALID_OPTION, SERVER_UNREACHABLE or SERVER_UNHEALTHY.
    """
    url = server.url
    status, content = _ask(server, timeout)
    if alive:
        return f"{url}: answers"
    if status in KEYS:
        raise CallAnnotateError(SERVER_UNREACHABLE, url=url, cause=f"it answers {status}: it asks for a key")
    try:
        state = msgspec.json.decode(content, type=HealthStatus)
    except msgspec.DecodeError as error:
        raise CallAnnotateError(SERVER_UNREACHABLE, url=url, cause=f"it answers {status}") from error
    if state.status != "healthy":
        raise CallAnnotateError(SERVER_UNHEALTHY, url=url, problems="; ".join(state.problems) or state.queue_status)
    live = f", live sessions: {state.live_sessions}" if state.live_sessions else ""
    return f"{url}: healthy; version {state.version}, up {state.uptime} s, queue {state.queue_status}{live}"


def _ask(server: Server, timeout: float) -> tuple[int, bytes]:
    """Status and body of GET /health; redirects are not followed, and proxies of the environment not used."""
    url = server.url
    headers = {"Accept": "application/json"}
    if server.token is not None:
        headers["Authorization"] = f"Bearer {server.token}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _wrong(url) from error
    if host is None or parts.scheme not in ("http", "https"):
        raise _wrong(url)
    kind = HTTPConnection if parts.scheme == "http" else HTTPSConnection
    connection = kind(host, port, timeout=timeout)
    try:
        connection.request("GET", parts.path.rstrip("/") + PATH, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST)
    except (OSError, HTTPException) as error:
        cause = (
            f"nothing came within {timeout:g} s" if isinstance(error, TimeoutError) else " ".join(str(error).split())
        )
        raise CallAnnotateError(SERVER_UNREACHABLE, url=url, cause=cause or type(error).__name__) from error
    finally:
        connection.close()


def _wrong(url: str) -> CallAnnotateError:
    return CallAnnotateError(
        INVALID_OPTION, option="--url", problem=f"{url!r} is no address", allowed="such as http://127.0.0.1:8000"
    )
