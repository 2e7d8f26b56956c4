"""The recording of a live call while it grows: a WAV file in the client's own encoding, read behind the one who writes.

It is what the graph behind a live call reads, what survives a lost connection, and what becomes a job when the call is
kept. Until it is complete its lengths are 0xFFFFFFFF, which every reader of WAV takes for "to the end of the file".
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from anyio import CancelScope, CapacityLimiter, Event, to_thread
from anyio.abc import ObjectSendStream

from contracts import errors
from contracts.annotation import Notice
from contracts.audio import AudioChunk
from contracts.live_audio import BYTES_PER_SAMPLE, AudioFormat, Encoding
from stages.audio_reader import BLOCK, PARTS, Frames, notice
from stages.decode import Resampler
from stages.live_samples import decoded, mixed

TAGS: Final[dict[Encoding, int]] = {"pcm_s16le": 1, "pcm_f32le": 3, "alaw": 6, "mulaw": 7}
"""WAVE_FORMAT_PCM, _IEEE_FLOAT, _ALAW and _MULAW."""
UNKNOWN: Final = 0xFFFF_FFFF
"""Bytes: the length of what is not complete, and of what does not fit into 32 bits."""
LENGTHS: Final = 28
"""Bytes of the chunk "ds64" (EBU Tech 3306), for which every spool has room: four hours may have more than 4 GB."""
NAME: Final = "the audio"
"""What clients are told of it by."""
HEADER: Final = 80
"""Bytes before the first sample."""


def header(audio: AudioFormat, size: int | None) -> bytes:
    """The HEADER bytes before `size` bytes of samples; None where they are not complete."""
    width = BYTES_PER_SAMPLE[audio.encoding]
    form = struct.pack(
        "<HHIIHH", TAGS[audio.encoding], audio.channels, audio.sample_rate, audio.bytes_per_second,
        audio.bytes_per_frame, 8 * width,
    )  # fmt: skip
    whole = UNKNOWN if size is None else HEADER - 8 + size + size % 2
    if size is not None and whole >= UNKNOWN:
        samples = size // audio.bytes_per_frame
        sizes = b"ds64" + struct.pack("<IQQQI", LENGTHS, whole, size, samples, 0)
        riff, length = b"RF64" + struct.pack("<I", UNKNOWN), UNKNOWN
    else:
        sizes = b"JUNK" + struct.pack("<I", LENGTHS) + bytes(LENGTHS)
        riff, length = b"RIFF" + struct.pack("<I", whole), UNKNOWN if size is None else size
    fmt = b"fmt " + struct.pack("<I", len(form)) + form
    return riff + b"WAVE" + sizes + fmt + b"data" + struct.pack("<I", length)


def finish_spool(path: Path) -> None:
    """Bring a recording to the disk as it is; one that was broken off gets its lengths, and loses half a frame. Blocks.

    A file that is no spool is left as it is.
    """
    with path.open("r+b") as file:
        head = file.read(HEADER)
        if head[48:52] == b"fmt " and head[:4] == b"RIFF" and head[-4:] == struct.pack("<I", UNKNOWN):
            tag, channels, rate = struct.unpack("<HHI", head[56:64])
            encoding = next(name for name, known in TAGS.items() if known == tag)
            audio = AudioFormat(encoding=encoding, sample_rate=rate, channels=channels)
            size = (file.seek(0, os.SEEK_END) - HEADER) // audio.bytes_per_frame * audio.bytes_per_frame
            file.truncate(HEADER + size)
            file.seek(HEADER + size)
            file.write(bytes(size % 2))
            file.seek(0)
            file.write(header(audio, size))
        file.flush()
        os.fsync(file.fileno())


class Spool:
    """A recording that grows. One task writes, another reads behind it; both see whole frames only."""

    def __init__(self, path: Path, audio: AudioFormat) -> None:
        """`path` must not exist before `open`."""
        self.path: Final = path
        self.audio: Final = audio
        self.size = 0
        """Bytes of samples so far."""
        self.complete = False
        self._limiter: Final = CapacityLimiter(1)
        self._descriptor = -1
        self._grown = Event()

    async def open(self) -> None:
        """Create the file; raises OSError where the disk refuses."""
        await self._run(self._open)

    async def write(self, data: bytes) -> None:
        """Append whole frames."""
        await self._run(lambda: self._append(data))
        self.size += len(data)
        self._tell()

    async def finish(self) -> None:
        """Write the lengths into the header: the file is a recording like any other."""
        await self._run(self._finish)
        self.complete = True
        self._tell()

    def close(self) -> None:
        """Let go of the file, which stays as it is."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def wait(self, size: int) -> None:
        """Wait until there are `size` bytes of samples, or as many as there will ever be."""
        while self.size < size and not self.complete:
            await self._grown.wait()

    def read(self, start: int, count: int) -> bytes:
        """Bytes of samples from `start` on; fewer than `count` only at the end so far. Blocks."""
        return os.pread(self._descriptor, min(count, self.size - start), HEADER + start)

    def _tell(self) -> None:
        self._grown.set()
        self._grown = Event()

    async def _run(self, work: Callable[[], None]) -> None:
        """Do what may wait for the disk. It is never left half done: what was written counts."""
        with CancelScope(shield=True):
            await to_thread.run_sync(work, limiter=self._limiter)

    def _open(self) -> None:
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._put(header(self.audio, None), 0)

    def _append(self, data: bytes) -> None:
        self._put(data, HEADER + self.size)

    def _finish(self) -> None:
        if self.size % 2:
            self._put(b"\0", HEADER + self.size)
        self._put(header(self.audio, self.size), 0)

    def _put(self, data: bytes, offset: int) -> None:
        """Write all of it; the operating system may take only a part at a time."""
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written


