"""Contacts over REST and over `/v1/ws`, with a real Radicale behind a proxy that fails as it is told."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from tests.contract.lab import Lab
from tests.contract.rest import Rest, rest_of
from tests.contract.scenarios_session import require_error
from tests.contract.scenarios_voices import JSON
from tests.runtime.dav_proxy import Asked, Proxy, Reply, proxy
from tests.runtime.dav_servers import USER, running

NOBODY = "0" * 32
DRAFT = {"name": "Анна Смирнова", "numbers": [{"number": "8 916 123-45-67", "kinds": ["cell"]}]}
FRONT: list[Proxy] = []
"""In front of the server of the address books, while there is one."""


@contextmanager
def address_books() -> Iterator[dict[str, str]]:
    """A server of address books; yields the settings that lead there."""
    with (
        tempfile.TemporaryDirectory(prefix="callannotate-books-") as folder,
        running("radicale", Path(folder), "http_x_remote_user") as server,
        proxy(_as_usual, server.url, USER) as front,
    ):
        FRONT.append(front)
        try:
            yield {"CARDDAV_URL": front.url, "PHONE_REGION": "RU"}
        finally:
            FRONT.clear()


def _as_usual(_: Asked) -> Reply | None:
    return None


@contextmanager
def answering(reply: Reply, *methods: str) -> Iterator[None]:
    """While the body runs, the server of the address books says this, or only to these methods."""

    def answer(asked: Asked) -> Reply | None:
        return reply if not methods or asked.method in methods else None

    FRONT[0].answer = answer
    try:
        yield
    finally:
        FRONT[0].answer = _as_usual


async def contacts(lab: Lab) -> None:
    """Every operation over `/v1/ws`, as it should be used."""
    async with lab.session() as talk:
        made = await talk.ask("createContact", body=DRAFT)
        lab.require(made["status"] == 201, f"createContact: {made}")
        chosen = {"contact_id": made["body"]["contact_id"]}
        lab.require(made["headers"]["Location"].endswith(chosen["contact_id"]), f"Location: {made['headers']}")
        found = await talk.ask("listContacts", parameters={"number": "+79161234567", "limit": 1, "offset": 0})
        lab.require(found["body"]["contacts"] == [made["body"]], f"listContacts: {found}")
        changed = await talk.ask("updateContact", parameters=chosen, body={**DRAFT, "organisation": "Ромашка"})
        lab.require(changed["body"]["organisation"] == "Ромашка", f"updateContact: {changed}")
        same = await talk.ask("getContact", parameters=chosen)
        lab.require(same["headers"]["ETag"] == changed["body"]["etag"], f"getContact: {same}")
        stale = {**chosen, "If-Match": made["body"]["etag"]}
        require_error(lab, await talk.ask("deleteContact", parameters=stale), "CONTACT_CHANGED", "an old ETag")
        state = await talk.ask("syncAddressBooks")
        lab.require(state["body"]["contacts"] == 1, f"syncAddressBooks: {state}")
        lab.require((await talk.ask("getAddressBooks"))["body"]["state"] == "current", "getAddressBooks")
        lab.require((await talk.ask("deleteContact", parameters=chosen))["status"] == 204, "deleteContact")
        require_error(lab, await talk.ask("getContact", parameters=chosen), "CONTACT_NOT_FOUND", "a deleted contact")


async def rest_contacts(lab: Lab) -> None:
    """What cannot be done with a contact, and what can."""
    async with rest_of(lab) as rest:
        own = (await rest.ask("createContact", json=DRAFT)).json()
        place, etag = own["contact_id"], own["etag"]
        await rest.ask("listContacts", params={"search": "смирн", "book": "Work", "name": "анна", "uid": own["uid"]})
        await rest.refused("INVALID_FIELD", "listContacts", params={"limit": 0})
        for operation, more in _each():
            if operation != "createContact":
                await rest.refused("CONTACT_NOT_FOUND", operation, NOBODY, **more)
        await rest.refused("CONTACT_NOT_FOUND", "getContact", NOBODY)
        for operation, more in _each()[1:]:
            await rest.refused("CONTACT_CHANGED", operation, place, headers={"If-Match": '"old"'}, **more)
        with answering((412, {}, b""), "PUT"):
            await rest.refused("CONTACT_CHANGED", "createContact", json=DRAFT)
        await _failures(rest, place)
        await rest.ask("updateContact", place, json={**DRAFT, "note": "new"}, headers={"If-Match": etag})
        await rest.ask("getContact", place)
        await rest.ask("deleteContact", place, headers={"If-Match": "*"})
        await rest.ask("getAddressBooks")
        await rest.ask("syncAddressBooks")


async def _failures(rest: Rest, place: str) -> None:
    """What the server of the address books can do to us."""
    away: Reply = (503, {}, b"")
    for code, reply in (
        ("CONTACTS_UNREACHABLE", away),
        ("CONTACTS_REFUSED", (401, {"WWW-Authenticate": 'Basic realm="box"'}, b"")),
        ("CONTACTS_LEFT_SERVER", (302, {"Location": "http://192.0.2.1/"}, b"")),
        ("CONTACTS_INVALID", (500, {}, b"")),
    ):
        with answering(reply):
            await rest.refused(code, "syncAddressBooks")
            for operation, more in _each():
                await rest.refused(code, operation, place, **more)
    with answering((403, {}, b""), "PUT", "DELETE"):
        for operation, more in _each():
            await rest.refused("CONTACTS_READ_ONLY", operation, place, **more)


def _each() -> list[tuple[str, dict[str, Any]]]:
    """The operations that write."""
    return [("createContact", {"json": DRAFT}), ("updateContact", {"json": DRAFT}), ("deleteContact", {})]


async def rest_no_address_books(lab: Lab) -> None:
    """Without CARDDAV_URL there are no contacts; bodies are looked at first."""
    code = "CONTACTS_NOT_CONFIGURED"
    async with rest_of(lab) as rest:
        for operation in ("listContacts", "getContact", "getAddressBooks", "syncAddressBooks"):
            await rest.refused(code, operation, NOBODY)
        for operation, more in _each():
            await rest.refused(code, operation, NOBODY, **more)
        for operation in ("createContact", "updateContact"):
            await rest.refused("INVALID_FIELD", operation, NOBODY, json={"name": ""})
            await rest.refused("INVALID_JSON", operation, NOBODY, content=b"{", headers=JSON)
            await rest.refused("UNSUPPORTED_MEDIA_TYPE", operation, NOBODY, content=b"name=x")
            await rest.refused("BODY_TOO_LARGE", operation, NOBODY, json={"name": "x", "note": "y" * 70_000})


async def rest_contact_limits(lab: Lab) -> None:
    """UPLOAD_STALL_TIMEOUT."""

    async def stalling() -> Any:
        yield b" "
        await anyio.sleep(2.0)

    async with rest_of(lab) as rest:
        for operation in ("createContact", "updateContact"):
            await rest.refused("UPLOAD_STALLED", operation, NOBODY, content=stalling(), headers=JSON)
