"""WAV: what the header says of the samples, and what the file really holds.

The layout is that of "Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), with
WAVE_FORMAT_EXTENSIBLE, and RF64 (EBU Tech 3306) for files above 4 GB. Recorders that write to a pipe cannot go back to
fill in the length: ffmpeg leaves 0xFFFFFFFF, SoX 0x7FFFF000, others 0.
"""

import struct
from typing import Final

from stages.byte_view import Bytes, Piece
from stages.container import Container, NotReadableError, Stream

PLAIN: Final = (1, 3, 6, 7, 0xFFFE)
"""Format tags whose samples have a fixed size, so that the bytes of a second need not be believed."""
UNKNOWN: Final = 0x7FFF_0000
"""Bytes: a length from here on, in a file that has fewer, means that the recorder did not know it."""
FOLLOWING: Final = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"cue ", b"fact", b"JUNK", b"PAD ", b"PEAK", b"smpl", b"iXML")
"""Chunks that writers put behind the samples."""
LONGEST_HEADER: Final = 16 << 20
"""Bytes in front of the samples that are still taken for a header."""


def read_wav(source: Bytes) -> Container:
    """Find the samples of a file that begins with RIFF, RIFX or RF64 and WAVE; raises NotReadableError."""
    order = ">" if source.at(0, 4) == b"RIFX" else "<"
    form, wide, offset = None, None, 12
    while offset < min(source.size, LONGEST_HEADER):
        head = source.at(offset, 8)
        if len(head) < 8:
            break
        name, length = head[:4], struct.unpack(order + "I", head[4:])[0]
        offset += 8
        if name == b"data":
            if form is None:
                raise NotReadableError("the WAV header does not say what the samples are")
            if wide is not None and length == 0xFFFF_FFFF:
                length = wide
            channels, sample_rate, per_second = form
            pieces, announced = _samples(source, order, offset, length, per_second)
            return Container("wav", (Stream(pieces),), sample_rate, channels, announced=announced)
        if name == b"fmt " and len(body := source.at(offset, 14)) == 14:
            tag, channels, sample_rate, per_second, block = struct.unpack(order + "HHIIH", body)
            form = channels, sample_rate, max(1, block * sample_rate if tag in PLAIN else per_second)
        elif name == b"ds64" and len(body := source.at(offset, 16)) == 16:
            wide = struct.unpack(order + "Q", body[8:])[0]
        offset += length + length % 2
    raise NotReadableError("the WAV header breaks off before the samples")


def _samples(
    source: Bytes, order: str, start: int, length: int, per_second: int
) -> tuple[tuple[Piece, ...], float | None]:
    """The file put right, and the seconds that the header announces where the file does not hold them.

    `length` and `per_second` (bytes) are what the header says; less than 0.1 s left over at the end is no audio.
    """
    rest = source.size - start
    if 0 < length <= rest < length + per_second / 10 or _are_chunks(source, order, start + length):
        return (range(source.size),), None
    if length == 0 or (length >= UNKNOWN and length > rest):
        return _with_length(order, start, rest), None
    if length > rest:
        return (range(source.size),), length / per_second
    return _with_length(order, start, rest), length / per_second


def _are_chunks(source: Bytes, order: str, offset: int) -> bool:
    """Whether chunks, of which the last may break off, fill the file from the end of the samples on."""
    if offset > source.size:
        return False
    offset += offset % 2
    while offset + 8 <= source.size:
        head = source.at(offset, 8)
        length = struct.unpack(order + "I", head[4:])[0]
        offset += 8 + length + length % 2
        if head[:4] not in FOLLOWING and (offset > source.size + 1 or not head[:4].isalnum()):
            return False
    return offset >= source.size


def _with_length(order: str, start: int, length: int) -> tuple[Piece, ...]:
    """The file with `length` in its header; libsndfile ends with the file where that is too much for 32 bits."""
    return range(start - 4), struct.pack(order + "I", min(length, 0xFFFF_FFFF)), range(start, start + length)
