"""onnxruntime as `models.onnx_session` imports it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SILENT = ("ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "GITHUB_ACTIONS", "TF_BUILD")
"""Where one of these is set, onnxruntime is silent by itself."""


def test_nothing_is_reported_to_the_makers_of_onnxruntime(tmp_path: Path) -> None:
    """Where it is going to report, it keeps a number for the machine and what it has not sent yet in the cache."""
    environment = {name: value for name, value in os.environ.items() if name not in SILENT}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    code = "import models.onnx_session as module; module.onnxruntime.SessionOptions()"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=60)

    assert list(tmp_path.rglob("*")) == []
