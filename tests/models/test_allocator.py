"""The allocator under the networks' threads, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import ctypes, sys, threading
from models.allocator import share_one_arena
if sys.argv[1] == "shared":
    share_one_arena()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
together = threading.Barrier(6)
def allocate():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
file = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, file)
libc.fflush(file)
"""


def arenas(kind: str) -> int:
    printed = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind], capture_output=True, text=True, check=True, timeout=60
    )
    return printed.stdout.count("<heap nr=")


def test_threads_share_one_arena_instead_of_having_each_their_own() -> None:
    assert arenas("shared") == 1
    assert arenas("default") > 1
