"""The suites against `callannotate serve`: what `make contract` runs, with fewer examples."""

import pytest

from tests.contract import openapi_suite, runner
from tests.contract.__main__ import require_generous
from tests.contract.servers import own_server


@pytest.mark.timeout(600)
async def test_the_websockets_do_as_asyncapi_says_and_nothing_of_it_is_left_out() -> None:
    lines: list[str] = []
    report = await runner.run(None, lines.append)
    assert report.violations == [], "\n".join(lines)
    assert report.missing == [], "\n".join(lines)
    assert report.exercised > 100


@pytest.mark.timeout(300)
async def test_rest_does_as_openapi_says() -> None:
    async with own_server({}) as server:
        require_generous(server.url)
        assert await openapi_suite.run(server.url, examples=8, seed=None) == 0
