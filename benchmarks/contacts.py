"""How long looking up a number and a name in the copy of the address books takes: `python -m benchmarks.contacts`."""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import anyio
import click

from benchmarks.live_report import most, table
from contracts.contacts import Contact, PhoneNumber
from runtime.contact_store import CardRow, ContactStore
from runtime.contacts import card_id
from runtime.phone_numbers import number_key

REGION: Final = "RU"
BOOK: Final = "https://dav.example.org/book/"
LOOKUPS: Final = 100
LIMIT: Final = 10.0
"""Milliseconds that a lookup, by a number and by a name, may take."""


def card(number: int) -> CardRow:
    """One of many people."""
    phone, url = f"+7 495 {number:07d}", f"{BOOK}{number}.vcf"
    contact = Contact(
        contact_id=card_id(url), uid=f"{number}", name=f"Person {number}", numbers=(PhoneNumber(phone),), book="book",
        etag="1",
    )  # fmt: skip
    key = number_key(phone, REGION)
    assert key is not None
    return CardRow(card_id=contact.contact_id, url=url, etag="1", uid=contact.uid, contact=contact, keys=(key,))


async def lookups(path: Path, count: int) -> list[float]:
    """Milliseconds of each lookup, by a number and then by a name, among so many contacts."""
    store = ContactStore(path)
    try:
        await store.keep_books([(BOOK, "book")])
        await store.put(BOOK, map(card, range(count)))
        spent = []
        for number in range(0, count, max(1, count // LOOKUPS)):
            began = time.perf_counter()
            by_number = await store.by_number(number_key(f"8 (495) {number:07d}", REGION) or "")
            by_name = await store.by_name(f"person {number}")
            spent.append(1000 * (time.perf_counter() - began))
            assert [found.uid for found in (*by_number, *by_name)] == [f"{number}", f"{number}"]
        return spent
    finally:
        store.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--contacts", "count", default=5000, show_default=True, help="Contacts in the copy.")
@click.option("--strict", is_flag=True, help="Exit with 1 where the target is missed.")
def main(count: int, strict: bool) -> None:
    """Look people up by number and name. Takes a few seconds, without a server."""
    with tempfile.TemporaryDirectory(prefix="callannotate-bench-") as folder:
        spent = anyio.run(lookups, Path(folder) / "contacts.sqlite3", count)
    what = f"a lookup by number and by name among {count:,} contacts, median of {len(spent)}"
    row = most(what, statistics.median(spent), LIMIT, "ms")
    click.echo(table([row]), nl=False)
    if strict and not row.met:
        sys.exit(1)


if __name__ == "__main__":
    main()
