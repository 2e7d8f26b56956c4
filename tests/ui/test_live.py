"""The live page: a recording in the place of the microphone, and a connection that breaks."""

import re

import msgspec
import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from contracts.live_errors import UNKNOWN_SESSION
from contracts.live_examples import LIVE_MESSAGES, live_error_example
from tests.ui.visitor import PATIENCE, Visitor
from tests.web.process import Process

WORDS = re.compile("feature|available|line", re.IGNORECASE)
CHANNEL = re.compile("/v1/ws/transcribe")
STARTED = msgspec.json.encode(LIVE_MESSAGES["session.started"]["started"]).decode()
UNKNOWN = msgspec.json.encode(live_error_example(UNKNOWN_SESSION)).decode()
WITH_PORT = """
window.AudioWorkletNode = class extends AudioWorkletNode {
  constructor(...given) { super(...given); window.port = this.port; }
};
"""
"""Lets a test give the page audio in the microphone's place."""
MINUTES = """
() => { for (let n = 0; n < 2; n += 1) port.onmessage({ data: { data: new ArrayBuffer(60 * 2 * 16000), level: 1 } }); }
"""
"""Two of audio at once."""
ELSEWHERE = """
window.WebSocket = class extends WebSocket {
  constructor(address) { super(address.replace("transcribe", "nowhere")); }
};
"""
"""Leads connections where the server takes none."""


def connections(visitor: Visitor) -> list[WebSocketRoute]:
    """Those of live sessions from now on."""
    routes: list[WebSocketRoute] = []

    def through(route: WebSocketRoute) -> None:
        route.connect_to_server()
        routes.append(route)

    visitor.page.route_web_socket(CHANNEL, through)
    return routes


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
        routes = connections(visitor)
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


def test_a_pause_lasts_over_a_lost_connection_until_it_is_ended(microphone_browser: Browser, server: Process) -> None:
    with Visitor.visiting(microphone_browser, server.url, "en") as visitor:
        routes = connections(visitor)
        visitor.go("live")
        phase = visitor.page.locator(".phase")
        visitor.button("live_start").click()
        visitor.page.locator(".line").first.wait_for(timeout=PATIENCE)
        visitor.button("live_pause").click()
        expect(phase).to_have_text(visitor.text("live_paused"))
        routes[0].close(code=3001)
        expect(visitor.page.locator(".desk")).to_have_attribute("data-resumes", "1", timeout=PATIENCE)
        expect(phase).to_have_text(visitor.text("live_paused"))
        visitor.button("live_resume").click()
        expect(phase).to_have_text(visitor.text("live_listening"))
        visitor.button("live_stop").click()
        visitor.page.get_by_role("link", name=visitor.text("live_open")).wait_for(timeout=PATIENCE)


@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_session_that_cannot_go_on_is_told_and_another_may_begin(
    microphone_browser: Browser, server: Process, language: str
) -> None:
    def forgetful(route: WebSocketRoute) -> None:
        def answer(message: str | bytes) -> None:
            if isinstance(message, str) and '"session.start"' in message:
                route.send(STARTED)
                route.close(code=3001)
            else:
                route.send(UNKNOWN)
                route.close(code=4404)

        route.on_message(answer)

    with Visitor.visiting(microphone_browser, server.url, language) as visitor:
        visitor.page.route_web_socket(CHANNEL, forgetful)
        visitor.go("live")
        visitor.button("live_start").click()
        expect(visitor.page.get_by_role("alert")).to_have_text(visitor.text("live_lost"))
        expect(visitor.button("live_start")).to_be_enabled()


def test_a_session_that_is_refused_is_told(microphone_browser: Browser, server: Process) -> None:
    with Visitor.visiting(microphone_browser, server.url, "en") as visitor:
        visitor.page.add_init_script(ELSEWHERE)
        visitor.go("live")
        visitor.button("live_start").click()
        expect(visitor.page.get_by_role("alert")).to_have_text(visitor.text("live_refused"))
        expect(visitor.button("live_start")).to_be_enabled()
        visitor.forgive("404")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_audio_that_a_server_does_not_take_for_too_long_is_told_to_be_lost(
    microphone_browser: Browser, server: Process, language: str
) -> None:
    def deaf(route: WebSocketRoute) -> None:
        route.on_message(lambda message: route.send(STARTED) if isinstance(message, str) else None)

    with Visitor.visiting(microphone_browser, server.url, language) as visitor:
        visitor.page.route_web_socket(CHANNEL, deaf)
        visitor.page.add_init_script(WITH_PORT)
        visitor.go("live")
        visitor.button("live_start").click()
        expect(visitor.page.locator(".phase")).to_have_text(visitor.text("live_listening"))
        visitor.page.evaluate(MINUTES)
        expect(visitor.page.get_by_role("alert")).to_have_text(visitor.text("live_overrun", n=60))
