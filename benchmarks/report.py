"""The figures as a page of Markdown, and the targets as a table on the terminal."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import DIARIZERS, TRANSCRIBERS, Measured, Role
from benchmarks.materials import LONG_FROM, Material
from benchmarks.scores import DiarizationScore, diarization_errors, word_errors
from benchmarks.targets import Target


def machine() -> str:
    """The processor, its cores and the Python that ran the harness."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def page(measured: Measured, targets: Sequence[Target], command: str, threads: int) -> str:
    """docs/benchmarks.md, whole."""
    versions = {name: value for run in measured.runs.values() for name, value in run.versions.items()}
    parts = [
        "# Benchmarks",
        f"Made by `{command}` on {date.today().isoformat()}; do not edit. Machine: {machine()}. "
        f"Every system ran alone in a process of its own with {threads} threads, models loaded and warm before the "
        "clock started. Versions: " + ", ".join(f"{name} {value}" for name, value in sorted(versions.items())) + ".",
        "Absolute times move with the machine; the ratios, measured in one run, are what counts.",
        "## Targets",
        table(
            ("what", "wanted", "found", "met"),
            ((t.name, t.wanted, t.found, "yes" if t.met else "**no**") for t in targets),
        ),
        *_calls(measured),
        *_folders(measured),
        *_times(measured),
        *_invented(measured),
        _METHOD,
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def _calls(measured: Measured) -> Iterator[str]:
    found = {role: measured.diarization(role, measured.calls) for role in DIARIZERS}
    yield "## Who spoke when: simulated calls"
    yield _diarization_table(measured.calls, found)
    yield from _variants(measured, measured.calls)
    words = {role: measured.words(role) for role in TRANSCRIBERS if role in measured.runs}
    speakers = measured.speaker_words()
    if not words:
        return
    yield "## What was said: simulated calls"
    rows = [
        [
            call.name,
            call.language or "not given",
            *(_percent(rates[call.name].rate if call.name in rates else None) for rates in words.values()),
            _percent(speakers[call.name].rate if call.name in speakers else None),
        ]
        for call in measured.calls
        if any(call.name in rates for rates in words.values())
    ]
    total = [
        "**all**",
        "",
        *(_percent(word_errors([*rates.values()]).rate) for rates in words.values()),
        _percent(word_errors([*speakers.values()]).rate),
    ]
    yield table(["call", "language", *(f"WER {role}" for role in words), "cpWER CallAnnotate"], [*rows, total])


def _folders(measured: Measured) -> Iterator[str]:
    for folder, recordings in measured.folders.items():
        yield f"## Who spoke when: {folder}"
        yield _diarization_table(recordings, {role: measured.diarization(role, recordings) for role in DIARIZERS})
        yield from _variants(measured, recordings)


def _variants(measured: Measured, recordings: Sequence[Material]) -> Iterator[str]:
    found = measured.variants(Role.PYANNOTE, recordings)
    if found:
        rates = (f"{_percent(diarization_errors([*all_.values()]).rate)} at {name}" for name, all_ in found.items())
        yield f"pyannote.audio by its threshold: {', '.join(rates)}."


def _diarization_table(recordings: Sequence[Material], found: Mapping[Role, Mapping[str, DiarizationScore]]) -> str:
    present = {role: scores for role, scores in found.items() if scores}
    head = ["recording", "seconds"]
    for role in present:
        name = role.partition(",")[0]
        head += [f"DER {name}", f"speakers {name}"]
    rows = []
    for recording in recordings:
        row = [recording.name, f"{recording.duration:.0f}"]
        for scores in present.values():
            score = scores[recording.name]
            row += [_percent(score.rate), f"{score.found} of {score.expected}"]
        rows.append(row)
    total = ["**all**", f"{sum(recording.duration for recording in recordings):.0f}"]
    for scores in present.values():
        whole = diarization_errors([*scores.values()])
        total += [_percent(whole.rate), f"right on {whole.found} of {whole.expected}"]
    return table(head, [*rows, total])


def _times(measured: Measured) -> Iterator[str]:
    yield "## Time and memory"
    rows = []
    for role in Role:
        factor = measured.real_time_factor(role)
        if factor is not None:
            memory = measured.memory.get(role)
            peak = [f"{memory.peak_memory / 1e6:.0f} MB"] if memory else []
            rows.append([role, f"{factor:.4f}", f"{len(measured.worked_on(role, measured.calls))}", *peak])
    yield table(
        ["system", "real-time factor", "on calls", *([f"peak memory on {LONG_FROM}"] * bool(measured.memory))], rows
    )
    if measured.long is not None:
        seconds = sum(outcome.seconds for outcome in measured.long.outcomes.values())
        yield (
            f"Two hours of the same call: {measured.long.peak_memory / 1e6:.0f} MB, "
            f"real-time factor {seconds / 7200:.4f}."
        )


def _invented(measured: Measured) -> Iterator[str]:
    counts = {role: measured.invented(role) for role in TRANSCRIBERS if role in measured.runs}
    counts = {role: found for role, found in counts.items() if found}
    if counts:
        yield "## Words where nobody speaks"
        yield table(
            ("sound", "seconds", *counts),
            (
                [sound.name, f"{sound.duration:.0f}", *(str(found.get(sound.name, "")) for found in counts.values())]
                for sound in measured.speechless
            ),
        )


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


_METHOD = """## How it is measured

- Calls: `benchmarks/simulator.py` cuts turns from recordings of professional speakers at 8 kHz and joins them with
  pauses, overlap and noise; the references are exact. `--seed N` gives other calls of the same kind.
- DER: `pyannote.metrics`, no collar, overlap scored, over the whole recording; the stereo call as a mono mix.
- WER: `jiwer`, lower case, e for yo, punctuation off, over the whole call; the language is given for the calls in one
  language and not given for the mixed ones. cpWER: `meeteval`, the same text. CallAnnotate treats the stereo call as
  two-sided, the others mix it.
- faster-whisper: the same int8 weights, beam 5, word times, its voice activity detection; batches of 8 or sequential;
  where the language is not given it detects it per segment.
- pyannote.audio: its SpeakerDiarization pipeline with the same two networks, agglomerative clustering with centroid
  linkage, that one of three thresholds which is best over all recordings of the run. Its voiceprints run on
  onnxruntime as ours do.
- Diarization alone is CallAnnotate's graph without transcription. Memory is the largest resident set of a process that
  does nothing else.
- Music is Debian's `asterisk-moh-opsound-wav`: 36 s from the middle of each of its five pieces."""


def show(targets: Sequence[Target], console: Console) -> None:
    """The targets as a table."""
    shown = Table("what", "wanted", "found", "met")
    for target in targets:
        style = "green" if target.met else "red"
        shown.add_row(target.name, target.wanted, target.found, f"[{style}]{'yes' if target.met else 'no'}[/]")
    console.print(shown)
