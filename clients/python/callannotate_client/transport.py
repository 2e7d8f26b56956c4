"""Requests over HTTP: sent again where that does nothing twice, and with errors of one kind."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import anyio
import httpx2
import msgspec
from anyio import CapacityLimiter, to_thread

from callannotate_client.connection import Delays, http_address
from callannotate_client.errors import CallAnnotateError, refused, unexpected, unreachable
from callannotate_client.listening import http_client
from callannotate_client.upload import Upload

LONGEST_WAIT: Final = 120.0
"""Seconds to wait at most because a server asks for it; longer than that is an error at once."""
T = TypeVar("T")


class Transport:
    """One server, as HTTP reaches it."""

    def __init__(self, url: str, headers: dict[str, str], timeout: float, retries: int) -> None:
        """`timeout` in seconds; `retries`: how often a request is sent again."""
        self.url: Final = http_address(url)
        self.headers: Final = headers
        self.limiter: Final = CapacityLimiter(4)
        """Of the threads that read and write files."""
        self.http: Final = http_client(self.url, headers, timeout)
        self._retries: Final = retries

    async def get(self, path: str, kind: type[T], **params: str | int | None) -> T:
        """What is there."""
        given = {name: str(value) for name, value in params.items() if value is not None}
        return self.decoded(await self.ask("GET", path, params=given, repeatable=True), kind)

    async def file(self, path: str, **params: str) -> bytes:
        """What is there, as it is."""
        return (await self.ask("GET", path, params=params, repeatable=True)).content

    async def delete(self, path: str, **params: str) -> None:
        """It is gone afterwards."""
        await self.ask("DELETE", path, params=params, repeatable=True)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        upload: Upload | None = None,
        repeatable: bool = False,
    ) -> httpx2.Response:
        """The answer; `repeatable` says that the request may be sent again where it is not known what became of it."""

        async def once(attempt: int) -> httpx2.Response:
            given = dict(headers or {})
            content: AsyncIterator[bytes] | bytes | None = None
            if upload is not None:
                given |= await upload.headers()
                content = upload.body()
            elif json is not None:
                given["Content-Type"] = "application/json"
                content = msgspec.json.encode(json)
            answer = await self.http.request(method, path, params=params, headers=given, content=content)
            if answer.is_success or (method == "DELETE" and attempt > 0 and answer.status_code == 404):
                # Gone: by an earlier attempt whose answer got lost.
                return answer
            raise refusal(answer)

        return await self._repeated(once, repeatable)

    async def download(self, path: str, target: Path) -> Path:
        """Into a file, which is there only once it is complete."""
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")

        async def once(_attempt: int) -> None:
            async with self.http.stream("GET", path) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise refusal(answer)
                async with await anyio.open_file(part, "wb") as file:
                    async for block in answer.aiter_bytes():
                        await file.write(block)

        try:
            await self._repeated(once, repeatable=True)
            await to_thread.run_sync(part.replace, target, limiter=self.limiter)
        finally:
            part.unlink(missing_ok=True)
        return target

    async def _repeated(self, once: Callable[[int], Awaitable[T]], repeatable: bool) -> T:
        """What it returns, which gets the number of the attempt, from 0 on."""
        delays = Delays()
        for attempt in range(self._retries + 1):
            try:
                return await once(attempt)
            except CallAnnotateError as error:
                problem = error
                again = problem.retryable and (problem.retry_after or 0.0) <= LONGEST_WAIT
            except httpx2.RequestError as error:
                problem = failure(self.url, error)
                again = problem.retryable and (
                    repeatable or isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
                )
            if not again or attempt == self._retries:
                raise problem
            await anyio.sleep(delays.after(problem.retry_after))
        raise AssertionError("the last attempt returns or raises")

    def decoded(self, answer: httpx2.Response, kind: type[T]) -> T:
        """The body as it is meant; where there is none, it is None."""
        body = answer.content if answer.is_success or answer.status_code == 503 else b""
        try:
            return msgspec.json.decode(body or b"null", type=kind)
        except msgspec.MsgspecError as error:
            raise unexpected(str(answer.url), error) from error


def failure(url: str, error: httpx2.RequestError) -> CallAnnotateError:
    """No answer, or one that cannot be understood."""
    return unreachable(url, error) if isinstance(error, httpx2.TransportError) else unexpected(url, error)


def refusal(answer: httpx2.Response) -> CallAnnotateError:
    """An answer that is no success."""
    return refused(answer.status_code, answer.content, answer.headers.get("Retry-After"))
