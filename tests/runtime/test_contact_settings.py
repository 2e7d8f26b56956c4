"""Settings of contacts: which are refused, and that the password is seen nowhere."""

import logging
from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.contact_errors import (
    CONTACTS_NOT_CONFIGURED,
    CONTACTS_REFUSED,
)
from contracts.contacts import ContactDraft
from contracts.errors import SETTING_INVALID, CallAnnotateError
from runtime.contact_settings import account_of
from runtime.contact_store import ContactStore
from runtime.contacts import Contacts
from runtime.secret import Secret
from runtime.settings import Settings, load_settings
from tests.runtime.contact_parts import EVERYBODY, assert_fails, opened, settings_of
from tests.runtime.dav_servers import PASSWORD, DavServer


async def test_without_a_server_everything_says_so(tmp_path: Path) -> None:
    async with opened(Settings(volume_path=tmp_path)) as contacts:
        assert not contacts.configured
        draft = ContactDraft(name="A")
        for work in (contacts.sync(), contacts.status(), contacts.page(EVERYBODY, 1, 0), contacts.get("0" * 32),
                     contacts.create(draft), contacts.update("0" * 32, draft), contacts.delete("0" * 32),
                     contacts.search("a", 1)):  # fmt: skip
            await assert_fails(CONTACTS_NOT_CONFIGURED, work)


async def test_the_password_may_stand_in_a_file_and_is_read_for_every_connection(
    radicale: DavServer, tmp_path: Path
) -> None:
    path = tmp_path / "password"
    settings = replace(settings_of(radicale.url, tmp_path), carddav_password=None, carddav_password_file=str(path))
    async with opened(settings) as contacts:
        await assert_fails(CONTACTS_REFUSED, contacts.sync())
        path.write_text("wrong\n")
        await assert_fails(CONTACTS_REFUSED, contacts.sync())
        path.write_text(f"{PASSWORD}\n")
        await contacts.sync()


async def test_the_password_is_seen_nowhere(
    radicale: DavServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "very-s3cret-word"
    settings = replace(settings_of(radicale.url, tmp_path), carddav_password=Secret(secret))
    async with opened(settings) as contacts:
        with pytest.raises(CallAnnotateError) as caught:
            await contacts.sync()
        status = await contacts.status()
        with pytest.raises(CallAnnotateError):
            await contacts.open()
    seen = [repr(settings), str(settings), repr(account_of(settings)), repr(caught.value), str(caught.value.details)]
    seen += [repr(status), caplog.text, *capfd.readouterr()]
    seen += contents(tmp_path)
    assert [text for text in seen if secret in text or "YWxpY2U6" in text] == []


def contents(folder: Path) -> list[str]:
    """Of all files."""
    return [path.read_bytes().decode(errors="replace") for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"carddav_url": "ftp://example.org/"}, ["CARDDAV_URL", "http"]),
        ({"carddav_url": "example.org"}, ["CARDDAV_URL"]),
        ({"carddav_url": "https://alice:secret@example.org/"}, ["CARDDAV_URL", "CARDDAV_PASSWORD"]),
        (
            {"carddav_url": "http://example.org/", "carddav_password": Secret("x")},
            ["CARDDAV_ALLOW_HTTP", "unencrypted"],
        ),
        ({"phone_pattern": "("}, ["PHONE_PATTERN"]),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    tmp_path: Path, changes: dict[str, object], words: list[str]
) -> None:
    store = ContactStore(tmp_path / "contacts.sqlite3")
    try:
        with pytest.raises(CallAnnotateError) as caught:
            Contacts(replace(Settings(volume_path=tmp_path), **changes), store)
    finally:
        store.close()
    assert caught.value.fault is SETTING_INVALID
    assert [word for word in words if word not in str(caught.value)] == []
    assert "secret" not in str(caught.value)


def test_the_password_is_taken_from_the_environment_and_not_from_the_file_of_settings(tmp_path: Path) -> None:
    assert load_settings({"CARDDAV_PASSWORD": "s3cret"}).carddav_password == Secret("s3cret")
    path = tmp_path / "settings.yaml"
    path.write_text("carddav_password: s3cret\n")
    with pytest.raises(CallAnnotateError) as caught:
        load_settings({}, path)
    assert caught.value.fault is SETTING_INVALID
    assert "s3cret" not in str(caught.value)
    assert "CARDDAV_PASSWORD" in str(caught.value)
