"""`callannotate webhooks`: what is or was to be delivered, once more, and the secret that it is signed with."""

from pathlib import Path
from typing import Final, get_args

import click

from contracts.options import DeliveryState

EXIT_CODES: Final = """
\b
Exit codes: 0 done, 2 wrong use, 60-62 settings, 63 the volume, 65-66 its database, 101 no such delivery.
All of them, one by one: docs/errors.md. More: docs/webhooks.md.
"""
_CONFIG: Final = click.option("--config", type=click.Path(path_type=Path), help="YAML file; goes before CONFIG_PATH.")


@click.group(
    help="""Messages to the callback_url of jobs that have ended.

The commands work on the database in VOLUME_PATH; a server may be at work there, and takes note within seconds.

\b
Examples:
  callannotate webhooks list --state dead
  callannotate webhooks redeliver msg_5f0c2c0e9f5b4c0f8d3e6a7b1c2d3e4f
  callannotate webhooks redeliver --all-dead
  callannotate webhooks secret
"""
)
def webhooks_group() -> None:
    """Hold the commands together."""


@webhooks_group.command(name="list", epilog=EXIT_CODES, short_help="List deliveries, the newest first.")
@click.option("--state", type=click.Choice(get_args(DeliveryState)), help="Only those in this state.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many of the first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_CONFIG
def list_command(state: DeliveryState | None, limit: int, offset: int, as_json: bool, config: Path | None) -> None:
    """List what is or was to be delivered, the newest first."""
    from web.cli.webhooks_run import list_deliveries

    list_deliveries(config, state, limit, offset, as_json=as_json)


@webhooks_group.command(epilog=EXIT_CODES, short_help="Have messages sent again.")
@click.argument("delivery_ids", nargs=-1)
@click.option("--all-dead", is_flag=True, help="All that were given up.")
@_CONFIG
def redeliver(delivery_ids: tuple[str, ...], all_dead: bool, config: Path | None) -> None:
    """Have the messages with these ids sent again, from the next seconds on, or as soon as a server is started."""
    from web.cli.webhooks_run import redeliver_all

    if not delivery_ids and not all_dead:
        raise click.UsageError("Name deliveries, or give --all-dead.")
    redeliver_all(config, delivery_ids, all_dead=all_dead)


@webhooks_group.command(epilog=EXIT_CODES, short_help="Print the secret that messages are signed with.")
@_CONFIG
def secret(config: Path | None) -> None:
    """Print the secret that receivers check signatures with; it is made where there is none yet."""
    from web.cli.webhooks_run import print_secret

    print_secret(config)
