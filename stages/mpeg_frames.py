"""MP3: where its frames are, told from text and noise, and put right so that libmpg123 reads them without a complaint.

Frame header: ISO 11172-3 section 2.4.1 and ISO 13818-3; the Xing and LAME tag: "MP3 Info Tag rev 1". libmpg123
gives up at damage of more than 1 kB, believes what the tag says of the length, guesses it without one, and prints on
standard error. So damage and foreign bytes are taken out, frames of silence put in for them, frames that build on lost
ones are muted, and the tag is written anew.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from stages.byte_view import Bytes, Piece
from stages.container import Container, Hole, NotReadableError, Stream

SEARCHED: Final = 64 << 10
"""Bytes behind the ID3 tags in which the first frame must be."""
CHAIN: Final = 4
"""Frames in a row, each where the one before ends, that are no accident: one in 2**50 for noise."""
BITRATES: Final = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
}
"""kbit/s of layer III by index: for MPEG-1 (3), and for MPEG-2 and 2.5 (2); 0 cannot be read."""
SAMPLE_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hertz by version and index."""


class Header(NamedTuple):
    """What the four bytes in front of a frame say."""

    version: int
    """3 for MPEG-1, 2 for MPEG-2, 0 for MPEG-2.5."""
    sample_rate: int
    """Hertz."""
    channels: int
    length: int
    """Bytes from this header to the next."""

    @property
    def samples(self) -> int:
        """In a frame, of each channel."""
        return 1152 if self.version == 3 else 576

    @property
    def side_information(self) -> int:
        """Bytes between the header and the main data, without a checksum."""
        return (17, 32)[self.channels - 1] if self.version == 3 else (9, 17)[self.channels - 1]

    @property
    def kind(self) -> tuple[int, int, int]:
        """What stays the same through a recording."""
        return self[:3]


@dataclass(frozen=True)
class Frames:
    """Frames in a row."""

    start: int
    """Bytes from the start of the file."""
    stop: int
    count: int
    gap: int
    """Bytes of damage in front of them."""


@lru_cache(maxsize=4096)
def read_header(head: bytes) -> Header | None:
    """Four bytes as a header of layer III, or None where they are none; free bit rates are not read."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[3] & 3 == 2:
        return None
    version = head[1] >> 3 & 3
    bitrate, rate = BITRATES[3 if version == 3 else 2][head[2] >> 4], head[2] >> 2 & 3
    if version == 1 or rate == 3 or bitrate == 0:
        return None
    sample_rate = SAMPLE_RATES[version][rate]
    length = (144 if version == 3 else 72) * bitrate * 1000 // sample_rate + (head[2] >> 1 & 1)
    return Header(version, sample_rate, 1 if head[3] >> 6 == 3 else 2, length)


def skip_id3(source: Bytes, offset: int) -> int:
    """One past the ID3v2 tags that begin at `offset`, and past padding with zeros behind them."""
    start = offset
    while len(head := source.at(offset, 10)) == 10 and head[:3] == b"ID3" and max(head[6:]) < 128:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
    while offset > start and offset < source.size and not any(block := source.at(offset, 1024)):
        offset += len(block)
    if offset > start and (block := source.at(offset, 1024)):
        offset += len(block) - len(block.lstrip(b"\0"))
    return offset


def read_mp3(source: Bytes) -> Container:
    """Follow the frames of a file; raises NotReadableError where its beginning holds none."""
    begin = skip_id3(source, 0)
    if (first := _find_chain(source, begin, min(source.size, begin + SEARCHED), None)) is None:
        raise NotReadableError("no MP3 frames in it")
    head = read_header(source.at(first, 4))
    assert head is not None
    tag, frame = _read_tag(source.at(first, head.length), head)
    runs, cut = _runs(source, first + head.length if tag else first, head.kind)
    if not runs:
        raise NotReadableError("an MP3 without a whole frame")
    found = sum(run.count for run in runs)
    gaps = _gaps(runs, found, 0 if cut else tag)
    pieces: list[Piece] = []
    holes: list[Hole] = []
    frames = 0
    for run, lost in zip(runs, gaps, strict=True):
        if lost:
            holes.append(Hole(frames * head.samples / head.sample_rate, lost * head.samples / head.sample_rate))
            pieces.append(_silence(source.at(run.start, 4), lost))
        muted = _muted(source, run)
        pieces += [muted, range(run.start + len(muted), run.stop)]
        frames += lost + run.count
    announced = tag * head.samples / head.sample_rate if tag > frames + 1 else None
    size = sum(map(len, pieces))
    stream = Stream((_with_tag(frame, head, frames, size), *pieces))
    return Container(
        "mp3", (stream,), head.sample_rate, head.channels, announced=announced,
        cut="its last MP3 frame is cut" if cut else None, holes=tuple(holes),
    )  # fmt: skip


def _find_chain(source: Bytes, begin: int, stop: int, kind: tuple[int, int, int] | None) -> int | None:
    """Offset of the first of CHAIN frames of the given kind; fewer do where they fill the file from `begin` on."""
    offset: int | None = begin
    while offset is not None:
        count, end = _follow(source, offset, kind, CHAIN)
        if count == CHAIN or (count and offset == begin and _at_end(source, end)):
            return offset
        offset = source.find(b"\xff", offset + 1, stop)
    return None


def _follow(source: Bytes, offset: int, kind: tuple[int, int, int] | None, most: int) -> tuple[int, int]:
    """How many frames of one kind follow each other from `offset` on, and the byte past the last one's full length."""
    count = 0
    while count < most and offset < source.size:
        head = read_header(source.at(offset, 4))
        if head is None or (kind is not None and head[:3] != kind):
            break
        kind, offset, count = head[:3], offset + head.length, count + 1
    return count, offset


