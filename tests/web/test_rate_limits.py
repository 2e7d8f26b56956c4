"""How often a client may ask."""

from pathlib import Path
from time import time

from runtime.engine import Engine
from runtime.settings import Settings
from tests.web.serving import serving, wav
from tests.web.test_rest import assert_error
from web.rate_limits import RateLimits


async def test_a_burst_over_the_limit_is_429_and_says_when_to_come_back(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, rate_limit=5) as server:
        responses = [await server.http.get("/api/v1/info") for _ in range(7)]
        assert [response.status_code for response in responses] == [200] * 5 + [429] * 2
        assert [response.headers["X-RateLimit-Remaining"] for response in responses] == list("4321000")
        assert {response.headers["X-RateLimit-Limit"] for response in responses} == {"5"}
        assert all(0 <= int(response.headers["X-RateLimit-Reset"]) - time() <= 62 for response in responses)
        details = assert_error(responses[-1], "RATE_LIMITED")
        assert 1 <= int(responses[-1].headers["Retry-After"]) == details["retry_after"] <= 61


async def test_what_watches_over_the_service_is_never_limited(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, rate_limit=1) as server:
        for path in ("/health", "/metrics", "/api/v1/health") * 3:
            assert (await server.http.get(path)).status_code == 200
        assert (await server.http.get("/info")).status_code == 200
        assert (await server.http.get("/info")).status_code == 429


async def test_uploads_have_a_limit_of_their_own(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, upload_limit=1) as server:
        first = await server.post(wav())
        assert (first.status_code, first.headers["X-RateLimit-Limit"]) == (201, "1")
        assert_error(await server.post(bytes(3_000_000)), "RATE_LIMITED")
        assert (await server.http.get("/api/v1/jobs")).status_code == 200


async def test_a_new_window_begins_with_nothing_used(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, rate_limit=1, rate_limit_window=1.0) as server:
        assert (await server.http.get("/info")).status_code == 200
        ended = int((await server.http.get("/info")).headers["X-RateLimit-Reset"])
        while time() < ended:
            assert (await server.http.get("/health")).status_code == 200
        assert (await server.http.get("/info")).status_code == 200


async def test_addresses_are_counted_one_by_one_and_ipv6_by_network() -> None:
    limits = RateLimits(Settings(rate_limit=2))
    for client in ("10.0.0.1", "10.0.0.2", "2001:db8:0:1::1", "2001:db8:0:2::1"):
        await limits.request(client, upload=False)
    remaining = [
        (await limits.headers(client, upload=False))["X-RateLimit-Remaining"]
        for client in ("10.0.0.1", "10.0.0.3", "2001:db8:0:1::ffff", "2001:db8:0:3::1")
    ]
    assert remaining == ["1", "2", "1", "2"]
