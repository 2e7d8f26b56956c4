"""Measures live sessions from outside: `python -m benchmarks.live --help`.

Each trial runs on loopback against a server of its own with a volume of its own, which is removed in the end. Audio is
sent in frames of 100 ms, each when its last sample would have been recorded.
"""

import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final

import anyio
import click
import numpy as np
import soundfile
from anyio import create_task_group
from msgspec import Struct

from benchmarks import live_scores as scoring
from benchmarks import materials, simulator
from benchmarks.drawing import write_drawings
from benchmarks.live_clients import ACTS, misbehave
from benchmarks.live_report import TENTHS, TITLES, Row, most, table, write_page
from benchmarks.live_stream import Streamed, file_door, from_folder, stream
from benchmarks.materials import Material
from benchmarks.runner import ROOT
from benchmarks.scores import (
    DiarizationScore,
    WordScore,
    diarization_error,
    diarization_errors,
    word_error,
    word_errors,
)
from benchmarks.service import serving
from contracts.live import LiveWarning
from web.live_client import address

DATA: Final = ROOT / "bench-data"
STORE: Final = DATA / "live" / "figures.json"
SEED: Final = 100
"""Of the calls that delays are measured on; those of the benchmark have seeds from 1 on."""
DEV: Final = tuple(
    simulator.Recipe(f"dev_{'_'.join(languages)}", languages, turns, SEED + number, overlap)
    for number, (languages, turns, overlap) in enumerate(
        (
            (("en",), 40, 0.0),
            (("ru",), 40, 0.0),
            (("en", "ru"), 40, 0.2),
            (("en", "it"), 40, 0.15),
            (("ru", "it"), 12, 0.15),
        ),
        start=3,
    )
)
"""English, Russian, three of two languages with interruptions, the last one short."""
LEFT: Final = ("sessions", "files", "descriptors", "threads")
"""Of which nothing may be left."""
SAME: Final = tuple(
    simulator.Recipe(f"same_{language}_{number}", (language,), 40, 2 * SEED + 10 * number + turn)
    for turn, language in enumerate(("en", "ru"))
    for number in range(1, 9)
)
"""Eight calls in English and eight in Russian, beside those of the benchmark, that finals are compared with the file
door on: a word more or less is 0.3 points of one call, and how the processor rounds is half a point of five."""


class Options(Struct, frozen=True):
    """What the trials work on."""

    dev: tuple[Material, ...]
    same: tuple[Material, ...]
    streams: int
    cuts: int
    minutes: float
    speed: float


Trial = Callable[[Options], Awaitable[list[Row]]]


def say(text: str) -> None:
    """Report on the way."""
    click.echo(text, err=True)


async def delay(options: Options) -> list[Row]:
    """One stream at real time, call after call."""
    streamed = []
    with serving() as server:
        for call in options.dev:
            streamed.append(await stream(address(server.url), call, language=call.language))
            describe(streamed[-1])
    rows = delay_rows(streamed, "one stream", 0.8, 1.5)
    changed, words = (
        sum(values) for values in zip(*(scoring.changed_words(s.arrivals) for s in streamed), strict=True)
    )
    return [*rows, most("words changed per word shown", changed / max(1, words), 0.3, "")]


def delay_rows(streamed: Sequence[Streamed], how: str, median: float | None, p95: float) -> list[Row]:
    """How long finals and first partials take."""
    found = [scoring.delays(one.material.turns, one.arrivals) for one in streamed]
    finals = [value for delays in found for value in delays.finals]
    partials = [value for delays in found for value in delays.partials]
    missed = sum(delays.missed for delays in found)
    rows = []
    if median is not None:
        rows.append(most(f"end of speech to its final, {how}, median", scoring.middle(finals), median, "s"))
    rows.append(most(f"end of speech to its final, {how}, p95", scoring.share(finals, 0.95), p95, "s"))
    rows.append(tenths(f"end of speech to its final, {how}", finals))
    if median is not None:
        rows.append(most(f"start of speech to its first text, {how}, median", scoring.middle(partials), 1.2, "s"))
        rows.append(tenths(f"start of speech to its first text, {how}", partials))
    rows.append(Row(f"stretches of speech without a final, {how}", f"{missed} of {len(finals) + missed}", "reported"))
    return rows


