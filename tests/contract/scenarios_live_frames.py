"""`/v1/ws/transcribe`: what a client must not send, first and later, and every mutant of its messages."""

import json
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.contract.contract import Json, parse
from tests.contract.lab import UNKNOWN_JOB, Lab
from tests.contract.live_talk import FLOATS, STEP, TELEPHONE, LiveTalk, Trail, live, started
from tests.contract.mutants import Mutant, mutants
from tests.contract.recordings import live_speech
from tests.contract.scenarios_common import unreadable


async def live_wrong_starts(lab: Lab) -> None:
    """A first message that opens no session."""
    for change in ({"sample_rate": 96000}, {"channels": 3}, {"encoding": "mp3"}, {"sample_rate": "8000"}):
        await _refused(lab, 4400, "INVALID_CONFIG", {"type": "session.start", "audio": {**TELEPHONE, **change}})
    await _refused(lab, 4400, "INVALID_CONFIG", {"type": "session.start"})
    await _refused(lab, 4400, "INVALID_CONFIG", {"type": "session.resume", "session_id": UNKNOWN_JOB})
    await _refused(lab, 4400, "INVALID_CONFIG", {"type": "session.start", "audio": TELEPHONE, "language": "tlh"})
    for kind in ("keepalive", "nonsense", ""):
        await _refused(lab, 4400, "SESSION_EXPECTED", {"type": kind})
    await _refused(lab, 4400, "SESSION_EXPECTED", {})
    unknown = {"type": "session.resume", "session_id": UNKNOWN_JOB, "resume_token": "x", "last_seq": 0}
    await _refused(lab, 4404, "UNKNOWN_SESSION", unknown)
    for frame, code, reason in ((bytes(STEP), 1003, "WRONG_FRAME"), ("[]", 1007, "INVALID_JSON")):
        async with live(lab) as talk:
            await talk.send_as_it_is(frame)
            await talk.end(code, reason)
    await _wrong_path(lab)


async def _refused(lab: Lab, code: int, reason: str, payload: Json) -> None:
    async with live(lab) as talk:
        talk.trail.asked["first"] = "session.start"
        await talk.send_as_it_is(json.dumps({**payload, "id": "first"}))
        told = await talk.told(reason, in_reply_to="first")
        lab.require(told["seq"] == 1, f"the first message on the connection has the number {told['seq']}")
        await talk.end(code, reason)


async def _wrong_path(lab: Lab) -> None:
    try:
        async with connect(lab.url.replace("http", "ws", 1) + "/v1/ws/transcribe/more", proxy=None):
            lab.require(False, "a path that is not there was accepted")
    except InvalidStatus as error:
        lab.require(error.response.status_code == 404, f"{error.response.status_code} for a path that is not there")
        lab.findings.exercised.add(("refusal", "live", json.loads(error.response.body)["error"]["code"]))


async def live_errors(lab: Lab) -> None:
    """What is wrong and leaves the session as it is."""
    async with started(lab) as talk:
        for frame, code in ((b"", "EMPTY_FRAME"), (bytes(8001), "FRAME_TOO_LONG")):
            await talk.send_as_it_is(frame)
            await talk.told(code, fatal=False)
        await talk.refused("FIXED_FIELD", type="config.update", audio=TELEPHONE, words=False)
        changed = await talk.say("config.update")
        lab.require(changed["config"]["words"] is True, "half of a message that was refused is applied")
        await talk.refused("INVALID_FIELD", type="config.update", language="tlh")
        await talk.send_as_it_is('{"type": "pause", "id": 17}')
        await talk.told("INVALID_MESSAGE", in_reply_to=None)
        talk.trail.asked["again"] = "session.start"
        await talk.send_as_it_is(json.dumps({"type": "session.start", "id": "again", "audio": TELEPHONE}))
        await talk.told("WRONG_ORDER", in_reply_to="again")
        for _ in range(5):
            await talk.play(bytes([0xFF]) * 80, 80)
        await talk.expect("warning", code="frames_short")
        await talk.send({"type": "audio.end", "id": "end", "bytes_sent": 17})
        await talk.expect("warning", code="bytes_mismatch", in_reply_to="end")
        await talk.send_as_it_is(bytes(STEP))
        await talk.expect("session.ended", in_reply_to="end")
        await talk.end(1000)
    async with started(lab, {**FLOATS, "channels": 2}) as talk:
        await talk.send_as_it_is(bytes(1603))
        told = await talk.told("ODD_FRAME")
        lab.require(told["details"]["multiple"] == 8, f"{told}")
        await talk.send_as_it_is(b"\x00\x00\xc0\x7f" * 400)
        await talk.told("FRAME_NOT_FINITE")


async def live_after_the_end(lab: Lab) -> None:
    """While the result is being made, there is no more audio, and nothing to pause."""
    async with started(lab, language="en") as talk:
        await talk.play(live_speech("mulaw", 8.0), STEP)
        await talk.send({"type": "audio.end", "id": "end", "bytes_sent": talk.trail.sent})
        await talk.send_as_it_is(bytes(STEP))
        talk.trail.asked["late"] = "pause"
        await talk.send_as_it_is('{"type": "pause", "id": "late"}')
        await talk.told("AUDIO_AFTER_END")
        await talk.told("WRONG_ORDER", in_reply_to="late")
        await talk.expect("session.ended", in_reply_to="end")
        await talk.end(1000)


