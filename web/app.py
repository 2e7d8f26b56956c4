"""The Quart app: the route table bound to the operations, and the three WebSocket paths."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Final, cast

import structlog
from quart import Quart, Response, Websocket, g, has_request_context, request, websocket
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from contracts.channel import Channel
from contracts.errors import INTERNAL, METHOD_NOT_ALLOWED, ROUTE_NOT_FOUND, UPLOAD_STALLED, CallAnnotateError
from contracts.live_channel import LIVE_CHANNEL
from contracts.route import Route
from contracts.routes import ROUTES
from contracts.websocket import JOB_CHANNEL, SESSION_CHANNEL
from runtime.service import JobService
from web.answers import Answer, Call, error_answer, new_request_id, wanted_language
from web.asgi import App, BoundedRequest
from web.bodies import JsonBody
from web.connections import Connections
from web.files import FileSpan
from web.guard import Guard, drained
from web.job_socket import follow_job
from web.live_socket import transcribe_live
from web.pages import add_pages
from web.rest import Operations
from web.socket import run_session
from web.uploads import FieldParts, MultipartForm, Parts

LOG: Final = structlog.get_logger("callannotate.web")
EXTRA_HEADERS: Final = ("Accept", "If-Range")
"""Headers that the operations look at beside those of the route table."""


def create_app(service: JobService) -> Quart:
    """The app over an open service."""
    app = App(service.stopping)
    # Recordings may take as long as they like: what stalls is ended by the socket's own timeout.
    app.config["RESPONSE_TIMEOUT"] = None
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False
    operations = Operations(service)
    for route in ROUTES:
        app.add_url_rule(
            route.path.replace("{", "<").replace("}", ">"),
            endpoint=route.operation_id,
            view_func=_view(operations, route),
            methods=[route.method],
        )
    guard = Guard(service, operations.limits, {route.operation_id for route in ROUTES})
    guard.open.update(add_pages(app))
    app.before_request(_begin)
    app.before_websocket(_begin)
    app.before_request(guard.before_request)
    app.before_websocket(guard.before_websocket)
    app.after_request(guard.after_request)
    app.after_request(_end)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CallAnnotateError, _error_response)
    app.register_error_handler(Exception, _unexpected)
    connections = Connections(service, operations.limits)

    async def job_socket(job_id: str) -> Response | None:
        return await follow_job(connections, _socket(), job_id, g.access)

    async def session_socket() -> Response | None:
        await run_session(connections, operations, _socket(), g.access)
        return None

    async def live_socket() -> Response | None:
        return await transcribe_live(connections, _socket(), g.access)

    handlers: list[tuple[Channel, Callable[..., Awaitable[Response | None]]]] = [
        (JOB_CHANNEL, job_socket),
        (SESSION_CHANNEL, session_socket),
        (LIVE_CHANNEL, live_socket),
    ]
    for channel, handler in handlers:
        path = channel.path.replace("{", "<").replace("}", ">")
        app.add_websocket(path, endpoint=channel.name, view_func=handler)
        guard.scopes[channel.name] = channel.scope
    return app


def _view(operations: Operations, route: Route) -> Callable[..., Awaitable[Response]]:
    async def view(**path: str) -> Response:
        places: dict[str, Mapping[str, str] | Headers] = {
            "path": path,
            "query": request.args,
            "header": request.headers,
        }
        values = {
            parameter.name: text
            for parameter in route.parameters
            if (text := places[parameter.place].get(parameter.name)) is not None
        }
        values |= {name: request.headers[name] for name in EXTRA_HEADERS if name in request.headers}
        call = Call(
            route=route,
            client=request.remote_addr or "",
            language=wanted_language(request.headers.get("Accept-Language")),
            values=values,
            form=_form(route),
            body=JsonBody(cast(BoundedRequest, request)) if route.body is not None else None,
            request_id=g.request_id,
            access=g.access,
            closing=cast(BoundedRequest, request).closing,
        )
        answer = await operations.answer(call)
        if answer.status >= 400 and answer.status != UPLOAD_STALLED.http_status:
            await drained()
        return await response(answer, head=request.method == "HEAD")

    return view


def _form(route: Route) -> MultipartForm | None:
    """The form of the request, where the route has one."""
    if not route.takes_recording:
        return None
    return MultipartForm(cast(BoundedRequest, request), Parts if route.form is None else FieldParts)


def _socket() -> Websocket:
    """The connection itself, for tasks that outlive the context that the proxy looks at."""
    return cast(Websocket, websocket._get_current_object())  # type: ignore[attr-defined]


async def response(answer: Answer, *, head: bool = False) -> Response:
    """The answer as Quart sends it; without its body where only the head was asked for."""
    headers = dict(answer.headers)
    if answer.media_type:
        headers["Content-Type"] = answer.media_type
    if isinstance(answer.body, bytes):
        return Response(answer.body, answer.status, headers)
    if not isinstance(answer.body, FileSpan):
        return Response(answer.body.blocks(), answer.status, headers)
    found = Response(b"" if head else answer.body.blocks(), answer.status, headers)
    found.headers["Content-Length"] = str(answer.body.size)
    if head:
        answer.body.close()
    return found


async def _begin() -> None:
    g.request_id = new_request_id()
    g.started = perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


async def _end(answer: Response) -> Response:
    cast(BoundedRequest, request).body.discard()
    answer.headers["X-Request-ID"] = g.request_id
    answer.headers["X-Content-Type-Options"] = "nosniff"
    LOG.info(
        "request_completed",
        method=request.method,
        path=request.path,
        status=answer.status_code,
        milliseconds=round(1000 * (perf_counter() - g.started), 1),
    )
    return answer


async def _http_error(error: HTTPException) -> Response:
    """What routing says, in the words of the catalogue."""
    asked = request if has_request_context() else websocket
    if isinstance(error, MethodNotAllowed):
        methods = ", ".join(sorted(error.valid_methods or ()))
        found = CallAnnotateError(METHOD_NOT_ALLOWED, method=request.method, allowed=methods)
    else:
        found = CallAnnotateError(ROUTE_NOT_FOUND, path=asked.path[:200])
    if has_request_context():
        await drained()
    return await _error_response(found)


async def _unexpected(error: Exception) -> Response:
    LOG.error("request_failed", exc_info=error)
    return await _error_response(CallAnnotateError(INTERNAL, stage="server", cause="an unexpected error"))


async def _error_response(error: CallAnnotateError) -> Response:
    asked = request if has_request_context() else websocket
    language = wanted_language(asked.headers.get("Accept-Language"))
    return await response(error_answer(error, language, g.request_id).with_headers({"X-Request-ID": g.request_id}))
