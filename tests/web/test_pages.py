"""The pages about the interfaces name all that there is."""

from pathlib import Path
from typing import get_args

import pytest

from contracts import job_messages, live
from contracts.channel import Channel
from contracts.live_channel import LIVE_CHANNEL
from contracts.routes import FORMAT_MEDIA_TYPES, ROUTES
from contracts.websocket import CHANNELS

DOCS = Path(__file__).parents[2] / "docs"


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
