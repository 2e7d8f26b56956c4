"""Voices for the benchmark of recognition, each at 16 kHz and through a telephone, from recordings that Debian and the
package index carry. Who is fitted on and who is reported on are different people.

- fitted on: half of the volunteers of KTuberling, KLettres and Tux Paint, by language, and the Asterisk prompts of
  three speakers whom no call of ours has;
- reported on: the speakers of the simulated calls (their G.722 prompts are the same at 16 kHz), the other half of the
  volunteers, excerpts of the AMI Meeting Corpus (tests/data of pyannote.audio's source distribution) and LibriSpeech
  clips (voxint).
"""

import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from msgspec import Struct
from pyannote.database.util import load_rttm

from benchmarks.debian import unpacked
from benchmarks.simulator import VOICES, every_recording, recordings
from contracts.audio import SAMPLE_RATE, Samples
from stages.enrolment import TELEPHONE, telephone

FITTED: Final = frozenset(["ca", "da", "el", "es", "fr", "gl", "hu", "lt", "nb", "nl", "pt", "ru", "sr", "wa"])
"""Languages of the volunteers who are fitted on."""
SAME: Final = {"be": "ru", "tn": "pt"}
"""Languages whose volunteers sound like those of another one: perhaps they are."""
TUX: Final = ["bg", "ca", "da", "el", "en_GB", "es", "fr", "lt", "nl", "ro", "ru"]
"""Languages of Tux Paint with enough speech of one volunteer."""
STRANGERS: Final = ("fr-armelle", "it-menardi-wav")
"""Prompts of speakers whom no call has: the last parts of their packages' names."""
SPEECH: Final = 75.0
"""Seconds that are taken of each voice for tests."""
ENROLLED: Final = 32.0
"""Seconds that are taken of each voice to enrol it: 30 s of speech and the pauses between."""
GAP: Final = SAMPLE_RATE * 3 // 10
"""Samples between two clips."""
LEVEL: Final = 0.07
"""Root mean square that clips are brought to."""


class Person(Struct, frozen=True, eq=False):
    """One voice. Its two parts have no recording in common."""

    name: str
    group: str
    """Two persons of one group may be one: they are never compared."""
    enrolment: Samples | None
    """At 16 kHz; None for a voice with too little speech, which is a stranger only."""
    test: Samples
    """At 16 kHz."""
    wide: bool = True
    """False where the recordings are of 8 kHz: then there is nothing to be had at 16."""


def volunteers(cache: Path, *, fitted: bool) -> Iterator[Person]:
    """Those who read words aloud for KTuberling and Tux Paint (GPL; each language has its own)."""
    share = unpacked(["ktuberling-data", "tuxpaint-stamps-default"], cache)
    found = {
        f"ktuberling {folder.name}": (folder.name[:2], sorted(folder.glob("*.*")))
        for folder in sorted((share / "ktuberling" / "sounds").iterdir())
        if folder.is_dir() and "@" not in folder.name
    }
    stamps = sorted((share / "tuxpaint" / "stamps").rglob("*.ogg"))
    for language in TUX:
        own = [path for path in stamps if path.stem.endswith(f"_{language}")]
        found[f"tuxpaint {language}"] = (language[:2], own)
    for name, (language, paths) in found.items():
        group = SAME.get(language, language)
        if (group in FITTED) == fitted:
            yield from _person(name, group, paths)


def letters(cache: Path) -> Iterator[Person]:
    """Those who read letters aloud for KLettres: strangers for the cohort, too choppy for more."""
    share = unpacked(["klettres-data"], cache)
    for folder in sorted((share / "klettres").iterdir()):
        group = SAME.get(folder.name[:2], folder.name[:2])
        if group in FITTED:
            for person in _person(f"klettres {folder.name}", group, sorted(folder.rglob("*.ogg"))):
                yield Person(person.name, person.group, None, person.test)


def prompt_strangers(cache: Path) -> Iterator[Person]:
    """Speakers of prompts whom no call has; at 8 kHz."""
    share = unpacked([f"asterisk-prompt-{name}" for name in STRANGERS], cache)
    for folder in ("fr", "it_IT_f_Menardi"):
        paths = [
            path for path in sorted((share / "asterisk" / "sounds" / folder).glob("*.*")) if path.stat().st_size > 9000
        ]
        yield from _person(f"prompts {folder}", f"prompts {folder}", paths, wide=False)


def prompts(cache: Path) -> Iterator[Person]:
    """The speakers of the simulated calls: enrolled from recordings that are in no call, as G.722 carries them."""
    kinds = ("", "-wav", "-g722")
    share = unpacked([f"asterisk-core-sounds-{language}{kind}" for language in VOICES for kind in kinds], cache)
    for language, voice in VOICES.items():
        called = [recording.path for recording in recordings(share, language)]
        others = [own.path for own in every_recording(share, language) if own.path not in called]
        wide = [[path.with_suffix(".g722") for path in paths] for paths in (others, called)]
        yield Person(
            f"{voice.speaker} ({language})",
            voice.speaker,
            joined(clips(_shuffled(wide[0], language)), ENROLLED),
            joined(clips(_shuffled(wide[1], language)), SPEECH),
        )


