"""`kill -9` of a real server: the quick version of `python -m benchmarks.kill`."""

import random
from pathlib import Path

from benchmarks.kill import kill_long, kill_short


def test_every_job_ends_completed_once_whenever_the_server_is_killed(tmp_path: Path) -> None:
    assert kill_short(tmp_path, count=4, jobs=4, chance=random.Random(7)) == []


def test_a_call_that_was_cut_off_in_its_middle_is_gone_on_with(tmp_path: Path) -> None:
    resumed = kill_long(tmp_path, minutes=1.0, percentage=40)
    assert resumed.finished > 0
    assert resumed.computed > 0
    assert resumed.again < 0.2
