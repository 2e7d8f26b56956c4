"""schemathesis with all its checks and phases over the committed OpenAPI document."""

import os
import sys
import tempfile
from pathlib import Path

import anyio

ROOT = Path(__file__).parents[2]


async def run(url: str, examples: int, seed: int | None) -> int:
    """The exit code of schemathesis; what it says goes to the terminal."""
    arguments = [
        f"--config-file={ROOT / 'tests' / 'contract' / 'schemathesis.toml'}",
        "run",
        str(ROOT / "contracts" / "openapi.yaml"),
        f"--url={url}",
        "--checks=all",
        "--phases=examples,coverage,fuzzing,stateful",
        f"--max-examples={examples}",
        "--continue-on-failure",
        *([f"--seed={seed}"] if seed is not None else []),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.contract.openapi_hooks",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    # It leaves files where it stands.
    with tempfile.TemporaryDirectory(prefix="callannotate-schemathesis-") as folder:
        code = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
        command = [sys.executable, "-c", code, *arguments]
        done = await anyio.run_process(command, cwd=folder, env=environment, stdout=None, stderr=None, check=False)
    return done.returncode
