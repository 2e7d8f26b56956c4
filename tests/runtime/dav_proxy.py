"""A way to a CardDAV server that logs in otherwise, or goes wrong as it is told."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Reply = tuple[int, dict[str, str], bytes]
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"


@dataclass
class Asked:
    """A request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Proxy:
    """Passes requests on unless `answer` has something else to say."""

    url: str
    answer: Callable[[Asked], Reply | None]
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def proxy(answer: Callable[[Asked], Reply | None], target: str = "", user: str = "") -> Iterator[Proxy]:
    """In front of the server at `target`, to which everybody is `user`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, {name.lower(): self.headers[name] for name in self.headers}, body)
            running.asked.append(asked)
            status, headers, content = running.answer(asked) or passed_on(asked, target, user)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    running = Proxy(f"http://127.0.0.1:{server.server_port}/", answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def passed_on(asked: Asked, target: str, user: str) -> Reply:
    """What the server behind says."""
    parts = urlsplit(target)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        sent = {"X-Remote-User": user}
        for name in ("content-type", "depth", "if-match", "if-none-match"):
            if name in asked.headers:
                sent[name] = asked.headers[name]
        connection.request(asked.method, asked.path, asked.body, sent)
        response = connection.getresponse()
        content = response.read()
        headers = {name: value for name in ("Content-Type", "ETag") if (value := response.headers.get(name))}
        return response.status, headers, content
    finally:
        connection.close()


def digest_wanted(user: str, password: str) -> Callable[[Asked], Reply | None]:
    """Lets nobody in but by digest (RFC 7616, MD5 with qop=auth)."""

    def answer(asked: Asked) -> Reply | None:
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', asked.headers.get("authorization", "").partition(" ")[2]))
        first, second = _md5(f"{user}:box:{password}"), _md5(f"{asked.method}:{said.get('uri')}")
        parts = (first, said.get("nonce"), said.get("nc"), said.get("cnonce"), said.get("qop"), second)
        if said.get("nonce") == NONCE and said.get("response") == _md5(":".join(map(str, parts))):
            return None
        return 401, {"WWW-Authenticate": f'Digest realm="box", nonce="{NONCE}", qop="auth", algorithm=MD5'}, b"no"

    return answer


def bearer_wanted(token: str) -> Callable[[Asked], Reply | None]:
    """Lets nobody in but with this token."""

    def answer(asked: Asked) -> Reply | None:
        if asked.headers.get("authorization") == f"Bearer {token}":
            return None
        return 401, {"WWW-Authenticate": 'Bearer realm="box"'}, b"no"

    return answer


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
