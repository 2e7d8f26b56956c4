"""Hold a server against its documents: schemathesis over OpenAPI, then our own runner over AsyncAPI and all errors.

Without URL the suites start servers of their own.
"""

import sys
from functools import partial

import anyio
import click
import httpx

from tests.contract import openapi_suite, runner
from tests.contract.servers import GENEROUS, own_server

ENOUGH = 100_000
"""Requests per window that the suites never come near."""


@click.command(help=__doc__)
@click.argument("url", required=False)
@click.option("--examples", default=200, show_default=True, help="Examples of schemathesis for each operation.")
@click.option("--seed", type=int, help="Of schemathesis, to repeat a run.")
@click.option("--only", type=click.Choice(["schemathesis", "runner"]), help="One of the two suites.")
@click.option("--scenario", help="Of the runner: only those with this in their name.")
@click.option("--own/--no-own", default=True, help="Start servers for limits and faults that URL cannot show.")
def main(url: str | None, examples: int, seed: int | None, only: str | None, scenario: str | None, own: bool) -> None:
    """Exit with 1 where anything failed, or where something was left unexercised that could have been."""
    url = url.rstrip("/") if url else None
    if url is not None:
        require_generous(url)
    if scenario is not None and scenario not in " ".join(names := runner.scenario_names()):
        raise click.BadParameter(f"no scenario has {scenario!r} in its name; there are: {', '.join(names)}")
    failed = False
    if only != "runner":
        failed |= anyio.run(_openapi, url, examples, seed) != 0
    if only != "schemathesis":
        report = anyio.run(partial(runner.run, own=own), url, click.echo, scenario)
        report.print(click.echo)
        failed |= bool(report.violations) or (own and scenario is None and bool(report.missing))
    sys.exit(int(failed))


def require_generous(url: str) -> None:
    """The suites send thousands of requests: a server that would refuse most of them is not worth asking."""
    try:
        allowed = int(httpx.get(f"{url}/info", trust_env=False, timeout=60).headers["X-RateLimit-Limit"])
    except (httpx.HTTPError, KeyError) as error:
        raise click.ClickException(f"{url}: is no CallAnnotate server ({error!r})") from error
    if allowed < ENOUGH:
        settings = " ".join(f"{name}={value}" for name, value in GENEROUS.items())
        raise click.ClickException(f"{url}: allows {allowed} requests per window only; start it with {settings}")


async def _openapi(url: str | None, examples: int, seed: int | None) -> int:
    if url is not None:
        return await openapi_suite.run(url, examples, seed)
    async with own_server({}) as server:
        return await openapi_suite.run(server.url, examples, seed)


if __name__ == "__main__":
    main()
