"""Hypercorn's WebSocket with what a public server needs beside it.

- A client that breaks the protocol is told so (1002, 1007, 1009): the application says and closes; Hypercorn only cuts
  the connection.
- Once a close frame is out, the connection stays for a moment and takes what still arrives: a socket that is closed
  over unread bytes is reset, and the client would lose the close frame.
- Frames are compressed for nobody: a compressor takes 300 kB a connection, and a few kB can unpack to hundreds of MB.
- Large messages are sent in fragments, so a slow reader of a large result holds one fragment and not all of it.
- Any frame counts as a sign of life, the answers to protocol pings included, which Hypercorn does not look at.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Final, cast

from hypercorn.protocol import h2, h11
from hypercorn.protocol.events import Body, Data, Event, Request, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, FrameTooLargeError, WSStream
from hypercorn.typing import ASGISendEvent, ConnectionState
from wsproto.connection import ConnectionState as WSState
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.frame_protocol import CloseReason

FRAGMENT: Final = 64 * 1024
"""Characters of a fragment of a text message."""
LINGER: Final = 2.0
"""Seconds that a client has to answer a close frame."""

HELD_BACK: Final = 0.2
"""Seconds that the application takes to accept a message, from which on it is behind."""


@dataclass
class Liveness:
    """When something was last heard from a client."""

    heard: float
    """Seconds of the monotonic clock."""
    answered: float
    """The same of the last answer to a protocol ping, which only comes from a client that reads."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client has answered our close frame: it has read all that went before it."""


@dataclass(frozen=True)
class Unreadable:
    """What the application gets in the place of a frame that could not be read; it is to end the connection."""

    code: int
    """Of the close frame: 1002, 1007 or 1009."""
    cause: str


class CarefulWSStream(WSStream):
    """See the module."""

    def _begin(self, event: Request) -> Request:
        self.liveness = Liveness(monotonic(), monotonic())
        self.ended = False
        """Whether a close frame of ours is out: of what arrives from now on only the answer to it counts."""
        self.unreadable = False
        """Whether the client has broken the protocol, so that no frame after it can be told from noise."""
        self.deaf = False
        """Whether there was a frame that could not be read: no message after it counts."""
        self.gone = asyncio.Event()
        """Whether the connection is gone."""
        self.over = asyncio.Event()
        """Whether the application has ended."""
        headers = [(name, value) for name, value in event.headers if name.lower() != b"sec-websocket-extensions"]
        state = ConnectionState({**event.state, "liveness": self.liveness})
        return replace(event, headers=headers, state=state)

    async def handle(self, event: Event) -> None:
        """Take what Hypercorn has read."""
        if isinstance(event, Request):
            event = self._begin(event)
        elif isinstance(event, (Body, Data)):
            self.liveness.heard = monotonic()
            if self.unreadable:
                return
        elif isinstance(event, StreamClosed):
            self._leave()
            return
        await super().handle(event)

    def _leave(self) -> None:
        """The connection is gone. Nobody may wait until the application takes notice: who tells us may be itself."""
        self.gone.set()
        if not self.closed:
            self.closed = True
            ended = self.state in {ASGIWebsocketState.HTTPCLOSED, ASGIWebsocketState.CLOSED}
            code = CloseReason.NORMAL_CLOSURE if ended else CloseReason.ABNORMAL_CLOSURE
            self.task_group.spawn(self._put, {"type": "websocket.disconnect", "code": code.value})

    async def _handle_events(self) -> None:
        for event in self.connection.events():
            if isinstance(event, CloseConnection):
                await self._closed_by_client(event)
            elif self.ended:
                continue
            elif isinstance(event, Ping):
                await self._send_wsproto_event(event.response())
            elif isinstance(event, Pong):
                self.liveness.answered = monotonic()
            elif isinstance(event, (TextMessage, BytesMessage)) and not self.deaf:
                await self._take(event)

    async def _take(self, event: TextMessage | BytesMessage) -> None:
        try:
            self.buffer.extend(event)
        except FrameTooLargeError:
            await self._refuse(CloseReason.MESSAGE_TOO_BIG, "it is too long")
            return
        if event.message_finished:
            message = self.buffer.to_message()
            self.buffer.clear()
            await self._put(message)

    async def _closed_by_client(self, event: CloseConnection) -> None:
        """The client closes or answers our close; or what it sent could not be read, which wsproto tells so too."""
        if self.connection.state is WSState.REMOTE_CLOSING:
            await self._send_wsproto_event(event.response())
        elif self.connection.state is WSState.OPEN:
            self.unreadable = True
            await self._refuse(event.code, event.reason or "it cannot be read")
            return
        elif self.ended:
            self.liveness.closed.set()
        self.gone.set()
        await self.send(StreamClosed(stream_id=self.stream_id))

    async def _refuse(self, code: int, cause: str) -> None:
        """Have the application end the connection: it has its say before the close frame."""
        self.deaf = True
        await self._put({"type": "websocket.receive", "unreadable": Unreadable(code, cause)})

    async def _put(self, message: dict[str, Any]) -> None:
        """Hand a message over, unless the application has ended: nobody would take it, and we would wait for ever."""
        if self.app_put is None:
            return
        putting = asyncio.ensure_future(self.app_put(message))
        over = asyncio.ensure_future(self.over.wait())
        asked = monotonic()
        try:
            await asyncio.wait((putting, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            putting.cancel()
            over.cancel()
        if monotonic() - asked > HELD_BACK:
            # It was we who did not read, so that no answer to a ping could be seen.
            self.liveness.answered = monotonic()

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """Take what the application says."""
        if message is None:
            self.over.set()
            self.app_put = None
        if message is None and self.state is ASGIWebsocketState.CONNECTED and not self.ended:
            self.ended = True
            await self._send_wsproto_event(CloseConnection(code=CloseReason.INTERNAL_ERROR))
        if message is None and self.ended:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), LINGER)
            if not self.closed:
                await self.send(StreamClosed(stream_id=self.stream_id))
        elif message is not None and message["type"] == "websocket.send" and self._is_large(message["text"]):
            await self._send_fragments(cast(str, message["text"]))
        else:
            if message is not None and message["type"] == "websocket.close":
                self.ended = self.state is ASGIWebsocketState.CONNECTED
            await super().app_send(message)

    async def _send_pings(self) -> None:
        """Hypercorn's own would keep a connection that has ended until the next ping is due."""
        interval = self.config.websocket_ping_interval
        while not self.closed:
            await self._send_wsproto_event(Ping())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.gone.wait(), interval)

    def _is_large(self, text: str | None) -> bool:
        connected = self.state is ASGIWebsocketState.CONNECTED and not self.closed
        return connected and text is not None and len(text) > FRAGMENT

    async def _send_fragments(self, text: str) -> None:
        for start in range(0, len(text), FRAGMENT):
            finished = start + FRAGMENT >= len(text)
            await self._send_wsproto_event(TextMessage(data=text[start : start + FRAGMENT], message_finished=finished))


def install() -> None:
    """Have Hypercorn use it; there is no setting for the class."""
    h11.WSStream = CarefulWSStream  # type: ignore[attr-defined]
    h2.WSStream = CarefulWSStream  # type: ignore[attr-defined]
