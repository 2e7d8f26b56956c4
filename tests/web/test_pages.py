"""The pages about the interfaces name all that there is."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from contracts import job_messages, live
from contracts.channel import Channel
from contracts.live_channel import LIVE_CHANNEL
from contracts.routes import FORMAT_MEDIA_TYPES, ROUTES
from contracts.websocket import CHANNELS
from runtime.metrics import Metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_every_route_is_on_the_page(route: object) -> None:
    page = (DOCS / "rest.md").read_text()
    assert f"`{route.method} {route.path}`" in page  # type: ignore[attr-defined]


def test_every_format_parameter_and_header_is_on_the_page() -> None:
    page = (DOCS / "rest.md").read_text()
    named = {parameter.name for route in ROUTES for parameter in route.parameters} - {"Accept-Language"}
    for word in (*FORMAT_MEDIA_TYPES, *FORMAT_MEDIA_TYPES.values(), *named - {"job_id"}):
        assert f"`{word}" in page or f"{word}=" in page, word


def check_page(page: str, kinds: set[str], channels: tuple[Channel, ...]) -> None:
    for kind in kinds:
        assert f"`{kind}`" in page or f'"{kind}"' in page, kind
    for channel in channels:
        assert f"`{channel.path}`" in page
        for ending in channel.close_codes:
            assert f"| {ending.code} |" in page


def test_every_message_and_close_code_is_on_the_page() -> None:
    unions = (job_messages.JobMessage, job_messages.WatcherMessage, job_messages.ClientMessage)
    kinds = {kind.__struct_config__.tag for union in unions for kind in get_args(union)}
    kinds |= {"upload.ready", "upload.progress", "reply", "session.closing"}
    check_page((DOCS / "websocket.md").read_text(), kinds, tuple(set(CHANNELS) - {LIVE_CHANNEL}))


def test_every_message_error_warning_and_limit_of_live_sessions_is_on_the_page() -> None:
    page = (DOCS / "live.md").read_text()
    unions = (live.LiveClientMessage, live.LiveServerMessage)
    kinds = {kind.__struct_config__.tag for union in unions for kind in get_args(union)}
    check_page(page, kinds, (LIVE_CHANNEL,))
    closing = [fault for ending in LIVE_CHANNEL.close_codes for fault in ending.faults]
    for fault in (*LIVE_CHANNEL.faults, *LIVE_CHANNEL.refusals, *closing):
        assert f"`{fault.code}`" in page, fault.code
    for code in LIVE_CHANNEL.warnings:
        assert f"`{code}`" in page, code
    for field in (*live.SessionStart.__struct_fields__, *live.SessionLimits.__struct_fields__):
        assert f"`{field}" in page or f"limits.{field}`" in page, field


def test_every_metric_is_on_the_page_of_jobs() -> None:
    page = (DOCS / "queue.md").read_text(encoding="utf-8")
    found = [
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in Metrics(Counter(), lambda: 0).registry.collect()
    ]
    assert len(found) > 10
    assert [name for name in found if f"| `{name}`" not in page and f"| `{name}{{" not in page] == []


def events(path: Path) -> set[str]:
    """The events that a module logs."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and re.fullmatch("[a-z]+(_[a-z]+)+", str(call.args[0].value))
    }


def test_every_event_of_the_log_is_on_the_page_of_jobs_and_no_other() -> None:
    page = (DOCS / "queue.md").read_text(encoding="utf-8").partition("## Log lines")[2].partition("\n## ")[0]
    files = [path for folder in ("runtime", "web") for path in (ROOT / folder).rglob("*.py")]
    listed = [event for row in page.splitlines() for event in re.findall("`([a-z_]+)`", row.rpartition(" | ")[0])]
    assert sorted(listed) == sorted(set[str]().union(*(events(path) for path in files)))
