"""A way to a server that tears connections, as networks do."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Literal

import anyio
from anyio import CancelScope, create_task_group
from anyio.abc import ByteStream, SocketAttribute, SocketStream

Way = Literal["up", "down"]


@dataclass
class Cutter:
    """Passes bytes on, until it is told to tear."""

    host: str
    port: int
    limits: dict[Way, int] = field(default_factory=dict)
    """Tear as soon as so many bytes came from the client ("up") or from the server ("down"); the last of them are lost,
    and it happens once."""
    every: int | None = None
    """Tear again and again after so many bytes from the server,"""
    times: int = 0
    """and so often at most."""
    cuts: int = 0
    open: list[CancelScope] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def cut(self) -> bool:
        """Tear every connection; whether there was one."""
        torn = bool(self.open)
        self.cuts += torn
        for scope in self.open:
            scope.cancel()
        return torn

    def passing(self, way: Way, size: int) -> None:
        """So many bytes are about to be passed on."""
        if way == "down" and self.every is not None and self.cuts < self.times:
            self.limits.setdefault(way, self.every)
        if way in self.limits:
            self.limits[way] -= size
            if self.limits[way] <= 0:
                del self.limits[way]
                self.cut()


@asynccontextmanager
async def cutting(host: str, port: int) -> AsyncIterator[Cutter]:
    """In front of a server."""

    async def connected(client: SocketStream) -> None:
        # Without lingering, closing is a reset: nobody gets what was on its way.
        client.extra(SocketAttribute.raw_socket).setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
        async with client, await anyio.connect_tcp(host, port) as server:
            with CancelScope() as scope:
                cutter.open.append(scope)
                async with create_task_group() as tasks:
                    tasks.start_soon(passing, client, server, partial(cutter.passing, "up"), scope)
                    tasks.start_soon(passing, server, client, partial(cutter.passing, "down"), scope)
            cutter.open.remove(scope)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, create_task_group() as tasks:
        here = listener.extra(SocketAttribute.local_address)
        cutter = Cutter("127.0.0.1", int(here[1]))
        tasks.start_soon(listener.serve, connected)
        yield cutter
        tasks.cancel_scope.cancel()


async def passing(source: ByteStream, target: ByteStream, told: Callable[[int], None], connection: CancelScope) -> None:
    """Until one of the two is closed, which closes the other."""
    try:
        async for data in source:
            told(len(data))
            await target.send(data)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
    connection.cancel()
