"""`callannotate contacts` against a real Radicale."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from contracts.contact_errors import CONTACT_NOT_FOUND, CONTACTS_NOT_CONFIGURED, CONTACTS_REFUSED
from contracts.errors import CallAnnotateError, Fault
from tests.runtime.dav_servers import PASSWORD, USER, DavServer, card, running
from web.cli import cli


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running("radicale", tmp_path_factory.mktemp("radicale")) as found:
        found.put("anna", card("anna", "Anna Smirnova", "TEL;TYPE=CELL:+7 916 123-45-67", "ORG:Northwind"))
        found.put("ivan", card("ivan", "Иван Петров", "TEL:8 (495) 123-45-67"))
        yield found


@pytest.fixture
def environment(server: DavServer, tmp_path: Path) -> dict[str, str]:
    return {"CARDDAV_URL": server.url, "CARDDAV_USERNAME": USER, "CARDDAV_PASSWORD": PASSWORD,
            "PHONE_REGION": "RU", "VOLUME_PATH": str(tmp_path / "volume")}  # fmt: skip


def contacts(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["contacts", *arguments], env=environment)


def said(environment: dict[str, str], *arguments: str) -> str:
    result = contacts(environment, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def assert_fails(fault: Fault, environment: dict[str, str], *arguments: str) -> None:
    error = contacts(environment, *arguments).exception
    assert isinstance(error, CallAnnotateError)
    assert error.fault is fault


def test_address_books_are_synced_listed_and_searched(environment: dict[str, str]) -> None:
    assert "2 read" in said(environment, "sync")
    assert "Work: 2 contacts" in said(environment, "status")
    assert said(environment, "list").index("Anna Smirnova") < said(environment, "list").index("Иван Петров")
    (found,) = json.loads(said(environment, "list", "--number", "84951234567", "--json"))["contacts"]
    assert found["name"] == "Иван Петров"
    assert "+79161234567 (cell)" in said(environment, "show", _id_of(environment, "Anna"))
    assert "Northwind" in said(environment, "search", "smirn")


def _id_of(environment: dict[str, str], name: str) -> str:
    (found,) = json.loads(said(environment, "list", "--name", name, "--json"))["contacts"]
    return str(found["contact_id"])


def test_a_contact_is_written_and_deleted(environment: dict[str, str]) -> None:
    contact_id = said(environment, "add", "New One", "--number", "+7 495 000-00-00", "--email", "a@b.example").strip()
    assert json.loads(said(environment, "show", contact_id, "--json"))["emails"] == ["a@b.example"]
    assert "New One" in said(environment, "search", "new one")
    assert said(environment, "remove", contact_id) == ""
    assert_fails(CONTACT_NOT_FOUND, environment, "show", contact_id)


def test_what_is_wrong_is_told_by_its_exit_code(environment: dict[str, str]) -> None:
    assert_fails(CONTACTS_REFUSED, {**environment, "CARDDAV_PASSWORD": "wrong"}, "sync")
    assert_fails(CONTACTS_NOT_CONFIGURED, {**environment, "CARDDAV_URL": ""}, "list")
