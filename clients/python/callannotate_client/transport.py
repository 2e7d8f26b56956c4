"""Requests over HTTP: sent again where that does nothing twice, and with errors of one kind."""

import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

import anyio
import httpx2
import msgspec
from anyio import CapacityLimiter, to_thread

from callannotate_client.connection import Delays, http_address, is_loopback
from callannotate_client.errors import CallAnnotateError, refused, unexpected, unreachable
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
        self.http: Final = httpx2.AsyncClient(
            base_url=self.url, headers=headers, timeout=timeout, trust_env=not is_loopback(self.url)
        )
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
        delays = Delays()
        for attempt in range(self._retries + 1):
            given = dict(headers or {})
            content: AsyncIterator[bytes] | bytes | None = None
            if upload is not None:
                given |= await upload.headers()
                content = upload.body()
            elif json is not None:
                given["Content-Type"] = "application/json"
                content = msgspec.json.encode(json)
            try:
                answer = await self.http.request(method, path, params=params, headers=given, content=content)
            except httpx2.TransportError as error:
                problem = unreachable(self.url, error)
                again = repeatable or isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            else:
                if answer.is_success or (method == "DELETE" and attempt > 0 and answer.status_code == 404):
                    # Gone: by an earlier attempt whose answer got lost.
                    return answer
                problem = refusal(answer)
                again = problem.retryable and (problem.retry_after or 0.0) <= LONGEST_WAIT
            if not again or attempt == self._retries:
                raise problem
            await anyio.sleep(delays.after(problem.retry_after))
        raise AssertionError("the last attempt returns or raises")

    async def download(self, path: str, target: Path) -> Path:
        """Into a file, which is there only once it is complete."""
        part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
        try:
            async with self.http.stream("GET", path) as answer, await anyio.open_file(part, "wb") as file:
                if not answer.is_success:
                    await answer.aread()
                    raise refusal(answer)
                async for block in answer.aiter_bytes():
                    await file.write(block)
            await to_thread.run_sync(part.replace, target, limiter=self.limiter)
        except httpx2.TransportError as error:
            raise unreachable(self.url, error) from error
        finally:
            part.unlink(missing_ok=True)
        return target

    def decoded(self, answer: httpx2.Response, kind: type[T]) -> T:
        """The body as it is meant."""
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.MsgspecError as error:
            raise unexpected(str(answer.url), error) from error


def refusal(answer: httpx2.Response) -> CallAnnotateError:
    """An answer that is no success."""
    return refused(answer.status_code, answer.content, answer.headers.get("Retry-After"))
