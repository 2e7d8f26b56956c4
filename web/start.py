"""Where the command starts: before anything is imported, Ctrl-C is one clear line; then the allocator is tuned."""

import os
import signal
from types import FrameType
from typing import NoReturn


def _interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
    # The same words and code as the catalogue's INTERRUPTED, which is not imported yet; a test compares them.
    os.write(2, b"callannotate: interrupted. Outputs that were finished stay; none is left half-written.\n")
    os._exit(130)


signal.signal(signal.SIGINT, _interrupted)


def main() -> NoReturn:
    """Import the command line, give Ctrl-C back to Python, and run it."""
    from models.allocator import tune_allocator  # noqa: PLC0415 - the point of this module

    tune_allocator()  # while there is one thread: an arena that another one had would stay
    from web.cli import main as run  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
