"""Runs programs with the client in JavaScript."""

import json
import os
from pathlib import Path
from typing import Any, Final

from anyio import fail_after, run_process

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "clients" / "js"


async def node(*arguments: str | Path, **environment: str) -> str:
    """What a program prints; where it fails, what it says of that is raised."""
    assert (PACKAGE / "dist" / "index.js").exists(), "the client is not built: `make clients/js/dist/.built`"
    with fail_after(120):
        done = await run_process(
            ["node", *map(str, arguments)], cwd=PACKAGE, check=False, env={**os.environ, **environment}
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


async def drive(what: str, url: str, *arguments: str | Path, **environment: str) -> Any:
    """What clients/js/tests/drive.mjs tells."""
    return json.loads(await node("tests/drive.mjs", what, url, *arguments, **environment))