async def live_fatal(lab: Lab) -> None:
    """What ends a session; nothing of it is left."""
    ends: list[tuple[int, str, Callable[[LiveTalk], Awaitable[None]]]] = [
        (1007, "INVALID_JSON", lambda talk: talk.send_as_it_is("{")),
        (1009, "FRAME_TOO_LARGE", lambda talk: talk.send_as_it_is(bytes(65538))),
        (4429, "TOO_FAST", _too_fast),
        (1008, "TOO_MANY_ERRORS", _too_many_errors),
    ]
    for code, reason, wrong in ends:
        async with started(lab) as talk:
            await wrong(talk)
            await talk.told(reason, fatal=True)
            await talk.end(code, reason)
        async with live(lab, Trail(asked=talk.trail.asked)) as again:
            await again.send(talk.trail.resuming(last_seq=0))
            # Its last messages may still be there to be fetched.
            found = await again.ended()
            lab.require(found[0] in {code, 4410}, f"resumed after {reason}: {found}")
    async with started(lab) as talk:
        await unreadable(lab, talk.channel, talk.channel.address)


async def _too_fast(talk: LiveTalk) -> None:
    await talk.play(bytes([0xFF]) * 8000 * 30, STEP)


async def _too_many_errors(talk: LiveTalk) -> None:
    for _ in range(101):
        await talk.send_as_it_is(b"")


async def live_mutants(lab: Lab) -> None:
    """Every mutant of every message: those of the first one come first, the others within a session."""
    channel = lab.channel("live")
    first: list[Mutant] = []
    within: list[Mutant] = []
    for mutant in mutants(channel):
        (first if mutant.label.startswith("session.") else within).append(mutant)
    for mutant in first:
        try:
            await _try_first(lab, mutant)
        except Exception as error:
            lab.findings.violations.append(f"{lab.label}: mutant {mutant.label}: {error}")
    while within:
        async with started(lab) as talk:
            # An error more, and the session is ended for too many.
            for _ in range(min(100, len(within))):
                mutant = within.pop()
                try:
                    if not await _try_within(lab, talk, mutant):
                        break
                except Exception as error:
                    lab.findings.violations.append(f"{lab.label}: mutant {mutant.label}: {error}")
                    break


async def _try_first(lab: Lab, mutant: Mutant) -> None:
    """Send it as the first message."""
    async with live(lab) as talk:
        outcome = mutant.outcome(talk.channel)
        if outcome == "not JSON":
            await talk.send_as_it_is(mutant.text)
            await talk.end(1007, "INVALID_JSON")
            return
        payload = parse(mutant.text)
        if outcome == "session.start":
            await talk.send(payload)
            answer = await talk.expect_any(lambda frame: frame.name in {"session.started", "live_error"})
            lab.require(answer.name == "session.started", f"answered by {answer.payload}")
            await talk.finish()
            return
        await talk.send_as_it_is(mutant.text)
        known = payload.get("type") in ("session.start", "session.resume")
        code = "UNKNOWN_SESSION" if outcome == "session.resume" else "SESSION_EXPECTED"
        code = "INVALID_CONFIG" if outcome == "invalid" and known else code
        talk.trail.asked[str(payload.get("id"))] = "session.start"
        await talk.told(code, in_reply_to=mutant.usable_id())
        await talk.end(4404 if code == "UNKNOWN_SESSION" else 4400, code)


async def _try_within(lab: Lab, talk: LiveTalk, mutant: Mutant) -> bool:
    """Send it within a session; whether that goes on."""
    outcome = mutant.outcome(talk.channel)
    if outcome == "not JSON":
        await talk.send_as_it_is(mutant.text)
        await talk.end(1007, "INVALID_JSON")
        return False
    payload = parse(mutant.text)
    talk.trail.asked[str(payload.get("id"))] = outcome if outcome != "invalid" else "pause"
    await talk.send_as_it_is(mutant.text)
    if outcome == "audio.end":
        await talk.expect("session.ended", in_reply_to=mutant.usable_id())
        await talk.end(1000)
        return False
    answer = await talk.expect_any(lambda frame: frame.name not in {"warning", "audio.ack"} and not frame.used)
    fixed = set(payload) & {"audio", "diarize", "recognise", "save"}
    if outcome == "invalid":
        expected = "INVALID_MESSAGE"
    elif outcome == "config.update" and fixed:
        expected = "FIXED_FIELD"
    else:
        expected = ""
    told = answer.payload.get("code", "") if answer.name == "live_error" else ""
    lab.require(told == expected, f"answered by {answer.payload}")
    lab.require(answer.payload["in_reply_to"] == mutant.usable_id(), f"in_reply_to of {answer.payload}")
    return True
