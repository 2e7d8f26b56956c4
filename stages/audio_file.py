"""A recording as it lies on the disk: what it is, whether it can be read, and how its channels are to be treated."""

import os
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

from contracts import errors
from contracts.errors import CallAnnotateError
from stages.byte_view import Bytes
from stages.container import AudioFormat, Container, NotReadableError
from stages.flac_header import read_flac
from stages.mpeg_frames import read_mp3, skip_id3
from stages.ogg_pages import read_ogg
from stages.sound import open_sound, opened, shown
from stages.wav_header import read_wav

LOWEST_RATE: Final = 8_000
"""Hertz: the telephone's; below it too little of speech is left."""
HIGHEST_RATE: Final = 48_000
"""Hertz: above it lies no speech, and such a file was meant for something else."""
SHORTEST: Final = 0.1
"""Seconds: less holds no word."""
SMALLEST: Final = 16
"""Bytes: no header is shorter."""
STRANGERS: Final = {
    (4, b"ftyp"): "it is MP4, M4A or 3GP",
    (0, b"#!AMR"): "it is AMR",
    (0, b"FORM"): "it is AIFF",
    (0, b".snd"): "it is AU",
    (0, b"\x1aE\xdf\xa3"): "it is Matroska or WebM",
    (0, b"0&\xb2u\x8ef\xcf\x11"): "it is WMA or WMV",
    (0, b"riff.\x91\xcf\x11"): "it is Wave64",
    (0, b"PK\x03\x04"): "it is a ZIP archive",
    (0, b"\x1f\x8b"): "it is a gzip archive",
}
"""What is often taken for a recording that can be read: offset and bytes, and the words for it."""


@dataclass(frozen=True)
class AudioFile:
    """A recording that was looked at and found readable. Nothing of it is in memory, and nothing is open."""

    path: Path
    container: Container
    subtype: str
    """Coding of the samples as libsndfile names it, such as "PCM_16" or "MPEG_LAYER_III"."""
    sample_rate: int
    """Hertz."""
    channels: int
    """1 or 2."""
    samples: int | None
    """Of each channel, as far as is known before reading; None where the file does not say."""
    size: int
    """Bytes."""
    modified: int
    """Nanoseconds: the file system's time of the last change."""
    layout: Literal["mono", "two-sided"] = "mono"
    """A two-sided call has a party on each channel; anything else is mixed to one."""
    inverted: bool = False
    """Both channels carry one signal, on one of them with the sign changed, which a mix has to change back."""

    @property
    def format(self) -> AudioFormat:
        """By the content, whatever the name says."""
        return self.container.format

    @property
    def duration(self) -> float | None:
        """Seconds, as far as is known before reading."""
        return None if self.samples is None else self.samples / self.sample_rate


def probe(path: Path) -> AudioFile:
    """Look at a recording; raises CallAnnotateError for all that can be known to be wrong before it is read.

    Blocks, and goes through the whole file where the container demands it (the frames of an MP3, the pages of an Ogg),
    but never holds more than a few megabytes of it.
    """
    with opened(path) as descriptor:
        name, state = shown(path), os.fstat(descriptor)
        if state.st_size == 0:
            raise CallAnnotateError(errors.FILE_EMPTY, path=name)
        try:
            file = _probe(path, descriptor, state)
        except NotReadableError as error:
            raise CallAnnotateError(errors.UNSUPPORTED_FORMAT, path=name, cause=str(error)) from error
    if file.samples == 0:
        raise CallAnnotateError(errors.NO_AUDIO, path=name)
    if file.duration is not None and file.duration < SHORTEST:
        raise CallAnnotateError(errors.AUDIO_TOO_SHORT, path=name, duration=file.duration, shortest=SHORTEST)
    return file


def read_container(source: Bytes) -> Container:
    """Recognise a recording by its content; raises NotReadableError."""
    if source.size < SMALLEST:
        raise NotReadableError(f"it is only {source.size} bytes long")
    start = skip_id3(source, 0)
    magic = source.at(start, 16)
    if magic[:4] in {b"RIFF", b"RIFX", b"RF64"} and source.at(8, 4) == b"WAVE":
        return read_wav(source)
    if magic[:4] == b"fLaC":
        return read_flac(source, start)
    if magic[:4] == b"OggS":
        return read_ogg(source)
    for (offset, letters), words in STRANGERS.items():
        if magic[offset:].startswith(letters):
            raise NotReadableError(words)
    try:
        return read_mp3(source)
    except NotReadableError:
        raise NotReadableError("it is text" if _is_text(source.at(0, 4096)) else "its content is unknown") from None


def _is_text(head: bytes) -> bool:
    """Whether every byte is one that UTF-8 text is made of."""
    return not any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in head) and b"\xff" not in head


def _probe(path: Path, descriptor: int, state: os.stat_result) -> AudioFile:
    """What the file says of itself, checked against the limits; raises NotReadableError as well."""
    source = Bytes(descriptor, state.st_size)
    container = read_container(source)
    _check_limits(shown(path), container.channels, container.sample_rate)
    forms, lengths = [], []
    for stream in container.streams:
        sound, _ = open_sound(source, stream)
        with sound:
            forms.append((str(sound.subtype), int(sound.samplerate), int(sound.channels)))
            lengths.append(int(sound.frames))
    if len(set(forms)) > 1:
        raise NotReadableError("a chain of recordings with different sampling rates or channels")
    if not forms:
        raise CallAnnotateError(errors.NO_AUDIO, path=shown(path))
    subtype, sample_rate, channels = forms[0]
    _check_limits(shown(path), channels, sample_rate)
    samples = container.samples if container.format == "flac" else _length(container, lengths, sample_rate)
    return AudioFile(path, container, subtype, sample_rate, channels, samples, state.st_size, state.st_mtime_ns)


def _length(container: Container, lengths: list[int], sample_rate: int) -> int:
    """Samples in all streams and in the damage between them."""
    total = 0
    for _, group in groupby(range(len(lengths)), key=lambda index: container.streams[index].link):
        first, *others = group
        total += lengths[first]
        if others:
            total += round((container.streams[others[-1]].end - container.streams[first].end) * sample_rate)
    return total


def _check_limits(name: str, channels: int | None, sample_rate: int | None) -> None:
    if channels is not None and channels > 2:
        raise CallAnnotateError(errors.TOO_MANY_CHANNELS, path=name, channels=channels)
    if sample_rate is not None and not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise CallAnnotateError(
            errors.UNSUPPORTED_SAMPLE_RATE, path=name, sample_rate=sample_rate, lowest=LOWEST_RATE,
            highest=HIGHEST_RATE,
        )  # fmt: skip
