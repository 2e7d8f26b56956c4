"""How the C library's allocator behaves under the networks."""

import ctypes
from typing import Final

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # glibc's malloc.h
KEPT: Final = 192 * 2**20
"""Bytes of free memory at the top of the heap that are not given back to the system; two encoders leave 144 MB."""

_library: Final = ctypes.CDLL(None)


def tune_allocator() -> None:
    """Let all threads allocate from one arena of glibc that keeps its memory; with another C library nothing happens.

    By default every thread has an arena of its own and keeps there what it once needed (80 MB of the 820 at the peak of
    a six-minute call), and blocks of 32 MB and more are mapped anew each time: that is every matrix of attention over
    more than 20 s, and the pages that the system has to clear for them make the encoder take half as long again over
    30 s. To be called before there is a second thread: arenas that exist already stay, and once there are two, threads
    go on to share both. A server's heap then was 100 MB larger at the peak of a long live call.
    """
    mallopt = getattr(_library, "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def give_back() -> None:
    """Give all free memory back to the system, above all the holes in the heap; with another C library nothing happens.

    Large blocks among small ones leave holes that the next large block does not fit into: 300 MB beside the 350 that
    are in use during a long live call. It takes up to 60 ms, in which no thread allocates, and what is needed again is
    mapped again.
    """
    trim = getattr(_library, "malloc_trim", None)
    if trim is not None:
        trim(0)
