"""`/v1/ws`: every operation of REST as request and reply, and the messages of any number of jobs, on one connection."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, cast

import msgspec
import structlog
from anyio import CancelScope, Event, Lock, Semaphore
from quart import Websocket, g

from contracts.errors import (
    INVALID_FIELD,
    INVALID_MESSAGE,
    JOB_NOT_FOUND,
    ROUTE_NOT_FOUND,
    UPLOAD_IN_PROGRESS,
    CallAnnotateError,
)
from contracts.job_messages import ClientMessage, Ping, Pong, Reply, Request, Subscribe, Unsubscribe, UploadEnd
from contracts.route import Route
from contracts.routes import ROUTE_BY_OPERATION
from runtime.access import Holder
from web.answers import JSON, Answer, Body, Call, error_answer, new_request_id, wanted_language
from web.connections import Connection, Connections, check_text, object_of, text_of
from web.files import FileSpan
from web.frame_uploads import MAX_FRAME, FrameForm
from web.job_socket import follow
from web.rest import Operations

AT_ONCE: Final = 8
"""Requests of one connection that are worked on at once; then it is not read from until one is done."""
BINARY: Final = "application/octet-stream"
"""Media type of what does not go into a text frame."""
EXTRA: Final = ("Accept", "If-Range")
"""Parameters of every operation beside those of the route table."""
LOG: Final = structlog.get_logger("callannotate.web")
_MESSAGE: Final = msgspec.json.Decoder(ClientMessage)


async def run_session(connections: Connections, operations: Operations, socket: Websocket, holder: Holder) -> None:
    """Serve one connection."""
    language = wanted_language(socket.headers.get("Accept-Language"))
    connection = Connection(connections, socket, language, g.request_id, holder)
    client = socket.remote_addr or ""
    await connections.serve(connection, client, Session(connection, operations, client).run)


class Session:
    """One connection and all that is under way on it."""

    def __init__(self, connection: Connection, operations: Operations, client: str) -> None:
        self._connection: Final = connection
        self._operations: Final = operations
        self._client: Final = client
        self._slots: Final = Semaphore(AT_ONCE)
        self._in_flight: Final[set[str]] = set()
        self._subscriptions: Final[dict[str, tuple[CancelScope, Event]]] = {}
        """By job: how to end it, and whether it has ended."""
        self._subscribing: Final = Lock()
        """Held while subscriptions change, so that they change in the order in which that was asked for."""
        self._upload: FrameForm | None = None
        """Whose bytes the binary frames are: from createJob to its upload.end, even where it was refused meanwhile."""
        self._sending_audio: Final = Lock()

    async def run(self, connection: Connection) -> None:
        """Take every frame of the client."""
        try:
            await self._take_all(connection)
        finally:
            if self._upload is not None:
                self._upload.close()

    async def _take_all(self, connection: Connection) -> None:
        async for frame in connection.frames():
            if isinstance(frame, bytes) and self._upload is not None:
                await self._upload.put(frame)
                continue
            text = text_of(frame, advice="Send binary frames only after upload.ready")
            try:
                await self._take(_decoded(text))
            except CallAnnotateError as error:
                if error.fault is not INVALID_MESSAGE:
                    raise
                await connection.send(connection.error_message(error, _usable_id(text)))

    async def _take(self, message: ClientMessage) -> None:
        """Raises INVALID_MESSAGE."""
        match message:
            case Ping():
                await self._connection.send(Pong(timestamp=message.timestamp))
            case Pong():
                pass
            case UploadEnd():
                self._end_upload(message)
            case Request():
                await self._begin(message.id, self._request, message, self._form(message))
            case Subscribe():
                await self._begin(message.id, self._subscribe, message)
            case Unsubscribe():
                await self._begin(message.id, self._unsubscribe, message)

    async def _begin(self, request_id: str, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Work on a message beside the others. Raises INVALID_MESSAGE where its id is still in use."""
        if request_id in self._in_flight:
            raise CallAnnotateError(INVALID_MESSAGE, cause="its id is in flight", allowed="a new id for each request")
        await self._slots.acquire()
        self._in_flight.add(request_id)
        self._connection.start(self._finish, work, *arguments)

    async def _finish(self, work: Callable[..., Awaitable[None]], *arguments: object) -> None:
        try:
            await work(*arguments)
        finally:
            self._slots.release()

    def _form(self, message: Request) -> FrameForm | CallAnnotateError | None:
        """Where the binary frames go from now on; the order of frames decides, so it is settled as they arrive."""
        route = ROUTE_BY_OPERATION.get(message.operation)
        if route is None or route.upload is None:
            return None
        if self._upload is not None and not self._upload.closed:
            return CallAnnotateError(UPLOAD_IN_PROGRESS)
        if message.id in self._in_flight:
            return None
        self._upload = FrameForm(self._connection, message)
        return self._upload

    async def _request(self, message: Request, form: FrameForm | CallAnnotateError | None) -> None:
        request_id = new_request_id()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            if isinstance(form, CallAnnotateError):
                raise form
            call = Call(
                route=_route(message),
                client=self._client,
                language=self._connection.language,
                values=_values(_route(message), message.parameters),
                form=form,
                body=_body(message),
                access=self._connection.holder,
                request_id=request_id,
            )
            answer = await self._operations.answer(call)
        except CallAnnotateError as error:
            answer = error_answer(error, self._connection.language, request_id)
            answer = answer.with_headers({"X-Request-ID": request_id})
        finally:
            if isinstance(form, FrameForm):
                form.close()
        LOG.info("operation_completed", operation=message.operation, status=answer.status)
        await self._reply(message.id, answer)

    async def _reply(self, request_id: str, answer: Answer) -> None:
        # Before it is sent: the client may use the id again as soon as it has read the reply.
        self._in_flight.discard(request_id)
        if isinstance(answer.body, FileSpan):
            await self._reply_with_file(request_id, answer, answer.body)
            return
        assert isinstance(answer.body, bytes)  # what streams events is no operation of `/v1/ws`
        if answer.media_type not in {"", JSON} and "charset=" not in answer.media_type:
            await self._reply_with_bytes(request_id, answer, answer.body)
            return
        body = None
        if answer.media_type == JSON:
            body = msgspec.Raw(answer.body)
        elif answer.media_type:
            body = msgspec.Raw(msgspec.json.encode(answer.body.decode()))
        await self._connection.send(Reply(id=request_id, status=answer.status, headers=_headers(answer), body=body))

    async def _reply_with_file(self, request_id: str, answer: Answer, span: FileSpan) -> None:
        """The reply, then the bytes in binary frames: those of one file at a time."""
        headers = {**_headers(answer), "Content-Length": str(span.size)}
        async with self._sending_audio:
            await self._connection.send(Reply(id=request_id, status=answer.status, headers=headers))
            async for block in span.blocks(MAX_FRAME):
                await self._connection.send_bytes(block)

    async def _reply_with_bytes(self, request_id: str, answer: Answer, content: bytes) -> None:
        """The same for bytes that are in memory."""
        headers = {**_headers(answer), "Content-Length": str(len(content))}
        async with self._sending_audio:
            await self._connection.send(Reply(id=request_id, status=answer.status, headers=headers))
            for start in range(0, len(content), MAX_FRAME):
                await self._connection.send_bytes(content[start : start + MAX_FRAME])

    def _end_upload(self, message: UploadEnd) -> None:
        """Raises INVALID_MESSAGE where no such upload is under way."""
        upload, self._upload = self._upload, None
        if upload is None or upload.request.id != message.id:
            self._upload = upload
            raise CallAnnotateError(
                INVALID_MESSAGE, cause="no upload with this id is under way", allowed="the id of the createJob"
            )
        upload.finish(message.size)

    async def _subscribe(self, message: Subscribe) -> None:
        async with self._subscribing:
            await self._stop_following(message.job_id)
            values = {"job_id": message.job_id}
            route = ROUTE_BY_OPERATION["getJob"]
            connection = self._connection
            call = Call(
                route=route,
                client=self._client,
                language=connection.language,
                values=values,
                access=connection.holder,
            )
            answer = await self._operations.answer(call)
            await self._reply(message.id, answer)
            if answer.status == 200:
                scope, ended = CancelScope(), Event()
                self._subscriptions[message.job_id] = scope, ended
                self._connection.start(self._follow, message, scope, ended)

    async def _follow(self, message: Subscribe, scope: CancelScope, ended: Event) -> None:
        try:
            with scope:
                await follow(self._connection, message.job_id, message.after_seq, message.id)
        except CallAnnotateError as error:
            if error.fault is not JOB_NOT_FOUND:
                raise
            await self._connection.send(self._connection.error_message(error, message.id))
        finally:
            ended.set()
            if self._subscriptions.get(message.job_id) == (scope, ended):
                del self._subscriptions[message.job_id]

    async def _unsubscribe(self, message: Unsubscribe) -> None:
        async with self._subscribing:
            await self._stop_following(message.job_id)
        await self._reply(message.id, Answer(204, ""))

    async def _stop_following(self, job_id: str) -> None:
        """After it no message of the subscription comes any more."""
        if found := self._subscriptions.get(job_id):
            scope, ended = found
            scope.cancel()
            await ended.wait()