def _runs(source: Bytes, offset: int, kind: tuple[int, int, int]) -> tuple[list[Frames], bool]:
    """The whole frames in rows without a gap, and whether the file ends inside a frame."""
    runs: list[Frames] = []
    gap = 0
    while True:
        count, stop = _follow(source, offset, kind, source.size)
        cut = count > 0 and stop > source.size
        after = None if cut or _at_end(source, stop) else _find_chain(source, stop, source.size, kind)
        behind_tags = after is not None and after == skip_id3(source, stop)
        whole = count
        if cut or (after is not None and not behind_tags):
            # The last header is right, but its frame is not all there, or it is where the damage begins.
            whole = max(0, count - 1)
            stop = _follow(source, offset, kind, whole)[1]
        if whole:
            runs.append(Frames(offset, stop, whole, gap))
            gap = 0
        if after is None:
            return runs, cut
        if not behind_tags:
            gap += after - stop
        offset = after


def _gaps(runs: list[Frames], found: int, announced: int) -> list[int]:
    """Frames lost in front of each run: as many as the tag misses, or as the bytes between the runs would hold.

    A tag that misses more than half of all frames is damaged itself.
    """
    between = sum(run.gap for run in runs)
    size = sum(run.stop - run.start for run in runs) / found
    if between and 0 < announced - found <= found + between / size:
        size = between / (announced - found)
    return [round(run.gap / size) for run in runs]


def _at_end(source: Bytes, offset: int) -> bool:
    """Whether no frame can begin at `offset`: the end of the file, or a tag that stands at the end."""
    return offset + 4 > source.size or source.at(offset, 8).startswith((b"TAG", b"APETAGEX", b"LYRICS"))


def _read_tag(frame: bytes, head: Header) -> tuple[int, bytes | None]:
    """Number of frames that the Xing tag announces (0 without a tag, 1 where it does not say), and the tag's frame."""
    at = 4 + head.side_information
    if frame[at : at + 4] not in {b"Xing", b"Info"} or len(frame) < at + 16:
        return 0, None
    flags, frames, _ = struct.unpack_from(">III", frame, at + 4)
    return (frames if flags & 1 and frames else 1), frame if flags & 3 == 3 else None


def _with_tag(frame: bytes | None, head: Header, frames: int, size: int) -> bytes:
    """A frame whose tag announces what there is; the encoder's delay is kept where the file has one."""
    at = 4 + head.side_information
    if frame is None:
        # 32 kbit/s (index 1 or 4) at least: the shortest frame that every tag fits.
        bits = 1 if head.version == 3 else 4
        rate = SAMPLE_RATES[head.version].index(head.sample_rate)
        mode = 0xC0 if head.channels == 1 else 0
        four = bytes([0xFF, 0xE3 | head.version << 3, bits << 4 | rate << 2, mode])
        made = read_header(four)
        assert made is not None
        frame = (four + bytes(at - 4) + b"Xing" + struct.pack(">I", 3)).ljust(made.length, b"\0")
    length = size + len(frame)
    return frame[: at + 8] + struct.pack(">II", frames, length) + frame[at + 16 :]


def _silence(four: bytes, count: int) -> bytes:
    """`count` frames that say nothing: side information of zeros asks for no main data."""
    head = read_header(four)
    assert head is not None
    return (four[:1] + bytes([four[1] | 1]) + four[2:]).ljust(head.length, b"\0") * count


def _muted(source: Bytes, run: Frames) -> bytes:
    """The first frames of a run that build on data from before it, without their side information: they say nothing.

    Their main data stays, because later frames build on it.
    """
    muted, offset, kept = b"", run.start, 0
    while offset < run.stop and (head := read_header(source.at(offset, 4))) is not None:
        frame = source.at(offset, head.length)
        # A checksum follows the header where the protection bit is not set.
        side = 4 if frame[1] & 1 else 6
        field = int.from_bytes(frame[side : side + 2], "big")
        if (field >> 7 if head.version == 3 else field >> 8) <= kept:
            break
        muted += frame[:side] + bytes(head.side_information) + frame[side + head.side_information :]
        kept += head.length - side - head.side_information
        offset += head.length
    return muted
