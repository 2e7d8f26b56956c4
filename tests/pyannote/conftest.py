"""These tests need torch: they run in the environment of `make test-pyannote` and are not collected anywhere else."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