def tenths(what: str, values: Sequence[float]) -> Row:
    """How the values are distributed: what a tenth of them stays within, two tenths and so on; drawn as a curve."""
    within = (f"{scoring.share(values, part / 10):.2f}" for part in range(1, 10))
    return Row(f"{what}, {TENTHS}", " ".join(within) + " s", "reported")


def describe(streamed: Streamed) -> None:
    """One line about a call."""
    found = scoring.delays(streamed.material.turns, streamed.arrivals)
    changed, words = scoring.changed_words(streamed.arrivals)
    last = streamed.arrivals[-1].at - streamed.audio_end
    say(
        f"{streamed.material.name}: {len(found.finals)} stretches, final after {scoring.middle(found.finals):.2f} s "
        f"(p95 {scoring.share(found.finals, 0.95):.2f}), first text after {scoring.middle(found.partials):.2f} s, "
        f"missed {found.missed}, changed {changed} of {words} words, result {last:.1f} s after the end"
    )


async def streams(options: Options) -> list[Row]:
    """Several streams at real time."""
    found: list[Streamed] = []
    longest = sorted(options.dev, key=lambda material: -material.duration)[: options.streams]
    with serving(LIVE_SESSIONS=str(options.streams)) as server:
        before = server.process.cpu_times()

        async def one(call: Material) -> None:
            found.append(await stream(address(server.url), call, language=call.language))
            describe(found[-1])

        async with create_task_group() as tasks:
            for number in range(options.streams):
                tasks.start_soon(one, longest[number % len(longest)])
        after = server.process.cpu_times()
    computed = after.user + after.system - before.user - before.system
    told = Counter(a.message.code for s in found for a in s.arrivals if isinstance(a.message, LiveWarning))
    warnings = ", ".join(f"{count} {code}" for code, count in told.items()) or "none"
    return [
        *delay_rows(found, f"{options.streams} streams", None, 3.0),
        Row(f"warnings, {options.streams} streams", warnings, "reported"),
        Row("cores that one stream keeps at work", f"{computed / sum(s.audio_end for s in found):.2f}", "reported"),
    ]


async def accuracy(options: Options) -> list[Row]:
    """The words and speakers of finals and results beside those of the file door."""
    rows: list[Row] = []
    ders: dict[str, list[DiarizationScore]] = {"end": [], "first": [], "revised": [], "file": []}
    wers: dict[str, list[tuple[WordScore, WordScore]]] = {}
    differing = []
    with serving(LIVE_SPEED_LIMIT=str(options.speed)) as server:
        for call in options.same:
            streamed = await stream(
                address(server.url), call, language=call.language, speed=options.speed, partials=False
            )
            door = await anyio.to_thread.run_sync(file_door, server.url, call, call.language)
            expected = [text for _, text in call.sentences]
            live = word_error(expected, scoring.words_of(scoring.finals_of(streamed.arrivals)))
            file = word_error(expected, scoring.result_words(door))
            wers.setdefault(call.language or "", []).append((live, file))
            say(f"{call.name}: WER of the finals {live.rate:.2%}, of the file door {file.rate:.2%}")
            rows.append(
                Row(f"WER of the finals, {call.name} alone", f"{live.rate:.2%} beside {file.rate:.2%}", "reported")
            )
            result = scoring.ended(streamed.arrivals).result
            if scoring.result_words(result) != scoring.result_words(door) or result.turns != door.turns:
                differing.append(call.name)
            for name, turns in (
                ("end", scoring.result_turns(result)),
                ("first", scoring.announced_turns(streamed.arrivals)),
                ("revised", scoring.revised_turns(streamed.arrivals)),
                ("file", scoring.result_turns(door)),
            ):
                ders[name].append(diarization_error(call.turns, turns, call.duration))
    der = {name: diarization_errors(scores).rate for name, scores in ders.items()}
    same = Row("results", ", ".join(differing) or "the same", "those of the file door", not differing)
    return [
        *(wer_row(language, scores) for language, scores in wers.items()),
        *rows,
        same,
        Row(
            "DER of the labels at the end", f"{der['end']:.2%} beside {der['file']:.2%}",
            "at most 1 point above the file door", der["end"] <= der["file"] + 0.01,
        ),
        Row("DER of the finals as first announced", f"{der['first']:.2%}", "reported"),
        Row("DER of the finals after speaker.updated", f"{der['revised']:.2%}", "reported"),
    ]  # fmt: skip


