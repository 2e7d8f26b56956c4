"""Ogg: which pages of an Opus or Vorbis file are whole, and where pages are missing.

The page layout and its checksum are those of RFC 3533, the Opus header that of RFC 7845. libogg drops broken pages
without a word, and what follows would come too early: so the pages on either side of a gap become streams of their own,
whose positions are known from their last page.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from stages.byte_view import Bytes
from stages.container import AudioFormat, Container, NotReadableError, Stream

REVERSED: Final = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits in the reverse order."""
LONGEST_PAGE: Final = 27 + 255 + 255 * 255
LONGEST_HOLE: Final = 1800.0
"""Seconds between the ends of two runs of pages; clocks that are further apart are not to be believed."""
BEGIN: Final = 2
"""Flag of the first page of a logical stream."""
END: Final = 4
"""Flag of its last page."""


class Codec(NamedTuple):
    """What the first packet of a logical stream says."""

    name: AudioFormat
    channels: int
    sample_rate: int | None
    """Hertz; None for Opus, whose decoder chooses."""
    clock: int
    """Granules in a second."""


@dataclass(frozen=True)
class Page:
    """One page that is whole."""

    start: int
    """Bytes from the start of the file."""
    stop: int
    flags: int
    granule: int
    """Samples up to the end of the page; -1 where no packet ends in it, 0 in the headers."""
    serial: int
    number: int
    """Counted by the writer, so that a page that is missing shows."""


@dataclass(frozen=True)
class Run:
    """Pages that follow each other without a gap, behind the headers of their logical stream."""

    headers: range
    """Bytes of the file."""
    pages: range
    """Bytes of the file."""
    link: int
    """Number of the logical stream in a chain, from 0."""
    granule: int
    """Of the last page that has one."""


def checksum(page: bytes) -> int:
    """CRC-32 with the polynomial 0x04C11DB7, not reflected, from 0: zlib's on reversed bytes, reversed."""
    body = page[:22] + bytes(4) + page[26:]
    value = zlib.crc32(body.translate(REVERSED), 0xFFFF_FFFF) ^ 0xFFFF_FFFF
    return int(f"{value:032b}"[::-1], 2)


def read_page(source: Bytes, offset: int) -> Page | None:
    """The page at `offset`, or None where there is none that is whole and right."""
    page = source.at(offset, LONGEST_PAGE)
    if len(page) < 27 or page[:5] != b"OggS\0":
        return None
    stop = 27 + page[26] + sum(page[27 : 27 + page[26]])
    flags, granule, serial, number, wanted = struct.unpack_from("<BqIII", page, 5)
    if len(page) < stop or checksum(page[:stop]) != wanted:
        return None
    return Page(offset, offset + stop, flags, granule, serial, number)


def read_ogg(source: Bytes) -> Container:
    """Follow the pages of a file that begins with OggS; no streams where no audio is whole; raises NotReadableError."""
    first = read_page(source, 0)
    if first is None:
        raise NotReadableError("the first Ogg page is damaged or breaks off")
    codec = _codec(source.at(0, first.stop))
    runs, ended = _runs(source, first)
    streams: list[Stream] = []
    link = 0
    for number, run in enumerate(runs):
        before, end = runs[max(0, number - 1)], run.granule / codec.clock
        if run.link != before.link or not 0 <= end - before.granule / codec.clock < LONGEST_HOLE:
            link += 1
        streams.append(Stream((run.headers, run.pages), link, end))
    cut = None if ended else "its last Ogg page is missing"
    return Container(codec.name, tuple(streams), codec.sample_rate, codec.channels, cut=cut)


def _codec(page: bytes) -> Codec:
    """What the first packet says."""
    packet = page[27 + page[26] :]
    if packet[:8] == b"OpusHead" and len(packet) >= 19:
        return Codec("opus", packet[9], None, 48_000)
    if packet[:7] == b"\x01vorbis" and len(packet) >= 30:
        rate = int.from_bytes(packet[12:16], "little")
        return Codec("vorbis", packet[11], rate, rate or 1)
    known = {b"\x7fFLAC": "FLAC", b"Speex": "Speex", b"\x80theora": "Theora video"}
    other = next((label for magic, label in known.items() if packet.startswith(magic)), "an unknown codec")
    raise NotReadableError(f"Ogg with {other}")


def _runs(source: Bytes, first: Page) -> tuple[list[Run], bool]:
    """Runs of whole pages of the first logical stream and of those chained to it, and whether the last one is ended."""
    runs: list[Run] = []
    page: Page | None = first
    headers, in_headers, link, last = range(0), True, -1, first
    while page is not None:
        if page.flags & BEGIN:
            link, in_headers, headers = link + 1, True, range(page.start, page.stop)
        elif page.serial != last.serial:
            raise NotReadableError("several Ogg streams side by side")
        elif in_headers and page.granule in {0, -1} and page.number == last.number + 1:
            headers = range(headers.start, page.stop)
        elif in_headers or page.start != last.stop or page.number != last.number + 1:
            in_headers = False
            runs.append(Run(headers, range(page.start, page.stop), link, page.granule))
        else:
            granule = page.granule if page.granule >= 0 else runs[-1].granule
            runs[-1] = Run(headers, range(runs[-1].pages.start, page.stop), link, granule)
        last = page
        page = read_page(source, last.stop) or _next_page(source, last.stop)
    return runs, bool(last.flags & END)


def _next_page(source: Bytes, offset: int) -> Page | None:
    """The next page that is whole behind a damage."""
    while (found := source.find(b"OggS", offset, source.size)) is not None:
        if (page := read_page(source, found)) is not None:
            return page
        offset = found + 1
    return None
