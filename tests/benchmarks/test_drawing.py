"""The diagrams of the benchmarks."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import live
from benchmarks.drawing import PAGES, drawings, write_drawings
from benchmarks.live_report import most, write_page
from benchmarks.report import page
from benchmarks.targets import targets
from tests.benchmarks.test_targets import MEASURED

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def live_page(folder: Path, finals: list[float]) -> str:
    """The page of one trial with these delays."""
    rows = [most("end of speech to its final, one stream, median", 0.75, 0.8, "s")]
    if finals:
        rows.append(live.tenths("end of speech to its final, one stream", finals))
    rows.append(most("end of speech to its final, one stream, p95", 1.8, 1.5, "s"))
    write_page(folder / "live.md", folder / "figures.json", {"delay": rows})
    return (folder / "live.md").read_text()


def test_the_diagrams_have_every_figure_of_the_tables() -> None:
    drawn = drawings(page(MEASURED, targets(MEASURED), "python -m benchmarks", threads=2))
    assert set(drawn) == {f"accuracy-{name}.svg" for name in ("speakers", "words", "time", "memory")}
    speakers, words, memory = (texts(drawn[f"accuracy-{name}.svg"]) for name in ("speakers", "words", "memory"))
    assert speakers == [
        "Diarization error rate", "CallAnnotate", "pyannote.audio",
        "en", "0.0%", "0.0%", "mix", "8.0%", "0.0%", "all", "2.7%", "0.0%", "ami, all", "10.0%", "30.0%",
    ]  # fmt: skip
    assert words[-3:] == ["all", "0.0%", "14.3%"]
    assert memory == ["Peak memory, a call of six minutes", "CallAnnotate", "700 MB"]


def test_a_bar_is_as_long_as_its_figure() -> None:
    drawn = ElementTree.fromstring(drawings(page(MEASURED, [], "", threads=2))["accuracy-time.svg"])
    whole, *lengths = (float(bar.attrib["width"]) for bar in drawn.iter(f"{SVG}rect") if bar.attrib["height"] == "12")
    # 0.0133 of diarization, then the whole 0.0533, faster-whisper's 0.08 and pyannote.audio's 0.0533.
    assert [length / whole for length in lengths] == pytest.approx([4, 6, 4], rel=0.01)


def test_delays_are_drawn_as_a_curve_of_their_tenths(tmp_path: Path) -> None:
    drawn = drawings(live_page(tmp_path, [tenth / 10 for tenth in range(10)]))["accuracy-delays.svg"]
    (line,) = ElementTree.fromstring(drawn).iter(f"{SVG}polyline")
    points = [tuple(float(value) for value in point.split(",")) for point in line.attrib["points"].split()]
    assert len(points) == 9
    assert points == sorted(points)
    assert [up for _, up in points] == sorted((up for _, up in points), reverse=True)


def test_delays_without_tenths_are_drawn_by_median_and_p95(tmp_path: Path) -> None:
    drawn = drawings(live_page(tmp_path, []))["accuracy-delays.svg"]
    assert texts(drawn) == [
        "Delays of live text",
        "half within",
        "95 % within",
        "final, one stream",
        "0.75 s",
        "1.80 s",
    ]


def test_a_page_without_figures_has_no_diagram() -> None:
    assert drawings("# Benchmarks\n\nNothing yet.\n") == {}


@pytest.mark.parametrize("committed", [path for path in PAGES if path.exists()], ids=lambda path: path.stem)
def test_the_diagrams_in_docs_are_those_of_the_tables_beside_them(committed: Path, tmp_path: Path) -> None:
    copy = tmp_path / committed.name
    copy.write_text(committed.read_text(encoding="utf-8"), encoding="utf-8")
    write_drawings(copy)
    drawn = sorted(tmp_path.glob("*.svg"))
    assert drawn
    for path in drawn:
        assert (committed.parent / path.name).read_text() == path.read_text(), "run: python -m benchmarks.drawing"
