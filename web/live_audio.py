"""Where the audio of a live session comes from: a recording, standard input, or the microphone.

Each source is blocks of about 100 ms in an encoding of the protocol, no sooner than they would be recorded.
"""

import os
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import anyio
import numpy as np
from anyio import CancelScope, Event, create_task_group, current_time, to_thread

from contracts.errors import INVALID_OPTION, MICROPHONE_UNAVAILABLE, UNSUPPORTED_FORMAT, CallAnnotateError
from contracts.live_audio import AudioFormat
from contracts.options import ChannelMode
from stages.audio_reader import AudioReader
from stages.decode import open_audio, sides

BLOCK: Final = 0.1
"""Seconds of a block."""
SHORTEST: Final = 0.02
"""Seconds: a rest that is shorter goes with the block before it."""
EXACT: Final = ("PCM_16", "PCM_U8", "PCM_S8", "ULAW", "ALAW", "GSM610")
"""Codings of recordings that 16 bits hold without loss."""
MICROPHONE_RATE: Final = 16_000
"""Hertz."""
HEADER: Final = 1 << 16
"""Bytes within which the samples of a WAV on standard input have to begin."""
CONTAINERS: Final = {
    b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3\x03": "MP3", b"ID3\x04": "MP3", b"RF64": "RF64", b"RIFX": "RIFX",
    b"FORM": "AIFF", b"\x1aE\xdf\xa3": "Matroska or WebM",
}  # fmt: skip
"""What else than samples and WAV comes over pipes by mistake, by its first bytes."""
ENDLESS: Final = 0x7FFF_0000
"""Bytes: a recorder that writes to a pipe does not know the length, and puts something from here on."""


class Source(Protocol):
    """Audio as it comes."""

    name: str
    """Of the recording, for those formats that name it."""
    audio: AudioFormat

    def blocks(self) -> AsyncGenerator[bytes]:
        """All of it, as soon as it can be had."""
        ...


async def paced(source: Source, speed: float | None, stop: Event) -> AsyncIterator[bytes]:
    """The blocks of a source, each when its last sample would have been recorded, up to its end or `stop`.

    :param speed: 1 is real time; None is as soon as they can be had
    """
    began, sent = current_time(), 0
    blocks = source.blocks()
    try:
        while (block := await _unless(stop, blocks)) is not None:
            sent += len(block)
            if speed is not None:
                due = began + sent / source.audio.bytes_per_second / speed
                with CancelScope(deadline=due):
                    await stop.wait()
            if stop.is_set():
                return
            yield block
    finally:
        with CancelScope(shield=True):
            await blocks.aclose()


async def _unless(stop: Event, blocks: AsyncGenerator[bytes]) -> bytes | None:
    """The next block; None at the end and once `stop` is set."""
    found: bytes | None = None

    async def stopping() -> None:
        await stop.wait()
        tasks.cancel_scope.cancel()

    try:
        async with create_task_group() as tasks:
            tasks.start_soon(stopping)
            found = await anext(blocks, None)
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return found


class FileSource:
    """A recording in any format that can be annotated; raises what is wrong with it."""

    def __init__(self, path: Path, channels: ChannelMode) -> None:
        self._file: Final = open_audio(path, channels)
        mixed = self._file.channels == 2 and self._file.layout == "mono"
        self._exact: Final = self._file.subtype in EXACT and not mixed
        self.name = path.stem
        self.audio = AudioFormat(
            encoding="pcm_s16le" if self._exact else "pcm_f32le",
            sample_rate=self._file.sample_rate,
            channels=2 if self._file.layout == "two-sided" else 1,
        )

    async def blocks(self) -> AsyncGenerator[bytes]:
        """See Source."""
        size = block_bytes(self.audio)
        least = whole_bytes(self.audio, SHORTEST)
        kept = b""
        with AudioReader(self._file) as reader:
            while (read := await to_thread.run_sync(self._read, reader)) is not None:
                kept += read
                while len(kept) >= size + least:
                    yield kept[:size]
                    kept = kept[size:]
        if kept:
            yield kept

    def _read(self, reader: AudioReader) -> bytes | None:
        block = reader.read()
        if block is None:
            return None
        heard = sides(block, self._file)
        samples = np.rint(heard * 32768.0).astype("<i2") if self._exact else heard.astype("<f4")
        return bytes(samples.tobytes())


