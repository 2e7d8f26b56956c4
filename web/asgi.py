"""Quart's two ends of a connection with bounded queues in place of its unbounded ones.

A reader that is slower than the network makes Hypercorn stop reading from the socket, so TCP pushes back.

A client that goes away cancels the handler by a cancel scope, where Quart would cancel the task itself: that would go
through shields, in the middle of a commit or of a file being made.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final, cast

from anyio import (
    BrokenResourceError,
    ClosedResourceError,
    EndOfStream,
    Event,
    create_memory_object_stream,
    create_task_group,
    sleep,
)
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, WebsocketScope
from quart import Quart, Request
from quart.asgi import ASGIHTTPConnection, ASGIWebsocketConnection
from quart.wrappers.request import Body

from contracts.errors import SHUTTING_DOWN, CallAnnotateError
from web.answers import error_answer, new_request_id, wanted_language

BODY_CHUNKS: Final = 16
"""Chunks of a request's body that wait; Hypercorn reads at most 64 KiB at a time."""
FRAMES: Final = 2
"""WebSocket messages that wait."""
UNFINISHED: Final = 2.5
"""Seconds after which a request that has not ended is cancelled when the server stops; Hypercorn cancels the hard way
a little later."""


class BoundedBody(Body):
    """The body of a request as it arrives; whoever iterates over it slowly slows the sender down."""

    def __init__(self, expected_content_length: int | None, _max_content_length: int | None) -> None:
        # Quart's own limit is not asked for: it knows neither bodies of unknown length nor several parts.
        super().__init__(expected_content_length, None)
        self._send, self._receive = create_memory_object_stream[bytes](BODY_CHUNKS)
        self.whole: bool = False
        """Whether its end has been read, so that the connection can be used again."""

    async def put(self, data: bytes) -> None:
        """Wait until there is room, or throw it away where nobody wants it any more."""
        try:
            if data:
                await self._send.send(data)
        except (BrokenResourceError, ClosedResourceError):
            pass

    def set_complete(self) -> None:
        """The end has arrived."""
        self._send.close()
        super().set_complete()

    def discard(self) -> None:
        """Nobody will read on: whatever still arrives is thrown away."""
        self._receive.close()

    def close(self) -> None:
        """The connection is gone or done with."""
        self._send.close()
        self._receive.close()

    async def __anext__(self) -> bytes:
        try:
            return await self._receive.receive()
        except (EndOfStream, ClosedResourceError):
            self.whole = True
            raise StopAsyncIteration from None


class BoundedRequest(Request):
    """A request whose body is bounded."""

    body_class: type[Body] = BoundedBody
    body: BoundedBody
    closing: AsyncExitStack
    """Closed when the answer has been sent, or when nobody waits for it any more."""


class App(Quart):
    """An app that ends what still runs when it stops."""

    request_class = BoundedRequest
    asgi_http_class: Any
    asgi_websocket_class: Any

    def __init__(self, stopping: Event) -> None:
        super().__init__("callannotate", static_folder=None)
        self.asgi_http_class = HTTPConnection
        self.asgi_websocket_class = WebsocketConnection
        self.stopping: Final = stopping


async def _while_connected(
    app: App, listen: Callable[[], Awaitable[bool]], handle: Callable[[], Awaitable[None]]
) -> bool:
    """Handle until it is done, the client has gone (`listen` returns True), or stopping has lasted long enough.

    Returns whether it was cut short because the server stops.
    """
    stopped = False

    async def listening() -> None:
        if await listen():
            tasks.cancel_scope.cancel()

    async def stopping() -> None:
        nonlocal stopped
        await app.stopping.wait()
        await sleep(UNFINISHED)
        stopped = True
        tasks.cancel_scope.cancel()

    try:
        async with create_task_group() as tasks:
            tasks.start_soon(listening)
            tasks.start_soon(stopping)
            await handle()
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return stopped


class HTTPConnection(ASGIHTTPConnection):
    """One request and its answer."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Handle the request while its client is there."""
        begun = answered = False

        async def sending(message: ASGISendEvent) -> None:
            nonlocal begun, answered
            begun = True
            answered = answered or (message["type"] == "http.response.body" and not message["more_body"])
            await send(message)

        async def listening() -> bool:
            await self.handle_messages(request, receive)
            # Hypercorn says "disconnect" after an answer too, while it is still busy with the end of it.
            return not answered

        request = self._create_request_from_scope(sending)
        async with AsyncExitStack() as closing:
            cast(BoundedRequest, request).closing = closing
            cut = await _while_connected(cast(App, self.app), listening, partial(self.handle_request, request, sending))
        if cut and not begun:
            await self._say_stopping(request, send)

    async def _say_stopping(self, request: Request, send: ASGISendCallable) -> None:
        """Hypercorn would say 500, after which nobody tries again."""
        language, request_id = wanted_language(request.headers.get("Accept-Language")), new_request_id()
        answer = error_answer(CallAnnotateError(SHUTTING_DOWN), language, request_id)
        headers = {**answer.headers, "Content-Type": answer.media_type, "X-Request-ID": request_id}
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": cast(bytes, answer.body), "more_body": False})

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        """Hand the body over until the client goes away, which cancels the handler."""
        body = cast(BoundedBody, request.body)
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                if message["type"] == "http.request":
                    await body.put(message.get("body", b""))
                    if not message.get("more_body", False):
                        body.set_complete()
        finally:
            body.close()


class WebsocketConnection(ASGIWebsocketConnection):
    """One WebSocket; frames wait in a bounded queue, and one of no bytes is one of no bytes."""

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        super().__init__(app, scope)
        self.queue: asyncio.Queue[Any] = asyncio.Queue(FRAMES)

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Handle the connection while its client is there."""

        async def listening() -> bool:
            await self.handle_messages(receive)
            return True

        websocket = self._create_websocket_from_scope(send)
        await _while_connected(cast(App, self.app), listening, partial(self.handle_websocket, websocket, send))

    async def handle_messages(self, receive: ASGIReceiveCallable) -> None:
        """Hand the frames over until the client goes away, which cancels the handler."""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            if event["type"] == "websocket.receive":
                text = event.get("text")
                await self.queue.put(event.get("unreadable", text if text is not None else event.get("bytes")))
