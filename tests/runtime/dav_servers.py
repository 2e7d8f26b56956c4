"""Real CardDAV servers on loopback for tests: Radicale with passwords, Xandikos without."""

import socket
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from dulwich import porcelain

from runtime.dav_session import Account

USER, PASSWORD = "alice", "correct-horse-battery"
MADE = """<?xml version="1.0"?><D:mkcol xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:set><D:prop>
<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>{}</D:displayname>
</D:prop></D:set></D:mkcol>"""


class DavServer:
    """A server that can be stopped and started again on the same port, with the same cards."""

    def __init__(self, kind: str, folder: Path, auth: str = "htpasswd") -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.auth = auth
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def home(self) -> str:
        return f"{self.url}alice/" if self.kind == "radicale" else f"{self.url}alice/contacts/"

    @property
    def book(self) -> str:
        """The address book that there is from the start."""
        return f"{self.home}office/" if self.kind == "radicale" else f"{self.home}addressbook/"

    def account(self, url: str | None = None, password: str = PASSWORD, timeout: float = 20.0) -> Account:
        return Account(url=url or self.url, username=USER, password=password, timeout=timeout)

    def start(self) -> None:
        """Returns when it answers."""
        self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            assert self._process.poll() is None, "the server did not start"
            with suppress(URLError, ConnectionError):
                self.send("OPTIONS", self.url)
                break
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        if self.kind == "radicale":
            self.make_book(self.book, "Work")

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(20)

    def make_book(self, url: str, name: str) -> None:
        self.send("MKCOL", url, MADE.format(name), "application/xml")

    def put(self, name: str, card: str) -> None:
        assert self.send("PUT", f"{self.book}{name}.vcf", card, "text/vcard; charset=utf-8") in {200, 201, 204}

    def send(self, method: str, url: str, body: str = "", content_type: str = "text/plain") -> int:
        """A request of somebody else; the status."""
        login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Content-Type": content_type, "Authorization": f"Basic {login}", "X-Remote-User": USER}
        request = Request(url, body.encode() or None, headers, method=method)
        try:
            with build_opener(ProxyHandler({})).open(request, timeout=20) as response:
                return int(response.status)
        except HTTPError as error:
            return error.code

    def _command(self) -> list[str]:
        if self.kind == "xandikos":
            arguments = ["serve", "-d", str(self.folder), "--defaults", "--current-user-principal", "/alice/"]
            return [sys.executable, "-m", "xandikos", *arguments, "-l", "127.0.0.1", "-p", str(self.port)]
        users, config = self.folder / "users", self.folder / "config"
        users.write_text(f"{USER}:{PASSWORD}\n")
        login = f"type = {self.auth}\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        config.write_text(
            f"[server]\nhosts = 127.0.0.1:{self.port}\n[auth]\n{login}"
            f"[storage]\nfilesystem_folder = {self.folder / 'cards'}\n[logging]\nlevel = error\n"
        )
        return [sys.executable, "-m", "radicale", "--config", str(config)]

    def fill(self, count: int) -> None:
        """Put people straight into the storage of a Xandikos that has been stopped: over HTTP it takes minutes."""
        folder = self.folder / "alice" / "contacts" / "addressbook"
        names = [f"person-{number}.vcf" for number in range(count)]
        for number, name in enumerate(names):
            (folder / name).write_text(person(number), newline="")
        porcelain.add(str(folder), [str(folder / name) for name in names])
        author = b"Alice <alice@example.org>"
        porcelain.commit(str(folder), message=b"People", author=author, committer=author)


@contextmanager
def running(kind: str, folder: Path, auth: str = "htpasswd") -> Iterator[DavServer]:
    server = DavServer(kind, folder, auth)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def person(number: int) -> str:
    """A card of somebody of whom there may be thousands."""
    return card(
        f"uid-{number}", f"Person {number}", f"TEL;TYPE=CELL:+7 495 {number:07d}", f"ORG:Company {number % 50}",
        f"EMAIL:person{number}@example.org",
    )  # fmt: skip


def card(uid: str, name: str, *lines: str) -> str:
    given, _, family = name.partition(" ")
    own = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:{name}", f"N:{family};{given};;;", *lines, "END:VCARD", ""]
    return "\r\n".join(own)
