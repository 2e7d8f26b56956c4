"""The audio that a voice is enrolled with: cut out of a recording, mixed to one channel, and kept as FLAC.

What is enrolled is what is kept, so that enrolling it again gives the same voiceprints. Everything here blocks.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from contracts.annotation import Turn
from contracts.errors import CallAnnotateError
from contracts.voice_errors import SAMPLE_TOO_LONG
from runtime.volume import room_needed, write_whole
from stages.audio_file import AudioFile
from stages.audio_reader import AudioReader
from stages.decode import sides
from stages.enrolment import clean_turns

Mono = npt.NDArray[np.float32]
"""float32 (samples,)"""
Span = tuple[float, float]
"""Start and end in seconds."""
AROUND: Final = 0.25
"""Seconds around a turn that are cut out with it where nobody else speaks: they tell how loud the noise is."""
FADE: Final = 0.01
"""Seconds over which a piece rises and falls: a click at a cut would be heard as something."""


def save_sample(source: AudioFile, target: Path, longest: float, name: str) -> float:
    """Write a recording as FLAC, at its own rate, on one channel; returns its seconds.

    `name` stands in messages. Raises SAMPLE_TOO_LONG, STORAGE_FULL, or what is wrong with the recording.
    """
    _check_length(source.duration or 0.0, longest, name)
    rate = source.sample_rate
    written = 0

    def blocks() -> Iterator[Mono]:
        nonlocal written
        with AudioReader(source) as reader:
            while (block := reader.read()) is not None:
                written += len(block)
                _check_length(written / rate, longest, name)
                yield sides(block, source)[:, 0]

    _write(target, rate, blocks())
    return written / rate


def save_turns(source: AudioFile, target: Path, spans: Sequence[Span], channel: int) -> float:
    """Write these stretches of a recording, in time order, one after the other, as FLAC; returns their seconds.

    `channel`: that of a two-sided call; 0 of any other. Raises STORAGE_FULL, or what is wrong with the recording.
    """
    rate = source.sample_rate
    wanted = [(round(start * rate), round(end * rate)) for start, end in spans]
    found: list[list[Mono]] = [[] for _ in wanted]
    position = 0
    with AudioReader(source) as reader:
        while wanted and position < wanted[-1][1] and (block := reader.read()) is not None:
            side = sides(block, source)
            own = side[:, min(channel, side.shape[1] - 1)]
            for number, (first, last) in enumerate(wanted):
                begin, end = max(first, position), min(last, position + len(own))
                if begin < end:
                    found[number].append(own[begin - position : end - position].copy())
            position += len(own)
    pieces = [_faded(np.concatenate(parts), rate) for parts in found if parts]
    _write(target, rate, iter(pieces))
    return sum(map(len, pieces)) / rate


def spans_of(turns: tuple[Turn, ...], speaker_id: str, longest: float) -> list[Span]:
    """What of a call a speaker is enrolled with: where nobody else speaks, the longest stretches first, at most so many
    seconds of them; in time order."""
    chosen: list[Span] = []
    total = 0.0
    for start, end in sorted(clean_turns(turns, speaker_id), key=lambda span: span[0] - span[1]):
        length = min(end - start, longest - total)
        if length <= 0:
            break
        chosen.append((start, start + length))
        total += length
    chosen.sort()
    busy = [(turn.start_time, turn.end_time) for turn in turns if turn.speaker_id != speaker_id] + chosen
    return [_widened(span, [other for other in busy if other != span]) for span in chosen]


def _widened(span: Span, busy: Sequence[Span]) -> Span:
    """With up to AROUND on both sides, half-way at most to whatever else there is."""
    start, end = span
    before = max((b for _, b in busy if b <= start), default=0.0)
    after = min((a for a, _ in busy if a >= end), default=end + 2 * AROUND)
    return max(start - AROUND, (start + before) / 2, 0.0), min(end + AROUND, (end + after) / 2)


def _faded(piece: Mono, rate: int) -> Mono:
    length = min(round(FADE * rate), len(piece) // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    piece[:length] *= ramp
    piece[len(piece) - length :] *= ramp[::-1]
    return piece


def _check_length(seconds: float, longest: float, name: str) -> None:
    if seconds > longest:
        raise CallAnnotateError(SAMPLE_TOO_LONG, path=name, duration=seconds, max_allowed=longest)


def _write(target: Path, rate: int, blocks: Iterator[Mono]) -> None:
    """A FLAC file, on the disk when this returns; nothing is left of one that could not be written."""
    # In memory first: libsndfile does not say why a write failed.
    encoded = BytesIO()
    with soundfile.SoundFile(encoded, "w", rate, 1, "PCM_16", format="FLAC") as flac:
        for block in blocks:
            flac.write(block)
    with room_needed():
        write_whole(target, encoded.getbuffer())
        target.chmod(0o600)
