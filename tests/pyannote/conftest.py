"""These tests need torch: they run in the environment of `make test-pyannote` and are not collected anywhere else."""

import os
from importlib.util import find_spec

os.environ.setdefault("PYANNOTE_METRICS_ENABLED", "false")

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
