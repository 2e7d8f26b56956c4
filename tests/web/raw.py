"""Bytes on the wire, for requests that no library would send."""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from anyio import EndOfStream, connect_tcp, fail_after
from anyio.abc import SocketStream

from tests.web.serving import Server

BOUNDARY = "----boundary"


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    """One part of a form, from its boundary on."""
    lines = [f"--{BOUNDARY}", f"Content-Disposition: form-data; {disposition}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def send_form(server: Server, body: bytes, content_type: str = "") -> httpx.Response:
    """POST a form that was put together by hand."""
    content_type = content_type or f"multipart/form-data; boundary={BOUNDARY}"
    return await server.http.post("/api/v1/jobs", content=body, headers={"Content-Type": content_type})


def head(length: int | None, *headers: str) -> bytes:
    """The head of a POST of a form; chunked where there is no length."""
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    lines = [
        "POST /api/v1/jobs HTTP/1.1", "Host: localhost", f"Content-Type: multipart/form-data; boundary={BOUNDARY}",
        size, *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; of no bytes it is the end."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@asynccontextmanager
async def wire(server: Server) -> AsyncIterator[SocketStream]:
    """A connection."""
    async with await connect_tcp(server.host, server.port) as stream:
        yield stream


async def read_all(stream: SocketStream, seconds: float = 20) -> bytes:
    """What the server says until it closes the connection."""
    said = b""
    with fail_after(seconds):
        while True:
            try:
                said += await stream.receive()
            except EndOfStream:
                return said


async def read_until_closed(stream: SocketStream, seconds: float = 20) -> bytes:
    """What the server says on a WebSocket up to its close frame."""
    said = b""
    with fail_after(seconds):
        while (at := said.rfind(b"\x88")) < 0 or len(said) < at + 2 or len(said) < at + 2 + said[at + 1]:
            said += await stream.receive()
    return said


async def handshake(stream: SocketStream, path: str) -> None:
    """Open a WebSocket by hand."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", "", "",
    ]  # fmt: skip
    await stream.send("\r\n".join(lines).encode())
    answer = b""
    with fail_after(10):
        while b"\r\n\r\n" not in answer:
            answer += await stream.receive(1)
    assert answer.startswith(b"HTTP/1.1 101")


def frame(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    """A frame of a client, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = bytes([0xFE, *size.to_bytes(2)]) if size <= 0xFFFF else bytes([0xFF, *size.to_bytes(8)])
    return bytes([opcode | (0x80 if fin else 0)]) + length + bytes(4) + payload


def close_code(said: bytes) -> int:
    """The code of the close frame that a server ended with."""
    at = said.rindex(b"\x88")
    return int.from_bytes(said[at + 2 : at + 4])
