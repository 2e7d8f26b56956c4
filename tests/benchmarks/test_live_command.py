"""`python -m benchmarks.live`: its table, and the materials that it makes."""

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import soundfile

from benchmarks.live import DEV, TRIALS, chosen, delay_rows, lengthened
from benchmarks.live_report import TITLES, Row, most, table, write_page
from benchmarks.live_scores import Arrival
from benchmarks.live_stream import Streamed
from benchmarks.materials import Material
from benchmarks.protocol import Turn
from benchmarks.simulator import ReferenceTurn
from contracts.live import TranscriptFinal
from tests.web.process import ROOT


def call(folder: Path, name: str = "call") -> Material:
    """Two seconds with a turn in them, as the simulator leaves it."""
    samples = np.arange(16_000, dtype=np.int16)
    soundfile.write(folder / f"{name}.wav", samples, 8000, subtype="PCM_16")
    turns = [ReferenceTurn(0.5, 1.5, "Allison", "en", "Hello.")]
    (folder / f"{name}.json").write_bytes(msgspec.json.encode(turns))
    return chosen(name, folder, DEV)[0]


def test_a_figure_that_misses_its_target_says_so() -> None:
    rows = [most("delay", 1.234, 0.8, "s"), most("cuts", 0, 0, "", 0), Row("DER", "3 %", "reported")]
    assert table(rows).splitlines()[2:] == [
        "| delay | 1.23 s **missed** | at most 0.8 s |", "| cuts | 0 | at most 0 |", "| DER | 3 % | reported |",
    ]  # fmt: skip


def test_delays_of_all_calls_are_taken_together(tmp_path: Path) -> None:
    final = TranscriptFinal(
        seq=1, segment_id="segment_1", start_ms=500, end_ms=1500, text="Hello.", words=(), speaker_id="speaker_1",
        confidence=0.9, language="en", reason="endpoint",
    )  # fmt: skip
    material = call(tmp_path)
    told, silent = (Streamed(material, arrivals, 2.0) for arrivals in ((Arrival(2.0, final),), ()))
    rows = {row.what: row for row in delay_rows([told, silent], "one stream", 0.8, 1.5)}
    assert rows["end of speech to its final, one stream, median"].found == "0.50 s"
    assert rows["start of speech to its first text, one stream, median"].met is False
    assert rows["stretches of speech without a final, one stream"].found == "1 of 2"


def test_a_call_that_was_made_already_is_taken_with_its_turns(tmp_path: Path) -> None:
    material = call(tmp_path)
    assert (material.language, material.duration, material.turns) == ("en", 2.0, (Turn(0.5, 1.5, "Allison"),))


def test_a_long_call_is_a_short_one_over_and_over_again(tmp_path: Path) -> None:
    material = call(tmp_path)
    long = lengthened(material, tmp_path / "long" / "hour.wav", 5.0)
    samples, _ = soundfile.read(long.path, dtype="int16")
    assert len(samples) == 40_000
    assert (samples == np.arange(40_000) % 16_000).all()
    assert [turn.start for turn in long.turns] == [0.5, 2.5]


def test_the_page_keeps_the_figures_of_trials_that_were_not_run_again(tmp_path: Path) -> None:
    page, store = tmp_path / "page.md", tmp_path / "store" / "figures.json"
    write_page(page, store, {"cuts": [most("cuts", 0, 0, "", 0)], "delay": [most("delay", 1.0, 0.8, "s")]})
    write_page(page, store, {"delay": [most("delay", 0.7, 0.8, "s")]})
    text = page.read_text()
    assert text.index("| delay | 0.70 s | at most 0.8 s |") < text.index("| cuts | 0 | at most 0 |")
    assert "1.00 s" not in text


def test_every_trial_has_a_place_on_the_page() -> None:
    assert list(TRIALS) == list(TITLES)


def test_the_help_names_every_trial() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.live", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert all(name in done.stdout for name in ("delay", "streams", "accuracy", "cuts", "hour", "clients"))
