"""`callannotate models`: list, fetch and remove the weights."""

from typing import Final

import click

EXIT_CODES: Final = """
\b
Exit codes: 0 done, 2 wrong use, 21 no such model, 22 wrong sha256, 23 cannot be fetched, 26 not a usable model,
30-31 the cache cannot be written, 130 interrupted. All of them, one by one: docs/errors.md.
"""


@click.group(
    help="""List, fetch and remove the weights.

They are kept in CALLANNOTATE_MODELS, or else in the platform's folder for caches. Once they are there, nothing needs
the network any more.

\b
Examples:
  callannotate models list
  callannotate models pull
  callannotate models pull whisper-small Systran/faster-whisper-medium
  callannotate models path whisper-base
  callannotate models remove whisper-small
"""
)
def models_group() -> None:
    """Hold the commands together."""


@models_group.command(name="list", short_help="List the models and whether they are here.")
def list_command() -> None:
    """List the models by name, with their size, licence and whether they are here.

    Besides these, every id of the Hugging Face hub and every folder with a Whisper model for CTranslate2 will do.
    """
    from models.store import default_store
    from web.cli.pulling import megabytes

    store = default_store()
    rows = [("NAME", "KIND", "SIZE", "LICENCE", "HERE", "WHAT IT IS")]
    for entry in store.catalogue.models:
        here = "yes" if store.is_installed(entry) else "no"
        rows.append((entry.name, entry.kind, megabytes(entry.size), entry.licence, here, entry.description))
    named = {entry.name for entry in store.catalogue.models}
    for model in store.installed():
        if model.name not in named:
            size = sum(path.stat().st_size for path in model.weights.parent.iterdir())
            rows.append((model.name, model.kind, megabytes(size), "see hub", "yes", "pulled by its id"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        click.echo("  ".join([*(cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)), row[5]]))


@models_group.command(
    epilog=EXIT_CODES,
    short_help="Fetch models and check them.",
    help="""Fetch models, or check those that are here; a corrupt one is fetched anew.

Without a NAME: all that `callannotate annotate` needs by default. A pull that broke off goes on where it was.

\b
Examples:
  callannotate models pull
  callannotate models pull whisper-small Systran/faster-whisper-medium
""",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--quiet", "-q", is_flag=True, help="Show no progress.")
def pull(names: tuple[str, ...], quiet: bool) -> None:
    """Fetch models one after the other."""
    from models.store import DEFAULT_MODELS, default_store
    from web.cli.pulling import pull_display

    store = default_store()
    wanted = names or DEFAULT_MODELS
    for name in wanted:  # a misspelt name is found before anything is fetched
        store.catalogue.entry(name)
    for name in wanted:
        with pull_display("none" if quiet else "lines") as progress:
            model = store.pull(name, progress)
        click.echo(f"{model.name}: ready in {model.path}")


@models_group.command(
    epilog=EXIT_CODES,
    short_help="Print where a model is.",
    help="""Print where a model is: an ONNX file, or the folder of a Whisper model.

\b
Example:
  callannotate models path whisper-base
""",
)
@click.argument("name")
def path(name: str) -> None:
    """Print the path of an installed model."""
    from models.store import default_store

    click.echo(default_store().path(name))


@models_group.command(
    epilog=EXIT_CODES,
    short_help="Remove a model.",
    help="""Remove a model and what was fetched of it.

\b
Example:
  callannotate models remove whisper-small
""",
)
@click.argument("name")
def remove(name: str) -> None:
    """Remove an installed model."""
    from models.store import default_store

    store = default_store()
    removed = store.remove(name)
    click.echo(f"{store.catalogue.entry(name).name}: {'removed' if removed else 'was not here'}")
