"""Limits, faults and the end of `/v1/ws/transcribe`: each scenario needs a server of its own (see runner.PROFILES)."""

import json
from contextlib import AsyncExitStack, suppress

import anyio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.contract.lab import Lab
from tests.contract.live_talk import STEP, TELEPHONE, LiveTalk, Trail, live, started
from tests.contract.raw import TEXT, raw_socket

DEAF = (1.0, 2.0, 3.0)
"""Seconds without reading, one attempt after the other: the server takes a while to give up, and its last words wait
for 2 s."""
SILENCE = bytes([0xFF]) * STEP
"""200 ms of the telephone."""
KEEPALIVES = 5000
"""Their answers are more than the network and the session hold for a reader with a small buffer."""


async def too_many_live_sessions(lab: Lab) -> None:
    """LIVE_SESSIONS is 1: refused before the handshake and after it; a session that ends makes room."""
    await _no_room(lab, "TOO_MANY_SESSIONS")


async def _no_room(lab: Lab, code: str) -> None:
    async with started(lab) as talk, AsyncExitStack() as stack:
        # A connection that waits for its session to be resumed must not be locked out.
        await talk.lose()
        waiting = await stack.enter_async_context(live(lab))
        going_on = await stack.enter_async_context(live(lab, talk.trail))
        await going_on.send(talk.trail.resuming())
        await going_on.expect("session.resumed")
        await _refused_at_the_door(lab, code)
        await waiting.send({"type": "session.start", "id": "s", "audio": TELEPHONE})
        told = await waiting.told(code, in_reply_to="s")
        lab.require(told["retryable"] and told["retry_after_ms"] > 0, f"when to come back: {told}")
        await waiting.end(1013, code)
        await going_on.finish()
    async with started(lab) as talk:
        await talk.say("keepalive")


async def _refused_at_the_door(lab: Lab, code: str) -> None:
    try:
        async with connect(lab.url.replace("http", "ws", 1) + "/v1/ws/transcribe", proxy=None):
            lab.require(False, f"a connection was accepted instead of {code}")
    except InvalidStatus as error:
        response = error.response
        told = json.loads(response.body)["error"]["code"]
        lab.require((response.status_code, told) == (503, code), f"{response.status_code} {told}")
        lab.require(int(response.headers["Retry-After"]) > 0, f"no Retry-After: {response.headers}")
        lab.findings.exercised.add(("refusal", "live", code))
        lab.findings.error(code)


async def live_stopped(lab: Lab) -> None:
    """A server that stops says so, with and without a session; what was said is told before the end."""
    async with live(lab) as idle, started(lab) as talk:
        await talk.play(SILENCE, STEP)
        assert lab.own is not None
        lab.own.stop()
        for each in (talk, idle):
            await each.expect("live_closing", reason="SHUTTING_DOWN")
            await each.end(1012, "SHUTTING_DOWN")


async def live_clocks(lab: Lab) -> None:
    """LIVE_START_TIMEOUT_S, LIVE_IDLE_TIMEOUT_S, LIVE_MAX_SESSION_S and LIVE_RESUME_WINDOW_S, all of them short."""
    async with live(lab) as talk:
        await talk.told("START_TIMEOUT")
        await talk.end(4408, "START_TIMEOUT")
    async with started(lab) as talk:
        await talk.told("IDLE", fatal=True)
        await talk.end(4408, "IDLE")
    async with started(lab) as talk:
        await talk.expect("warning", code="session_expires")
        with anyio.fail_after(30):
            while not any(frame.name == "session.ended" for frame in talk.frames):
                await talk.send_as_it_is(SILENCE)
                await anyio.sleep(0.2)
        await talk.told("SESSION_TOO_LONG", fatal=False)
        ended = await talk.expect("session.ended", in_reply_to=None)
        lab.require(ended["totals"]["bytes_received"] > 0, f"{ended['totals']}")
        await talk.end(1000)
    async with started(lab) as talk:
        await talk.lose()
    await anyio.sleep(1.5)
    async with live(lab) as again:
        await again.send(talk.trail.resuming())
        await again.told("SESSION_EXPIRED")
        await again.end(4410, "SESSION_EXPIRED")


