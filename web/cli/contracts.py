"""`callannotate contracts`: writes the documents that describe the interfaces, or checks that they are up to date."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[2]
"""Of the source tree: the documents are committed beside the code that builds them."""


def documents() -> dict[str, Callable[[], str]]:
    """Path below the root: what builds the text of the file."""
    from asyncapi.builder import asyncapi_document
    from contracts.client_python import python_types
    from contracts.client_typescript import typescript_types
    from contracts.documents import to_yaml
    from contracts.errors_page import page
    from contracts.openapi import openapi_document
    from contracts.openapi_30 import openapi_30_document
    from contracts.postman import postman_collection
    from web.cli import commands_page

    return {
        "contracts/openapi.yaml": lambda: to_yaml(openapi_document()),
        "contracts/openapi-3.0.yaml": lambda: to_yaml(openapi_30_document()),
        "asyncapi/asyncapi.yaml": lambda: to_yaml(asyncapi_document()),
        "docs/errors.md": page,
        "docs/commands.md": commands_page.page,
        "clients/python/callannotate_client/types.py": python_types,
        "clients/js/src/types.ts": typescript_types,
        "clients/postman/callannotate.postman_collection.json": postman_collection,
    }


@click.command(
    help="""Write the documents of the interfaces: OpenAPI 3.1 and 3.0, AsyncAPI 3.0, the pages of errors and of
commands, the types of the clients, and the Postman collection.

They are made from the route table, the contract types, the error catalogue and the commands, and are committed.

\b
Examples:
  callannotate contracts
  callannotate contracts --check
""",
    short_help="Write the OpenAPI and AsyncAPI documents.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where a document differs from what the code builds.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT,
    show_default="the source tree",
    help="Folder to write to, or to compare with.",
)
def contracts(check: bool, output: Path) -> None:
    """Write or compare every document."""
    outdated = []
    for name, build in documents().items():
        text, path = build(), output / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        outdated.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"written: {name}")
    if check and outdated:
        raise click.ClickException(f"out of date: {', '.join(outdated)}; run `callannotate contracts`")
    if check or not outdated:
        click.echo("All documents are up to date.")
