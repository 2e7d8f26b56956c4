"""What has to hold, as the project set it, and whether it does."""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from benchmarks.figures import Measured, Role
from benchmarks.scores import diarization_errors

DER: Final = 0.055
DER_WORST: Final = 0.08
DIARIZATION_TIME: Final = 1 / 6
WER: Final = {"en": 0.015, "ru": 0.155}
SPEAKER_COST: Final = 0.06
WHOLE_TIME: Final = 0.4
INVENTED: Final = {"silence": 0, "noise": 0, "music": 3}
MEMORY: Final = 800e6
MEMORY_GROWTH: Final = 1.3


class Target(Struct, frozen=True):
    """One requirement, with what was found."""

    name: str
    wanted: str
    found: str
    met: bool


def targets(measured: Measured) -> list[Target]:
    """Those that this run measured."""
    return [*_diarization(measured), *_words(measured), *_times(measured), *_invented(measured), *_memory(measured)]


def _diarization(measured: Measured) -> Iterator[Target]:
    ours = measured.diarization(Role.DIARIZE, measured.calls)
    if ours:
        whole = diarization_errors([*ours.values()])
        worst = max(ours, key=lambda name: ours[name].rate)
        yield Target("DER over all calls", f"at most {DER:.1%}", f"{whole.rate:.2%}", whole.rate <= DER)
        yield Target(
            "DER of the worst call",
            f"at most {DER_WORST:.1%}",
            f"{ours[worst].rate:.2%} ({worst})",
            ours[worst].rate <= DER_WORST,
        )
        yield Target(
            "number of speakers right", f"on all {whole.expected}", f"on {whole.found}", whole.found == whole.expected
        )
    for folder, recordings in measured.folders.items():
        own = measured.diarization(Role.DIARIZE, recordings)
        peer = measured.diarization(Role.PYANNOTE, recordings)
        if own and peer:
            rate, limit = (diarization_errors([*found.values()]).rate for found in (own, peer))
            yield Target(f"DER on {folder}", f"not above pyannote.audio's {limit:.2%}", f"{rate:.2%}", rate <= limit)


def _words(measured: Measured) -> Iterator[Target]:
    rates = measured.words(Role.ANNOTATE)
    for name, limit in WER.items():
        single = [call for call in measured.calls if call.language == name and call.name in rates]
        for call in single:
            rate = rates[call.name].rate
            yield Target(f"WER of {call.name}, language given", f"at most {limit:.1%}", f"{rate:.2%}", rate <= limit)
    speakers = measured.speaker_words()
    costs = {
        call.name: speakers[call.name].rate - rates[call.name].rate
        for call in measured.calls
        if call.language is None and call.name in rates
    }
    if costs:
        worst = max(costs, key=lambda name: costs[name])
        yield Target(
            "cpWER above WER on mixed calls, language not given",
            f"at most {SPEAKER_COST * 100:.0f} points on each",
            f"{costs[worst] * 100:.1f} points ({worst})",
            costs[worst] <= SPEAKER_COST,
        )


def _times(measured: Measured) -> Iterator[Target]:
    pairs = (
        ("time of diarization", Role.DIARIZE, (Role.PYANNOTE,), DIARIZATION_TIME),
        ("time of the whole annotation", Role.ANNOTATE, (Role.BATCHED, Role.PYANNOTE), WHOLE_TIME),
    )
    for name, role, others, limit in pairs:
        ratio = measured.ratio(role, others)
        if ratio is not None:
            yield Target(name, f"at most {limit:.3f} of {' plus '.join(others)}", f"{ratio:.3f}", ratio <= limit)


def _invented(measured: Measured) -> Iterator[Target]:
    found = measured.invented(Role.ANNOTATE)
    for name, limit in INVENTED.items():
        if name in found:
            yield Target(f"words in {name}", f"at most {limit}", f"{found[name]}", found[name] <= limit)


def _memory(measured: Measured) -> Iterator[Target]:
    if Role.ANNOTATE not in measured.memory:
        return
    peak = measured.memory[Role.ANNOTATE].peak_memory
    yield Target(
        "peak memory, six-minute call", f"at most {MEMORY / 1e6:.0f} MB", f"{peak / 1e6:.0f} MB", peak <= MEMORY
    )
    if measured.long is not None:
        growth = measured.long.peak_memory / peak
        yield Target(
            "peak memory, two hours of it",
            f"at most {MEMORY_GROWTH} times that",
            f"{growth:.2f} times ({measured.long.peak_memory / 1e6:.0f} MB)",
            growth <= MEMORY_GROWTH,
        )
