"""The page in Debian's Chromium against a real server with the real engine.

`make test` builds the page and sees to Chromium; CHROMIUM names another browser of its kind.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.ui.visitor import Visitor
from tests.web.process import Process, started
from web.pages import PAGE, STATIC


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser of the distribution."""
    found = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    assert found, "Chromium is needed: apt-get install chromium, or name another in CHROMIUM"
    assert (STATIC / PAGE).is_file(), "the page has to be built: make ui"
    return found


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver: it keeps an event loop at work in this thread, beside which no other test could have its own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    """A browser without a microphone."""
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def microphone_browser(playwright: Playwright, chromium: str, spoken: Path) -> Iterator[Browser]:
    """A browser whose microphone hears a recording, once."""
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={spoken}%noloop",
    ]
    browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def spoken(sample_call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the sample call as a WAV."""
    samples, rate = soundfile.read(sample_call, dtype="int16")
    path = tmp_path_factory.mktemp("microphone") / "spoken.wav"
    soundfile.write(path, samples[: 16 * rate], rate)
    return path


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server."""
    return tmp_path_factory.mktemp("volume")


@pytest.fixture(scope="session")
def server(volume: Path) -> Iterator[Process]:
    """One for all tests."""
    with started(volume) as process:
        yield process


@pytest.fixture(params=["en", "ru"])
def visitor(request: pytest.FixtureRequest, browser: Browser, server: Process) -> Iterator[Visitor]:
    """Somebody who looks at the page in English, then somebody who does in Russian."""
    with Visitor.visiting(browser, server.url, request.param) as visitor:
        yield visitor


@pytest.fixture(autouse=True)
def no_voices(request: pytest.FixtureRequest) -> None:
    """Nobody is known to the server when a test begins."""
    if "server" not in request.fixturenames:
        return
    server: Process = request.getfixturevalue("server")
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        for voice in http.get("/api/v1/voices").json()["voices"]:
            http.delete(f"/api/v1/voices/{voice['voice_id']}")
