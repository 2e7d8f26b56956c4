"""A Hugging Face hub on loopback with one repository, as far as its client asks for it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REPOSITORY = "org/faster-whisper-nano"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """What the repository holds, and what was asked for."""

    files: dict[str, bytes]
    large: dict[str, str] = field(default_factory=dict)
    """Name: sha256 that the hub publishes for a file that it keeps as a large one."""
    broken: set[str] = field(default_factory=set)
    """Files that the hub fails to give."""
    fetched: list[str] = field(default_factory=list)
    url: str = ""

    def info(self) -> bytes:
        """The answer about the repository."""
        siblings = [
            {"rfilename": name, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            | (
                {"lfs": {"sha256": self.large[name], "size": len(content), "pointerSize": 134}}
                if name in self.large
                else {}
            )
            for name, content in self.files.items()
        ]
        return json.dumps({"id": REPOSITORY, "sha": REVISION, "siblings": siblings}).encode()


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            prefix = f"/{REPOSITORY}/resolve/{REVISION}/"
            name = path.removeprefix(prefix)
            if path.startswith(f"/api/models/{REPOSITORY}"):
                self._send(200, hub.info(), body=body)
            elif path.startswith(prefix) and name in hub.files:
                if body:
                    hub.fetched.append(name)
                if body and name in hub.broken:
                    self._send(403, b"", body=body)
                else:
                    self._send(200, hub.files[name], body=body)
            else:
                self._send(404, b"", body=body, **{"X-Error-Code": "RepoNotFound"})

        def _send(self, status: int, content: bytes, *, body: bool, **headers: str) -> None:
            self.send_response(status)
            for key, value in {**headers, "X-Repo-Commit": REVISION, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        hub.url = f"http://127.0.0.1:{server.server_port}"
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
