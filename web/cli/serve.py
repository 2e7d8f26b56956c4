"""`callannotate serve`: the REST and WebSocket server."""

from pathlib import Path

import click

EXIT_CODES = """
\b
Exit codes:
  0       stopped by SIGTERM or Ctrl-C    60-62  settings
  63-66   the volume or its database      67     the address
  20-26   models                          68     a part of the server died
All of them, one by one: docs/errors.md. Interfaces: docs/rest.md, docs/websocket.md.
"""


@click.command(
    epilog=EXIT_CODES,
    help="""Serve the REST and WebSocket interfaces until SIGTERM or Ctrl-C.

Settings come from the environment and from the YAML file that CONFIG_PATH names (docs/settings.md).

\b
Examples:
  callannotate serve
  callannotate serve --host 0.0.0.0 --port 8080
  VOLUME_PATH=/srv/calls MAX_FILE_SIZE=268435456 callannotate serve
  CONFIG_PATH=callannotate.yaml callannotate serve

\b
Then:
  curl -F file=@call.wav -F 'metadata={"language": "ru"}' http://127.0.0.1:8000/api/v1/jobs
  curl http://127.0.0.1:8000/api/v1/jobs
""",
)
@click.option("--host", help="Address to listen on; goes before HOST.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 for any; goes before PORT.  [default: 8000]")
@click.option("--config", type=click.Path(path_type=Path), help="YAML file; goes before CONFIG_PATH.")
def serve(host: str | None, port: int | None, config: Path | None) -> None:
    """Read the settings, then hand over to the server, which imports the rest."""
    import os

    import msgspec

    from runtime.settings import load_settings

    settings = load_settings(os.environ, config)
    if host is not None:
        settings = msgspec.structs.replace(settings, host=host)
    if port is not None:
        settings = msgspec.structs.replace(settings, port=port)
    from web.server import run_server

    run_server(settings, _announce)


def _announce(host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"callannotate: listening on http://{shown}:{port}", err=True)
