"""A server that answers as no server of ours does."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio import create_task_group, create_tcp_listener, sleep_forever
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream

LARGE = 32_000_000
"""Bytes that are more than the buffers of a connection take."""


@dataclass
class Rude:
    """What it is asked."""

    url: str
    asked: list[str] = field(default_factory=list)
    """First lines of requests."""


def answer(status: str, body: bytes, *headers: str) -> bytes:
    """An answer as it is sent."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


@asynccontextmanager
async def rude(answers: Callable[[str], bytes], *, deaf: bool = False) -> AsyncIterator[Rude]:
    """Answers the first line of each request, and closes; where it is deaf, takes no byte of a body and stays."""

    async def serve(stream: ByteStream) -> None:
        async with stream:
            try:
                head = await BufferedByteReceiveStream(stream).receive_until(b"\r\n\r\n", 65536)
                first = head.decode().partition("\r\n")[0]
                server.asked.append(first)
                await stream.send(answers(first))
                if deaf:
                    await sleep_forever()
            except (anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
                pass

    listener = await create_tcp_listener(local_host="127.0.0.1")
    server = Rude(f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}")
    async with listener, create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield server
        tasks.cancel_scope.cancel()
