"""What the commands of `callannotate webhooks` do."""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import anyio
import click
import msgspec

from contracts.errors import VOLUME_UNUSABLE, CallAnnotateError
from contracts.options import DeliveryState
from runtime.database import NAME, Database
from runtime.outbox import Outbox
from runtime.settings import Settings, load_settings
from runtime.volume import make_root
from runtime.webhook_secret import own_secret
from runtime.webhooks import delivery_view, lifetime

EVERY: Final = 1_000_000
"""More than there ever are."""
T = TypeVar("T")


def list_deliveries(
    config: Path | None, state: DeliveryState | None, limit: int, offset: int, *, as_json: bool
) -> None:
    """One page."""
    rows, total = _run(_settings(config), lambda outbox: outbox.page(state, limit, offset))
    found = [delivery_view(row) for row in rows]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for each in found:
        tried = "" if each.last_attempt_at is None else f", last {each.last_attempt_at:%Y-%m-%d %H:%M:%S}"
        problem = "" if each.problem is None else f", {each.problem}{'' if each.status is None else f' {each.status}'}"
        click.echo(f"{each.delivery_id}  {each.state:9}  {each.type:13}  {each.url}")
        click.echo(f"    job {each.job_id}, attempts: {each.attempts}{tried}{problem}")
    if total > offset + len(found):
        click.echo(f"{total} in all; see --limit and --offset", err=True)


def redeliver_all(config: Path | None, delivery_ids: Sequence[str], *, all_dead: bool) -> None:
    """Those that are named; the first that is not there ends it."""
    settings = _settings(config)

    async def work(outbox: Outbox) -> int:
        dead = (await outbox.page("dead", EVERY, 0))[0] if all_dead else []
        chosen = list(dict.fromkeys([*delivery_ids, *(row.delivery_id for row in dead)]))
        for delivery_id in chosen:
            await outbox.again(delivery_id, time.time(), lifetime(settings))
        return len(chosen)

    click.echo(f"to be sent again: {_run(settings, work)}")


def print_secret(config: Path | None) -> None:
    """That of the settings, or that of the volume."""
    settings = _settings(config)
    if settings.webhook_secret is not None:
        click.echo(settings.webhook_secret.reveal().split()[0])
        return
    try:
        make_root(settings.volume_path)
        click.echo(own_secret(settings.volume_path))
    except OSError as error:
        raise _unusable(settings, error) from error


def _settings(config: Path | None) -> Settings:
    return load_settings(os.environ, config)


def _unusable(settings: Settings, error: OSError) -> CallAnnotateError:
    return CallAnnotateError(VOLUME_UNUSABLE, path=str(settings.volume_path), cause=error.strerror or str(error))


def _run(settings: Settings, work: Callable[[Outbox], Awaitable[T]]) -> T:
    """Do something with the deliveries in the volume, which a server may have open as well."""
    try:
        make_root(settings.volume_path)
    except OSError as error:
        raise _unusable(settings, error) from error
    database = Database(settings.volume_path / NAME)
    try:

        async def main() -> T:
            return await work(Outbox(database))

        return anyio.run(main)
    finally:
        database.close()
