"""The suites against `callannotate serve`: what `make contract` runs, with fewer examples."""

import pytest

from tests.contract import openapi_suite, runner
from tests.contract.__main__ import require_generous
from tests.contract.servers import own_server


@pytest.mark.timeout(1500)
async def test_the_server_does_as_its_documents_say_and_nothing_of_them_is_left_out() -> None:
    lines: list[str] = []
    report = await runner.run(None, lines.append)
    assert report.violations == [], "\n".join(lines)
    assert report.missing == [], "\n".join(lines)
    assert report.exercised > 270


@pytest.mark.timeout(600)
async def test_schemathesis_finds_nothing() -> None:
    async with own_server({}) as server:
        require_generous(server.url)
        # Another seed each time is for `make contract`: what CI says has to be repeatable.
        assert await openapi_suite.run(server.url, examples=8, seed=20261122) == 0
