"""Peaks of recordings: computed once, in a thread, and kept beside the result.

A page that draws a call needs neither the recording itself nor a decoder for it.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
from anyio import CapacityLimiter, to_thread

from contracts.waveform import Waveform
from runtime.volume import Volume, write_whole
from stages.audio_file import AudioFile
from stages.audio_reader import AudioReader
from stages.decode import open_audio, sides

FINEST: Final = 50.0
"""Peaks per second of a short recording."""
MOST: Final = 40_000
"""Peaks of a long one: about 150 kB of JSON."""
Loudest = npt.NDArray[np.float32]
"""float32 (channels, peaks): the largest absolute value of each stretch."""


class WaveformStore:
    """Waveforms of completed jobs."""

    def __init__(self, volume: Volume) -> None:
        self._volume: Final = volume
        self._limiter: Final = CapacityLimiter(1)
        """One recording is decoded at a time; who asks for the same one meanwhile finds it done."""

    async def of(self, job_id: str, recording: Path, exists: Callable[[], Awaitable[bool]]) -> bytes:
        """A Waveform as JSON; `exists` says whether the job is still there.

        Raises what is wrong with the recording, such as FILE_NOT_FOUND.
        """
        path = self._volume.peaks(job_id)
        content = await to_thread.run_sync(_kept_or_made, path, recording, job_id, limiter=self._limiter)
        if not await exists():
            await to_thread.run_sync(_forget, path, limiter=self._limiter)
        return content


def _kept_or_made(path: Path, recording: Path, job_id: str) -> bytes:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    content = msgspec.json.encode(waveform(recording, job_id))
    # Where there is no room they are computed again the next time.
    with suppress(OSError):
        write_whole(path, content)
    return content


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def waveform(recording: Path, job_id: str) -> Waveform:
    """Read a recording from its beginning to its end. Blocks."""
    file = open_audio(recording)
    # At a rate that is fine enough, and coarser in the end where that turns out to be too many peaks.
    loudest, duration = _loudest(file, FINEST)
    rate = FINEST
    if loudest.shape[1] > MOST:
        together = -(-loudest.shape[1] // MOST)
        missing = -loudest.shape[1] % together
        loudest = np.pad(loudest, ((0, 0), (0, missing))).reshape(len(loudest), -1, together).max(axis=2)
        rate = FINEST / together
    levels = np.minimum(np.rint(loudest * 255), 255).astype(np.uint8)
    return Waveform(
        job_id=job_id, duration=round(duration, 3), rate=rate, channels=tuple(tuple(row) for row in levels.tolist())
    )


def _loudest(file: AudioFile, rate: float) -> tuple[Loudest, float]:
    """The loudest samples at `rate` a second, and the seconds of the recording."""
    count = 2 if file.layout == "two-sided" else 1
    pieces: list[Loudest] = []
    position, last = 0, -1
    with AudioReader(file) as reader:
        while (block := reader.read()) is not None:
            numbers = ((position + np.arange(len(block))) * rate / file.sample_rate).astype(np.int64)
            starts = np.concatenate([[0], np.flatnonzero(np.diff(numbers)) + 1])
            found = np.maximum.reduceat(np.abs(sides(block, file)), starts, axis=0).T
            if numbers[0] == last:
                # The block before ended in the middle of this stretch.
                found[:, 0] = np.maximum(found[:, 0], pieces[-1][:, -1])
                pieces[-1] = pieces[-1][:, :-1]
            pieces.append(found)
            last = int(numbers[-1])
            position += len(block)
    if not pieces:
        return np.zeros((count, 0), np.float32), 0.0
    return np.concatenate(pieces, axis=1), position / file.sample_rate
