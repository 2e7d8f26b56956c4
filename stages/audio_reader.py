"""Reads a recording from its beginning to its end in blocks, over damage and up to where it breaks off."""

import os
from collections.abc import Generator, Iterator
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import soundfile

from contracts import errors
from contracts.annotation import Notice
from contracts.errors import CallAnnotateError, Fault
from stages.audio_file import SHORTEST, AudioFile
from stages.byte_view import Bytes, Splice
from stages.container import Hole, Stream
from stages.sound import Sound, open_sound, opened, shown

Frames = npt.NDArray[np.float32]
"""float32 (samples, channels), as they are in the file: full scale is 1.0, and floats may go beyond it."""

BLOCK: Final = 1.0
"""Seconds in one block."""
PARTS: Final = 10
"""Parts that a block is read in: where libsndfile fails inside of one, what it had read of that one is lost."""
LEAPS: Final = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds behind a damage at which reading is tried again."""
DAMAGES: Final = 100
"""What is behind so many damages is not worth to be read."""


class AudioReader:
    """One pass over a recording. It blocks, so it belongs into a thread."""

    def __init__(self, file: AudioFile) -> None:
        self._file: Final = file
        self._blocks: Final = self._read()
        self._position = 0
        """Samples of each channel so far."""
        self._holes: Final = list(file.container.holes)
        self._flat: Frames | None = None
        """(1, channels): the first sample, as long as every other one is like it."""
        self.notices: tuple[Notice, ...] = ()
        """What the user has to know of the recording; complete after the last block."""

    def __enter__(self) -> Self:
        """Nothing is opened before the first block is asked for."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.close()

    def read(self) -> Frames | None:
        """The next block of at most BLOCK, None after the last; raises CallAnnotateError."""
        block = next(self._blocks, None)
        if block is None:
            self.notices = tuple(self._findings())
        return block

    def _read(self) -> Generator[Frames]:
        """All blocks, checked."""
        with opened(self._file.path) as descriptor:
            for block in self._streams(Bytes(descriptor, self._file.size)):
                check_unchanged(descriptor, self._file)
                self._check_samples(block)
                self._position += len(block)
                yield block
            check_unchanged(descriptor, self._file)

    def _check_samples(self, block: Frames) -> None:
        if not np.isfinite(block).all():
            first = int(np.flatnonzero(~np.isfinite(block))[0]) // block.shape[1]
            raise CallAnnotateError(errors.INVALID_SAMPLES, path=shown(self._file.path), time=self._seconds(first))
        if self._position == 0:
            self._flat = block[:1]
        if self._flat is not None and (block != self._flat).any():
            self._flat = None

    def _streams(self, source: Bytes) -> Iterator[Frames]:
        """The streams one after the other, with silence for what is lost between two of one link."""
        rate, link, origin = self._file.sample_rate, -1, 0
        for stream in self._file.container.streams:
            sound, splice = open_sound(source, stream)
            with sound:
                begin = round(stream.end * rate) - sound.frames
                if stream.link == link:
                    yield from self._silence(origin + begin - self._position)
                else:
                    link, origin = stream.link, self._position - begin
                whole = yield from self._stream(sound, splice)
            while not whole and (found := self._leap(source, stream)) is not None:
                sound, splice, lost = found
                with sound:
                    yield from self._silence(lost)
                    whole = yield from self._stream(sound, splice)

    def _stream(self, sound: Sound, splice: Splice) -> Generator[Frames, None, bool]:
        """Blocks up to the end of a stream, and whether it was the end and not damage."""
        step = round(BLOCK * self._file.sample_rate / PARTS)
        while True:
            block = np.empty((PARTS * step, self._file.channels), np.float32)
            filled, more, damaged = 0, True, False
            while more and filled < len(block):
                try:
                    part = len(sound.read(out=block[filled : filled + step]))
                except soundfile.LibsndfileError:
                    part, damaged = 0, True
                filled, more = filled + part, part > 0
            if splice.failure is not None:
                raise splice.failure
            if filled:
                yield block[:filled]
            if not more:
                return not damaged

    def _silence(self, samples: int) -> Iterator[Frames]:
        """Silence in blocks for audio that is lost; nothing where `samples` is not above 0."""
        rate = self._file.sample_rate
        if samples > 0:
            self._holes.append(Hole(self._seconds(), samples / rate))
        for start in range(0, samples, round(BLOCK * rate)):
            yield np.zeros((min(samples - start, round(BLOCK * rate)), self._file.channels), np.float32)

    def _leap(self, source: Bytes, stream: Stream) -> tuple[Sound, Splice, int] | None:
        """The stream opened anew behind a damage, and the samples leapt over; None where there is nothing more.

        Only FLAC gets here: the other containers are put right before libsndfile sees them.
        """
        samples, rate = self._file.samples, self._file.sample_rate
        for leap in LEAPS if len(self._holes) < DAMAGES else ():
            target = self._position + round(leap * rate)
            if samples is not None and target >= samples:
                return None
            sound, splice = open_sound(source, stream)
            try:
                sound.seek(target)
            except soundfile.LibsndfileError:
                sound.close()
            else:
                return sound, splice, target - self._position
        return None

    def _seconds(self, more: int = 0) -> float:
        """Time of the sample `more` behind the position."""
        return (self._position + more) / self._file.sample_rate

    def _findings(self) -> Iterator[Notice]:
        """What was wrong with the recording; raises CallAnnotateError where nothing of use was left."""
        name, container, read = shown(self._file.path), self._file.container, self._seconds()
        if read == 0:
            raise CallAnnotateError(errors.NO_AUDIO, path=name)
        if read < SHORTEST:
            raise CallAnnotateError(errors.AUDIO_TOO_SHORT, path=name, duration=read, shortest=SHORTEST)
        announced = container.announced or self._file.duration or read
        if announced >= read + SHORTEST:
            yield notice(errors.TRUNCATED, path=name, read=read, cause=f"its header announces {announced:.2f} s")
        elif container.cut is not None:
            yield notice(errors.TRUNCATED, path=name, read=read, cause=container.cut)
        elif announced <= read - SHORTEST:
            yield notice(errors.LENGTH_MISMATCH, path=name, declared=announced, read=read)
        if self._holes:
            lost = sum(hole.length for hole in self._holes)
            yield notice(errors.DAMAGED, path=name, time=self._holes[0].start, lost=lost)
        if self._flat is not None:
            yield notice(errors.NO_SIGNAL, path=name)


def check_unchanged(descriptor: int, file: AudioFile) -> None:
    """Raise CallAnnotateError where the file is not as it was when it was looked at: still growing, or replaced."""
    state = os.fstat(descriptor)
    if (state.st_size, state.st_mtime_ns) != (file.size, file.modified):
        raise CallAnnotateError(errors.FILE_CHANGED, path=shown(file.path), before=file.size, after=state.st_size)


def notice(fault: Fault, **details: str | float) -> Notice:
    """An entry of the catalogue as a warning."""
    return Notice(fault.code, str(CallAnnotateError(fault, **details)))
