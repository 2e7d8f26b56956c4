"""docs/accuracy.md: its figures are those of the benchmarks, and what it tells people to run runs."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec

from contracts.examples import ANNOTATION
from tests.web.process import ROOT

DOCS = ROOT / "docs"
SOURCES = ("benchmarks.md", "benchmarks-live.md", "voices-figures.md", "diarization.md", "transcription.md")
FIGURE = re.compile(r"\b\d+(?:\.\d+)?\s?(?:%|MB\b)")


def figures(text: str) -> set[str]:
    return {"".join(figure.split()) for figure in FIGURE.findall(text)}


def test_every_figure_of_accuracy_is_one_that_was_measured() -> None:
    measured = set[str]().union(*(figures((DOCS / source).read_text(encoding="utf-8")) for source in SOURCES))
    told = figures((DOCS / "accuracy.md").read_text(encoding="utf-8"))
    assert len(told) > 5
    assert told - measured - {"100%"} == set()
    # What it weighs (MB) is another matter.
    shown = {figure for figure in figures((ROOT / "README.md").read_text(encoding="utf-8")) if figure.endswith("%")}
    assert shown <= told


def test_the_words_of_an_own_call_are_measured_as_the_page_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "accuracy.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "measure.py").write_text(example)
    (tmp_path / "call.json").write_bytes(msgspec.json.encode(ANNOTATION))
    words = sorted(
        ((word.start_time, word.word) for s in ANNOTATION.speakers for g in s.segments for word in g.words),
    )
    (tmp_path / "call.txt").write_text("\n".join(word for _, word in words) + "\nand one")
    done = subprocess.run(
        [sys.executable, "measure.py"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == f"WER {2 / (len(words) + 2):.1%}\n"
