"""The benchmark of the server, in small: what it measures is there, and what does not depend on the machine is met."""

import subprocess
import sys
from pathlib import Path

import soundfile

from benchmarks.service import MEGABYTE, large_wav, percentile, upload_figures, watcher_figures
from tests.web.process import ROOT
from tests.web.serving import wav


def test_an_upload_takes_bounded_memory() -> None:
    memory, waiting = upload_figures(48 * MEGABYTE)
    assert memory.value < 48
    assert memory.met
    assert waiting.value > 0


def test_every_watcher_gets_every_message_in_order() -> None:
    wrong, _memory = watcher_figures(wav(60.0), 20)
    assert wrong.value == 0


def test_the_large_recording_is_one_that_can_be_read(tmp_path: Path) -> None:
    large_wav(tmp_path / "large.wav", 10 * MEGABYTE)
    info = soundfile.info(tmp_path / "large.wav")
    assert (info.samplerate, info.channels) == (48_000, 2)
    assert abs(info.frames * 4 - 10 * MEGABYTE) < 100


def test_the_percentile_is_the_value_that_this_share_stays_within() -> None:
    assert percentile([float(value) for value in range(100)], 0.99) == 99
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2


def test_the_help_says_what_is_measured() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.service", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "--watchers" in done.stdout
