"""A server that loses a live session's connection, takes a while to notice, and has no room meanwhile."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

STARTED = {
    "type": "session.started", "seq": 1, "session_id": "00000000-0000-4000-8000-000000000001", "resume_token": "secret",
    "config": {
        "audio": {"encoding": "pcm_s16le", "sample_rate": 8000, "channels": 1}, "language": None, "partials": True,
        "words": True, "diarize": True, "recognise": False, "vocabulary": [], "save": False,
    },
    "limits": {"max_frame_bytes": 16000, "max_session_s": 60, "idle_timeout_s": 30, "max_unacked_ms": 10000},
    "expires_at": "2026-11-22T10:00:00Z",
}  # fmt: skip
RESUMED = {"type": "session.resumed", "seq": 2, "session_id": STARTED["session_id"], "bytes_received": 0}
FAILED = {
    "type": "error", "seq": 3, "code": "INTERNAL", "message": "that is all", "advice": "", "fatal": True,
    "retryable": False, "retry_after_ms": None, "details": {},
}  # fmt: skip
FULL = {
    "error": {
        "code": "TOO_MANY_SESSIONS", "message": "1 live sessions are open already", "advice": "", "retryable": True,
        "details": {}, "timestamp": "2026-11-22T10:00:00Z", "request_id": "req_1",
    }
}  # fmt: skip


@asynccontextmanager
async def full_server(refusals: int) -> AsyncIterator[str]:
    """The address of a server that cuts the first connection, refuses so many, and ends the session on the next one."""
    connections = 0

    def admit(_connection: ServerConnection, _request: Request) -> Response | None:
        nonlocal connections
        connections += 1
        if not 1 < connections <= 1 + refusals:
            return None
        body = json.dumps(FULL).encode()
        headers = Headers({"Retry-After": "60", "Content-Type": "application/json", "Content-Length": str(len(body))})
        return Response(503, "Service Unavailable", headers, body)

    async def talk(socket: ServerConnection) -> None:
        opening = json.loads(await socket.recv())["type"]
        if opening == "session.start":
            await socket.send(json.dumps(STARTED))
            socket.transport.abort()
        else:
            await socket.send(json.dumps(RESUMED))
            await socket.send(json.dumps(FAILED))

    async with serve(talk, "127.0.0.1", 0, process_request=admit) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"
