"""The web page: files that `make ui` has built into `web/static/`, and what is said where it has not.

The page asks nobody but this server for anything, and the browser is told to hold it to that.
"""

import mimetypes
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter, to_thread
from quart import Quart, Response
from werkzeug.security import safe_join

from contracts.errors import ROUTE_NOT_FOUND, CallAnnotateError
from web.files import FileSpan, open_file

STATIC: Final = Path(__file__).parent / "static"
PAGE: Final = "index.html"
NONCE: Final = b"{{nonce}}"
"""Stands in a page where the nonce of its one answer belongs: the waveform's shadow root brings its own styles."""
HTML: Final = "text/html; charset=utf-8"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": HTML,
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
FOREVER: Final = "public, max-age=31536000, immutable"
"""Of files whose names have a hash of their content."""
A_DAY: Final = "public, max-age=86400"
FRAMES: Final = {"Referrer-Policy": "no-referrer", "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)"}
NOT_BUILT: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>CallAnnotate</title>
<h1>CallAnnotate</h1>
<p>The server runs, but its web page has not been built. In the folder of the sources, with Node.js 20 and npm, run</p>
<pre>make ui</pre>
<p>and reload this page. The server need not be started again. Meanwhile there are <a href="/health">/health</a>,
<a href="/info">/info</a> and the description of the interfaces, <a href="/openapi.json">/openapi.json</a> and
<a href="/asyncapi.json">/asyncapi.json</a>.</p>
<p lang="ru">Сервер работает, но его веб-страница не собрана. Выполните <code>make ui</code> в папке с исходным кодом
(нужны Node.js 20 и npm) и обновите страницу. Перезапускать сервер не нужно.</p>
</html>
"""
_LIMITER: Final = CapacityLimiter(2)
DRAWN: Final = "; img-src 'self' data:"
"""For the reference pages, whose style sheets have their pictures in them."""
COMPILED: Final = "; script-src 'self' 'unsafe-eval'"
"""For the one page whose library compiles the schemas of JSON Schema when it is loaded."""


def policy(nonce: str, more: str = "") -> str:
    """What a page may load: what this server has, and styles that carry the nonce."""
    return (
        f"default-src 'self'; style-src 'self' 'nonce-{nonce}'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; object-src 'none'" + more
    )


PATHS: Final = ("/", "/api/docs", "/api/async-docs", "/assets/<path:name>", "/favicon.svg", "/licenses.md")
"""Where the pages and their files are: they are for browsers, and in no description of the interface."""


def add_pages(app: Quart) -> set[str]:
    """Have the app answer all of PATHS; the endpoints, in which there is nothing of anybody's."""
    static = STATIC

    async def page() -> Response:
        return await _page(static / PAGE)

    async def docs() -> Response:
        return await _page(static / "docs.html", DRAWN)

    async def async_docs() -> Response:
        return await _page(static / "async-docs.html", DRAWN + COMPILED)

    async def asset(name: str) -> Response:
        return await _file(static, f"assets/{name}", FOREVER)

    async def icon() -> Response:
        return await _file(static, "favicon.svg", A_DAY)

    async def licenses() -> Response:
        return await _file(static, "licenses.md", A_DAY)

    views: tuple[Callable[..., Awaitable[Response]], ...] = (page, docs, async_docs, asset, icon, licenses)
    for path, view in zip(PATHS, views, strict=True):
        app.add_url_rule(path, endpoint=view.__name__, view_func=view, methods=["GET"])
    return {view.__name__ for view in views}


async def _page(path: Path, more: str = "") -> Response:
    """A page with a nonce of its own; 503 and how to build it where it was not."""
    nonce = secrets.token_urlsafe(16)
    headers = {
        **FRAMES,
        "Content-Security-Policy": policy(nonce, more),
        "Content-Type": HTML,
        "Cache-Control": "no-cache",
    }
    try:
        content = await to_thread.run_sync(path.read_bytes, limiter=_LIMITER)
    except FileNotFoundError:
        return Response(NOT_BUILT, 503, headers)
    return Response(content.replace(NONCE, nonce.encode()), 200, headers)


async def _file(static: Path, name: str, caching: str) -> Response:
    """A file of the page. Raises ROUTE_NOT_FOUND."""
    path = safe_join(str(static), name)
    try:
        if path is None or not await to_thread.run_sync(Path(path).is_file, limiter=_LIMITER):
            raise FileNotFoundError(name)
        descriptor = await open_file(Path(path))
        size = (await to_thread.run_sync(Path(path).stat, limiter=_LIMITER)).st_size
    except (FileNotFoundError, ValueError) as error:
        raise CallAnnotateError(ROUTE_NOT_FOUND, path=f"/{name[:200]}") from error
    media_type = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    answer = Response(
        FileSpan(descriptor, 0, size).blocks(), 200, {"Content-Type": media_type, "Cache-Control": caching}
    )
    answer.headers["Content-Length"] = str(size)
    return answer