@dataclass
class PipeSource:
    """What is written to a pipe: samples as they are, or a WAV, whose header says what they are."""

    descriptor: int
    name: str
    audio: AudioFormat
    length: int | None = None
    """Bytes of audio, where a header says so."""
    begun: bytes = b""
    """What was read behind the header."""

    @classmethod
    async def opened(cls, descriptor: int, raw: AudioFormat) -> "PipeSource":
        """Wait for the first bytes; `raw` counts where they are no WAV. Raises UNSUPPORTED_FORMAT, INVALID_OPTION."""
        head = await read_some(descriptor)
        while 0 < len(head) < 12 or (head[:4] == b"RIFF" and not has_samples(head) and len(head) < HEADER):
            more = await read_some(descriptor)
            if not more:
                break
            head += more
        if (container := CONTAINERS.get(head[:4])) is not None:
            raise CallAnnotateError(
                INVALID_OPTION, option="standard input", problem=f"{container} cannot be streamed from a pipe",
                allowed="samples without a header, and WAV; give the file by its name, or decode it first",
            )  # fmt: skip
        if head[:4] != b"RIFF":
            return cls(descriptor, "standard-input", raw, None, head)
        audio, start, length = wav_header(head)
        return cls(
            descriptor, "standard-input", audio, None if length >= ENDLESS or not length else length, head[start:]
        )

    async def blocks(self) -> AsyncGenerator[bytes]:
        """See Source."""
        size, frame = block_bytes(self.audio), self.audio.bytes_per_frame
        kept, left = self.begun, self.length
        while True:
            usable = len(kept) if left is None else min(left, len(kept))
            while usable >= size:
                yield kept[:size]
                kept, usable = kept[size:], usable - size
                left = None if left is None else left - size
            if (left is not None and usable == left) or not (more := await read_some(self.descriptor)):
                break
            kept += more
        if rest := kept[: usable // frame * frame]:
            yield rest


async def read_some(descriptor: int) -> bytes:
    """What is there, as soon as something is; nothing at the end."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        await anyio.wait_readable(descriptor)
    return await to_thread.run_sync(os.read, descriptor, HEADER)


def chunks(head: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The chunks of a WAV that begin within its head: name, place of the body, and its length in bytes."""
    at = 12
    while at + 8 <= len(head):
        length = int.from_bytes(head[at + 4 : at + 8], "little")
        yield head[at : at + 4], at + 8, length
        at += 8 + length + length % 2


def has_samples(head: bytes) -> bool:
    """Whether the samples of a WAV begin within or right behind its head."""
    return any(name == b"data" for name, _, _ in chunks(head))


def wav_header(head: bytes) -> tuple[AudioFormat, int, int]:
    """What a WAV holds, where its samples begin, and how many bytes it announces. Raises UNSUPPORTED_FORMAT."""
    form: tuple[int, int, int, int] | None = None
    for name, at, length in chunks(head):
        body = head[at : at + length]
        if name == b"fmt " and len(body) >= 16:
            tag = int.from_bytes(body[24:26] if body[:2] == b"\xfe\xff" else body[:2], "little")
            form = tag, int.from_bytes(body[2:4], "little"), int.from_bytes(body[4:8], "little"), body[14]
        elif name == b"data" and form is not None:
            return _wav_audio(*form), at, length
    raise CallAnnotateError(UNSUPPORTED_FORMAT, path="standard input", cause="the WAV header breaks off")


def _wav_audio(tag: int, channels: int, sample_rate: int, bits: int) -> AudioFormat:
    match tag, bits:
        case 1, 16:
            return checked(AudioFormat(encoding="pcm_s16le", sample_rate=sample_rate, channels=channels))
        case 3, 32:
            return checked(AudioFormat(encoding="pcm_f32le", sample_rate=sample_rate, channels=channels))
        case 6, 8:
            return checked(AudioFormat(encoding="alaw", sample_rate=sample_rate, channels=channels))
        case 7, 8:
            return checked(AudioFormat(encoding="mulaw", sample_rate=sample_rate, channels=channels))
    cause = f"samples of {bits} bits and the WAV format {tag} cannot be streamed"
    raise CallAnnotateError(UNSUPPORTED_FORMAT, path="standard input", cause=cause)


def checked(audio: AudioFormat) -> AudioFormat:
    """The format, within the limits of the protocol. Raises INVALID_OPTION."""
    if not 8000 <= audio.sample_rate <= 48_000 or not 1 <= audio.channels <= 2:
        raise CallAnnotateError(
            INVALID_OPTION,
            option="standard input",
            problem=f"{audio.sample_rate} Hz and {audio.channels} channels cannot be streamed",
            allowed="8000 to 48000 Hz, 1 or 2 channels",
        )
    return audio


class MicrophoneSource:
    """The microphone, 16 bits, mono; needs the extra `microphone`."""

    def __init__(self, device: str | None) -> None:
        """Raises MICROPHONE_UNAVAILABLE."""
        self.name = "microphone"
        self.audio = AudioFormat(encoding="pcm_s16le", sample_rate=MICROPHONE_RATE, channels=1)
        try:
            import sounddevice  # noqa: PLC0415 - an extra, and slow
        except ImportError as error:
            raise CallAnnotateError(
                MICROPHONE_UNAVAILABLE, cause="the package sounddevice is not installed",
                remedy="Install callannotate[microphone], or pipe audio in with `-`",
            ) from error  # fmt: skip
        except OSError as error:
            raise CallAnnotateError(
                MICROPHONE_UNAVAILABLE, cause=str(error), remedy="Install PortAudio, such as the package libportaudio2"
            ) from error
        try:
            self._stream = sounddevice.RawInputStream(
                samplerate=MICROPHONE_RATE, channels=1, dtype="int16", device=_device(device)
            )
        except (ValueError, sounddevice.PortAudioError) as error:
            raise CallAnnotateError(
                MICROPHONE_UNAVAILABLE, cause=str(error),
                remedy="Plug one in, or name it with --device; `python -m sounddevice` lists them",
            ) from error  # fmt: skip

    async def blocks(self) -> AsyncGenerator[bytes]:
        """See Source."""
        samples = round(BLOCK * MICROPHONE_RATE)
        with self._stream as stream:
            while True:
                data, _ = await to_thread.run_sync(stream.read, samples)
                yield bytes(data)


def _device(name: str | None) -> str | int | None:
    return int(name) if name is not None and name.isdigit() else name


def block_bytes(audio: AudioFormat) -> int:
    """Bytes of BLOCK."""
    return whole_bytes(audio, BLOCK)


def whole_bytes(audio: AudioFormat, seconds: float) -> int:
    """Bytes of so many seconds, in whole samples."""
    return round(seconds * audio.sample_rate) * audio.bytes_per_frame
