"""What goes wrong: the page says what, says what to do, and goes on when it can."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.ui.visitor import PATIENCE, ROOT, Visitor
from tests.web.process import Process, started

NOWHERE = "00000000-0000-4000-8000-000000000000"
SMALL = 50_000
"""Bytes of a recording at most, for the strict server."""
SMALL_TOLD = re.compile("48[.,]8")
"""In kilobytes, on the page."""
REFUSE = (
    "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotAllowedError'); } }"
)


@pytest.fixture(scope="module")
def strict_volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the strict server."""
    return tmp_path_factory.mktemp("strict")


@pytest.fixture(scope="module")
def strict(strict_volume: Path) -> Iterator[Process]:
    """A server that wants a key, and small recordings."""
    with started(strict_volume, ACCESS="keys", MAX_FILE_SIZE=str(SMALL)) as process:
        yield process


@pytest.fixture(scope="module")
def key(strict_volume: Path) -> str:
    """One that the strict server takes."""
    command = [sys.executable, "-m", "web.cli", "keys", "add", "browser"]
    scopes = [f"--scope={scope}" for scope in ("read", "submit", "live", "manage")]
    environment = {**os.environ, "VOLUME_PATH": str(strict_volume)}
    made = subprocess.run([*command, *scopes], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return made.stdout.strip()


def alert(page: Page) -> str:
    """What is wrong, as the page says it."""
    place = page.get_by_role("alert").first
    expect(place).not_to_be_empty()
    return place.inner_text()


def test_a_call_that_does_not_exist_is_told_with_a_way_back(visitor: Visitor) -> None:
    visitor.go(f"calls/{NOWHERE}")
    assert NOWHERE in alert(visitor.page)
    visitor.forgive("404")
    visitor.page.get_by_role("link", name=visitor.text("to_calls")).click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(visitor.text("calls"))


def test_a_server_that_went_away_is_told_and_the_list_comes_back_with_it(visitor: Visitor) -> None:
    visitor.go()
    visitor.page.get_by_role("heading", level=1).wait_for()
    visitor.page.context.set_offline(True)
    expect(visitor.page.locator(".problem")).to_have_text(visitor.text("unreachable"), timeout=PATIENCE)
    visitor.page.context.set_offline(False)
    expect(visitor.page.locator(".problem")).to_have_count(0, timeout=PATIENCE)
    visitor.forgive("ERR_INTERNET_DISCONNECTED")


def test_an_upload_that_broke_off_is_sent_again(visitor: Visitor, spoken: Path) -> None:
    visitor.go()
    visitor.page.route("**/api/v1/jobs", lambda route: route.abort("connectionreset"))
    visitor.page.locator("input[type=file]").set_input_files(spoken)
    assert visitor.text("unreachable") in alert(visitor.page)
    visitor.page.unroute("**/api/v1/jobs")
    visitor.button("again").click()
    row = visitor.page.locator(".call-row", has_text="spoken.wav").first
    expect(row).to_be_visible()
    expect(visitor.page.locator(".uploads li")).to_have_count(0)
    row.get_by_role("button", name=visitor.text("remove_named", name="spoken.wav")).click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.text("remove"), exact=True).click()
    expect(row).to_have_count(0)
    visitor.forgive("ERR_CONNECTION_RESET")


def test_a_correction_that_did_not_reach_the_server_is_kept_and_sent_again(
    browser: Browser, server: Process, spoken: Path
) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.go()
        job_id = visitor.upload(spoken)
        visitor.open_call(job_id)
        visitor.page.context.set_offline(True)
        visitor.page.locator(".word").first.dblclick()
        visitor.page.locator("input.editor").fill("Kept")
        visitor.page.keyboard.press("Enter")
        assert visitor.text("unreachable") in alert(visitor.page)
        visitor.page.context.set_offline(False)
        visitor.button("again").click()
        expect(visitor.page.locator(".word.fixed")).to_have_text("Kept")
        assert visitor.corrections(job_id)["words"][0]["text"] == "Kept"
        httpx.delete(f"{visitor.url}/api/v1/jobs/{job_id}", trust_env=False)
        visitor.forgive("ERR_INTERNET_DISCONNECTED")


def test_a_job_that_failed_or_was_archived_says_why(browser: Browser, server: Process) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.page.route("**/api/v1/jobs?*", lambda route: route.fulfill(json=ended_badly()))
        visitor.go()
        failed = visitor.page.locator(".call-row.failed")
        expect(failed).to_contain_text("The recording is empty. Send one with speech.")
        expect(visitor.page.locator(".call-row.archived")).to_contain_text(visitor.text("archived_why"))
        visitor.shoot("11-ended")
        assert visitor.findings() == []


def ended_badly() -> object:
    """Two jobs of a page, as the server would list them."""
    job = {
        "created_at": "2026-11-22T10:00:00Z",
        "progress": {"percentage": 0, "stage_progress": 0, "stages_completed": [], "stages_remaining": []},
        "file_info": {"filename": "call.wav", "size": 1, "format": "wav", "duration": 12.0},
        "metadata": {},
    }
    error = {"code": "X", "message": "the recording is empty", "advice": "Send one with speech.", "details": {}}
    jobs = [
        {**job, "job_id": NOWHERE, "status": "failed", "error": error},
        {**job, "job_id": NOWHERE[::-1], "status": "archived", "error": None},
    ]
    return {"jobs": jobs, "total": 2, "limit": 50, "offset": 0}


def test_a_microphone_that_is_refused_is_told_with_what_to_do(visitor: Visitor) -> None:
    visitor.go("live")
    visitor.page.evaluate(REFUSE)
    visitor.button("live_start").click()
    assert alert(visitor.page) == visitor.text("live_not_allowed")
    expect(visitor.button("live_start")).to_be_enabled()


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_server_with_keys_is_entered_by_one_and_left_again(
    browser: Browser, strict: Process, key: str, language: str, sample_call: Path
) -> None:
    with Visitor.visiting(browser, strict.url, language) as visitor:
        visitor.go()
        field = visitor.page.get_by_label(visitor.text("key"), exact=True)
        field.fill("cak_wrong")
        field.press("Enter")
        alert(visitor.page)
        visitor.shoot("12-login")
        assert visitor.findings() == []
        field.fill(key)
        field.press("Enter")
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text(visitor.text("calls"))
        expect(visitor.page.locator(".drop")).to_contain_text(SMALL_TOLD)
        visitor.page.locator("input[type=file]").set_input_files(sample_call)
        assert SMALL_TOLD.search(alert(visitor.page))
        visitor.page.get_by_role("button", name=visitor.text("key_leave")).click()
        expect(visitor.page.get_by_role("heading", level=1)).to_have_text(visitor.text("key_title"))
        visitor.forgive("401")
