"""The allocator under the networks' threads, in a process of its own."""

import subprocess
import sys

ARENAS = """
import ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
together = threading.Barrier(6)
def allocate():
    together.wait()
    libc.malloc(1000)
    together.wait()
def run():
    threads = [threading.Thread(target=allocate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    file = ctypes.c_void_p(libc.fdopen(1, b"w"))
    libc.malloc_info(0, file)
    libc.fflush(file)
if sys.argv[1] == "command":
    import web.start
    sys.modules["web.cli"] = type(sys)("web.cli")
    sys.modules["web.cli"].main = run
    web.start.main()
else:
    from models.allocator import tune_allocator
    if sys.argv[1] == "tuned":
        tune_allocator()
    run()
"""

FAULTS = """
import resource, sys
import numpy as np
from models.allocator import tune_allocator
if sys.argv[1] == "tuned":
    tune_allocator()
np.ones(12_000_000, np.float32)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(12_000_000, np.float32)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

HOLES = """
import ctypes, psutil, sys
from models.allocator import give_back, tune_allocator
tune_allocator()
malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
free = ctypes.CDLL(None).free
large = []
for _ in range(40):
    large.append(malloc(8_000_000))
    ctypes.memset(ctypes.c_void_p(large[-1]), 1, 8_000_000)
    malloc(1000)
for block in large:
    free(ctypes.c_void_p(block))
if sys.argv[1] == "given_back":
    give_back()
print(psutil.Process().memory_info().rss)
"""


def printed(script: str, kind: str) -> str:
    done = subprocess.run([sys.executable, "-c", script, kind], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def test_threads_share_one_arena_instead_of_having_each_their_own() -> None:
    assert printed(ARENAS, "tuned").count("<heap nr=") == 1
    assert printed(ARENAS, "command").count("<heap nr=") == 1
    assert printed(ARENAS, "default").count("<heap nr=") > 1


def test_a_large_matrix_is_kept_for_the_next_one_instead_of_being_mapped_anew() -> None:
    assert int(printed(FAULTS, "tuned")) < int(printed(FAULTS, "default")) / 10


def test_memory_between_blocks_that_are_in_use_is_given_back() -> None:
    assert int(printed(HOLES, "kept")) - int(printed(HOLES, "given_back")) > 300_000_000
