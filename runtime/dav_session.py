"""The way to a CardDAV server: one origin, bounded answers, no help from the environment."""

import logging
import os
import socket
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

import niquests
from anyio import fail_after
from caldav.async_davclient import AsyncDAVClient
from caldav.lib import error as dav_errors
from msgspec import Struct

from contracts.contact_errors import CONTACTS_INVALID, CONTACTS_LEFT_SERVER, CONTACTS_UNREACHABLE
from contracts.errors import CallAnnotateError
from runtime.dav_xml import checked

LARGEST: Final = 32 * 1024 * 1024
"""Bytes of one answer at most, unpacked."""
CHUNK: Final = 64 * 1024
REDIRECTS: Final = 5
MOVED: Final = (301, 302, 303, 307, 308)
PORTS: Final = {"http": 80, "https": 443}

# Both log requests with their headers, and those hold the credentials.
for _name in ("caldav", "niquests", "urllib3_future"):
    logging.getLogger(_name).setLevel(logging.ERROR)
# It would write requests, credentials included, to files where an environment variable says so.
dav_errors.debug_dump_communication = False

Auth = Literal["auto", "basic", "digest", "bearer"]


class Origin(Struct, frozen=True):
    """Where a server is."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = "" if self.port == PORTS.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{shown}"


def origin_of(url: str) -> Origin:
    """Scheme, host and port of a URL. Raises ValueError."""
    parts: SplitResult = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("it is no http:// or https:// URL")
    return Origin(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])


def check_origin(url: str, origin: Origin) -> None:
    """Raises CONTACTS_LEFT_SERVER for a URL of any other server."""
    try:
        same = origin_of(url) == origin
    except ValueError:
        same = False
    if not same:
        parts = urlsplit(url)
        target = f"{parts.scheme}://{parts.hostname or ''}"[:200]
        raise CallAnnotateError(CONTACTS_LEFT_SERVER, server=str(origin), target=target)


class Account(Struct, frozen=True, kw_only=True):
    """Where the address books are, and as whom we read them."""

    url: str
    username: str = ""
    password: str = ""
    """Or the token, with `bearer`."""
    auth: Auth = "auto"
    ca: str | None = None
    """File of the certificates that are trusted instead of the system's."""
    timeout: float = 10.0
    """Seconds for one answer."""

    def __repr__(self) -> str:
        return f"Account({origin_of(self.url)})"


class Received(Struct, frozen=True):
    """An answer, read to its end; caldav takes it for a response of its library."""

    status_code: int
    reason: str
    headers: Mapping[str, str]
    content: bytes
    url: str

    @property
    def text(self) -> str:
        """The body as text; caldav only asks whether there is any."""
        return self.content.decode("utf-8", errors="replace")


class Session(niquests.AsyncSession):
    """Requests to one server and to no other."""

    def __init__(self, origin: Origin, timeout: float) -> None:
        """`timeout`: seconds for one answer, from the connection to its last byte."""
        super().__init__(
            retries=0,
            disable_http3=True,  # a server could send us elsewhere by Alt-Svc
            revocation_configuration=None,  # a certificate could send us elsewhere by its OCSP and CRL addresses
            allow_incoming_cookies=False,
        )
        self.trust_env: bool = False
        self._origin: Final = origin
        self._patience: Final = timeout

    async def request(self, method: str, url: str, **options: Any) -> Received:  # type: ignore[override]  # read whole
        """Send a request and follow redirects within the server.

        Raises CONTACTS_LEFT_SERVER, CONTACTS_INVALID for an answer that is too large, or CONTACTS_UNREACHABLE.
        """
        try:
            with fail_after(self._patience):
                return await self._followed(method, url, options)
        except TimeoutError as error:
            cause = f"no answer within {self._patience:g} s"
            raise CallAnnotateError(CONTACTS_UNREACHABLE, server=str(self._origin), cause=cause) from error
        except (niquests.exceptions.RequestException, OSError) as error:
            # The text of the library may hold the whole URL and more.
            raise CallAnnotateError(CONTACTS_UNREACHABLE, server=str(self._origin), cause=_cause(error)) from None

    async def _followed(self, method: str, url: str, options: dict[str, Any]) -> Received:
        for _ in range(REDIRECTS):
            check_origin(url, self._origin)
            received = await self._sent(method, url, options)
            if received.status_code not in MOVED or "location" not in received.headers:
                return received
            url = urljoin(url, received.headers["location"])
        raise CallAnnotateError(CONTACTS_INVALID, server=str(self._origin), cause="it redirects in circles")

    async def _sent(self, method: str, url: str, options: dict[str, Any]) -> Received:
        options = {**options, "allow_redirects": False, "stream": True, "proxies": {}, "timeout": self._patience}
        response = await super().request(method, url, **options)
        try:
            content = bytearray()
            async for chunk in await response.iter_content(CHUNK):
                content += chunk
                if len(content) > LARGEST:
                    cause = f"an answer has more than {LARGEST} bytes"
                    raise CallAnnotateError(CONTACTS_INVALID, server=str(self._origin), cause=cause)
        finally:
            await response.close()
        status = response.status_code or 0
        if status == 207:
            try:
                checked(bytes(content))
            except ValueError as error:
                raise CallAnnotateError(CONTACTS_INVALID, server=str(self._origin), cause=str(error)) from None
        elif status < 400:
            content.clear()  # caldav would log what is no XML, and it may be anybody's card
        return Received(status, response.reason or "", response.headers, bytes(content), url)


class DavClient(AsyncDAVClient):
    """caldav's client over sessions that stay on one server, those that it opens anew included."""

    def __init__(self, account: Account, origin: Origin) -> None:
        self._own: Final = (origin, account.timeout)
        super().__init__(
            url=account.url,
            username=account.username or None,
            password=account.password or None,
            auth_type=None if account.auth == "auto" or not account.password else account.auth,
            ssl_verify_cert=account.ca or True,
            headers={"User-Agent": f"CallAnnotate/{version('callannotate')}"},
            features={"http.multiplexing": {"support": "unsupported"}},
            enable_rfc6764=False,
        )

    def _create_session(self) -> None:
        self.session = Session(*self._own)


def _cause(error: BaseException) -> str:
    """What went wrong on the way, without addresses."""
    seen: BaseException | None = error
    while seen is not None:
        name = type(seen).__name__
        if "CertificateVerif" in name or "SSL" in name:
            reason = getattr(seen, "verify_message", "") or getattr(seen, "reason", "")
            return f"TLS: {reason if isinstance(reason, str) and reason else 'the certificate or the handshake failed'}"
        if isinstance(seen, socket.gaierror):
            return "its name is not known"
        if isinstance(seen, OSError) and seen.errno:
            return os.strerror(seen.errno)
        seen = seen.__cause__ or seen.__context__
    return {"ConnectTimeout": "no connection in time", "ReadTimeout": "no answer in time"}.get(
        type(error).__name__, "the connection failed"
    )