async def live_gone_messages(lab: Lab) -> None:
    """LIVE_REPLAY_MESSAGES: what is no longer kept cannot be sent again."""
    trail = Trail()
    async with live(lab, trail) as talk:
        await talk.say("session.start", audio=TELEPHONE)
        for _ in range(20):
            await talk.say("keepalive")
        await talk.lose()
    async with live(lab) as talk:
        await talk.send(trail.resuming(last_seq=1))
        await talk.told("REPLAY_GONE")
        await talk.end(4410, "REPLAY_GONE")
    async with live(lab, trail) as talk:
        await talk.send(trail.resuming())
        await talk.expect("session.resumed")
        await talk.finish()


async def live_slow_reader(lab: Lab) -> None:
    """A client that does not read is cut off; its session may be resumed."""
    start = json.dumps({"type": "session.start", "audio": TELEPHONE}).encode()
    for seconds in DEAF:
        async with raw_socket(lab.url, "/v1/ws/transcribe", small=True) as socket:
            with suppress(anyio.BrokenResourceError, anyio.EndOfStream, TimeoutError):
                await socket.send(TEXT, start)
                await socket.send_many(TEXT, json.dumps({"type": "keepalive", "id": "k" * 64}).encode(), KEEPALIVES)
                await anyio.sleep(seconds)
                code, reason, said = await socket.close_frame()
                lab.require((code, reason) == (1008, "SLOW_READER"), f"{code} {reason}")
                lab.findings.exercised.add(("close", "live", str(code), reason))
                lab.findings.error(reason)
                trail = Trail(started=json.loads(said[0]), asked={"k" * 64: "keepalive"})
                trail.said = {seq: text.decode() for seq, text in enumerate(said, start=1)}
                async with live(lab, trail) as talk:
                    await talk.send(trail.resuming())
                    await talk.expect("session.resumed")
                    await talk.finish()
                return
    lab.require(False, "not cut off")


async def live_rate_limited(lab: Lab) -> None:
    """RATE_LIMIT: too many text frames, then too many handshakes."""
    async with started(lab) as talk:
        for _ in range(1000):
            if talk.closed_with is not None:
                break
            await talk.send_as_it_is('{"type": "keepalive"}')
        await talk.end(4429, "RATE_LIMITED")
    async with live(lab) as talk:
        for _ in range(200):
            async with live(lab) as other:
                with anyio.move_on_after(0.1):
                    await other.ended()
                if other.closed_with is not None:
                    await other.end(4429, "RATE_LIMITED")
                    return
        lab.require(False, "200 handshakes are not too many")


async def live_too_many_connections(lab: Lab) -> None:
    """MAX_CONNECTIONS."""
    async with AsyncExitStack() as stack:
        talks: list[LiveTalk] = []
        for _ in range(20):
            talks.append(await stack.enter_async_context(live(lab)))
            with anyio.move_on_after(0.1):
                await talks[-1].end(1013, "TOO_MANY_CONNECTIONS")
                return
    lab.require(False, "20 connections are open")


async def live_full_volume(lab: Lab) -> None:
    """MIN_FREE_SPACE larger than any disk."""
    async with live(lab) as talk:
        await talk.send({"type": "session.start", "id": "s", "audio": TELEPHONE})
        await talk.told("STORAGE_FULL", in_reply_to="s")
        await talk.end(1013, "STORAGE_FULL")


async def live_mistakes(lab: Lab) -> None:
    """A lane that is late, relabels and breaks; needs the faulty server."""
    await _no_room(lab, "LIVE_OVERLOADED")
    async with started(lab) as talk:
        for _ in range(8):
            await talk.play(SILENCE, STEP)
        for code in ("partials_reduced", "partials_off", "partials_restored"):
            await talk.expect("warning", code=code)
        updated = await talk.expect("speaker.updated")
        lab.require(updated["updates"][0]["speaker_id"] == "speaker_2", f"{updated}")
        await talk.play(SILENCE, STEP)
        told = await talk.told("INTERNAL", fatal=True)
        lab.require("a mistake" not in str(told), f"the mistake is told: {told}")
        await talk.end(1011, "INTERNAL")
