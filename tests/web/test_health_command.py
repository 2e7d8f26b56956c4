"""`callannotate health`, as HEALTHCHECK and probes call it."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest

from contracts.errors import INVALID_OPTION, SERVER_UNHEALTHY, SERVER_UNREACHABLE
from tests.web.process import ROOT, Process, started


def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "web.cli", "health", *arguments)
    variables = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=variables)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("volume")) as process:
        yield process


@pytest.fixture(scope="module")
def unwell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with started(tmp_path_factory.mktemp("volume"), MIN_FREE_SPACE=str(10**16)) as process:
        yield process


def answering(content: bytes) -> str:
    """The address of a server that sends these bytes to one who asks."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(4096)
            connection.sendall(content)

    Thread(target=answer, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_healthy_server_is_one_line_and_exit_code_0(server: Process) -> None:
    done = ask("--url", server.url)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(rf"{server.url}: healthy; version \S+, up \d+ s, queue active\n", done.stdout)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])
def test_without_an_address_it_asks_the_server_that_the_settings_tell_of(server: Process, host: str) -> None:
    done = ask(HOST=host, PORT=server.url.rpartition(":")[2])
    assert done.returncode == 0, done.stderr


def test_a_server_that_is_not_well_is_named_with_what_is_wrong(unwell: Process) -> None:
    done = ask("--url", unwell.url)
    assert (done.returncode, done.stdout) == (SERVER_UNHEALTHY.exit_code, "")
    assert "the server is not well (volume_access: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_server_that_is_not_well_is_alive_all_the_same(unwell: Process) -> None:
    done = ask("--alive", "--url", unwell.url)
    assert (done.returncode, done.stdout) == (0, f"{unwell.url}: answers\n")


@pytest.mark.parametrize("alive", [[], ["--alive"]])
def test_where_no_server_listens_there_is_no_answer(alive: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    done = ask(*alive, HOST="127.0.0.1", PORT=str(port))
    assert done.returncode == SERVER_UNREACHABLE.exit_code
    assert f"http://127.0.0.1:{port}: no answer" in done.stderr


def test_a_server_that_hangs_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = ask("--alive", "--timeout", "0.2", "--url", f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert done.returncode == SERVER_UNREACHABLE.exit_code
    assert "nothing came within 0.2 s" in done.stderr


@pytest.mark.parametrize(
    "content", [b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b""], ids=["redirect", "ssh", "other", "nothing"],
)  # fmt: skip
def test_what_is_no_server_of_ours_is_no_answer(content: bytes) -> None:
    done = ask("--url", answering(content))
    assert done.returncode == SERVER_UNREACHABLE.exit_code
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    done = ask("--url", url)
    assert done.returncode == INVALID_OPTION.exit_code
    assert json.dumps(url)[1:-1] in done.stderr


def test_a_proxy_of_the_environment_is_not_asked(server: Process) -> None:
    done = ask("--url", server.url, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
