"""The page for everybody: screen readers, the keyboard, light and dark; and no word to another host."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.ui.visitor import PATIENCE, Visitor
from tests.web.process import Process

USABLE = 20.0
"""Seconds until a reference can be read: two or three where the machine does nothing else."""


@pytest.fixture(scope="module")
def call(browser: Browser, server: Process, spoken: Path) -> Iterator[str]:
    """A call that is done."""
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.go()
        job_id = visitor.upload(spoken)
    yield job_id
    httpx.delete(f"{server.url}/api/v1/jobs/{job_id}", trust_env=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_page(browser: Browser, server: Process, call: str, scheme: Any) -> None:
    with Visitor.visiting(browser, server.url, "en", scheme=scheme) as visitor:
        visitor.go()
        visitor.page.locator(".call-row").first.wait_for()
        visitor.shoot(f"8-calls-{scheme}")
        assert visitor.findings() == []
        for place in ("live", "voices", "nowhere"):
            visitor.go(place)
            assert visitor.findings() == []
        visitor.open_call(call)
        visitor.shoot(f"8-call-{scheme}")
        assert visitor.findings() == []
        visitor.button("export").click()
        assert visitor.findings() == []
        visitor.page.keyboard.press("Escape")
        visitor.button("enrol").first.click()
        visitor.shoot(f"8-enrol-{scheme}")
        assert visitor.findings() == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_telephone_shows_every_page_without_scrolling_sideways(
    browser: Browser, server: Process, call: str, language: str
) -> None:
    with Visitor.visiting(browser, server.url, language) as visitor:
        visitor.page.set_viewport_size({"width": 390, "height": 844})
        for place in ("", "live", "voices", f"calls/{call}"):
            visitor.go(place)
            visitor.page.locator(".row, .call-row, .waiting, .voices > p").first.wait_for()
            visitor.shoot(f"13-telephone-{place.partition('/')[0] or 'list'}")
            assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert visitor.findings() == []


def test_the_keyboard_alone_plays_and_corrects(browser: Browser, server: Process, call: str) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.open_call(call)
        visitor.page.keyboard.press("Space")
        expect(visitor.button("pause")).to_be_visible()
        visitor.page.keyboard.press("Space")
        expect(visitor.button("play")).to_be_visible()
        visitor.page.keyboard.press("/")
        expect(visitor.page.get_by_role("searchbox")).to_be_focused()
        visitor.page.locator(".row").first.focus()
        visitor.page.keyboard.press("ArrowDown")
        expect(visitor.page.locator(".row").nth(1)).to_be_focused()
        visitor.page.keyboard.press("ArrowUp")
        visitor.page.keyboard.press("s")
        expect(visitor.page.locator(".panel button").first).to_be_focused()
        visitor.page.keyboard.press("Escape")
        expect(visitor.page.locator(".panel")).to_have_count(0)


def test_the_reference_of_rest_needs_no_other_host(browser: Browser, server: Process) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        visitor.page.goto(f"{server.url}/api/docs", wait_until="commit")
        visitor.page.locator(".opblock").first.wait_for(timeout=PATIENCE)
        visitor.shoot("9-docs")


def test_the_reference_of_websockets_shows_one_operation_at_a_time_at_once(browser: Browser, server: Process) -> None:
    with Visitor.visiting(browser, server.url, "en") as visitor:
        began = time.monotonic()
        visitor.page.goto(f"{server.url}/api/async-docs", wait_until="commit")
        visitor.page.locator("#introduction").wait_for(timeout=PATIENCE)
        visitor.page.get_by_role("link", name="Submit a recording", exact=True).click()
        visitor.page.get_by_text("session.createJob").first.wait_for(timeout=PATIENCE)
        usable = time.monotonic() - began
        visitor.shoot("9-async-docs")
        assert usable < USABLE
        assert visitor.page.locator("#operations li").count() > 0
