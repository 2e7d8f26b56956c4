"""Who may use a server: nobody is asked before there is a key; afterwards nothing answers without one."""

import json
import time
from collections.abc import AsyncIterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from anyio import fail_after
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from contracts.access import Key, Login
from contracts.access_errors import KEY_REQUIRED, ORIGIN_REFUSED, SCOPE_MISSING
from contracts.errors import CATALOGUE, SETTING_INVALID, CallAnnotateError
from contracts.openapi import LOGIN_COOKIE
from contracts.routes import ROUTES
from contracts.scopes import SCOPES, Scope
from contracts.websocket import CHANNELS
from runtime.engine import Engine
from tests.web.live import AUDIO
from tests.web.serving import Server, closed, next_json, serving, wav
from web.cli import cli
from web.guard import is_own_name

EVERY: tuple[Scope, ...] = ("read", "submit", "live", "manage")
NOTHING = {"job_id": "550e8400-e29b-41d4-a716-446655440000"}
STRANGER = "https://evil.example"


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server that has a key, and on which failing is allowed often."""
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, failed_key_limit=100_000, cors_origins="https://crm.example") as running:
        await running.service.access.make("the first", ("manage",), None)
        # Cookies are sent where a test says so, and nowhere else.
        running.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        yield running


async def made(server: Server, *scopes: Scope, lifetime: float | None = None) -> tuple[Key, dict[str, str]]:
    """A key, and the header that carries it."""
    key, secret = await server.service.access.make("a test", scopes, lifetime)
    return key, {"Authorization": f"Bearer {secret}"}


def assert_refused(response: httpx.Response, code: str) -> None:
    error, request_id = response.json()["error"], response.headers["X-Request-ID"]
    # OpenAI's clients are told in OpenAI's shape: small letters, and the id in the header alone.
    theirs = response.url.path.startswith("/v1/")
    assert (response.status_code, error["code"]) == (CATALOGUE[code].http_status, code.lower() if theirs else code)
    assert ("WWW-Authenticate" in response.headers) == (code == "KEY_REQUIRED")
    assert theirs or error["request_id"] == request_id


async def handshake(server: Server, path: str, **headers: str) -> tuple[int, str]:
    """How a handshake is answered: 101, or status and code of the refusal."""
    try:
        async with server.socket(path, additional_headers=headers):
            return 101, ""
    except InvalidStatus as refused:
        return refused.response.status_code, json.loads(refused.response.body)["error"]["code"]


def path_of(template: str) -> str:
    """The path with something in place of each parameter."""
    return template.replace("{job_id}", NOTHING["job_id"]).replace("{", "").replace("}", "")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
async def test_no_route_answers_without_a_key_nor_with_one_of_another_scope(server: Server, route: Any) -> None:
    path = path_of(route.path)
    assert_refused(await server.http.request(route.method, path), "KEY_REQUIRED")
    wrong = {"Authorization": "Bearer cak_aaaaaaaa_" + "a" * 52}
    assert_refused(await server.http.request(route.method, path, headers=wrong), "KEY_REQUIRED")
    others: tuple[Scope, ...] = tuple(scope for scope in EVERY if scope != route.needs)
    _, headers = await made(server, *others)
    response = await server.http.request(route.method, path, headers=headers)
    if route.needs == "monitor":
        assert response.status_code not in (401, 403)
    else:
        assert_refused(response, "SCOPE_MISSING")


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
async def test_no_websocket_path_opens_without_a_key_nor_with_one_of_another_scope(
    server: Server, channel: Any
) -> None:
    path = path_of(channel.path)
    assert await handshake(server, path) == (401, "KEY_REQUIRED")
    _, right = await made(server, channel.scope)
    assert await handshake(server, path, **right) == (101, "")
    _, wrong = await made(server, *(scope for scope in EVERY if scope != channel.scope))
    expected = (101, "") if channel.scope == "monitor" else (403, "SCOPE_MISSING")
    assert await handshake(server, path, **wrong) == expected


async def test_nothing_else_answers_without_a_key_either(server: Server) -> None:
    for method, path in (("GET", "/nothing"), ("PATCH", "/api/v1/jobs"), ("OPTIONS", "/health"), ("GET", "/ws/x")):
        assert_refused(await server.http.request(method, path), "KEY_REQUIRED")
    assert (await handshake(server, "/v1/ws/more"))[0] == 401


async def test_a_key_goes_in_either_header_and_nowhere_else(server: Server) -> None:
    _, headers = await made(server, "read")
    secret = headers["Authorization"].removeprefix("Bearer ")
    assert (await server.http.get("/api/v1/jobs", headers={"X-API-Key": secret})).status_code == 200
    assert (await server.http.get("/api/v1/jobs", headers={"Authorization": f"bearer  {secret}"})).status_code == 200
    for place in ("api_key", "key", "token"):
        assert_refused(await server.http.get("/api/v1/jobs", params={place: secret}), "KEY_REQUIRED")
    cookie = (await server.http.post("/api/v1/login", headers=headers)).cookies[LOGIN_COOKIE]
    for elsewhere in (
        {"Authorization": f"Basic {secret}"}, {"Cookie": f"{LOGIN_COOKIE}={secret}"},
        {"Authorization": f"Bearer {cookie}"}, {"X-API-Key": cookie},
    ):  # fmt: skip
        assert_refused(await server.http.get("/api/v1/jobs", headers=elsewhere), "KEY_REQUIRED")


async def test_every_operation_of_a_session_asks_for_its_scope(server: Server) -> None:
    _, headers = await made(server, "read")
    async with server.socket("/v1/ws", additional_headers=headers) as socket:
        for operation, status in (("listJobs", 200), ("getLogin", 200), ("deleteJob", 403), ("createLogin", 404)):
            parameters = NOTHING if operation == "deleteJob" else {}
            await socket.send(
                json.dumps({"type": "request", "id": operation, "operation": operation, "parameters": parameters})
            )
            assert (await next_json(socket, "reply"))["status"] == status
    _, headers = await made(server, "submit")
    async with server.socket("/v1/ws", additional_headers=headers) as socket:
        await socket.send(json.dumps({"type": "subscribe", "id": "s", **NOTHING}))
        assert (await next_json(socket, "reply"))["status"] == 403


async def test_a_key_that_is_revoked_opens_nothing_any_more_and_ends_its_connections(server: Server) -> None:
    key, headers = await made(server, "read", "live")
    login = await server.http.post("/api/v1/login", headers=headers)
    cookie = {"Cookie": f"{LOGIN_COOKIE}={login.cookies[LOGIN_COOKIE]}"}
    async with (
        server.socket("/v1/ws", additional_headers=headers) as session,
        server.socket("/v1/ws/transcribe", additional_headers=cookie) as live,
    ):
        await live.send(json.dumps({"type": "session.start", "audio": AUDIO}))
        await next_json(live, "session.started")
        await server.service.access.revoke(key.key_id)
        assert_refused(await server.http.get("/api/v1/jobs", headers=headers), "KEY_REQUIRED")
        assert_refused(await server.http.get("/api/v1/jobs", headers=cookie), "KEY_REQUIRED")
        for socket in (session, live):
            code, reason, said = await closed(socket)
            assert (code, reason) == (4401, "KEY_REQUIRED")
            assert said[-1].get("code") or said[-1]["error"]["code"] == "KEY_REQUIRED"


async def test_a_key_ends_when_it_was_to_end(server: Server) -> None:
    _, headers = await made(server, "read", lifetime=0.5)
    async with server.socket("/v1/ws", additional_headers=headers) as socket:
        assert (await closed(socket))[0] == 4401
    assert_refused(await server.http.get("/api/v1/jobs", headers=headers), "KEY_REQUIRED")


async def test_a_browser_logs_in_with_a_key_and_has_a_cookie_afterwards(server: Server) -> None:
    key, headers = await made(server, "read")
    response = await server.http.post("/api/v1/login", headers=headers)
    login = msgspec.json.decode(response.content, type=Login)
    assert (response.status_code, login.by, login.key_id) == (201, "login", key.key_id)
    (cookie,) = response.headers.get_list("Set-Cookie")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    own = f"http://{server.host}:{server.port}"
    with_cookie = {"Cookie": cookie.partition(";")[0], "Origin": own}
    assert (await server.http.get("/api/v1/jobs", headers=with_cookie)).status_code == 200
    assert await handshake(server, "/v1/ws", **with_cookie) == (101, "")
    assert_refused(await server.http.post("/api/v1/login", headers=with_cookie), "KEY_REQUIRED")
    gone = await server.http.delete("/api/v1/login", headers=with_cookie)
    assert (gone.status_code, "Max-Age=0" in gone.headers["Set-Cookie"]) == (204, True)
    assert_refused(await server.http.get("/api/v1/jobs", headers=with_cookie), "KEY_REQUIRED")


async def test_a_key_that_logs_in_again_and_again_logs_out_nobody_else(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.access_store.LOGINS", 2)
    _, mine = await made(server, "read")
    _, theirs = await made(server)
    cookies = [
        (await server.http.post("/api/v1/login", headers=headers)).headers["Set-Cookie"].partition(";")[0]
        for headers in (mine, theirs, theirs, theirs)
    ]
    known = [(await server.http.get("/health", headers={"Cookie": cookie})).status_code for cookie in cookies]
    assert known == [200, 401, 200, 200]


async def test_the_cookie_is_for_tls_alone_where_the_page_came_over_tls(server: Server) -> None:
    _, headers = await made(server, "read")
    own = {"Origin": f"https://{server.host}:{server.port}"}
    response = await server.http.post("/api/v1/login", headers=headers | own)
    assert "Secure" in response.headers["Set-Cookie"]


async def test_a_cookie_is_worth_nothing_on_pages_of_another_origin(server: Server) -> None:
    _, headers = await made(server, *EVERY)
    cookie = (await server.http.post("/api/v1/login", headers=headers)).headers["Set-Cookie"].partition(";")[0]
    foreign = {"Cookie": cookie, "Origin": STRANGER}
    assert_refused(await server.http.post("/api/v1/jobs", files={"file": wav()}, headers=foreign), "ORIGIN_REFUSED")
    for path in ("/v1/ws", "/v1/ws/transcribe", f"/ws/{NOTHING['job_id']}"):
        assert await handshake(server, path, **foreign) == (403, "ORIGIN_REFUSED")
        assert await handshake(server, path, **foreign | {"Origin": "null"}) == (403, "ORIGIN_REFUSED")
    empty = foreign | {"X-API-Key": ""}
    assert_refused(await server.http.post("/api/v1/jobs", files={"file": wav()}, headers=empty), "ORIGIN_REFUSED")
    # Whoever sends a key in a header means it.
    assert (await server.http.get("/api/v1/jobs", headers=headers | {"Origin": STRANGER})).status_code == 200


async def test_pages_of_an_origin_that_is_allowed_may_ask(server: Server) -> None:
    _, headers = await made(server, "read")
    friend = {"Origin": "https://crm.example"}
    asks = friend | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    preflight = await server.http.options("/api/v1/jobs", headers=asks)
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == friend["Origin"]
    assert {"Authorization", "Idempotency-Key"} <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))
    assert "DELETE" in preflight.headers["Access-Control-Allow-Methods"]
    answer = await server.http.get("/api/v1/jobs", headers=headers | friend)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, friend["Origin"])
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert await handshake(server, "/v1/ws", **headers, **friend) == (101, "")
    refused = await server.http.options("/api/v1/jobs", headers=asks | {"Origin": STRANGER})
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert_refused(refused, "KEY_REQUIRED")


async def test_only_those_who_fail_too_often_are_answered_by_429(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, access="keys", failed_key_limit=3) as server:
        _, headers = await made(server, "read")
        answers = [(await server.http.get("/metrics", headers={"X-API-Key": "guess"})).status_code for _ in range(5)]
        assert answers == [401, 401, 401, 429, 429]
        assert_refused(await server.http.get("/api/v1/jobs"), "RATE_LIMITED")
        assert (await server.http.get("/api/v1/jobs", headers=headers)).status_code == 200


async def test_a_server_without_keys_asks_nobody_until_the_first_key_is_made(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server:
        login = msgspec.json.decode((await server.http.get("/api/v1/login")).content, type=Login)
        assert (login.by, set(login.scopes)) == ("anonymous", {"monitor", *EVERY})
        assert (await server.http.post("/api/v1/login")).headers.get("Set-Cookie") is None
        # A page of anybody's may open a WebSocket to this machine, or send it a form: no preflight stands before those.
        foreign = {"Origin": STRANGER}
        assert await handshake(server, "/v1/ws", **foreign) == (403, "ORIGIN_REFUSED")
        upload = await server.http.post("/api/v1/jobs", files={"file": wav()}, headers=foreign)
        assert_refused(upload, "ORIGIN_REFUSED")
        preflight = await server.http.options(
            "/api/v1/jobs", headers=foreign | {"Access-Control-Request-Method": "POST"}
        )
        assert preflight.status_code == 403
        async with server.socket("/v1/ws") as socket:
            key, _ = await made(server, "read")
            assert (await closed(socket))[0] == 4401
        assert_refused(await server.http.get("/api/v1/jobs"), "KEY_REQUIRED")
        # It does not open by itself again.
        await server.service.access.revoke(key.key_id)
        assert_refused(await server.http.get("/api/v1/jobs"), "KEY_REQUIRED")


async def test_a_name_that_somebody_gave_to_this_machine_opens_nothing_where_nobody_is_asked(
    engine: Engine, tmp_path: Path
) -> None:
    async with serving(tmp_path, engine, cors_origins="https://calls.example") as server:
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "localhost.evil.example"):
            assert_refused(await server.http.get("/api/v1/jobs", headers={"Host": host}), "ORIGIN_REFUSED")
        for host in ("localhost", f"localhost:{server.port}", "127.0.0.1", "[::1]:80", "calls.example"):
            assert (await server.http.get("/api/v1/jobs", headers={"Host": host})).status_code == 200
        # A page has no key: with one, any name will do.
        _, headers = await made(server, "read")
        assert (await server.http.get("/api/v1/jobs", headers=headers | {"Host": "evil.example"})).status_code == 200


def test_in_a_container_and_on_a_network_it_is_the_same_but_for_names_without_a_dot() -> None:
    for server in ("172.18.0.2", "192.168.1.5", "2001:db8::5"):
        for host in ("evil.example", "evil.example:8000", "172.18.0.2.evil.example", "evil.example."):
            assert not is_own_name(host, server)
        # What asks without a name, such as the checks of a proxy, is no browser.
        for host in ("127.0.0.1:8000", "localhost:8000", "192.168.1.5", "[2001:db8::5]:80", "callannotate:8000", ""):
            assert is_own_name(host, server)
    for host in ("callannotate:8000", "evil.example", ""):
        assert not is_own_name(host, "127.0.0.1")


@pytest.mark.parametrize("origins", ["crm.example", "https://crm.example/page", "https://*.example", "ftp://x"])
async def test_an_origin_that_is_none_stops_the_server_before_it_begins(
    engine: Engine, tmp_path: Path, origins: str
) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        async with serving(tmp_path, engine, cors_origins=origins):
            pass
    assert caught.value.fault is SETTING_INVALID
    assert "CORS_ORIGINS" in str(caught.value)


def test_every_scope_and_every_refusal_is_on_the_page_and_in_the_help() -> None:
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text()
    told = CliRunner().invoke(cli, ["keys", "--help"]).output
    for scope, meaning in SCOPES.items():
        assert f"| `{scope}` |" in page
        assert f"  {scope} " in told
        assert meaning
    for fault in (KEY_REQUIRED, SCOPE_MISSING, ORIGIN_REFUSED):
        assert f"{fault.http_status} `{fault.code}`" in page


async def test_a_setting_asks_for_keys_or_for_none_whatever_has_been_made(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, access="keys") as server:
        assert_refused(await server.http.get("/health"), "KEY_REQUIRED")
        await made(server, "read")
    async with serving(tmp_path, engine, access="anonymous") as server:
        assert (await server.http.get("/health")).status_code == 200


async def test_the_use_of_a_key_is_kept_to_the_hour(server: Server) -> None:
    key, headers = await made(server, "read")
    await server.http.get("/api/v1/jobs", headers=headers)
    with fail_after(10):
        while (used := next(k.used_at for k in server.service.access.listed() if k.key_id == key.key_id)) is None:
            await server.http.get("/health", headers=headers)
    assert (used.minute, used.second) == (0, 0)
    assert 0 <= time.time() - used.timestamp() <= 3600


async def test_no_secret_is_in_logs_errors_metrics_or_the_file_of_the_keys(server: Server) -> None:
    key, headers = await made(server, *EVERY)
    secret = headers["Authorization"].removeprefix("Bearer ")
    cookie = (await server.http.post("/api/v1/login", headers=headers)).cookies[LOGIN_COOKIE]
    said = [
        await server.http.get(path, headers=sent)
        for text in (secret, cookie, server.service.access.health_token)
        for path in (f"/{text}", f"/api/v1/jobs/{text}", f"/api/v1/jobs?limit={text}", f"/api/v1/jobs?key={text}")
        for sent in (headers, {"X-API-Key": text}, {"Cookie": f"{LOGIN_COOKIE}={text}"}, {"Authorization": text},
                     headers | {"Accept-Language": text, "Accept": text, "Origin": text})
    ]  # fmt: skip
    for text in (secret, cookie):
        assert await handshake(server, f"/ws/{text}?after_seq={text}", **headers) == (400, "INVALID_FIELD")
        async with server.socket(f"/ws/{text}", additional_headers=headers) as socket:
            said.append((await closed(socket))[2])  # type: ignore[arg-type]
    metrics = await server.http.get("/metrics", headers=headers)
    assert 'callannotate_requests_refused_total{reason="KEY_REQUIRED"}' in metrics.text
    texts = [metrics.text, *(str(each.text) if isinstance(each, httpx.Response) else str(each) for each in said)]
    volume = server.service.settings.volume_path
    with fail_after(10):
        while key.key_id not in (log := "".join(path.read_text() for path in (volume / "logs").iterdir())):
            await server.http.get(f"/{secret}", headers=headers)
    files = [path.read_bytes() for path in volume.rglob("*sqlite3*")]
    for text in (secret, cookie, server.service.access.health_token):
        hidden = text[13:]
        assert hidden not in log
        assert [said for said in texts if hidden in said] == []
        assert [file for file in files if hidden.encode() in file] == []
    assert (volume / "access.sqlite3").stat().st_mode & 0o777 == 0o600
    assert (volume / "health.json").stat().st_mode & 0o777 == 0o600
