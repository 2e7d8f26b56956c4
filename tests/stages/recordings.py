"""Recordings made on the fly, and what comes of them."""

import struct
from collections.abc import Callable
from pathlib import Path

import anyio
import numpy as np
import numpy.typing as npt
import soundfile
from anyio import CapacityLimiter

from contracts.annotation import Notice
from contracts.audio import SAMPLE_RATE, AudioChunk
from contracts.options import ChannelMode
from stages.decode import Decode, open_audio

Signal = npt.NDArray[np.floating]
"""(samples,) or (samples, channels); float32 where it was decoded."""

RATE = 8000
"""Hertz, where a test does not say otherwise."""


def voice(seconds: float, rate: int = RATE, seed: int = 0) -> Signal:
    """Something with the ups and downs of speech, at about -20 dBFS: float32 (samples,)."""
    generator = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    syllables = np.repeat(generator.uniform(0, 1, int(seconds * 4) + 1) ** 2, rate // 4)[: len(times)]
    pitch = (
        2 * np.pi * np.cumsum(generator.uniform(110, 180, int(seconds * 4) + 1).repeat(rate // 4)[: len(times)]) / rate
    )
    tone = sum(np.sin(pitch * harmonic) / harmonic for harmonic in range(1, 12))
    noise = generator.normal(0, 0.3, len(times))
    return (0.12 * syllables * (tone + noise)).astype(np.float32)


def write(path: Path, samples: Signal, rate: int = RATE, subtype: str = "PCM_16", *, container: str = "WAV") -> Path:
    """Write a recording, in blocks because libsndfile's Ogg encoders overflow the stack with long ones."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(path, "w", rate, channels, subtype, format=container) as file:
        for start in range(0, len(samples), 4096):
            file.write(samples[start : start + 4096])
    return path


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a RIFF file."""
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def wav(data: bytes, *, declared: int | None = None, rate: int = RATE, channels: int = 1, bits: int = 16) -> bytes:
    """A PCM WAV by hand, whose header may announce another number of bytes than there are."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block, block, bits)
    length = len(data) if declared is None else declared
    return b"RIFF" + struct.pack("<I", (36 + length) % 2**32) + b"WAVE" + chunk(b"fmt ", form) + (
        b"data" + struct.pack("<I", length) + data
    )  # fmt: skip


def pcm(samples: Signal) -> bytes:
    """Samples as 16-bit integers."""
    return (samples * 32767).astype("<i2").tobytes()


async def play(path: Path, channels: ChannelMode, take: Callable[[AudioChunk], None]) -> list[Notice]:
    """Decode a recording chunk by chunk; returns the warnings about it."""
    notices: list[Notice] = []
    source = Decode(open_audio(path, channels), CapacityLimiter(1), notices.append)
    send, receive = anyio.create_memory_object_stream[AudioChunk](2)

    async def produce() -> None:
        async with send:
            await source.run(send)

    with anyio.fail_after(60):
        try:
            async with receive, anyio.create_task_group() as tasks:
                tasks.start_soon(produce)
                async for message in receive:
                    take(message)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
    return notices


async def decode(path: Path, channels: ChannelMode = "auto") -> tuple[list[AudioChunk], list[Notice]]:
    """All chunks of a recording, and the warnings about it."""
    chunks: list[AudioChunk] = []
    notices = await play(path, channels, chunks.append)
    return chunks, notices


async def heard(path: Path, channels: ChannelMode = "auto") -> tuple[Signal, list[str]]:
    """The signal of a recording at SAMPLE_RATE, (samples, channels), and the codes of the warnings."""
    chunks, notices = await decode(path, channels)
    sides = [
        np.concatenate([message.samples for message in chunks if message.channel == side])
        for side in sorted({message.channel for message in chunks})
    ]
    return np.stack(sides, axis=1), [notice.code for notice in notices]


def likeness(one: Signal, other: Signal) -> float:
    """Correlation of two signals of nearly the same length, sample by sample: 1 for the same signal at any level."""
    length = min(len(one), len(other))
    assert abs(len(one) - len(other)) < SAMPLE_RATE // 20
    return float(np.corrcoef(one[:length], other[:length])[0, 1])
