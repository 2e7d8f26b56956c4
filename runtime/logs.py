"""Log lines in JSON, as the specification has them, written by a thread of their own into files of bounded size.

A line has timestamp, level, service and event, then job_id and request_id where they are bound (structlog's context
variables), then what else there is to say. What other libraries log through `logging` takes the same way.
"""

import logging
import logging.handlers
import queue
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from contracts.fault import redacted
from runtime.settings import Settings

NAME: Final = "callannotate.jsonl"
"""The file that is written; older ones have a number behind it."""
WAITING: Final = 10_000
"""Lines that wait for the disk at most; further ones are dropped and counted."""
TALKATIVE: Final = ("hpack", "httpcore2")
"""Libraries that at DEBUG log every header they see, those with keys, cookies and what is a client's alone included."""

Event = MutableMapping[str, Any]


class Backlog(logging.handlers.QueueHandler):
    """Takes lines in without ever waiting."""

    def __init__(self) -> None:
        self.lines: Final[queue.Queue[logging.LogRecord]] = queue.Queue(WAITING)
        self.dropped = 0
        """Lines that found no room."""
        super().__init__(self.lines)

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put a line in."""
        try:
            self.lines.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class Files(logging.handlers.RotatingFileHandler):
    """The files of bounded size."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name in the library
        """On a full disk lines are lost; by default each of them would be a traceback on standard error."""

    def close(self) -> None:
        """What waits is lost as well where there is no room for it."""
        with suppress(OSError):
            super().close()


@contextmanager
def open_logs(folder: Path, settings: Settings) -> Iterator[Backlog]:
    """Send all log lines of the process into files of this folder, until the body is left."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    file = Files(folder / NAME, maxBytes=settings.log_max_bytes, backupCount=settings.log_files - 1, encoding="utf-8")
    console = [logging.StreamHandler(sys.stderr)] if settings.log_console else []
    backlog = Backlog()
    backlog.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.contextvars.merge_contextvars],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                rendered,
            ],
        )
    )
    listener = logging.handlers.QueueListener(backlog.lines, file, *console)
    root, before, configuration = logging.getLogger(), logging.getLogger().level, structlog.get_config()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    root.addHandler(backlog)
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    listener.start()
    try:
        yield backlog
    finally:
        root.removeHandler(backlog)
        root.setLevel(before)
        structlog.configure(**configuration)
        listener.stop()
        file.close()


def rendered(_logger: object, method: str, event: Event) -> str:
    """One line."""
    line = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": str(event.pop("level", method)).upper(),
        "service": "callannotate",
        "event": event.pop("event", ""),
        **event,
    }
    return redacted(msgspec.json.encode(line, enc_hook=str).decode())