@dataclass(frozen=True)
class Behind:
    """The source of the graph behind a live call: to the last bit what `stages.decode.Decode` sends for the file."""

    spool: Spool
    two_sided: bool
    limiter: CapacityLimiter
    """For the thread that reads and resamples."""
    report: Callable[[Notice], None]
    """Called in the event loop, before the end, with each warning about the recording."""

    async def run(self, send: ObjectSendStream[AudioChunk]) -> None:
        """Send the recording in chunks of about a second, the sides of a call by turns, as soon as they are there."""
        audio = self.spool.audio
        resampler = Resampler(audio.sample_rate, 2 if self.two_sided else 1)
        block = PARTS * round(BLOCK * audio.sample_rate / PARTS) * audio.bytes_per_frame
        read, start, flat, ended = 0, 0, _Flat(), False
        while not ended:
            await self.spool.wait(read + block)
            data = await to_thread.run_sync(self.spool.read, read, block, limiter=self.limiter)
            read, ended = read + len(data), not data
            work = partial(self._advance, data, resampler, flat)
            samples = await to_thread.run_sync(work, limiter=self.limiter)
            for channel, side in enumerate(samples.T):
                if len(side):
                    await send.send(AudioChunk(channel, start, np.ascontiguousarray(side)))
            start += len(samples)
        if read and flat.value is not None:
            self.report(notice(errors.NO_SIGNAL, path=NAME))

    def _advance(self, data: bytes, resampler: Resampler, flat: "_Flat") -> Frames:
        """The next samples at SAMPLE_RATE, (samples, sides); the last ones for no data."""
        if not data:
            return resampler.finish()
        frames = decoded(data, self.spool.audio)
        flat.see(frames)
        return resampler.take(mixed(frames, two_sided=self.two_sided))


class _Flat:
    """Whether every sample is like the first."""

    def __init__(self) -> None:
        self.value: Frames | None = None
        """(1, channels): the first sample, as long as every other one is like it."""
        self._begun = False

    def see(self, frames: Frames) -> None:
        """Look at the next samples, of which there is at least one."""
        if not self._begun:
            self.value, self._begun = frames[:1], True
        if self.value is not None and (frames != self.value).any():
            self.value = None
