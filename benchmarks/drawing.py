"""Diagrams of the figures, drawn from the pages that hold them: `python -m benchmarks.drawing --help`.

The pages are all that is needed, so that a diagram can be drawn anew without measuring anew, and never says something
else than the table beside it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from benchmarks.live_report import TENTHS
from benchmarks.runner import ROOT

PAGES: Final = (ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks-live.md")
COLOURS: Final = ("#1f6feb", "#e0823d", "#8b949e", "#2da44e")
"""Of the series in their order; CallAnnotate comes first in every table."""
WIDTH: Final = 720
"""Pixels, as all lengths below."""
LEFT: Final = 190
"""For the names of the groups."""
RIGHT: Final = 70
"""For the figure behind the longest bar."""
TOP: Final = 62
"""For the title and the legend."""
BAR: Final = 14
GAP: Final = 10
HEIGHT: Final = 260
"""Of a field of curves."""
EDGE: Final = 56


class Table(Struct, frozen=True):
    """A table of a page."""

    heading: str
    """Of the section that it stands in."""
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def pick(self, column: str) -> dict[str, str]:
        """The cells of a column that are not empty, by the first cell of their row; bold is taken off."""
        place = self.head.index(column)
        return {row[0].strip("*"): row[place] for row in self.rows if len(row) > place and row[place]}


class Bar(Struct, frozen=True):
    """One figure."""

    series: str
    """Whose it is."""
    figure: str
    """As the table has it: digits, and perhaps a unit."""


class Group(Struct, frozen=True):
    """Bars that stand together."""

    name: str
    bars: tuple[Bar, ...]


class Curve(Struct, frozen=True):
    """How values are distributed."""

    name: str
    within: tuple[float, ...]
    """Seconds that a tenth of the values stay within, two tenths and so on."""


def tables(page: str) -> Iterator[Table]:
    """The tables of a page of Markdown, in their order."""
    heading = ""
    for is_row, lines in groupby(page.splitlines(), key=lambda line: line.startswith("|")):
        block = list(lines)
        if not is_row:
            heading = next((line.lstrip("# ") for line in reversed(block) if line.startswith("#")), heading)
            continue
        head, _, *rows = (tuple(cell.strip() for cell in line.strip("|").split("|")) for line in block)
        yield Table(heading, head, tuple(rows))


def drawings(page: str) -> dict[str, str]:
    """The diagrams (SVG) of what is in a page, by the names of their files."""
    found = list(tables(page))
    drawn: dict[str, Callable[[], str]] = {}
    if speakers := [table for table in found if table.heading.startswith("Who spoke when")]:
        drawn["speakers"] = lambda: bars("Diarization error rate", _speakers(speakers))
    if words := [table for table in found if table.heading.startswith("What was said")]:
        drawn["words"] = lambda: bars("Word error rate", _columns(words[0], "WER "))
    for table in found:
        if table.heading == "Time and memory":
            names = {"time": "real-time factor", "memory": next((n for n in table.head if "memory" in n), "")}
            titles = {"time": "Seconds of work for a second of a call", "memory": "Peak memory, a call of six minutes"}
            for kind, column in names.items():
                if groups := _rows(table, column):
                    drawn[kind] = lambda groups=groups, title=titles[kind]: bars(title, groups)  # type: ignore[misc]
    title = "Delays of live text"
    if delays := [curve for table in found for curve in _curves(table)]:
        drawn["delays"] = lambda: curves(f"{title}: the share that has come within so many seconds", delays)
    elif quantiles := [group for table in found for group in _quantiles(table)]:
        drawn["delays"] = lambda: bars(title, quantiles)
    return {f"accuracy-{name}.svg": draw() for name, draw in drawn.items()}


def write_drawings(page: Path) -> None:
    """Draw what is in a page into its folder."""
    for name, drawing in drawings(page.read_text(encoding="utf-8")).items():
        page.with_name(name).write_text(drawing, encoding="utf-8")


def _speakers(found: Sequence[Table]) -> list[Group]:
    """Every call of the first table; of further folders only all of their recordings together."""
    groups = _columns(found[0], "DER ")
    for table in found[1:]:
        name = table.heading.rpartition(": ")[2]
        groups += [Group(f"{name}, {group.name}", group.bars) for group in _columns(table, "DER ")[-1:]]
    return groups


def _columns(table: Table, prefix: str) -> list[Group]:
    """A group for each row, a series for each column that begins so."""
    columns = {name.removeprefix(prefix): table.pick(name) for name in table.head if name.startswith(prefix)}
    names = [row[0].strip("*") for row in table.rows]
    return [
        Group(name, tuple(Bar(series, cells[name]) for series, cells in columns.items() if name in cells))
        for name in names
    ]


def _rows(table: Table, column: str) -> list[Group]:
    """A group of one bar for each row that has something in the column."""
    cells = table.pick(column) if column else {}
    return [Group(name, (Bar(name.partition(",")[0], cell),)) for name, cell in cells.items()]


def _curves(table: Table) -> Iterator[Curve]:
    for what, found, *_ in table.rows:
        if what.endswith(TENTHS):
            yield Curve(what.removesuffix(f", {TENTHS}"), tuple(float(value) for value in found.split()[:-1]))


def _quantiles(table: Table) -> Iterator[Group]:
    """What half and 95 % of the delays stay within, where a page does not tell their tenths."""
    found: dict[str, list[Bar]] = {}
    for what, figure, *_ in table.rows:
        for ending, series in ((", median", "half within"), (", p95", "95 % within")):
            if what.endswith(ending) and "speech" in what:
                name = what.removesuffix(ending).partition(" to its ")[2]
                found.setdefault(name, []).append(Bar(series, figure.removesuffix(" **missed**")))
    for name, own in found.items():
        yield Group(name, tuple(own))


def bars(title: str, groups: Sequence[Group]) -> str:
    """Horizontal bars in groups, each with its figure behind it."""
    series = list(dict.fromkeys(bar.series for group in groups for bar in group.bars))
    longest = max(_value(bar.figure) for group in groups for bar in group.bars) or 1.0
    parts, y = [_text(16, 24, title, "font-size='15' font-weight='bold'"), *_legend(series)], float(TOP)
    for group in groups:
        height = BAR * len(group.bars)
        parts.append(_text(LEFT - 8, y + height / 2 + 4, group.name, "text-anchor='end'"))
        for bar in group.bars:
            length = _value(bar.figure) / longest * (WIDTH - LEFT - RIGHT)
            colour = COLOURS[series.index(bar.series) % len(COLOURS)]
            parts.append(f"<rect x='{LEFT}' y='{y:.1f}' width='{length:.1f}' height='{BAR - 2}' fill='{colour}'/>")
            parts.append(_text(LEFT + length + 5, y + BAR - 4, bar.figure, "font-size='11'"))
            y += BAR
        y += GAP
    return _svg(title, parts, y + 6)


def curves(title: str, found: Sequence[Curve]) -> str:
    """The share of values over the seconds that they stay within."""
    longest = max(value for curve in found for value in curve.within) * 1.05
    names = [curve.name for curve in found]
    top = TOP + 18 * (len(names) - 1)
    width = WIDTH - 2 * EDGE

    def place(seconds: float, share: float) -> str:
        return f"{EDGE + seconds / longest * width:.1f},{top + HEIGHT * (1 - share):.1f}"

    parts = [_text(16, 24, title, "font-size='15' font-weight='bold'"), *_legend(names, down=True)]
    for tenth in range(0, 11, 2):
        y = top + HEIGHT * (1 - tenth / 10)
        parts.append(f"<line x1='{EDGE}' y1='{y:.1f}' x2='{EDGE + width}' y2='{y:.1f}' stroke='#ddd'/>")
        parts.append(_text(EDGE - 6, y + 4, f"{10 * tenth} %", "text-anchor='end'"))
    for half in range(int(longest / 0.5) + 1):
        x = EDGE + half * 0.5 / longest * width
        parts.append(_text(x, top + HEIGHT + 18, f"{half * 0.5:g} s", "text-anchor='middle'"))
    for number, curve in enumerate(found):
        points = " ".join(place(value, (tenth + 1) / 10) for tenth, value in enumerate(curve.within))
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2.5'/>")
    return _svg(title, parts, top + HEIGHT + 34)


def _value(figure: str) -> float:
    found = re.match(r"\d+(\.\d+)?", figure)
    if found is None:
        raise ValueError(f"{figure!r} is no figure")
    return float(found[0])


def _legend(series: Sequence[str], *, down: bool = False) -> Iterator[str]:
    """Names with their colours, side by side or one under the other; none where there is one alone."""
    x, y = 16.0, 44.0
    for number, name in enumerate(series if len(series) > 1 else ()):
        yield f"<rect x='{x:.0f}' y='{y - 9:.0f}' width='10' height='10' fill='{COLOURS[number % len(COLOURS)]}'/>"
        yield _text(x + 15, y, name)
        x, y = (x, y + 18) if down else (x + 40 + 6.6 * len(name), y)


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}'{' ' * bool(more)}{more}>{escape(text)}</text>"


def _svg(title: str, parts: Sequence[str], height: float) -> str:
    head = (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height:.0f}' role='img' "
        "font-family='sans-serif' font-size='12'>"
    )
    field = f"<rect width='{WIDTH}' height='{height:.0f}' fill='white'/>"
    return "\n".join([head, f"<title>{escape(title)}</title>", field, *parts, "</svg>"]) + "\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pages", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(*, pages: tuple[Path, ...]) -> None:
    """Draw the diagrams of pages that the benchmarks have written, each into the folder of its page.

    Without PAGES: those of docs/. Nothing is measured.
    """
    for page in pages or PAGES:
        write_drawings(page)


if __name__ == "__main__":
    main()