def wer_row(language: str, scores: Sequence[tuple[WordScore, WordScore]]) -> Row:
    """The finals and the file door over all calls of a language, as (finals, file door)."""
    live, file = (word_errors(side).rate for side in zip(*scores, strict=True))
    return Row(
        f"WER of the finals, {language}, {len(scores)} calls",
        f"{live:.2%} beside {file:.2%}",
        "at most 1.5 points above the file door",
        live <= file + 0.015,
    )


async def cuts(options: Options) -> list[Row]:
    """A connection that is torn again and again, beside one that is not, both of the same call at the same time."""
    call = options.dev[0]
    found: dict[int, Streamed] = {}
    with serving() as server:

        async def one(count: int) -> None:
            found[count] = await stream(address(server.url), call, language=call.language, cuts=count)
            describe(found[count])

        async with create_task_group() as tasks:
            for count in (0, options.cuts):
                tasks.start_soon(one, count)
    whole, torn = (scoring.finals_of(found[count].arrivals) for count in (0, options.cuts))
    told = [[(f.segment_id, f.start_ms, f.end_ms, f.text, f.words) for f in finals] for finals in (whole, torn)]
    differing = sum(one != other for one, other in zip(*told, strict=False)) + abs(len(whole) - len(torn))
    wrong = scoring.numbering(found[options.cuts].arrivals)
    say(f"cuts: {found[options.cuts].cuts} made, {found[options.cuts].resumes} resumed")
    return [
        most(f"finals that differ after {found[options.cuts].cuts} cuts, of {len(whole)}", differing, 0, "", 0),
        most("messages missing or doubled", wrong, 0, "", 0),
    ]


async def hour(options: Options) -> list[Row]:
    """One long stream: memory and delays over its time."""
    call = max(options.dev, key=lambda material: material.duration)
    memory: list[tuple[float, float]] = []
    path = DATA / "live" / "hour.wav"
    long = lengthened(call, path, options.minutes * 60)
    with serving(LIVE_SPEED_LIMIT=str(options.speed)) as server:
        began = time.monotonic()

        async def watch() -> None:
            while True:
                memory.append(((time.monotonic() - began) * options.speed, server.memory))
                await anyio.sleep(1.0)

        async with create_task_group() as tasks:
            tasks.start_soon(watch)
            streamed = await stream(address(server.url), long, language=call.language, speed=options.speed)
            tasks.cancel_scope.cancel()
    path.unlink()
    settled = min(300.0, long.duration / 3)
    before = max(value for at, value in memory if at <= settled)
    after = max(value for at, value in memory if at > settled)
    found = scoring.delays(long.turns, streamed.arrivals, options.speed)
    parts = [[value for at, value in memory if int(6 * at / long.duration) == n] for n in range(6)]
    rest = [value for at, value in memory if at >= long.duration]
    sixths = [f"{max(part):.0f}" for part in (*parts, rest) if part]
    pairs = list(zip(found.ends, found.finals, strict=True))
    early = [value for end, value in pairs if end <= long.duration / 2]
    late = [value for end, value in pairs if end > long.duration / 2]
    what = f"{long.duration / 60:.0f} minutes at {options.speed:g} times real time"
    say(
        f"{what}: memory {before:.0f} MB at most up to {settled:.0f} s and {after:.0f} MB after, final after "
        f"{scoring.middle(early):.2f} s in the first half and {scoring.middle(late):.2f} s in the second"
    )
    return [
        most(f"{what}: growth of the memory after {settled / 60:.0f} minutes", (after / before - 1) * 100, 10, "%", 1),
        most(f"{what}: later finals in the second half by", scoring.middle(late) - scoring.middle(early), 0.2, "s"),
        Row(f"{what}: median delay of finals", f"{scoring.middle(found.finals):.2f} s", "reported"),
        Row(f"{what}: memory at most in each sixth, and for its result", f"{' '.join(sixths)} MB", "reported"),
    ]


def lengthened(call: Material, path: Path, duration: float) -> Material:
    """The call over and over again, up to so many seconds."""
    samples, rate = soundfile.read(call.path, dtype="int16")
    times = int(duration / call.duration) + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.tile(samples, times)[: int(duration * rate)], rate, subtype="PCM_16")
    turns = tuple(
        type(turn)(turn.start + number * call.duration, turn.end + number * call.duration, turn.speaker)
        for number in range(times)
        for turn in call.turns
        if turn.end + number * call.duration < duration
    )
    return Material(path.stem, path, duration, turns, (), call.language)


