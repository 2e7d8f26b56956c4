"""`callannotate health`: how a server feels, for people, HEALTHCHECK and probes."""

from pathlib import Path

import click

EXIT_CODES = """
\b
Exit codes: 0 healthy, 2 wrong use, 60-62 settings, 69 unhealthy, 74 no answer. All of them: docs/errors.md.
"""


@click.command(
    epilog=EXIT_CODES,
    help="""Ask a server how it feels: one line, and an exit code for HEALTHCHECK and probes.

Without --url it is the server on the volume of the settings, which lets this command in whether it needs keys or not;
where none runs there, the one at HOST and PORT. One at another address that needs keys is asked with the key in
CALLANNOTATE_KEY.

\b
Examples:
  callannotate health
  callannotate health --url http://127.0.0.1:8080
  callannotate health --alive && echo "it answers, however it feels"
""",
)
@click.option("--url", help="Address of the server.  [default: that of VOLUME_PATH]")
@click.option("--alive", is_flag=True, help="Any answer will do: for probes that restart what hangs.")
@click.option("--timeout", type=click.FloatRange(0, 600, min_open=True), default=5.0, show_default=True,
              help="Seconds that the answer may take.")  # fmt: skip
@click.option("--config", type=click.Path(path_type=Path), help="YAML file; goes before CONFIG_PATH.")
def health(url: str | None, alive: bool, timeout: float, config: Path | None) -> None:
    """Ask, and tell in one line."""
    import os

    from web.cli.health_run import Server, ask_health, own_server

    click.echo(
        ask_health(Server(url, os.environ.get("CALLANNOTATE_KEY")) if url else own_server(config), timeout, alive=alive)
    )
