"""What a live session says, as it says it: for people in place, for logs line by line, for programs as JSON lines."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, Protocol

import click
import msgspec

from contracts.live import (
    AudioAck,
    LiveError,
    LiveServerMessage,
    LiveWarning,
    SpeakerUpdated,
    TranscriptFinal,
    TranscriptPartial,
)
from contracts.live_errors import WRONG_ORDER


def refuses(error: LiveError) -> bool:
    """Whether something was not taken; an audio.end is sent again over a new connection, and may have been taken."""
    return error.code != WRONG_ORDER.code


class View(Protocol):
    """Shows a session on standard error."""

    def show(self, message: LiveServerMessage) -> None:
        """Called with every message of the server."""

    def notice(self, text: str) -> None:
        """Called with what happens to the connection."""


class Silence:
    """Shows nothing."""

    def show(self, message: LiveServerMessage) -> None:
        """Nothing."""

    def notice(self, text: str) -> None:
        """Nothing."""


class JsonLines:
    """One message a line, as it came; notices have the type `notice`."""

    def show(self, message: LiveServerMessage) -> None:
        """Write one line."""
        print(msgspec.json.encode(message).decode(), file=sys.stderr, flush=True)

    def notice(self, text: str) -> None:
        """Write one line."""
        print(msgspec.json.encode({"type": "notice", "message": text}).decode(), file=sys.stderr, flush=True)


class Lines:
    """Finals and what concerns them, one a line."""

    def __init__(self) -> None:
        self._starts: Final[dict[str, int]] = {}
        """Milliseconds by segment."""

    def show(self, message: LiveServerMessage) -> None:
        """Write the lines that a message is worth."""
        for line in self.lines(message):
            self.write(line)

    def notice(self, text: str) -> None:
        """Write it."""
        self.write(f"callannotate: {text}")

    def write(self, line: str) -> None:
        """Write a line that stays."""
        click.echo(line, err=True)

    def lines(self, message: LiveServerMessage) -> Iterator[str]:
        """What is to be read of a message, and stays."""
        match message:
            case TranscriptFinal():
                self._starts[message.segment_id] = message.start_ms
                if message.text:
                    yield f"{clock(message.start_ms)}  {message.speaker_id}: {message.text}"
            case SpeakerUpdated():
                for update in message.updates:
                    told = [clock(self._starts[name]) for name in update.segment_ids if name in self._starts]
                    who = update.speaker_id if update.name is None else f"{update.speaker_id} ({update.name})"
                    yield f"   now {who}: {', '.join(told)}"
            case LiveWarning():
                yield f"callannotate: warning: {message.message}"
            case LiveError() if refuses(message):
                yield f"callannotate: {message.message}"


class Screen(Lines):
    """The same, above the partials, which change in place."""

    def __init__(self, file: IO[str] | None = None) -> None:
        """:param file: a terminal; standard error where it is None"""
        super().__init__()
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._text: Final = Text
        console = Console(stderr=True) if file is None else Console(file=file, force_terminal=True, width=80)
        self._live: Final = Live(console=console, auto_refresh=False, transient=True)
        self._partials: Final[dict[str, TranscriptPartial]] = {}
        self._progress: str = ""

    @contextmanager
    def open(self) -> Iterator["Screen"]:
        """Use the screen while the body runs."""
        with self._live:
            yield self

    def show(self, message: LiveServerMessage) -> None:
        """Draw what changes."""
        match message:
            case TranscriptPartial():
                self._partials[message.segment_id] = message
            case TranscriptFinal():
                self._partials.pop(message.segment_id, None)
            case AudioAck(result_progress=int() as progress):
                self._progress = f"annotating the whole call: {progress}%"
        super().show(message)
        self._draw()

    def write(self, line: str) -> None:
        """Write it above what changes."""
        self._live.console.print(self._text(line))

    def _draw(self) -> None:
        lines = [
            f"{clock(partial.start_ms)}  {partial.speaker_id or '...'}: {partial.text}"
            for partial in self._partials.values()
        ]
        if self._progress:
            lines.append(self._progress)
        self._live.update(self._text("\n".join(lines), style="dim"), refresh=True)


@contextmanager
def view(kind: str) -> Iterator[View]:
    """The view: `kind` is "auto" (in place on a terminal, otherwise lines), "json" or "none"."""
    if kind == "json":
        yield JsonLines()
    elif kind == "none":
        yield Silence()
    elif sys.stderr.isatty():
        with Screen().open() as screen:
            yield screen
    else:
        yield Lines()


def clock(milliseconds: int) -> str:
    """Such as 1:02:03.4 or 2:03.4."""
    tenths = milliseconds // 100
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02}.{rest % 10}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"
