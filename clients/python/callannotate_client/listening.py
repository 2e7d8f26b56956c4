"""HTTP that hears an answer while it is still sending.

A server that refuses a recording says so before all of it is there, and closes the connection to a client that goes on
sending. Who only reads after the last byte finds a connection that is reset and no answer: nothing of a key that is
wrong, of a limit, or of when to come back.
"""

import ssl
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2
from anyio import CancelScope, create_task_group

from callannotate_client.connection import is_loopback

BLOCK: Final = 65536
INTERIM: Final = b"HTTP/1.1 1"
"""How answers begin that are none yet."""


class Listening(httpcore2.AsyncNetworkStream):
    """A connection that gives up sending as soon as the other side says something, or is gone."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream: Final = stream
        self._heard = b""
        """What came while something was sent, and was not read yet."""
        self._over = False
        """Whether nothing more will come."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - of the library
        """As the library has it."""
        if self._heard:
            found, self._heard = self._heard[:max_bytes], self._heard[max_bytes:]
            return found
        return b"" if self._over else await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - of the library
        """Raises WriteError, upon which the library looks for an answer."""
        failure: Exception | None = None
        async with create_task_group() as tasks:
            tasks.start_soon(self._listen, tasks.cancel_scope)
            try:
                await self._stream.write(buffer, timeout)
            except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                failure = error
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if self._answered():
            raise httpcore2.WriteError("the other side has answered")

    async def _listen(self, writing: CancelScope) -> None:
        while not self._answered():
            try:
                found = await self._stream.read(BLOCK)
            except httpcore2.NetworkError:
                found = b""
            self._heard += found
            self._over = self._over or not found
        writing.cancel()

    def _answered(self) -> bool:
        rest = self._heard
        while rest.startswith(INTERIM):
            rest = rest.partition(b"\r\n\r\n")[2]
        return self._over or len(rest) >= len(INTERIM)

    async def aclose(self) -> None:
        """As the library has it."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - of the library
    ) -> httpcore2.AsyncNetworkStream:
        """As the library has it."""
        return Listening(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        """As the library has it."""
        return self._stream.get_extra_info(info)


class Backend(httpcore2.AnyIOBackend):
    """Opens such connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - of the library
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """As the library has it."""
        return Listening(await super().connect_tcp(host, port, timeout, local_address, socket_options))


class Transport(httpx2.AsyncHTTPTransport):
    """The transport of httpx2 over such connections."""

    def __init__(self) -> None:
        super().__init__()
        # There is no parameter for it; the numbers are those of httpx2.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(), max_connections=100, max_keepalive_connections=20,
            keepalive_expiry=5.0, network_backend=Backend(),
        )  # fmt: skip


def http_client(url: str, headers: dict[str, str], timeout: float) -> httpx2.AsyncClient:
    """For this server; where the environment names a proxy for it, through that, which hears what it likes."""
    parts = urlsplit(url)
    proxied = {parts.scheme, "all"} & getproxies().keys() and not proxy_bypass(parts.hostname or "")
    transport = None if proxied and not is_loopback(url) else Transport()
    return httpx2.AsyncClient(base_url=url, headers=headers, timeout=timeout, transport=transport)
