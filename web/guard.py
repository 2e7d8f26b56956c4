"""The door: who asks is found out before anything else, and what nobody has declared to be open is closed.

- Operations of the route table ask for their scope themselves, behind the rate limit; everything else is asked here.
- A page of another origin may use nothing, unless CORS_ORIGINS names it: WebSockets, forms and cookies know no CORS.
  A key in a header proves that whoever sends it means to, so there the origin says nothing.
"""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final, cast
from urllib.parse import urlsplit

from quart import Response, Websocket, current_app, g, has_request_context, request, websocket
from quart.wrappers import Request

from contracts.access_errors import KEY_REQUIRED, ORIGIN_REFUSED
from contracts.errors import CallAnnotateError
from contracts.openapi import LOGIN_COOKIE
from contracts.routes import ROUTES
from contracts.scopes import Scope
from runtime.access import Holder
from runtime.service import JobService
from web.answers import wanted_language
from web.asgi import App, BoundedRequest
from web.connections import refused_handshake
from web.rate_limits import RateLimits
from web.uploads import drain

BEARER: Final = "bearer "
PREFLIGHT: Final = "Access-Control-Request-Method"
CACHED: Final = 600
"""Seconds that a browser may remember what it was allowed."""
SIMPLE: Final = ("Accept", "Accept-Language", "Authorization", "Content-Type", "X-API-Key")
"""Headers of requests beside those of the route table."""


class Guard:
    """Lets requests and handshakes in."""

    def __init__(self, service: JobService, limits: RateLimits, own: Collection[str]) -> None:
        """`own`: endpoints that ask for their scope themselves."""
        self._service: Final = service
        self._limits: Final = limits
        self._own: Final = frozenset(own)
        self._origins: Final = service.access.origins
        self.scopes: Final[dict[str, Scope]] = {}
        """What the other endpoints need; one that is not here needs `manage`."""
        self.open: Final[set[str]] = set()
        """Endpoints that anybody may have, since there is nothing of anybody's in them: the shell of the page."""

    async def before_request(self) -> Response | None:
        """A Response refuses the request."""
        if request.method == "OPTIONS" and PREFLIGHT in request.headers and self._allows(request):
            return Response(b"", 204, preflight_headers())
        g.access = await self._admitted(request)
        endpoint = request.endpoint
        if endpoint in self._own or endpoint in self.open:
            return None
        return await self._refusal(endpoint)

    async def before_websocket(self) -> Response | None:
        """A Response refuses the handshake."""
        g.access = await self._admitted(websocket)
        return await self._refusal(websocket.endpoint)

    async def after_request(self, answer: Response) -> Response:
        """What lets pages of other origins read the answer."""
        if self._origins:
            answer.headers.add("Vary", "Origin")
            if self._allows(request):
                answer.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
                answer.headers["Access-Control-Expose-Headers"] = ", ".join(EXPOSED)
        return answer

    async def _admitted(self, asked: Request | Websocket) -> Holder | CallAnnotateError:
        """Who asks, or why nobody is let in."""
        try:
            return await self._holder(asked)
        except CallAnnotateError as error:
            self._service.refused(error.fault.code)
            return error

    async def _holder(self, asked: Request | Websocket) -> Holder:
        """Raises KEY_REQUIRED, ORIGIN_REFUSED or RATE_LIMITED."""
        key = key_of(asked)
        try:
            holder = self._service.access.holder(key, asked.cookies.get(LOGIN_COOKIE))
        except CallAnnotateError as error:
            if error.fault is KEY_REQUIRED:
                await self._limits.failure(asked.remote_addr or "")
            raise
        if (holder.by == "anonymous" or key is None) and not self._of_this_origin(asked):
            raise CallAnnotateError(ORIGIN_REFUSED, origin=asked.headers["Origin"][:200])
        if holder.by == "anonymous" and not self._named_by_its_own_name(asked):
            raise CallAnnotateError(ORIGIN_REFUSED, origin=asked.host[:200])
        return holder

    async def _refusal(self, endpoint: str | None) -> Response | None:
        asked = g.access
        try:
            if isinstance(asked, CallAnnotateError):
                raise asked
            # Where there is nothing, nothing is told to those who have no key.
            asked.require("monitor" if endpoint is None else self.scopes.get(endpoint, "manage"))
        except CallAnnotateError as error:
            if has_request_context():
                await drained()
            headers = request.headers if has_request_context() else websocket.headers
            return refused_handshake(error, wanted_language(headers.get("Accept-Language")), g.request_id)
        return None

    def _of_this_origin(self, asked: Request | Websocket) -> bool:
        """Whether it comes from a page of the server itself, from one that is allowed, or from no page at all."""
        origin = asked.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc.lower() == asked.host.lower() or self._allows(asked)

    def _named_by_its_own_name(self, asked: Request | Websocket) -> bool:
        """Whether a page of another origin can be ruled out where there is no Origin, as with a plain GET."""
        if {"*", f"http://{asked.host}", f"https://{asked.host}"} & self._origins:
            return True
        return is_own_name(asked.host, (asked.scope.get("server") or ("",))[0])

    def _allows(self, asked: Request | Websocket) -> bool:
        origin = asked.headers.get("Origin")
        return origin is not None and ("*" in self._origins or origin.lower() in self._origins)


async def drained() -> None:
    """Read what is left of a request that is refused, so that its client reads the answer instead of a reset."""
    await drain(cast(BoundedRequest, request), stopping=cast(App, current_app).stopping.is_set())


def is_address(text: str) -> bool:
    """Whether it is an address and no name."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Whether it is an address of this machine that nobody else reaches."""
    return is_address(text) and ip_address(text).is_loopback


def is_own_name(host: str, server: str) -> bool:
    """Whether a Host header names this server as no page of somebody else's can; `server` is the address asked.

    Anybody can have a name of theirs mean 127.0.0.1, or the address of a container or of an office, once their page is
    loaded (DNS rebinding): then the page is of this origin for the browser, and only Host tells. Nobody can own an
    address or `localhost`; nor, where others reach the server, a name without a dot, as Compose gives to services. No
    browser leaves Host out.
    """
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    if name == "localhost" or name.endswith(".localhost") or is_address(name):
        return True
    return not is_loopback(server) and "." not in name


def key_of(asked: Request | Websocket) -> str | None:
    """The key in its header; not in the query, which ends up in the logs of proxies."""
    authorization = asked.headers.get("Authorization", "")
    if authorization.lower().startswith(BEARER):
        return authorization[len(BEARER) :].strip() or None
    return asked.headers.get("X-API-Key") or None


EXPOSED: Final = tuple(
    sorted(
        {"X-Request-ID", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "Retry-After"}
        | {"Content-Language", "WWW-Authenticate"}
        | {header.name for route in ROUTES for answer in route.responses for header in answer.headers} - {"Set-Cookie"}
    )
)
"""Headers of answers that pages of other origins may read."""


def preflight_headers() -> dict[str, str]:
    """The answer to a browser that asks before it sends."""
    own = {each.name for route in ROUTES for each in route.parameters if each.place == "header"}
    return {
        "Access-Control-Allow-Methods": ", ".join(sorted({route.method for route in ROUTES} | {"HEAD"})),
        "Access-Control-Allow-Headers": ", ".join(sorted({*own, *SIMPLE})),
        "Access-Control-Max-Age": str(CACHED),
    }
