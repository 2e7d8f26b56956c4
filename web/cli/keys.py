"""`callannotate keys`: make, list and revoke API keys."""

from pathlib import Path
from typing import Final

import click

from contracts.scopes import CHOSEN_SCOPES

EXIT_CODES: Final = """
\b
Exit codes: 0 done, 2 wrong use, 60-62 settings, 63 the volume, 65-66 the file of the keys, 100 no such key.
All of them, one by one: docs/errors.md. More: docs/access.md.
"""
_CONFIG: Final = click.option("--config", type=click.Path(path_type=Path), help="YAML file; goes before CONFIG_PATH.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    help="""API keys: who may use the server.

As soon as one has been made, every request and every WebSocket needs one; a server that runs takes note at once. The
keys lie in VOLUME_PATH, and of each only a hash: whoever loses one makes another.

\b
Scopes:
  read     jobs, results, recordings, voices and contacts; the messages of jobs
  submit   submit recordings
  live     live sessions
  manage   delete and change: jobs, voices, contacts, webhooks; export voiceprints
  monitor  health, metrics, what the service can do; every key has it

\b
Examples:
  callannotate keys add "telephone system" --scope submit
  callannotate keys add "Anna's browser" --scope read --scope submit --scope live --expires 90d
  callannotate keys add prometheus --scope monitor
  callannotate keys list
  callannotate keys revoke q7k2mzp4
"""
)
def keys_group() -> None:
    """Hold the commands together."""


@keys_group.command(epilog=EXIT_CODES, short_help="Make a key and print it, once.")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice([*CHOSEN_SCOPES, "monitor"]),
    help="What it opens; may be repeated.",
)  # fmt: skip
@click.option("--expires", help="When it ends by itself, from now: a number with m, h or d, such as 90d.")
@_JSON
@_CONFIG
def add(name: str, scopes: tuple[str, ...], expires: str | None, as_json: bool, config: Path | None) -> None:
    """Make a key called NAME and print it on standard output; nobody can show it again."""
    from web.cli.keys_run import add_key

    add_key(config, name, scopes, expires, as_json=as_json)


@keys_group.command(name="list", epilog=EXIT_CODES, short_help="List the keys, without their secrets.")
@_JSON
@_CONFIG
def list_command(as_json: bool, config: Path | None) -> None:
    """List every key that was ever made, with what it opens and when it was used last, to the hour."""
    from web.cli.keys_run import list_keys

    list_keys(config, as_json=as_json)


@keys_group.command(epilog=EXIT_CODES, short_help="Make a key open nothing any more.")
@click.argument("key_id")
@_CONFIG
def revoke(key_id: str, config: Path | None) -> None:
    """Make the key with this id open nothing any more; connections that were opened with it are ended."""
    from web.cli.keys_run import revoke_key

    revoke_key(config, key_id)
