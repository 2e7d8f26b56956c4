"""The figures and targets that follow from what was measured."""

from pathlib import Path

import pytest

from benchmarks.figures import Measured, Role
from benchmarks.materials import Material
from benchmarks.protocol import Outcome, Turn, Word
from benchmarks.report import page
from benchmarks.runner import Run
from benchmarks.targets import targets

EN = Material("en", Path("en.wav"), 100.0, (Turn(0, 100, "a"),), (("a", "one two three four"),), "en")
MIX = Material("mix", Path("mix.wav"), 50.0, (Turn(0, 25, "a"), Turn(25, 50, "b")), (("a", "eins zwei"), ("b", "drei")))
AMI = Material("ami/x", Path("x.wav"), 10.0, (Turn(0, 10, "a"),))
NOISE = Material("noise", Path("noise.wav"), 60.0)
ALL = (Turn(0, 100, "x"),)


def words(text: str, speaker: str = "x") -> tuple[Word, ...]:
    return tuple(Word(float(n), n + 0.5, word, speaker) for n, word in enumerate(text.split()))


def run(role: Role, *outcomes: Outcome, memory: float = 500e6) -> Run:
    return Run(role, {outcome.name: outcome for outcome in outcomes}, round(memory), {"something": "1.0"})


MEASURED = Measured(
    calls=(EN, MIX),
    folders={"ami": (AMI,)},
    speechless=(NOISE,),
    runs={
        Role.DIARIZE: run(
            Role.DIARIZE,
            Outcome("en", 1.0, ALL),
            Outcome("mix", 1.0, (Turn(0, 29, "x"), Turn(29, 50, "y"))),
            Outcome("ami/x", 1.0, (Turn(0, 9, "x"),)),
        ),
        Role.ANNOTATE: run(
            Role.ANNOTATE,
            Outcome("en", 5.0, words=words("one two three four")),
            Outcome("mix", 3.0, words=words("eins zwei drei")),
            Outcome("noise", 1.0, words=words("thank you")),
        ),
        Role.BATCHED: run(
            Role.BATCHED,
            Outcome("en", 8.0, words=words("one two three")),
            Outcome("mix", 4.0, words=words("eins zwei drei")),
        ),
        Role.PYANNOTE: run(
            Role.PYANNOTE,
            Outcome("en", 6.0, variants={"0.5": ALL, "0.6": ALL}),
            Outcome("mix", 2.0, variants={"0.5": (Turn(0, 50, "x"),), "0.6": (Turn(0, 25, "x"), Turn(25, 50, "y"))}),
            Outcome("ami/x", 1.0, variants={"0.5": (Turn(0, 8, "x"),), "0.6": (Turn(0, 7, "x"),)}),
        ),
    },
    memory={Role.ANNOTATE: run(Role.ANNOTATE, memory=700e6)},
    long=run(Role.ANNOTATE, Outcome("long", 400.0), memory=980e6),
)


def test_every_requirement_is_judged_by_what_was_measured() -> None:
    assert [(target.name, target.found, target.met) for target in targets(MEASURED)] == [
        ("DER over all calls", "2.67%", True),
        ("DER of the worst call", "8.00% (mix)", True),
        ("number of speakers right", "on 2", True),
        ("DER on ami", "10.00%", True),
        ("WER of en, language given", "0.00%", True),
        ("cpWER above WER on mixed calls, language not given", "66.7 points (mix)", False),
        ("time of diarization", "0.250", False),
        ("time of the whole annotation", "0.400", True),
        ("words in noise", "2", False),
        ("peak memory, six-minute call", "700 MB", True),
        ("peak memory, two hours of it", "1.40 times (980 MB)", False),
    ]


def test_one_variant_counts_for_all_recordings_and_it_is_the_best() -> None:
    calls = MEASURED.diarization(Role.PYANNOTE, MEASURED.calls)
    meetings = MEASURED.diarization(Role.PYANNOTE, MEASURED.folders["ami"])

    assert calls["mix"].rate == 0
    assert meetings["ami/x"].rate == pytest.approx(0.3)
    assert MEASURED.variants(Role.PYANNOTE, MEASURED.folders["ami"])["0.5"]["ami/x"].rate == pytest.approx(0.2)


def test_what_was_not_measured_is_not_judged() -> None:
    quick = Measured((EN,), {}, (), {Role.BATCHED: MEASURED.runs[Role.BATCHED]}, {}, None)

    assert targets(quick) == []
    assert quick.ratio(Role.ANNOTATE, [Role.BATCHED]) is None
    assert quick.real_time_factor(Role.PYANNOTE) is None


def test_the_page_holds_every_table_with_its_figures() -> None:
    text = page(MEASURED, targets(MEASURED), "python -m benchmarks", threads=2)

    assert "| time of diarization | at most 0.167 of pyannote.audio | 0.250 | **no** |" in text
    assert "| recording | seconds | DER CallAnnotate | speakers CallAnnotate | DER pyannote.audio | speakers" in text
    assert "pyannote.audio by its threshold: 16.7% at 0.5, 0.0% at 0.6." in text
    assert "| mix | 50 | 8.0% | 2 of 2 | 0.0% | 2 of 2 |" in text
    assert "| call | language | WER CallAnnotate | WER faster-whisper, batched | cpWER CallAnnotate |" in text
    assert "| en | en | 0.0% | 25.0% | 0.0% |" in text
    assert "| **all** |  | 0.0% | 14.3% | 28.6% |" in text
    assert "| CallAnnotate | 0.0533 | 2 | 700 MB |" in text
    assert "Two hours of the same call: 980 MB, real-time factor 0.0556." in text
    assert "| noise | 60 | 2 |" in text
    assert "something 1.0" in text
