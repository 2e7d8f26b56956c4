"""The page's files, as the server hands them out."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from runtime.engine import Engine
from tests.web.serving import serving
from web.pages import STATIC

UI = Path(__file__).parents[2] / "ui"


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """What `make ui` leaves, in small."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text('<meta name="csp-nonce" nonce="{{nonce}}">')
    (folder / "assets/page-1a2b.js").write_text("console.log(1)")
    (tmp_path / "secret.txt").write_text("nobody is to see this")
    return folder


@pytest.fixture
async def client(
    static: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr("web.pages.STATIC", static)
    async with serving(tmp_path / "volume", engine) as server:
        yield server.http


async def test_the_page_may_load_nothing_from_another_host(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert answer.status_code == 200
    assert "default-src 'self'" in policy
    assert not any("unsafe" in rule or "http" in rule or "*" in rule for rule in policy)


async def test_every_answer_has_a_nonce_of_its_own(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/") for _ in range(2)]
    nonces = [answer.text.split('"')[3] for answer in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        assert f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]


async def test_a_file_with_a_hash_in_its_name_is_kept_by_browsers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/page-1a2b.js")
    assert answer.text == "console.log(1)"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("name", ["..%2f..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "nothing.js", "", "a%00b", "."])
async def test_nothing_beside_the_page_is_handed_out(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/assets/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "ROUTE_NOT_FOUND"


async def test_a_page_that_was_not_built_says_how_to_build_it(client: httpx.AsyncClient, static: Path) -> None:
    (static / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "make ui" in answer.text
    assert "Content-Security-Policy" in answer.headers


async def test_the_licences_of_all_that_the_page_is_made_of_go_along_with_it(engine: Engine, tmp_path: Path) -> None:
    made_of = set(json.loads((UI / "package.json").read_text())["dependencies"]) - {"@asyncapi/parser"}
    async with serving(tmp_path, engine, access="keys") as server:
        answer = await server.http.get("/licenses.md")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == (STATIC / "licenses.md").read_text()
    assert [package for package in made_of if f"\n## {package}" not in answer.text] == []
    for text in (
        "Permission is hereby granted",
        "Redistributions in binary form",
        "SIL OPEN FONT LICENSE",
        "SmartBear",
    ):
        assert text in answer.text
