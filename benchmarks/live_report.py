"""The table of live sessions, and the page that keeps the last figures of every trial."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.report import machine

TITLES: Final = {
    "delay": "One stream",
    "streams": "Several streams at once",
    "accuracy": "Words and speakers beside the file door",
    "cuts": "Lost connections",
    "hour": "A long call",
    "clients": "Clients that misbehave",
}
"""The trials in the order of the page."""
TENTHS: Final = "10 % to 90 % within"
"""What the rows end with that tell how delays are distributed."""
HEAD: Final = """# Benchmark of live sessions

Made by `make bench-live ARGS="--output docs/benchmarks-live.md"`; do not edit. Machine: {machine}. Server and client
run on it together; calls are simulated ones of 8 kHz, as in [Benchmarks](benchmarks.md), sent in frames of 100 ms,
each when its last sample would have been recorded.

- **End of speech to its final**: for every stretch of speech of the reference (the union of the turns, gaps below 0.3 s
  closed), from its true end until the final that covers its last words has arrived.
- **Start of speech to its first text**: from the true start of the stretch until the first partial (or final) of its
  first segment has arrived.
- **Words changed per word shown**: of every partial, the words behind the longest beginning that it shares with the
  text that replaces it; all of them together, over the words of the finals. Case and punctuation apart.
- WER and DER are defined as in [Benchmarks](benchmarks.md). The DER of the finals counts each from its start to its end
  as its speaker's.
"""


class Row(Struct, frozen=True):
    """One figure beside its target."""

    what: str
    found: str
    wanted: str
    met: bool | None = None
    """None where it is only reported."""


class Kept(Struct, frozen=True):
    """The figures of one trial."""

    day: str
    rows: tuple[Row, ...]


def most(what: str, value: float, limit: float, unit: str, digits: int = 2) -> Row:
    """A figure that may be at most so much."""
    return Row(what, f"{value:.{digits}f} {unit}".strip(), f"at most {limit:g} {unit}".strip(), value <= limit)


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | measured | target |", "|---|---|---|"]
    for row in rows:
        missed = " **missed**" if row.met is False else ""
        lines.append(f"| {row.what} | {row.found}{missed} | {row.wanted} |")
    return "\n".join(lines) + "\n"


def write_page(path: Path, store: Path, found: Mapping[str, Iterable[Row]]) -> None:
    """Write the page with the figures just found and, for other trials, those that `store` keeps of before."""
    kept = msgspec.json.decode(store.read_bytes(), type=dict[str, Kept]) if store.exists() else {}
    kept |= {name: Kept(date.today().isoformat(), tuple(rows)) for name, rows in found.items()}
    store.parent.mkdir(parents=True, exist_ok=True)
    store.write_bytes(msgspec.json.encode(kept))
    parts = [HEAD.format(machine=machine())]
    parts += [
        f"## {title}\n\nOn {kept[name].day}.\n\n{table(kept[name].rows)}"
        for name, title in TITLES.items()
        if name in kept
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
