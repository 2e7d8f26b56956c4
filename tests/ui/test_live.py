"""The live page: a recording in the place of the microphone, and a connection that breaks."""

import re

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from tests.ui.visitor import PATIENCE, Visitor
from tests.web.process import Process

WORDS = re.compile("feature|available|line", re.IGNORECASE)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_is_said_appears_with_its_speakers_and_becomes_a_call(
    microphone_browser: Browser, server: Process, language: str
) -> None:
    with Visitor.visiting(microphone_browser, server.url, language) as visitor:
        visitor.go("live")
        visitor.shoot("5-live")
        visitor.button("live_start").click()
        expect(visitor.page.locator(".line.final").first).to_contain_text(WORDS, timeout=PATIENCE)
        expect(visitor.page.locator(".line.final .who").first).to_have_text(visitor.text("speaker_n", n=1))
        visitor.shoot("6-said")
        visitor.button("live_stop").click()
        visitor.page.get_by_role("link", name=visitor.text("live_open")).click(timeout=PATIENCE)
        expect(visitor.page.locator(".row").first).to_contain_text(WORDS)


def test_a_lost_connection_is_made_again_and_no_word_is_lost(microphone_browser: Browser, server: Process) -> None:
    with Visitor.visiting(microphone_browser, server.url, "en") as visitor:
        routes: list[WebSocketRoute] = []

        def through(route: WebSocketRoute) -> None:
            route.connect_to_server()
            routes.append(route)

        visitor.page.route_web_socket(re.compile("/v1/ws/transcribe"), through)
        visitor.go("live")
        visitor.button("live_start").click()
        visitor.page.locator(".line").first.wait_for(timeout=PATIENCE)
        routes[0].close(code=3001)
        expect(visitor.page.locator(".desk")).to_have_attribute("data-resumes", "1", timeout=PATIENCE)
        expect(visitor.page.locator(".phase")).to_have_text(visitor.text("live_listening"))
        visitor.page.locator(".line.final").nth(1).wait_for(timeout=PATIENCE)
        assert len(routes) == 2
        visitor.button("live_stop").click()
        visitor.page.get_by_role("link", name=visitor.text("live_open")).wait_for(timeout=PATIENCE)
        numbers = [line.get_attribute("data-segment") for line in visitor.page.locator(".line").all()]
        assert len(numbers) == len(set(numbers)) > 0
        expect(visitor.page.locator(".line.partial")).to_have_count(0)
