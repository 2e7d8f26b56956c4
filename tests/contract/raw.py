"""A client that can break the protocol, and that answers nothing by itself: frames are written byte by byte."""

import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
from anyio import fail_after
from anyio.abc import SocketStream

TEXT, BINARY, CLOSE, PING, RESERVED = 0x1, 0x2, 0x8, 0x9, 0x3
PATIENCE = 60.0
"""Seconds to wait for the server."""


class RawSocket:
    """A WebSocket after its handshake."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    async def send(self, opcode: int, payload: bytes) -> None:
        """Send one whole frame, masked with zeros."""
        await self.send_many(opcode, payload, 1)

    async def send_many(self, opcode: int, payload: bytes, count: int) -> None:
        """Send the same frame so many times at once."""
        head = bytes([0x80 | opcode])
        if len(payload) < 126:
            head += bytes([0x80 | len(payload)])
        elif len(payload) < 2**16:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(payload))
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", len(payload))
        await self._stream.send((head + bytes(4) + payload) * count)

    async def receive(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload. Raises EndOfStream where the connection ends without one."""
        first, second = await self._take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", await self._take(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", await self._take(8))
        return first & 0x0F, await self._take(length)

    async def close_frame(self) -> tuple[int, str, list[bytes]]:
        """Read on until the server closes: code, reason, and the text frames before."""
        said: list[bytes] = []
        with fail_after(PATIENCE):
            while True:
                opcode, payload = await self.receive()
                if opcode == CLOSE:
                    return struct.unpack(">H", payload[:2])[0], payload[2:].decode(), said
                if opcode == TEXT:
                    said.append(payload)

    async def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._buffer += await self._stream.receive()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


@asynccontextmanager
async def raw_socket(url: str, path: str, *, small: bool = False) -> AsyncIterator[RawSocket]:
    """A connection to a path; a small one holds about 100 kB of what is not read, instead of megabytes."""
    address = urlsplit(url)
    plain = socket.socket(socket.AF_INET)
    if small:
        # Before the handshake of TCP, in which segments and window are agreed.
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
    await anyio.to_thread.run_sync(plain.connect, (address.hostname, address.port or 80))
    stream = await SocketStream.from_socket(plain)
    async with stream:
        await stream.send(_handshake(address.netloc, path))
        answer = b""
        with fail_after(PATIENCE):
            while not answer.endswith(b"\r\n\r\n"):
                # Byte by byte, since frames may follow at once.
                answer += await stream.receive(1)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"no WebSocket: {answer.decode()}")
        yield RawSocket(stream)


def _handshake(host: str, path: str) -> bytes:
    key = os.urandom(16).hex()[:22] + "=="
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    ).encode()
