"""Every link of the documents leads somewhere, to a heading that is there where it names one."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner
from markdown_it import MarkdownIt
from markdown_it.token import Token

from web.cli.graph import graph

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("clients/*/*.md"))]


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text())


@cache
def anchors(page: Path) -> set[str]:
    """The headings, as GitHub makes anchors of them."""
    found: set[str] = set()
    for heading, text in zip(tokens(page), tokens(page)[1:], strict=False):
        if heading.type == "heading_open":
            words = "".join(part.content for part in text.children or [])
            slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
            repeated = 0
            while (name := f"{slug}-{repeated}" if repeated else slug) in found:
                repeated += 1
            found.add(name)
    return found


def links(page: Path) -> list[str]:
    return [
        str(part.attrs.get("href") or part.attrs.get("src"))
        for token in tokens(page)
        for part in token.children or []
        if part.type in ("link_open", "image")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z][a-z+.-]*:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{link}: no such heading; there are {sorted(anchors(target))}"


def test_the_index_names_every_page() -> None:
    named = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}
    assert [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page not in named] == []


def test_the_graph_of_the_architecture_is_the_graph() -> None:
    drawn = re.search(r"```mermaid\n(.+?)```", (DOCS / "architecture.md").read_text(), re.DOTALL)
    assert drawn is not None
    assert CliRunner().invoke(graph, ["--format", "mermaid"]).stdout.strip() == drawn[1].strip()
