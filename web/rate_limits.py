"""How often a client may ask: a fixed window per address, in the memory of the one process."""

from ipaddress import IPv6Address, ip_address
from math import ceil
from time import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from contracts.errors import RATE_LIMITED, CallAnnotateError
from runtime.settings import Settings

FRAMES_PER_REQUEST: Final = 2
"""Text frames that one WebSocket connection may send for each request that its address may."""


class RateLimits:
    """Counts requests and uploads by address, and text frames by connection."""

    def __init__(self, settings: Settings) -> None:
        seconds = max(1, round(settings.rate_limit_window))
        self._limiter: Final = FixedWindowRateLimiter(MemoryStorage())
        self._requests: Final = RateLimitItemPerSecond(settings.rate_limit, seconds, "requests")
        self._uploads: Final = RateLimitItemPerSecond(settings.upload_limit, seconds, "uploads")
        self._failures: Final = RateLimitItemPerSecond(settings.failed_key_limit, seconds, "failures")
        self._frames: Final = RateLimitItemPerSecond(settings.rate_limit * FRAMES_PER_REQUEST, seconds, "frames")

    async def request(self, client: str, *, upload: bool) -> dict[str, str]:
        """Count a request; the X-RateLimit headers of its answer. Raises RATE_LIMITED."""
        headers = await self._hit(self._requests, _owner(client))
        return await self._hit(self._uploads, _owner(client)) if upload else headers

    async def failure(self, client: str) -> None:
        """Count a request without a valid key. Raises RATE_LIMITED."""
        await self._hit(self._failures, _owner(client))

    async def frame(self, connection: str) -> None:
        """Count a text frame of a connection. Raises RATE_LIMITED."""
        await self._hit(self._frames, connection)

    async def headers(self, client: str, *, upload: bool) -> dict[str, str]:
        """The X-RateLimit headers as they stand, without counting."""
        item = self._uploads if upload else self._requests
        return await self._standing(item, _owner(client))

    async def _hit(self, item: RateLimitItem, owner: str) -> dict[str, str]:
        allowed = await self._limiter.hit(item, owner)
        headers = await self._standing(item, owner)
        if not allowed:
            wait = max(1, ceil(int(headers["X-RateLimit-Reset"]) - time()))
            raise CallAnnotateError(RATE_LIMITED, limit=item.amount, seconds=item.get_expiry(), retry_after=wait)
        return headers

    async def _standing(self, item: RateLimitItem, owner: str) -> dict[str, str]:
        reset, remaining = await self._limiter.get_window_stats(item, owner)
        return {
            "X-RateLimit-Limit": str(item.amount),
            "X-RateLimit-Remaining": str(max(0, remaining)),
            "X-RateLimit-Reset": str(ceil(reset)),
        }


def _owner(client: str) -> str:
    """One counter for an IPv4 address and for an IPv6 network of 64 bits: who has one address there has them all."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    return str(int(address) >> 64) if isinstance(address, IPv6Address) else client
