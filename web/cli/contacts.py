"""`callannotate contacts`: try the address books, bring the copy in step, look into it, and write contacts."""

from pathlib import Path
from typing import Any, Final

import click

EXIT_CODES: Final = """
\b
Exit codes: 0 done, 2 wrong use, 60-62 settings, 66 the copy, 90 no server is configured, 91-95 the server of the
address books, 96-97 the contact. All of them, one by one: docs/errors.md. More: docs/contacts.md.
"""
_CONFIG: Final = click.option("--config", type=click.Path(path_type=Path), help="YAML file; goes before CONFIG_PATH.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(
    help="""Contacts of the CardDAV address books.

CARDDAV_URL and its companions say where they are (docs/settings.md). The commands work on the copy in VOLUME_PATH and
on the server of the address books themselves; our own server may run meanwhile.

\b
Examples:
  callannotate contacts sync
  callannotate contacts list --search smirnova
  callannotate contacts list --number "8 (495) 123-45-67" --json
  callannotate contacts search Northwind
  callannotate contacts add "Anna Smirnova" --number +79161234567 --organisation Northwind
"""
)
def contacts_group() -> None:
    """Hold the commands together."""


@contacts_group.command(epilog=EXIT_CODES, short_help="Bring the copy in step with the server.")
@_CONFIG
def sync(config: Path | None) -> None:
    """Bring the copy in step with the address books, and list the cards that cannot be read."""
    from web.cli.contacts_run import sync_now

    sync_now(config)


@contacts_group.command(epilog=EXIT_CODES, short_help="Show the address books as the last sync left them.")
@_JSON
@_CONFIG
def status(as_json: bool, config: Path | None) -> None:
    """Show the address books as the last sync left them."""
    from web.cli.contacts_run import show_status

    show_status(config, as_json=as_json)


@contacts_group.command(name="list", epilog=EXIT_CODES, short_help="List contacts out of the copy.")
@click.option("--search", help="Text within a name, an organisation, an address or a number.")
@click.option("--number", help="A telephone number, however it is written.")
@click.option("--name", help="Words of the name, in any order.")
@click.option("--organisation", help="Text within the organisation.")
@click.option("--book", help="Name of the address book.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="Leave out so many of the first.")
@_JSON
@_CONFIG
def list_command(limit: int, offset: int, as_json: bool, config: Path | None, **filters: Any) -> None:
    """List contacts in the order of their names, those that all filters let through."""
    from web.cli.contacts_run import list_contacts

    list_contacts(config, filters, limit, offset, as_json=as_json)


@contacts_group.command(epilog=EXIT_CODES, short_help="Show one contact.")
@click.argument("contact_id")
@_JSON
@_CONFIG
def show(contact_id: str, as_json: bool, config: Path | None) -> None:
    """Show the contact with this id out of the copy."""
    from web.cli.contacts_run import show_contact

    show_contact(config, contact_id, as_json=as_json)


@contacts_group.command(epilog=EXIT_CODES, short_help="Have the server itself search.")
@click.argument("text")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@_JSON
@_CONFIG
def search(text: str, limit: int, as_json: bool, config: Path | None) -> None:
    """Have the server of the address books search for TEXT, without the copy."""
    from web.cli.contacts_run import search_server

    search_server(config, text, limit, as_json=as_json)


@contacts_group.command(epilog=EXIT_CODES, short_help="Write a new contact.")
@click.argument("name")
@click.option("--number", "numbers", multiple=True, help="A telephone number; may be repeated.")
@click.option("--email", "emails", multiple=True, help="An address; may be repeated.")
@click.option("--organisation", default="", help="Where the person works.")
@click.option("--book", help="Name of the address book; the first one by default.")
@_CONFIG
def add(
    name: str, numbers: tuple[str, ...], emails: tuple[str, ...], organisation: str, book: str | None,
    config: Path | None,
) -> None:  # fmt: skip
    """Write a new contact called NAME to the server, and print its id."""
    from web.cli.contacts_run import add_contact

    add_contact(config, name, numbers, emails, organisation, book)


@contacts_group.command(epilog=EXIT_CODES, short_help="Delete a contact.")
@click.argument("contact_id")
@_CONFIG
def remove(contact_id: str, config: Path | None) -> None:
    """Delete the contact with this id on the server, unless somebody has changed it meanwhile."""
    from web.cli.contacts_run import remove_contact

    remove_contact(config, contact_id)
