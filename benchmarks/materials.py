"""What the systems listen to: simulated calls, folders of recordings with RTTM, and sound in which nobody speaks."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import soundfile
from msgspec import Struct
from pyannote.database.util import load_rttm

from benchmarks import simulator
from benchmarks.debian import unpacked
from benchmarks.protocol import Task, Turn
from benchmarks.simulator import RATE, Recipe, ReferenceTurn

LONG: Final = 7200.0  # s
LONG_FROM: Final = "en_ru_it"
"""The call of about six minutes that memory is measured on, and that is repeated to make the long one."""
NOISE: Final = 10 ** (-30 / 20)
"""Root mean square of the white noise: -30 dBFS."""
MUSIC: Final = 180.0  # s
SUFFIXES: Final = (".wav", ".flac", ".mp3", ".ogg", ".opus")


class Material(Struct, frozen=True):
    """A recording and what is known about it."""

    name: str
    path: Path
    duration: float
    """Seconds."""
    turns: tuple[Turn, ...] = ()
    """Who speaks when."""
    sentences: tuple[tuple[str, str], ...] = ()
    """(speaker, text) in the order of time; empty where only the turns are known."""
    language: str | None = None
    """ISO 639-1 code of a call in one language; None for a mixed one."""

    def task(self, channels: str = "mono") -> Task:
        """The material as a system gets it."""
        return Task(self.name, str(self.path), self.duration, self.language, channels)


class MaterialError(Exception):
    """A recording that cannot be used; str() says why."""


def simulated(folder: Path, recipes: Sequence[Recipe], cache: Path) -> list[Material]:
    """The calls of the recipes, simulated into the folder where they are missing from recordings in the cache."""
    found = []
    for recipe, path in zip(recipes, simulator.calls(folder, recipes, cache / "recordings"), strict=True):
        turns = msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=list[ReferenceTurn])
        found.append(
            Material(
                recipe.name,
                path,
                soundfile.info(path).duration,
                tuple(Turn(turn.start, turn.end, turn.speaker) for turn in turns),
                tuple((turn.speaker, turn.text) for turn in turns),
                recipe.languages[0] if len(recipe.languages) == 1 else None,
            )
        )
    return found


def from_folder(folder: Path) -> list[Material]:
    """Every recording of the folder that has reference turns, in NAME.rttm or in any other RTTM file of the folder.

    Raises MaterialError where there is none.
    """
    turns: defaultdict[str, list[Turn]] = defaultdict(list)
    for listing in sorted(folder.glob("*.rttm")):
        for name, annotation in load_rttm(listing).items():
            for segment, _, speaker in annotation.itertracks(yield_label=True):
                turns[name].append(Turn(segment.start, segment.end, speaker))
    recordings = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and path.stem in turns)
    if not recordings:
        raise MaterialError(f"{folder}: holds no recording with turns in an RTTM file")
    return [
        Material(f"{folder.name}/{path.stem}", path, soundfile.info(path).duration, tuple(turns[path.stem]))
        for path in recordings
    ]


def speechless(folder: Path, cache: Path) -> list[Material]:
    """A minute of silence, one of white noise and three of music on hold, made into the folder."""
    minute = 60 * RATE
    noise = np.random.default_rng(0).normal(0, NOISE, minute).astype(np.float32)
    sounds = {"silence": np.zeros(minute, np.float32), "noise": noise, "music": _music(cache / "recordings")}
    for name, samples in sounds.items():
        soundfile.write(folder / f"{name}.wav", samples, RATE, subtype="PCM_16")
    return [Material(name, folder / f"{name}.wav", len(samples) / RATE) for name, samples in sounds.items()]


def _music(cache: Path) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Debian's music on hold: an equal stretch from the middle of each of its pieces."""
    pieces = sorted((unpacked(["asterisk-moh-opsound-wav"], cache) / "asterisk" / "moh").glob("*.wav"))
    length = round(MUSIC * RATE / len(pieces))
    stretches = []
    for piece in pieces:
        samples, _ = soundfile.read(piece, dtype="float32")
        first = (len(samples) - length) // 2
        stretches.append(samples[first : first + length])
    return np.concatenate(stretches)


def repeated(call: Material, folder: Path) -> Material:
    """The call over and over again, to two hours."""
    path = folder / f"{call.name}_long.wav"
    samples, rate = soundfile.read(call.path, dtype="int16", always_2d=True)
    left = round(LONG * rate)
    with soundfile.SoundFile(path, "w", rate, samples.shape[1], subtype="PCM_16") as out:
        while left:
            part = samples[:left]
            out.write(part)
            left -= len(part)
    return Material(path.stem, path, LONG)
