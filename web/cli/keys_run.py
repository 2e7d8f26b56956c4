"""What the commands of `callannotate keys` do."""

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import anyio
import click
import msgspec

from contracts.errors import INVALID_OPTION, VOLUME_UNUSABLE, CallAnnotateError
from contracts.fault import SECRET
from contracts.scopes import Scope
from runtime.access import Access
from runtime.access_store import NAME, AccessStore
from runtime.settings import load_settings
from runtime.volume import make_root

SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400}
LONGEST: Final = 36_500 * 86_400
"""Seconds that a key may be valid."""
LONGEST_NAME: Final = 100
T = TypeVar("T")


def add_key(config: Path | None, name: str, scopes: tuple[str, ...], expires: str | None, *, as_json: bool) -> None:
    """A new key on standard output, and what there is to say of it beside."""
    name = name.strip()
    if not (1 <= len(name) <= LONGEST_NAME and name.isprintable()):
        raise CallAnnotateError(
            INVALID_OPTION, option="NAME", problem=f"{name!r}", allowed=f"1 to {LONGEST_NAME} printable characters"
        )
    lifetime = None if expires is None else _seconds(expires)
    chosen: tuple[Scope, ...] = msgspec.convert(scopes, tuple[Scope, ...])
    key, secret = _run(config, lambda access: access.make(name, chosen, lifetime))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(key), "key": secret})).decode())
        return
    click.echo(secret)
    until = "" if key.expires_at is None else f", until {key.expires_at.isoformat(timespec='minutes')}"
    click.echo(f"{key.key_id}: {', '.join(key.scopes)}{until}. It is not shown again.", err=True)


def list_keys(config: Path | None, *, as_json: bool) -> None:
    """Every key."""

    async def work(access: Access) -> list[tuple[str, ...]]:
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(access.listed())).decode())
            return []
        return [
            (
                key.key_id,
                key.state,
                ",".join(key.scopes),
                "never used" if key.used_at is None else f"used {key.used_at:%Y-%m-%d %H:%M}",
                "" if key.expires_at is None else f"until {key.expires_at:%Y-%m-%d %H:%M}",
                key.name,
            )
            for key in access.listed()
        ]

    rows = _run(config, work)
    widths = [max(len(row[column]) for row in rows) for column in range(6)] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def revoke_key(config: Path | None, key_id: str) -> None:
    """A key less; who gives the whole key means the one with its id."""
    whole = SECRET.fullmatch(key_id)
    _run(config, lambda access: access.revoke(whole["id"] if whole is not None else key_id))


def _seconds(text: str) -> float:
    """Raises INVALID_OPTION."""
    found = re.fullmatch(r"(\d{1,6})([mhd])", text.strip())
    seconds = int(found[1]) * SECONDS[found[2]] if found is not None else 0
    if not 0 < seconds <= LONGEST:
        raise CallAnnotateError(
            INVALID_OPTION, option="--expires", problem=f"{text!r}", allowed="a number with m, h or d, such as 90d"
        )
    return float(seconds)


def _run(config: Path | None, work: Callable[[Access], Awaitable[T]]) -> T:
    """Do something with the keys in the volume, which a server may have open as well."""
    settings = load_settings(os.environ, config)
    try:
        make_root(settings.volume_path)
        store = AccessStore(settings.volume_path / NAME)
    except OSError as error:
        cause = error.strerror or str(error)
        raise CallAnnotateError(VOLUME_UNUSABLE, path=str(settings.volume_path), cause=cause) from error
    try:

        async def main() -> T:
            return await work(Access(settings, store))

        return anyio.run(main)
    finally:
        store.close()
