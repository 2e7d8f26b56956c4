"""What the readers of the containers (WAV, MP3, FLAC, Ogg) find out, and how they say that a file is of no use."""

from dataclasses import dataclass
from typing import Literal

from stages.byte_view import Piece

AudioFormat = Literal["wav", "mp3", "flac", "opus", "vorbis"]


class NotReadableError(Exception):
    """The bytes are no recording, or not one that can be read; the text says why in a few words."""


@dataclass(frozen=True)
class Hole:
    """Audio that is lost inside a recording; silence stands for it, so that all that follows keeps its time."""

    start: float
    """Seconds from the start of the recording."""
    length: float
    """Seconds."""


@dataclass(frozen=True)
class Stream:
    """What libsndfile reads as one file."""

    pieces: tuple[Piece, ...]
    link: int = 0
    """Number of the recording in a chain of several; the streams of one are separated by damage."""
    end: float = 0.0
    """Seconds on the recording's own clock, where the container has one; it places a stream behind damage."""


@dataclass(frozen=True)
class Container:
    """A recording's content, put right so that libsndfile reads all of it and nothing else."""

    format: AudioFormat
    streams: tuple[Stream, ...]
    """One after the other; more than one where an Ogg file is chained or damaged."""
    sample_rate: int | None = None
    """Hertz, as the header says; None where libsndfile knows better."""
    channels: int | None = None
    """As the header says; None where libsndfile knows better."""
    samples: int | None = None
    """Of each channel, as a header says that libsndfile is not shown."""
    announced: float | None = None
    """Seconds that the header announces where the file holds more or less than that."""
    cut: str | None = None
    """Why the file breaks off for certain, in a few words; None where nothing says so."""
    holes: tuple[Hole, ...] = ()
    """Damage that `streams` already fills with silence."""
