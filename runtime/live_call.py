"""One live call: its recording grows on the disk, the live lane tells what is said, the graph annotates it behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anyio.abc import ObjectReceiveStream

from contracts.annotation import AnnotatedSpeech, Notice
from contracts.live_audio import AudioFormat
from contracts.live_speech import FlushReason, LiveEvent, LiveOptions
from runtime.engine import Engine
from runtime.lane import Lane

__all__ = ["LiveCall", "LiveOptions", "open_live_call"]


class LiveCall:
    """A call that goes on. One task feeds it, another reads `events`; both may not be the same."""

    events: ObjectReceiveStream[LiveEvent]
    """Bounded; ends after `finish`. Who does not read it holds `feed` back."""
    received: int
    """Bytes that were fed."""
    progress: float
    """0 to 1: how much of what was fed the graph behind has annotated."""
    notices: tuple[Notice, ...]
    """Of the recording, such as NO_SIGNAL; complete after `finish`."""

    async def feed(self, data: bytes) -> None:
        """Take audio in the client's encoding, whole frames of samples; waits while the lane is full.

        Raises INVALID_SAMPLES where there is a sample that is no number, and what the disk refuses.
        """
        raise NotImplementedError

    async def flush(self, reason: FlushReason) -> None:
        """Make final all that was fed: its events are in `events` before this returns."""
        raise NotImplementedError

    def update(self, options: LiveOptions) -> None:
        """Change `partials`, `language` and `vocabulary` from here on; the others stay as they were."""
        raise NotImplementedError

    async def finish(self) -> AnnotatedSpeech:
        """Say that no audio follows, and wait for the annotation of the whole; `events` ends before it returns."""
        raise NotImplementedError


@asynccontextmanager
async def open_live_call(
    engine: Engine, lane: Lane, spool: Path, audio: AudioFormat, options: LiveOptions
) -> AsyncIterator[LiveCall]:
    """Run a live call while the body lasts; leaving it early cancels everything.

    The recording stays at `spool`, a WAV file with the right lengths from `finish` on, and belongs to the caller.
    Raises the one CallAnnotateError that a stage fails with.
    """
    raise NotImplementedError(engine, lane, spool, audio, options)
    yield LiveCall()