def _decoded(text: str) -> ClientMessage:
    """Raises INVALID_JSON, or INVALID_MESSAGE for JSON that is no message of a client."""
    try:
        return check_text(cast(ClientMessage, _MESSAGE.decode(text)))
    except msgspec.MsgspecError as error:
        object_of(text)
        allowed = "request, subscribe, unsubscribe, upload.end, ping and pong"
        raise CallAnnotateError(INVALID_MESSAGE, cause=str(error), allowed=allowed) from error


def _usable_id(text: str) -> str | None:
    found = object_of(text).get("id")
    return found if isinstance(found, str) and 1 <= len(found) <= 64 else None


def _route(message: Request) -> Route:
    """Raises ROUTE_NOT_FOUND."""
    route = ROUTE_BY_OPERATION.get(message.operation)
    if route is None or not route.over_websocket:
        raise CallAnnotateError(ROUTE_NOT_FOUND, path=message.operation[:200])
    return route


def _values(route: Route, parameters: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    """The parameters as text, as REST gets them. Raises INVALID_FIELD for one that the operation does not have."""
    names = {parameter.name for parameter in route.parameters} | set(EXTRA)
    for name in parameters:
        if name not in names:
            raise CallAnnotateError(
                INVALID_FIELD,
                field=name[:100],
                problem="is no parameter of this operation",
                allowed=", ".join(sorted(names)),
            )
    for parameter in route.parameters:
        if parameter.required and parameter.name not in parameters:
            raise CallAnnotateError(
                INVALID_FIELD, field=parameter.name, problem="is missing", allowed=parameter.summary
            )
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in parameters.items()}


def _body(message: Request) -> Body:
    """The body of JSON, which came with the message."""

    async def read(_stall_timeout: float) -> bytes:
        return msgspec.json.encode(message.body)

    return read


def _headers(answer: Answer) -> dict[str, str]:
    return {**answer.headers, "Content-Type": answer.media_type} if answer.media_type else answer.headers
