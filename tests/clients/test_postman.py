"""The Postman collection, run by newman against a real server."""

import json
from pathlib import Path
from typing import Any

import pytest
from anyio import fail_after, run_process

from contracts.openapi import openapi_document
from tests.clients.javascript import ROOT
from tests.voice_recordings import allison
from tests.web.serving import Server

COLLECTION = ROOT / "clients" / "postman" / "callannotate.postman_collection.json"
NEWMAN = ROOT / "tests" / "contract" / "node_modules" / ".bin" / "newman"
UNAVAILABLE = (
    # There is no address book, nothing was delivered, and the six seconds are too short to know a voice by.
    "listContacts", "createContact", "getContact", "updateContact", "deleteContact", "getAddressBooks",
    "syncAddressBooks", "enrolSpeaker", "correctResult", "redeliverWebhook",
)  # fmt: skip


def requests(items: list[Any]) -> list[Any]:
    """Of all folders."""
    return [found for item in items for found in (requests(item["item"]) if "item" in item else [item])]


def test_every_operation_is_a_request_with_tests() -> None:
    collection = json.loads(COLLECTION.read_text())
    found = requests(collection["item"])
    document: Any = openapi_document()
    operations = {op["operationId"] for methods in document["paths"].values() for op in methods.values()}
    assert sorted(request["name"] for request in found) == sorted(operations)
    for request in found:
        assert request["event"][0]["listen"] == "test"
        assert "pm.test(" in "\n".join(request["event"][0]["script"]["exec"])


def test_the_page_names_all_that_a_plain_server_cannot_do() -> None:
    page = (ROOT / "docs" / "clients.md").read_text()
    assert f'"mayFail={" ".join(UNAVAILABLE)}"' in page


@pytest.mark.timeout(200)
async def test_the_collection_passes_against_a_server(server: Server, talk: Path, tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(talk.read_bytes())  # noqa: ASYNC240 - small
    (tmp_path / "voice.wav").write_bytes(allison())
    report = tmp_path / "report.json"
    command = [
        str(NEWMAN), "run", str(COLLECTION), "--working-dir", str(tmp_path), "--reporters", "json",
        "--reporter-json-export", str(report), "--timeout-request", "60000", "--timeout", "150000",
        "--env-var", f"baseUrl=http://{server.host}:{server.port}", "--env-var", f"mayFail={' '.join(UNAVAILABLE)}",
    ]  # fmt: skip
    with fail_after(160):
        done = await run_process(command, check=False)
    told = json.loads(report.read_text())["run"]
    failures = [f"{failure['source'].get('name')}: {failure['error']['message']}" for failure in told["failures"]]
    assert failures == [], "\n".join(failures)
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    names = {execution["item"]["name"] for execution in told["executions"]}
    assert names == {request["name"] for request in requests(json.loads(COLLECTION.read_text())["item"])}
    assert told["stats"]["assertions"]["total"] > 3 * len(names)
