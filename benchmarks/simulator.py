"""Simulated telephone calls from real voices, with who-spoke-when and what-was-said references.

Turns are cut from the Asterisk prompt recordings (8 kHz, professional speakers, transcripts included) that Debian
packages as `asterisk-core-sounds-{en,es,fr,it,ru}[-wav]` (CC BY-SA 3.0 and CC BY 3.0, see NOTICE). The same recipe
gives the same samples on every machine; the seven calls of the benchmark are checked against their hashes.

    python -m benchmarks.simulator DIR [--seed N]
"""

import argparse
import gzip
import hashlib
import random
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import soundfile
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.debian import PackagesUnavailableError, unpacked

RATE: Final = 8000  # Hz
NOISE: Final = 0.002  # standard deviation of the line's white noise, full scale is 1.0
LONGEST: Final = 1800  # s, of any call

Audio = npt.NDArray[np.float32]


class Voice(Struct, frozen=True):
    """One professional speaker; every language of the recordings has one."""

    speaker: str
    folder: str
    gain: float
    """Factor that brings the recordings of all voices to about the same level."""


VOICES: Final = {
    "en": Voice("Allison", "en_US_f_Allison", 0.9),
    "es": Voice("Allison", "es_MX_f_Allison", 0.8),
    "fr": Voice("June", "fr_CA_f_June", 0.7),
    "it": Voice("Carlo", "it_IT_m_Carlo", 0.5),
    "ru": Voice("Ivrvoice", "ru_RU_f_IvrvoiceRU", 0.8),
}


class Recipe(Struct, frozen=True):
    """Everything that decides how a call sounds."""

    name: str
    languages: tuple[str, ...]
    turns: int
    seed: int
    overlap: float = 0.0
    """Share, 0 to 1, of the speaker changes at which the next speaker interrupts."""
    stereo: bool = False
    """Each language on a side of its own."""
    sha256: str | None = None
    """Of the 16-bit samples as they lie in a WAV, or None where they were never pinned."""


RECIPES: Final = (
    Recipe(
        "en_it", ("en", "it"), 40, 1, 0.15, sha256="862dbf75efe6c507f3a1693c7bfe5f8d101d7b282fff6fc2d25ac2f18d582c42"
    ),
    Recipe(
        "ru_fr", ("ru", "fr"), 40, 2, 0.15, sha256="a1bdf31a4d52b09f1cb71156cf302470e15af06785a791e27daff9b8c52e35c0"
    ),
    Recipe(
        "en_ru_fr_it",
        ("en", "ru", "fr", "it"),
        60,
        3,
        0.15,
        sha256="a1029438bf1b6288efdbf6e9b5f137b25defc4001101d2460850331df6322d89",
    ),
    Recipe("ru", ("ru",), 40, 4, sha256="8fe188d3ba9442c5e8b00c028fdaa608fe651bfef3e445d296374c9564cad2dd"),
    Recipe("en", ("en",), 40, 5, sha256="a312e67c75413b815d2df2d1e1d2c06cceeb0fc4de7a44b348a3df2f68afdd2f"),
    Recipe(
        "en_ru_it",
        ("en", "ru", "it"),
        90,
        6,
        0.15,
        sha256="644a8e633982474bf10a04820f459a20d103a6d87c7fc4524d0c1ad01d7a153b",
    ),
    Recipe(
        "stereo_ru_it",
        ("ru", "it"),
        40,
        7,
        0.3,
        stereo=True,
        sha256="d05f066905b09a0c436379fd8f87925ab6ab371b1aea159a4c17eeb077d001b9",
    ),
)
"""The seven calls of the benchmark."""

SAMPLE: Final = Recipe(
    "sample", ("en", "ru"), 15, 24, 0.25, sha256="ac276c078e88c54316b586a5e60ed6afbcd334930e38b9eca52a2f4fdd097126"
)
"""The call of `tests/data/sample.flac`."""


class ReferenceTurn(Struct, frozen=True):
    """One turn as it was put into the call."""

    start: float
    """Seconds from the start of the call."""
    end: float
    """Seconds from the start of the call."""
    speaker: str
    language: str
    """ISO 639-1 code."""
    text: str


class Recording(Struct, frozen=True):
    """A prompt and what is said in it."""

    path: Path
    text: str


def held_out(seed: int) -> tuple[Recipe, ...]:
    """The seven recipes with other seeds, seed + 1 to seed + 7: calls of the same kind that nobody listened to."""
    return tuple(replace(recipe, seed=seed + recipe.seed, sha256=None) for recipe in RECIPES)


def fetch(cache: Path) -> Path:
    """The folder of the unpacked recordings, fetched into `cache` the first time. Raises PackagesUnavailableError."""
    return unpacked([f"asterisk-core-sounds-{language}{kind}" for language in VOICES for kind in ("", "-wav")], cache)


def recordings(root: Path, language: str) -> list[Recording]:
    """Every second of the recordings; the others stay for whoever needs speech that is in no call."""
    return every_recording(root, language)[::2]


