"""`callannotate serve` as users start it: a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "web.cli", "serve", "--port", "0")


@dataclass
class Process:
    """A server that accepts connections."""

    popen: subprocess.Popen[str]
    url: str
    """Such as http://127.0.0.1:40001."""

    @property
    def ws_url(self) -> str:
        """Such as ws://127.0.0.1:40001."""
        return self.url.replace("http", "ws", 1)

    def stop(self, number: int) -> int:
        """Send a signal and wait; the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(12)


@contextmanager
def started(volume: Path, *prefix: str, **environment: str) -> Iterator[Process]:
    """A server until the body is left, however that happens.

    :param prefix: what stands in place of the command, for one with a fault in it
    """
    variables = {**os.environ, "VOLUME_PATH": str(volume), "LOG_CONSOLE": "false", "RATE_LIMIT": "100000",
                 "UPLOAD_LIMIT": "100000", **environment}  # fmt: skip
    popen = subprocess.Popen(prefix or COMMAND, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        assert popen.stderr is not None
        said = ""
        while (found := re.search(r"listening on (http://\S+)", said)) is None:
            line = popen.stderr.readline()
            assert line, f"the server ended with {popen.wait(10)}: {said}"
            said += line
        yield Process(popen, found[1])
    finally:
        popen.kill()
        popen.communicate()
