"""What the tests of live sessions share: a call whose text is its bytes, and a client that keeps what it hears."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import anyio
import pytest
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from contracts.annotation import AnnotatedSpeech, Notice, Segment, Speaker, Turn, Word
from contracts.errors import CallAnnotateError, Fault
from contracts.live import (
    LiveClientMessage,
    LiveError,
    LiveServerMessage,
    SessionEnded,
    SessionResume,
    SessionStart,
    SessionStarted,
    TranscriptFinal,
)
from contracts.live_audio import AudioFormat
from contracts.live_speech import Final, Flushed, FlushReason, LiveEvent, LiveOptions, Partial
from contracts.speech import TimedWord
from runtime import live_service
from runtime.live_service import LiveService
from runtime.live_session import LiveConnection, LiveSession
from runtime.settings import Settings
from runtime.spool import Spool

PHONE = AudioFormat(encoding="pcm_s16le", sample_rate=8000, channels=1)
M = TypeVar("M", bound=LiveServerMessage)
UTTERANCE = 0.5
"""Seconds of every utterance of an Echo."""


@dataclass(eq=False)
class Echo:
    """A call in which something is said in every half second: the checksum of its bytes."""

    spool: Spool
    options: LiveOptions
    events: ObjectReceiveStream[LiveEvent]
    _send: ObjectSendStream[LiveEvent]
    progress: float = 0.0
    notices: tuple[Notice, ...] = ()
    _pending: bytes = b""
    _words: list[Word] = field(default_factory=list)

    async def feed(self, data: bytes) -> None:
        await self.spool.write(data)
        self._pending += data
        size = round(UTTERANCE * self.spool.audio.sample_rate) * self.spool.audio.bytes_per_frame
        if self.options.partials and len(self._pending) >= size // 2:
            number, start = len(self._words), self._start()
            await self._send.send(Partial(number, 1, 0, start, "...", None))
        while len(self._pending) >= size:
            await self._hear(self._pending[:size], "endpoint")
            self._pending = self._pending[size:]

    def _start(self) -> float:
        return (self.spool.size - len(self._pending)) / self.spool.audio.bytes_per_second

    async def _hear(self, data: bytes, reason: FlushReason | str) -> None:
        start, number = self._start(), len(self._words)
        end = start + len(data) / self.spool.audio.bytes_per_second
        text = f"{crc32(data):x}"
        self._words.append(Word(text, start, end, 0.5))
        word = TimedWord(text, start, end, 0.5)
        await self._send.send(Final(number, 0, start, end, (word,), "en", 0.5, 0, reason))  # type: ignore[arg-type]

    async def flush(self, reason: FlushReason) -> None:
        if self._pending:
            await self._hear(self._pending, reason)
            self._pending = b""
        await self._send.send(Flushed(reason))

    def update(self, options: LiveOptions) -> None:
        self.options = options

    async def finish(self) -> AnnotatedSpeech:
        await self.flush("end")
        await self.spool.finish()
        await self._send.aclose()
        if not self._words:
            return AnnotatedSpeech((), (), 0.0)
        first, last = self._words[0], self._words[-1]
        text = " ".join(word.word for word in self._words)
        segment = Segment(first.start_time, last.end_time, text, 0.5, "en", tuple(self._words))
        turn = Turn("speaker_1", first.start_time, last.end_time)
        return AnnotatedSpeech((Speaker("speaker_1", (segment,)),), (turn,), last.end_time)


@asynccontextmanager
async def open_echo(path: Path, audio: AudioFormat, options: LiveOptions) -> AsyncIterator[Echo]:
    """In the place of `open_live_call`."""
    send, receive = anyio.create_memory_object_stream[LiveEvent](4)
    spool = Spool(path, audio)
    await spool.open()
    try:
        with send, receive:
            yield Echo(spool, options, receive, send)
    finally:
        spool.close()


def noise(seconds: float, audio: AudioFormat = PHONE) -> bytes:
    """Bytes of which no half second is like another."""
    size = round(seconds * audio.sample_rate) * audio.bytes_per_frame
    return b"".join(crc32(index.to_bytes(4, "big")).to_bytes(4, "big") for index in range(size // 4 + 1))[:size]


def frames(data: bytes, seconds: float = 0.1, audio: AudioFormat = PHONE) -> list[bytes]:
    """The audio in frames of so many seconds."""
    size = round(seconds * audio.sample_rate) * audio.bytes_per_frame
    return [data[start : start + size] for start in range(0, len(data), size)]


@dataclass(eq=False)
class Client:
    """One session from its client's side: all messages that it got, over all of its connections."""

    service: LiveService
    heard: list[LiveServerMessage] = field(default_factory=list)
    failure: CallAnnotateError | None = None
    """What the last connection ended with."""
    _session: LiveSession | None = None
    _arrived: anyio.Event = field(default_factory=anyio.Event)

    @property
    def session(self) -> LiveSession:
        assert self._session is not None
        return self._session

    @property
    def started(self) -> SessionStarted:
        assert isinstance(self.heard[0], SessionStarted)
        return self.heard[0]

    @property
    def last_seq(self) -> int:
        return self.heard[-1].seq if self.heard else 0

    @asynccontextmanager
    async def connected(self, start: SessionStart | None = None) -> AsyncIterator[LiveConnection]:
        """A connection, which reads beside the body; without `start`, one that goes on."""
        if start is not None:
            self._session, last_seq = await self.service.start(start), None
        else:
            last_seq = self.last_seq
            token, session_id = self.started.resume_token, self.started.session_id
            resume = SessionResume(session_id=session_id, resume_token=token, last_seq=last_seq)
            self._session = await self.service.resume(resume)
        async with self._session.attach(last_seq) as connection, anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, connection)
            await self.until(lambda: self.last_seq > 0)
            yield connection
            tasks.cancel_scope.cancel()

    async def _listen(self, connection: LiveConnection) -> None:
        self.failure = None
        try:
            async for message in connection:
                self.heard.append(message)
                self._stir()
        except CallAnnotateError as error:
            self.failure = error
        self._stir()

    def _stir(self) -> None:
        self._arrived.set()
        self._arrived = anyio.Event()

    async def until(self, ready: Callable[[], bool]) -> None:
        """Wait until what was heard satisfies it."""
        while not ready():
            await self._arrived.wait()

    async def message(self, kind: type[M], number: int = 1) -> M:
        """The so manieth message of a kind."""
        await self.until(lambda: len(self.of(kind)) >= number)
        return self.of(kind)[number - 1]

    def of(self, kind: type[M]) -> list[M]:
        """What was heard of a kind."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def error(self, fault: Fault) -> LiveError:
        """The last error, which has to be this one."""
        await self.until(lambda: any(error.code == fault.code for error in self.of(LiveError)))
        return self.of(LiveError)[-1]

    async def ended(self) -> SessionEnded:
        """The last message of a session that ends well."""
        return await self.message(SessionEnded)

    @property
    def text(self) -> list[str]:
        """Of the finals."""
        return [final.text for final in self.of(TranscriptFinal)]

    def assert_gapless(self) -> None:
        """No `seq` is missing or doubled."""
        assert [message.seq for message in self.heard] == list(range(1, len(self.heard) + 1))


async def say(connection: LiveConnection, data: bytes, *messages: LiveClientMessage) -> None:
    """Send audio, then messages."""
    for frame in frames(data):
        await connection.audio(frame)
    for message in messages:
        await connection.handle(message)


async def released(service: LiveService) -> None:
    """Wait until no session is left."""
    while service.sessions:
        await anyio.lowlevel.checkpoint()


async def assert_ends_with(client: Client, fault: Fault) -> None:
    """The session ends with an error, told before, and nothing of it is left."""
    await client.until(lambda: client.failure is not None)
    await released(client.service)
    assert client.failure is not None
    assert client.failure.fault is fault
    last = client.heard[-1]
    assert isinstance(last, LiveError)
    assert (last.code, last.fatal) == (fault.code, True)
    client.assert_gapless()


def spools(settings: Settings) -> list[str]:
    """Names of what is kept of live sessions."""
    return sorted(path.name for path in (settings.volume_path / "live").iterdir())


Change = Callable[[Echo], None]


def changed(monkeypatch: pytest.MonkeyPatch, change: Change, only: int = 1) -> None:
    """Have the first calls be changed."""
    opened = [0]

    @asynccontextmanager
    async def open_changed(path: Path, audio: AudioFormat, options: LiveOptions) -> AsyncIterator[Echo]:
        opened[0] += 1
        number = opened[0]
        async with open_echo(path, audio, options) as call:
            if number <= only:
                change(call)
            yield call

    monkeypatch.setattr(live_service, "open_live_call", lambda _engine, _lane, *rest: open_changed(*rest))
