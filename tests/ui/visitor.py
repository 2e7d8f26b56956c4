"""Somebody in front of the page: what they do, and what their browser complains of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

ROOT = Path(__file__).parents[2]
SHOTS = Path(__file__).parent / "screenshots"
AXE = ROOT / "ui/node_modules/axe-core/axe.min.js"
LOCALES = {"en": "en-GB", "ru": "ru-RU"}
PATIENCE = 90_000
"""Milliseconds: the machine may be busy."""


def texts(language: str) -> dict[str, str]:
    """The texts of the page by their keys; those with plurals are left out."""
    source = (ROOT / f"ui/src/i18n/{language}.ts").read_text()
    return dict(re.findall(r'^  (\w+):\s+"(.*)",$', source, re.MULTILINE))


@dataclass
class Visitor:
    """One browser window, in one language."""

    page: Page
    url: str
    language: str
    complaints: list[str] = field(default_factory=list)
    """Of the console, of scripts, and of requests to other hosts."""

    @classmethod
    @contextmanager
    def visiting(cls, browser: Browser, url: str, language: str, *, scheme: Any = "light") -> Iterator[Self]:
        """A window until the body is left; then the browser must not have complained."""
        context = browser.new_context(
            locale=LOCALES[language],
            color_scheme=scheme,
            viewport={"width": 1280, "height": 820},
            accept_downloads=True,
        )
        context.set_default_timeout(30_000)
        visitor = cls(context.new_page(), url, language)
        visitor._listen(context)
        try:
            yield visitor
            assert not visitor.complaints, "; ".join(visitor.complaints)
        finally:
            context.close()

    def _listen(self, context: BrowserContext) -> None:
        self.page.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        context.on(
            "request",
            lambda request: (
                None if request.url.startswith((self.url, "blob:")) else self.complaints.append(request.url)
            ),
        )

    def forgive(self, *expected: str) -> None:
        """What the browser notes by itself where an answer is an error or there is none, and has to."""
        self.complaints = [one for one in self.complaints if not any(words in one for words in expected)]

    def text(self, key: str, **values: object) -> str:
        """A text of the page in the visitor's language."""
        found = texts(self.language)[key]
        for name, value in values.items():
            found = found.replace(f"{{{name}}}", str(value))
        return found

    def go(self, place: str = "") -> None:
        """Open a place of the page, such as `live`."""
        self.page.goto(f"{self.url}/#/{place}")
        self.page.locator("main > *").first.wait_for()

    def button(self, key: str, **values: object) -> Locator:
        """A button by its name."""
        return self.page.get_by_role("button", name=self.text(key, **values), exact=True)

    def shoot(self, name: str) -> None:
        """Keep what is seen."""
        SHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}-{self.language}.png")

    def upload(self, recording: Path) -> str:
        """Give the page a recording; the job's id once it is done."""
        with self.page.expect_response(lambda answer: answer.request.method == "POST") as posted:
            self.page.locator("input[type=file]").set_input_files(recording)
        job_id = str(posted.value.json()["job_id"])
        row = self.page.locator(f"[data-job='{job_id}']")
        expect(row.locator(".badge.completed")).to_be_visible(timeout=PATIENCE)
        return job_id

    def open_call(self, job_id: str) -> None:
        """A call's page, drawn."""
        self.go(f"calls/{job_id}")
        self.page.locator(".row").first.wait_for()
        self.page.locator(".wave canvas").first.wait_for(state="attached")

    def corrections(self, job_id: str) -> Any:
        """As the server has them."""
        return httpx.get(f"{self.url}/api/v1/jobs/{job_id}/corrections", trust_env=False).json()

    def findings(self) -> list[str]:
        """What axe finds that is serious, each with the first place where it is."""
        before = list(self.complaints)
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")
        # The page's policy does not let axe put in styles of its own; axe does without.
        self.complaints[:] = before + [one for one in self.complaints[len(before) :] if "inline style" not in one]
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0]['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
        ]