async def clients(options: Options) -> list[Row]:
    """Clients that misbehave, beside one that does not."""
    outcome = await misbehave(min(options.dev, key=lambda material: material.duration))
    rows = []
    for name, (_, code, reason) in ACTS.items():
        ended = outcome.ends[name]
        told = reason in ended.errors or reason in {"", "SLOW_READER"}
        met = ended.code == code and ended.reason == reason and told
        rows.append(Row(f"a client that {name}", f"{ended.code} {ended.reason}", f"{code} {reason}", met))
    back = outcome.after_expiry
    rows.append(Row("and comes back too late", f"{back.code} {back.reason}", "4410 SESSION_EXPIRED", back.code == 4410))
    same = outcome.undisturbed
    rows.append(Row("finals of the call beside them", "the same" if same else "differ", "as alone", same))
    rows += [most(f"{name} left", outcome.left[name], 0, "", 0) for name in LEFT]
    rows.append(Row("memory afterwards", f"{outcome.left['MB']:+.0f} MB", "at most +20 MB", outcome.left["MB"] <= 20))
    by_round = " ".join(f"{memory:.0f}" for memory in outcome.memory)
    rows.append(Row("memory after each time that all of them came", f"{by_round} MB", "reported"))
    return rows


TRIALS: Final[dict[str, Trial]] = {
    "delay": delay, "streams": streams, "accuracy": accuracy, "cuts": cuts, "hour": hour, "clients": clients,
}  # fmt: skip


def tried(name: str, options: Options) -> list[Row]:
    """The rows of a trial, or the one row that says why there are none."""
    try:
        return anyio.run(TRIALS[name], options)
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
        say("".join(traceback.format_exception(cause)))
        return [Row(TITLES[name], f"broke off: {type(cause).__name__}: {cause}", "to its end", met=False)]


def chosen(names: str, folder: Path | None, recipes: Sequence[simulator.Recipe]) -> tuple[Material, ...]:
    """The calls with these names, separated by commas; all of the recipes where there are none."""
    wanted = [name for name in names.split(",") if name]
    if folder is not None:
        return tuple(from_folder(folder, wanted or [recipe.name for recipe in recipes]))
    return tuple(materials.simulated(DATA / "calls", [r for r in recipes if not wanted or r.name in wanted], DATA))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("trials", nargs=-1, type=click.Choice(list(TITLES)))
@click.option("--calls", default="", help="Names of the calls, separated by commas, in place of all.")
@click.option("--folder", type=click.Path(path_type=Path, exists=True), help="Where NAME.wav and .json are already.")
@click.option("--streams", "count", default=4, show_default=True, help="Streams at once.")
@click.option("--cuts", "torn", default=100, show_default=True, help="Times that the connection is cut.")
@click.option("--minutes", default=60.0, show_default=True, help="Length of the long stream.")
@click.option("--speed", default=4.0, show_default=True, help="Times real time that it is sent at.")
@click.option("--output", type=click.Path(path_type=Path), help="Write a page, with the last figures of other trials.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a target is missed.")
def main(
    *,
    trials: tuple[str, ...],
    calls: str,
    folder: Path | None,
    count: int,
    torn: int,
    minutes: float,
    speed: float,
    output: Path | None,
    strict: bool,
) -> None:
    """Measure live sessions: delay, streams, accuracy, cuts, hour, clients; all of them where none is named.

    All of it takes an hour. With --output, trials may be run one by one: the page has the last figures of each. A trial
    that breaks off is told as one that missed, and the others go on.
    """
    options = Options(
        dev=chosen(calls, folder, DEV),
        same=chosen(calls, folder, [*(recipe for recipe in simulator.RECIPES if len(recipe.languages) == 1), *SAME]),
        streams=count,
        cuts=torn,
        minutes=minutes,
        speed=speed,
    )
    found: dict[str, list[Row]] = {}
    for name in trials or TRIALS:
        say(f"{name} ...")
        found[name] = tried(name, options)
        if output is not None:
            write_page(output, STORE, found)
            write_drawings(output)
    rows = [row for rows in found.values() for row in rows]
    click.echo(table(rows))
    if strict and any(row.met is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
