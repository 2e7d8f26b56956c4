"""The source of the graph for a recording: audio out of a file, at the rate of the graph, a channel for each side."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from anyio import CapacityLimiter, to_thread
from anyio.abc import ObjectSendStream

from contracts import errors
from contracts.annotation import Notice
from contracts.audio import SAMPLE_RATE, AudioChunk
from contracts.errors import CallAnnotateError
from contracts.options import ChannelMode
from stages.audio_file import AudioFile, probe
from stages.audio_reader import BLOCK, AudioReader, Frames
from stages.byte_view import Bytes
from stages.channels import judge
from stages.sound import open_sound, opened, shown

SCANNED: Final = 128
"""Blocks of a stereo recording that are looked at to judge its channels."""


def open_audio(path: Path, channels: ChannelMode = "auto") -> AudioFile:
    """Look at a recording and decide how its channels are treated; raises CallAnnotateError for what is wrong with it.

    Blocks: it reads SCANNED seconds of a stereo recording, and all of one whose blocks cannot be had singly.
    """
    file = probe(path)
    if file.channels == 1:
        if channels == "two-sided":
            raise CallAnnotateError(
                errors.INVALID_OPTION,
                option="channels",
                problem=f"{shown(path)} has one channel and cannot be two-sided",
                allowed="auto or mono for this file",
            )
        return file
    judgement = judge(spread_blocks(file), file.sample_rate)
    two_sided = channels == "two-sided" or (channels == "auto" and judgement.two_sided)
    return replace(file, layout="two-sided" if two_sided else "mono", inverted=judgement.inverted)


def spread_blocks(file: AudioFile) -> Iterator[Frames]:
    """About SCANNED blocks spread over a recording, one at a time."""
    if file.format == "mp3" or len(file.container.streams) > 1 or file.samples is None:
        # A position in an MP3 is found by decoding up to it, and behind damage it is not what the decoder says.
        yield from _spread_by_reading(file)
    else:
        yield from _spread_by_seeking(file, file.samples)


def _spread_by_reading(file: AudioFile) -> Iterator[Frames]:
    with AudioReader(file) as reader:
        number = 0
        while (block := reader.read()) is not None:
            # Of an unknown length, each octave gives the same number of blocks.
            every = 1 << max(0, number.bit_length() - 7) if file.duration is None else int(file.duration / SCANNED) + 1
            if number % every == 0:
                yield block
            number += 1


def _spread_by_seeking(file: AudioFile, samples: int) -> Iterator[Frames]:
    length = round(BLOCK * file.sample_rate)
    blocks = max(1, samples // length)
    with opened(file.path) as descriptor:
        sound, _ = open_sound(Bytes(descriptor, file.size), file.container.streams[0])
        with sound:
            for start in np.linspace(0, (blocks - 1) * length, min(blocks, SCANNED)).astype(int).tolist():
                try:
                    sound.seek(start)
                    yield sound.read(out=np.empty((length, file.channels), np.float32))
                except soundfile.LibsndfileError:
                    # Damage, or the end of a file that breaks off: whoever reads it from the start will say so.
                    continue


LOUDEST: Final = 1e6
"""Times full scale beyond which a sample is taken for as much: the energy of what floats can hold is infinite."""


class Resampler:
    """Brings a signal to the graph's rate: n samples become round(n * SAMPLE_RATE / rate), however they are cut."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self._stream: Final = soxr.ResampleStream(sample_rate, SAMPLE_RATE, channels, dtype="float32")
        self._sample_rate: Final = sample_rate
        self._channels: Final = channels
        self._taken = 0
        self._given = 0

    def take(self, block: Frames) -> Frames:
        """What is ready after another block: (samples, channels) -> (samples, channels)."""
        block = np.clip(block, -LOUDEST, LOUDEST)
        if self._sample_rate == SAMPLE_RATE:
            return block
        ready: Frames = self._stream.resample_chunk(block)
        self._taken += len(block)
        self._given += len(ready)
        return ready

    def finish(self) -> Frames:
        """The rest: (samples, channels)."""
        rest: Frames = self._stream.resample_chunk(np.empty((0, self._channels), np.float32), last=True)
        missing = (2 * self._taken * SAMPLE_RATE + self._sample_rate) // (2 * self._sample_rate) - self._given
        return np.concatenate([rest, np.zeros((max(0, missing - len(rest)), self._channels), np.float32)])[:missing]


def sides(block: Frames, file: AudioFile) -> Frames:
    """The channels of the graph: both of a two-sided call, otherwise the mean of all: (samples, 1 or 2)."""
    if block.shape[1] == 1 or file.layout == "two-sided":
        return block
    other = -block[:, 1] if file.inverted else block[:, 1]
    mixed: Frames = (block[:, :1] + other[:, None]) * np.float32(0.5)
    return mixed


@dataclass(frozen=True)
class Decode:
    """Reads one recording. Memory does not grow with its length."""

    file: AudioFile
    """As `open_audio` found it."""
    limiter: CapacityLimiter
    """For the thread that reads and resamples."""
    report: Callable[[Notice], None]
    """Called in the event loop, before the end, with each warning about the recording."""

    async def run(self, send: ObjectSendStream[AudioChunk]) -> None:
        """Send the recording in chunks of about a second, the sides of a call by turns; raises CallAnnotateError."""
        resampler = Resampler(self.file.sample_rate, 2 if self.file.layout == "two-sided" else 1)
        start, ended = 0, False
        with AudioReader(self.file) as reader:
            while not ended:
                samples, ended = await to_thread.run_sync(self._advance, reader, resampler, limiter=self.limiter)
                for channel, side in enumerate(samples.T):
                    if len(side):
                        await send.send(AudioChunk(channel, start, np.ascontiguousarray(side)))
                start += len(samples)
            for notice in reader.notices:
                self.report(notice)

    def _advance(self, reader: AudioReader, resampler: Resampler) -> tuple[Frames, bool]:
        """The next samples at SAMPLE_RATE, (samples, sides), and whether they are the last."""
        block = reader.read()
        return (resampler.finish(), True) if block is None else (resampler.take(sides(block, self.file)), False)
