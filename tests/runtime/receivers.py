"""Receivers of webhooks on loopback that behave as they are told, down to the bytes."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio import create_task_group, create_tcp_listener
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener

LOOPBACK: dict[str, Any] = {"webhook_allow_http": True, "webhook_allow_networks": "127.0.0.0/8"}
"""Settings with which they are called."""
OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@dataclass
class Got:
    """A request."""

    path: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes


Behaviour = Callable[[ByteStream, Got], Awaitable[None]]


@dataclass
class Receiver:
    """Who listens."""

    port: int
    behave: Behaviour
    got: list[Got] = field(default_factory=list)
    news: anyio.Event = field(default_factory=anyio.Event)
    """Set at each request, and another one put in its place."""

    def url(self, path: str = "/calls", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Where it is."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def requests(self, count: int) -> list[Got]:
        """So many requests, once they have come."""
        with anyio.fail_after(20):
            while len(self.got) < count:
                await self.news.wait()
        return self.got


def answering(*answers: bytes) -> Behaviour:
    """These one after the other, and the last one from then on."""
    left = list(answers)

    async def behave(stream: ByteStream, _: Got) -> None:
        await stream.send(left.pop(0) if len(left) > 1 else left[0])

    return behave


def answer(status: int, *headers: str) -> bytes:
    """An answer without a body."""
    lines = [f"HTTP/1.1 {status} Something", "Content-Length: 0", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@asynccontextmanager
async def receiving(
    behave: Behaviour | None = None, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Receiver]:
    """A receiver while the body runs; it takes all that comes by default."""
    plain = await create_tcp_listener(local_host="127.0.0.1", local_port=port)
    listener = plain if tls is None else TLSListener(plain, tls, standard_compatible=False)
    receiver = Receiver(plain.extra(SocketAttribute.local_port), behave or answering(OK))

    async def serve(stream: ByteStream) -> None:
        async with stream:
            try:
                got = await _read(BufferedByteReceiveStream(stream))
                receiver.got.append(got)
                receiver.news.set()
                receiver.news = anyio.Event()
                await receiver.behave(stream, got)
            except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
                pass

    async with listener, create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield receiver
        tasks.cancel_scope.cancel()


async def _read(stream: BufferedByteReceiveStream) -> Got:
    head = (await stream.receive_until(b"\r\n\r\n", 65536)).decode()
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Got(first.split()[1], headers, await stream.receive_exactly(int(headers.get("content-length", 0))))
