"""FLAC: what its header says (RFC 9639, section 8.2)."""

from typing import Final

from stages.byte_view import Bytes
from stages.container import Container, NotReadableError, Stream

TOTAL: Final = (1 << 36) - 1
"""The lowest 36 of the 64 bits from byte 18 on: samples of each channel, 0 where the encoder could not know."""


def read_flac(source: Bytes, start: int) -> Container:
    """Read the header at `start`; raises NotReadableError.

    libsndfile stops at the length that the header announces, so it is given a header that leaves the length open.
    """
    head = source.at(start, 42)
    if len(head) < 42 or head[4] & 0x7F != 0:
        raise NotReadableError("the FLAC header breaks off")
    fields = int.from_bytes(head[18:26], "big")
    open_end = (fields & ~TOTAL).to_bytes(8, "big")
    pieces = (head[:18] + open_end, range(start + 26, source.size))
    return Container("flac", (Stream(pieces),), fields >> 44, (fields >> 41 & 7) + 1, samples=fields & TOTAL or None)
