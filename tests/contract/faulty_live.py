"""A live lane that is always late, relabels what it hears, and breaks: what cannot be had from the real one at will.

Each frame of audio is one thing that happens; the last of SCRIPT is a mistake.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from unittest.mock import PropertyMock, patch

import anyio
from anyio.abc import ObjectReceiveStream

from contracts.annotation import AnnotatedSpeech, Notice
from contracts.live_audio import AudioFormat
from contracts.live_speech import Degraded, Final, Flushed, FlushReason, LiveEvent, LiveOptions, Partial, Relabelled
from contracts.speech import TimedWord
from runtime import live_service
from runtime.lane import Lane

WORD = TimedWord("hello", 0.1, 0.4, 0.9)
SCRIPT: tuple[LiveEvent, ...] = (
    Partial(0, 1, 0, 0.1, "hello", None),
    Final(0, 0, 0.1, 0.4, (WORD,), "en", 0.9, 0, "endpoint"),
    Relabelled({0: 1}),
    Partial(1, 1, 0, 0.5, "thank you", 0),
    Final(1, 0, 0.5, 0.9, (), "en", 0.0, 0, "endpoint"),
    Degraded(1),
    Degraded(2),
    Degraded(0),
)


class FaultyCall:
    """In the place of runtime.live_call.LiveCall."""

    progress = 0.5
    notices: tuple[Notice, ...] = ()

    def __init__(self) -> None:
        self._send, receive = anyio.create_memory_object_stream[LiveEvent](len(SCRIPT) + 1)
        self.events: ObjectReceiveStream[LiveEvent] = receive
        self._script: Iterator[LiveEvent] = iter(SCRIPT)

    async def feed(self, data: bytes) -> None:  # noqa: ARG002 - whatever it is
        """The next thing happens."""
        event = next(self._script, None)
        if event is None:
            raise RuntimeError("a mistake")
        await self._send.send(event)

    async def flush(self, reason: FlushReason) -> None:
        """Nothing is pending."""
        await self._send.send(Flushed(reason))

    def update(self, options: LiveOptions) -> None:
        """Nothing depends on them."""

    async def finish(self) -> AnnotatedSpeech:
        """Nobody was heard."""
        await self.flush("end")
        self._send.close()
        return AnnotatedSpeech((), (), 0.0)


@asynccontextmanager
async def open_faulty_call(
    engine: object,  # noqa: ARG001 - it is not used
    lane: object,  # noqa: ARG001
    spool: Path,
    audio: AudioFormat,  # noqa: ARG001
    options: LiveOptions,  # noqa: ARG001
) -> AsyncIterator[FaultyCall]:
    """In the place of runtime.live_call.open_live_call."""
    await anyio.Path(spool).touch()
    yield FaultyCall()


@contextmanager
def faulty_live() -> Iterator[None]:
    """Patch it in."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(live_service, "open_live_call", open_faulty_call))
        stack.enter_context(patch.object(Lane, "load", PropertyMock(return_value=1.0)))
        stack.enter_context(patch.object(Lane, "wait", PropertyMock(return_value=5.0)))
        yield
