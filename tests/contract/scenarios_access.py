"""Who may use a server: no operation and no channel opens without a key, nor with one of another scope."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import get_args

from websockets.exceptions import InvalidStatus

from contracts.scopes import Scope
from runtime.access import Access
from runtime.access_store import NAME, AccessStore
from runtime.settings import Settings
from tests.contract.conversation import connected, converse
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.live_talk import started
from tests.contract.recordings import speech
from tests.contract.rest import rest_of
from tests.contract.scenarios_session import require_error

STRANGER = {"Origin": "https://evil.example"}
SCOPES = get_args(Scope)[1:]
"""All but `monitor`, which every key has."""
CHANNELS = ("job", "session", "live")


@contextmanager
def keys_of(lab: Lab) -> Iterator[Access]:
    """The keys of a server of our own, as the command line has them."""
    assert lab.own is not None
    store = AccessStore(lab.own.volume / NAME)
    try:
        yield Access(Settings(), store)
    finally:
        store.close()


async def header(access: Access, *scopes: Scope) -> dict[str, str]:
    """A new key with these scopes, as it is sent."""
    return {"Authorization": f"Bearer {(await access.make('a scenario', scopes, None))[1]}"}


async def pages_of_strangers(lab: Lab) -> None:
    """Before there is a key: what a page of another origin sends is refused."""
    async with rest_of(lab) as rest:
        for operation in rest.operations:
            await rest.refused("ORIGIN_REFUSED", operation, UNKNOWN_JOB, headers=STRANGER)
    for name in CHANNELS:
        await _refused_handshake(lab, name, STRANGER, "ORIGIN_REFUSED")


async def first_key(lab: Lab) -> None:
    """What was open before there was a key is ended."""
    jobs = [await lab.submit(speech()) for _ in range(3)]
    with keys_of(lab) as access:
        async with lab.watch(jobs[-1]["job_id"]) as job, lab.session() as session, started(lab) as live:
            await access.make("the first", ("read",), None)
            for talk in (job, session, live):
                await talk.end(4401, "KEY_REQUIRED")


async def keys(lab: Lab) -> None:
    """Every operation and every channel, without a key and with one that has every scope but the right one."""
    with keys_of(lab) as access:
        own = await header(access, "read")
        async with rest_of(lab) as rest:
            for operation in rest.operations:
                await rest.refused("KEY_REQUIRED", operation, UNKNOWN_JOB)
            for scope in SCOPES:
                others = await header(access, *(each for each in SCOPES if each != scope))
                for operation, (_, _, described) in rest.operations.items():
                    if described["x-scope"] == scope:
                        await rest.refused("SCOPE_MISSING", operation, UNKNOWN_JOB, headers=others)
                for name in CHANNELS:
                    if lab.document["channels"][name]["x-scope"] == scope:
                        await _refused_handshake(lab, name, others, "SCOPE_MISSING")
            login = await rest.ask("createLogin", headers=own)
            cookie = {"Cookie": login.headers["Set-Cookie"].partition(";")[0]}
            who = await rest.ask("getLogin", headers=cookie)
            lab.require(who.json()["by"] == "login", f"getLogin: {who.text}")
            await rest.ask("deleteLogin", headers=cookie)
        for name in CHANNELS:
            await _refused_handshake(lab, name, {}, "KEY_REQUIRED")
        await _session(lab, await header(access, "submit"))


async def _session(lab: Lab, key: Mapping[str, str]) -> None:
    """What a key does not open over `/v1/ws` either."""
    async with converse(lab.url, lab.session_channel, lab.findings, lab.label, key=key) as talk:
        lab.require((await talk.ask("getLogin"))["body"]["by"] == "key", "getLogin")
        for operation in ("listJobs", "getQueueStatus", "listVoices", "listContacts"):
            require_error(lab, await talk.ask(operation), "SCOPE_MISSING", operation)
        reply = await talk.ask("createLogin")
        require_error(lab, reply, "ROUTE_NOT_FOUND", "a login over /v1/ws")


async def failures(lab: Lab) -> None:
    """FAILED_KEY_LIMIT, reached while the server was awaited: operations that are not limited are guarded as well."""
    async with rest_of(lab) as rest:
        for operation in rest.operations:
            await rest.refused("RATE_LIMITED", operation, UNKNOWN_JOB, headers={"X-API-Key": "a guess"})
        for name in CHANNELS:
            await _refused_handshake(lab, name, {}, "RATE_LIMITED")
        with keys_of(lab) as access:
            own = await header(access, "read")
        lab.require((await rest.ask("listJobs", headers=own)).status_code == 200, "a valid key was refused")


async def _refused_handshake(lab: Lab, name: str, headers: Mapping[str, str], code: str) -> None:
    channel = lab.channel(name)
    status = lab.document["x-errors"][code]["status"]
    lab.require({"status": status, "error": code} in channel.refusals, f"{code} is not in the document")
    path = channel.address.replace("{job_id}", UNKNOWN_JOB)
    try:
        async with connected(lab.url, path, key=headers):
            lab.require(False, f"{path} was accepted")
    except InvalidStatus as error:
        told = json.loads(error.response.body)["error"]["code"]
        lab.require((error.response.status_code, told) == (status, code), f"{path}: {told} instead of {code}")
        lab.findings.exercised.add(("refusal", name, code))
        lab.findings.error(code)