def every_recording(root: Path, language: str) -> list[Recording]:
    """The recordings of at least 25 characters with no digits or stage directions in their transcripts."""
    found = []
    for listing in (root / "doc" / f"asterisk-core-sounds-{language}").glob("core-sounds-*.txt*"):
        opener = gzip.open if listing.suffix == ".gz" else open
        with opener(listing, "rt", encoding="utf-8") as lines:
            for line in lines:
                key, _, text = str(line).partition(":")
                text = text.strip()
                wav = root / "asterisk" / "sounds" / VOICES[language].folder / f"{key.strip()}.wav"
                spoken = len(text) >= 25 and not re.search(r"[\d(\[]", text)
                if spoken and not line.startswith(";") and wav.exists():
                    found.append(Recording(wav, text))
    return sorted(found, key=lambda recording: (recording.path, recording.text))


def trimmed(path: Path) -> Audio:
    """float32 (samples,) at RATE: the recording with 50 ms of its silence left at both ends."""
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE:
        raise ValueError(f"{path}: {rate} Hz instead of {RATE} Hz")
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    cut: Audio = samples[max(0, loud[0] - 400) : loud[-1] + 400]
    return cut


def simulate(recipe: Recipe, pool: dict[str, list[Recording]]) -> tuple[Audio, list[ReferenceTurn]]:
    """The call, float32 (samples, sides) at RATE, and its turns; `pool` holds the recordings by language.

    Neither the order of the draws nor that of the sums may change: the hashes depend on both.
    """
    rng = random.Random(recipe.seed)
    pool = {language: list(pool[language]) for language in recipe.languages}
    for shuffled in pool.values():
        rng.shuffle(shuffled)
    audio = np.zeros((RATE * LONGEST, 2 if recipe.stereo else 1), np.float32)
    turns: list[ReferenceTurn] = []
    now, last = 0.3, ""
    for _ in range(recipe.turns):
        others = [language for language in recipe.languages if language != last]
        language = rng.choice(others if last and others and rng.random() < 0.8 else recipe.languages)
        if not pool[language]:
            break
        recording = pool[language].pop()
        samples = trimmed(recording.path) * VOICES[language].gain
        interrupts = bool(last) and language != last and rng.random() < recipe.overlap
        start = max(0.0, now + (-rng.uniform(0.2, 0.8) if interrupts else rng.uniform(0.15, 1.2)))
        first = int(start * RATE)
        side = recipe.languages.index(language) if recipe.stereo else 0
        audio[first : first + len(samples), side] += samples
        end = start + len(samples) / RATE
        turns.append(ReferenceTurn(round(start, 3), round(end, 3), VOICES[language].speaker, language, recording.text))
        now, last = max(now, end), language
    audio = audio[: int((now + 0.5) * RATE)]
    noise = np.random.default_rng(recipe.seed).normal(0, NOISE, audio.shape).astype(np.float32)
    return np.clip(audio + noise, -1, 1), turns


def rttm(name: str, turns: Sequence[ReferenceTurn]) -> str:
    """The turns as lines of an RTTM file."""
    return "".join(
        f"SPEAKER {name} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in turns
    )


def digest(path: Path) -> str:
    """The sha256 of a recording's samples, as 16-bit little-endian integers, sides interleaved."""
    samples, _ = soundfile.read(path, dtype="int16", always_2d=True)
    return hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()


def write_call(recipe: Recipe, root: Path, folder: Path, suffix: str = ".wav") -> Path:
    """Write the call, its RTTM and its JSON reference into the folder and return the recording's path.

    Raises ValueError where the samples are not those that the recipe pins.
    """
    audio, turns = simulate(recipe, {language: recordings(root, language) for language in recipe.languages})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recipe.name}{suffix}"
    soundfile.write(path, audio, RATE, subtype="PCM_16")
    found = digest(path)
    if recipe.sha256 not in (None, found):
        path.unlink()
        raise ValueError(f"{recipe.name}: the samples have the sha256 {found}, expected {recipe.sha256}")
    path.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(turns), indent=1) + b"\n")
    path.with_suffix(".rttm").write_text(rttm(recipe.name, turns), encoding="utf-8")
    return path


def calls(folder: Path, recipes: Sequence[Recipe], cache: Path) -> list[Path]:
    """The recipes' recordings in the folder, simulated where missing. Raises PackagesUnavailableError."""
    paths = []
    for recipe in recipes:
        path = folder / f"{recipe.name}.wav"
        if not (path.exists() and path.with_suffix(".rttm").exists() and path.with_suffix(".json").exists()):
            write_call(recipe, fetch(cache), folder)
        paths.append(path)
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description="Simulate telephone calls.")
    parser.add_argument("folder", type=Path, help="where NAME.wav, NAME.rttm and NAME.json go")
    parser.add_argument("--seed", type=int, help="simulate held-out calls with the seeds N+1 to N+7 instead")
    parser.add_argument("--sample", action="store_true", help="simulate the sample call as FLAC instead")
    options = parser.parse_args()
    try:
        root = fetch(options.folder / ".recordings")
        if options.sample:
            write_call(SAMPLE, root, options.folder, ".flac")
        for recipe in () if options.sample else RECIPES if options.seed is None else held_out(options.seed):
            path = write_call(recipe, root, options.folder)
            print(f"{path}: {soundfile.info(path).duration:.1f} s")
    except PackagesUnavailableError as unavailable:
        print(unavailable, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