def meetings(cache: Path) -> Iterator[Person]:
    """Speakers of the AMI excerpts (CC BY 4.0), with the excerpt in the name: who is in two of them is enrolled with
    the one and recognised in the other."""
    folder = _archive("pyannote-audio", "4.0.7", cache, source=True) / "tests" / "data"
    solo: dict[tuple[str, str], list[Samples]] = {}
    for listing in sorted(folder.glob("debug.*.rttm")):
        for name, annotation in load_rttm(listing).items():
            if not (folder / f"{name}.wav").exists():
                continue  # one has an accent in its name, and not everywhere the same
            samples, _ = soundfile.read(folder / f"{name}.wav", dtype="float32")
            for speaker in annotation.labels():
                others = annotation.subset([speaker], invert=True).get_timeline()
                for segment in annotation.label_timeline(speaker).extrude(others):
                    if segment.duration > 0.5:
                        part = samples[int(segment.start * SAMPLE_RATE) : int(segment.end * SAMPLE_RATE)]
                        solo.setdefault((speaker, name), []).append(part)
    before: set[str] = set()
    for (speaker, name), parts in sorted(solo.items()):
        audio = np.concatenate(parts)
        if len(audio) > 2 * SAMPLE_RATE:
            first = speaker not in before and len(audio) > 6 * SAMPLE_RATE
            before.add(speaker)
            yield Person(f"AMI {speaker} ({name})", f"AMI {speaker}", audio if first else None, audio)


def readers(cache: Path) -> Iterator[Person]:
    """Speakers of LibriSpeech (CC BY 4.0), five seconds of each: strangers to everybody."""
    folder = _archive("voxint", "0.51.0", cache, source=False) / "voxint" / "benchmark" / "assets"
    for path in sorted(folder.glob("libri_*.wav")):
        samples, _ = soundfile.read(path, dtype="float32")
        yield Person(path.stem, path.stem, None, samples)


def _person(name: str, group: str, paths: Sequence[Path], *, wide: bool = True) -> Iterator[Person]:
    """The voice of these clips, where there is enough of it for a test at all."""
    heard = [samples for samples in clips(_shuffled(paths, name)) if len(samples) > SAMPLE_RATE // 3]
    total = sum(map(len, heard)) / SAMPLE_RATE
    if total > ENROLLED + 15:
        enrolment, test = _split(heard)
        yield Person(name, group, joined(enrolment, ENROLLED), joined(test, SPEECH), wide)
    elif total > 8:
        yield Person(name, group, None, joined(heard, SPEECH), wide)


def _split(heard: Sequence[Samples]) -> tuple[list[Samples], list[Samples]]:
    length, number = 0, 0
    while length < ENROLLED * SAMPLE_RATE:
        length += len(heard[number])
        number += 1
    return [*heard[:number]], [*heard[number:]]


def _shuffled(paths: Iterable[Path], seed: str) -> list[Path]:
    found = sorted(paths)
    random.Random(seed).shuffle(found)
    return found


def clips(paths: Iterable[Path]) -> Iterator[Samples]:
    """Each recording at 16 kHz, brought to LEVEL, without the silence at its ends; those that are nothing else are left
    out."""
    for path in paths:
        samples, rate = _read(path)
        if rate < TELEPHONE:
            continue
        frame = rate // 50
        power = np.sqrt((samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1))
        loud = np.flatnonzero(power > max(1e-3, 0.05 * power.max(initial=0.0)))
        if len(loud):
            part = samples[max(0, loud[0] * frame - frame) : (loud[-1] + 2) * frame]
            at_rate = soxr.resample(part, rate, SAMPLE_RATE)
            yield (LEVEL * at_rate / np.sqrt((at_rate**2).mean())).astype(np.float32)


def joined(parts: Iterable[Samples], longest: float) -> Samples:
    """The clips in a row with a little noise beneath, as long as there are any and at most `longest` seconds."""
    row: list[Samples] = []
    length = 0
    for part in parts:
        if length >= longest * SAMPLE_RATE:
            break
        row += [part, np.zeros(GAP, np.float32)]
        length += len(part) + GAP
    whole = np.concatenate(row)
    noise = np.random.default_rng(0).normal(0, 1e-4, len(whole)).astype(np.float32)
    audio: Samples = np.clip(whole + noise, -1, 1)
    return audio


def heard(samples: Samples, band: int) -> Samples:
    """The samples as they are (16) or as a telephone carries them (8)."""
    return samples if band == 16 else telephone(samples)


def _read(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    if path.suffix == ".g722":
        from G722 import G722  # noqa: PLC0415  # only where it is needed: it comes with the extra `bench`

        decoded = np.array(G722(SAMPLE_RATE, 64000).decode(path.read_bytes()), np.float32)
        return decoded / np.float32(32768), SAMPLE_RATE
    try:
        raw = {"format": "RAW", "subtype": "GSM610", "samplerate": 8000, "channels": 1} if path.suffix == ".gsm" else {}
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True, **raw)
    except soundfile.LibsndfileError:
        return np.zeros(0, np.float32), 0
    return samples.mean(axis=1), rate if rate <= 48_000 else 0


def _archive(package: str, version: str, cache: Path, *, source: bool) -> Path:
    """What a package on the index holds, unpacked and not installed; fetched with pip once."""
    folder = cache / "packages" / f"{package}-{version}"
    if not folder.exists():
        downloads = cache / "packages" / "downloads"
        kind = "--no-binary=:all:" if source else "--only-binary=:all:"
        print(f"Fetching {package} {version} with pip ...", file=sys.stderr)
        command = [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            kind,
            "--dest",
            str(downloads),
            f"{package}=={version}",
        ]
        subprocess.run([sys.executable, *command], check=True)
        (archive,) = [
            path for path in downloads.iterdir() if path.name.replace("_", "-").startswith(f"{package}-{version}")
        ]
        if source:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        else:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)
    (inner,) = [path for path in folder.iterdir() if path.is_dir()] if source else [folder]
    return inner
