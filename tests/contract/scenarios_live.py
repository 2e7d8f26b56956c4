"""`/v1/ws/transcribe`: sessions as they should be, and lost connections."""

from contextlib import AsyncExitStack

import anyio

from tests.contract.contract import Json
from tests.contract.lab import Lab
from tests.contract.live_talk import FLOATS, PCM, STEP, TELEPHONE, TWO_SIDED, LiveTalk, Trail, live, started
from tests.contract.recordings import live_speech

SECONDS = 8.0
"""Of speech: as much as may be sent at once."""
AWAY = 2.0
"""Seconds without a connection."""


async def live_call(lab: Lab) -> None:
    """A call from its start to its end, with all that a client may say meanwhile."""
    async with started(lab, language="en", vocabulary=["telephone"], words=True) as talk:
        config = talk.trail.started["config"]
        lab.require(config["audio"] == TELEPHONE and config["language"] == "en", f"applied: {config}")
        audio = live_speech("mulaw", SECONDS)
        await talk.play(audio[: len(audio) // 2], STEP)
        await talk.expect("speech.started")
        await talk.expect("transcript.partial")
        await talk.say("finalize")
        final = await talk.expect("transcript.final")
        lab.require(bool(final["words"]) and final["words"][0]["word"] != "", f"no words: {final}")
        await talk.say("keepalive")
        changed = await talk.say("config.update", language=None, partials=True, words=False, vocabulary=[])
        lab.require(changed["config"]["words"] is False and changed["config"]["language"] is None, f"{changed}")
        await talk.say("config.update", language="en")
        await talk.play(audio[len(audio) // 2 :], STEP)
        await talk.say("pause")
        await talk.say("pause")
        await talk.send_as_it_is(audio[:STEP])
        await talk.told("AUDIO_WHILE_PAUSED", fatal=False)
        await talk.say("resume")
        await talk.say("resume")
        await talk.play(bytes([0xFF]) * STEP * 5, STEP)
        await talk.expect("audio.ack")
        ended = await talk.finish()
    check_result(lab, talk.trail, ended)
    lab.require(ended["totals"]["errors"] == 1, f"one error was told: {ended['totals']}")
    lab.require(ended["job_id"] is None, "nobody asked for the call to be kept")


def check_result(lab: Lab, trail: Trail, ended: Json) -> None:
    """What the totals and the result say is what came."""
    totals = ended["totals"]
    lab.require(totals["bytes_received"] == trail.sent, f"{trail.sent} bytes were sent: {totals}")
    lab.require(totals["finals"] == len(trail.finals), f"{len(trail.finals)} finals: {totals}")
    speakers = ended["result"]["speakers"]
    lab.require(totals["speakers"] == len(speakers) > 0, f"speakers: {totals}, {len(speakers)} in the result")
    heard = sum(len(final["text"].split()) for final in trail.finals.values())
    words = ended["result"]["metadata"]["word_count"]
    texts = [final["text"] for final in trail.finals.values()]
    lab.require(abs(heard - words) <= max(3, 0.3 * words), f"{heard} words in {texts}, {words} in the result")


async def live_two_sided(lab: Lab) -> None:
    """One side on each channel; without partials and without words none come."""
    async with started(lab, TWO_SIDED, partials=False, words=False, language="en") as talk:
        await talk.play(live_speech("alaw", SECONDS, silent_first=True), 2 * STEP)
        ended = await talk.finish()
    lab.require(not talk.trail.revisions, "partials that nobody wanted")
    lab.require(all(not final["words"] for final in talk.trail.finals.values()), "words that nobody wanted")
    sides = {final["channel"] for final in talk.trail.finals.values()}
    lab.require(sides == {1}, f"who speaks is on channel 1, and was heard on {sides}")
    lab.require(ended["result"]["metadata"]["channels"] == "two-sided", "taken for a mono call")


async def live_encodings(lab: Lab) -> None:
    """Every encoding, and nothing at all."""
    for audio, step in ((PCM, 6400), (FLOATS, 6400), ({**TELEPHONE, "encoding": "alaw"}, STEP)):
        async with started(lab, audio, language="en") as talk:
            await talk.play(live_speech(audio["encoding"], 4.0, audio["sample_rate"]), step)
            ended = await talk.finish()
        check_result(lab, talk.trail, ended)
    async with started(lab, recognise=True) as talk:
        await talk.expect("warning", code="recognise_unavailable")
        lab.require(talk.trail.started["config"]["recognise"] is False, "recognise is applied")
        ended = await talk.finish()
        lab.require(ended["result"]["speakers"] == [], f"somebody was heard: {ended['result']}")


async def live_saved(lab: Lab) -> None:
    """`save` makes a job, with audio and the same result."""
    async with started(lab, save=True, language="en") as talk:
        await talk.play(live_speech("mulaw", 4.0), STEP)
        ended = await talk.finish()
    lab.require(ended["job_id"] == talk.trail.started["session_id"], f"the job is {ended['job_id']}")
    async with lab.http() as http:
        result = (await http.get(f"/api/v1/jobs/{ended['job_id']}/result")).json()
        audio = await http.get(f"/api/v1/jobs/{ended['job_id']}/audio")
    lab.require(result["result"] == ended["result"], "the job has another result")
    lab.require(len(audio.content) > talk.trail.sent, f"the recording has {len(audio.content)} bytes")
    await lab.delete(ended["job_id"])


async def live_resumed(lab: Lab) -> None:
    """A connection that is lost, one that is taken over, and one that is lost at the end."""
    audio = live_speech("mulaw", SECONDS)
    async with started(lab, language="en") as talk:
        trail = talk.trail
        await talk.play(audio[: 20 * STEP], STEP)
        await talk.expect("transcript.partial")
        await talk.send({"type": "finalize", "id": "unheard"})
        # Answered at once: it has come, and so has what was said before.
        await talk.say("keepalive")
        await talk.lose()
    # What the server has to say meanwhile is sent again.
    await anyio.sleep(AWAY)
    async with AsyncExitStack() as stack:
        older = await stack.enter_async_context(live(lab, trail))
        begun = await _resume(lab, older)
        await older.play(audio[begun : begun + 18 * STEP], STEP)
        await older.say("finalize")
        answered = [text for text in trail.said.values() if '"in_reply_to":"unheard"' in text]
        lab.require(len(answered) == 1, f"what was said before the loss is answered by {answered}")
        newer = await stack.enter_async_context(live(lab, trail))
        begun = await _resume(lab, newer)
        lab.require(begun == trail.sent, f"{begun} bytes received, {trail.sent} sent, and all were answered for")
        await older.told("TAKEN_OVER")
        await older.end(4409, "TAKEN_OVER")
        await newer.play(audio[begun:], STEP)
        await newer.say("finalize")
        await newer.send({"type": "audio.end", "id": "end", "bytes_sent": trail.sent})
        trail.asked["end"] = "audio.end"
        await newer.lose()
    await _fetch_the_end(lab, trail)


async def _resume(lab: Lab, talk: LiveTalk) -> int:
    """Go on; the byte from which to send."""
    payload = talk.trail.resuming()
    await talk.send(payload)
    resumed = await talk.expect("session.resumed", in_reply_to=payload["id"])
    received: int = resumed["bytes_received"]
    lab.require(0 < received <= talk.trail.sent, f"{received} of {talk.trail.sent} bytes")
    talk.trail.sent = received
    return received


async def _fetch_the_end(lab: Lab, trail: Trail) -> None:
    """`session.ended` comes on the next connection, whether it was there before or not; once read, it is over."""
    async with live(lab, trail) as talk:
        await talk.send(trail.resuming())
        ended = await talk.expect("session.ended")
        await talk.end(1000)
    check_result(lab, trail, ended)
    lab.require(ended["totals"]["resumes"] >= 2, f"{ended['totals']}")
    for change, code, reason in (
        ({"resume_token": "wrong"}, 4404, "UNKNOWN_SESSION"),
        ({}, 4410, "SESSION_EXPIRED"),
    ):
        async with live(lab) as talk:
            await talk.send(trail.resuming(**change))
            await talk.told(reason)
            await talk.end(code, reason)


async def live_resumed_wrongly(lab: Lab) -> None:
    """A number that was never given; a session that was paused is so still."""
    async with started(lab) as talk:
        trail = talk.trail
        await talk.say("pause")
        async with live(lab) as other:
            await other.send(trail.resuming(last_seq=1000))
            await other.told("INVALID_CONFIG")
            await other.end(4400, "INVALID_CONFIG")
        await talk.say("keepalive")
        await talk.lose()
    replay = Trail(started=trail.started, asked=trail.asked)
    async with live(lab, replay) as talk:
        payload = trail.resuming(last_seq=0)
        await talk.send(payload)
        await talk.expect("session.started")
        await talk.expect("session.resumed", in_reply_to=payload["id"])
        await talk.send_as_it_is(bytes([0xFF]) * STEP)
        await talk.told("AUDIO_WHILE_PAUSED")
        await talk.say("resume")
        await talk.finish()
    same = all(replay.said[seq] == text for seq, text in trail.said.items())
    lab.require(same, "what is sent again is not what was sent")


async def live_russian(lab: Lab) -> None:
    """Errors and warnings come in the language of the handshake, with and without a session."""
    async with started(lab, language_of_errors="ru", recognise=True) as talk:
        told = await talk.expect("warning", code="recognise_unavailable")
        lab.require("знакомых голосов" in told["message"], f"not in Russian: {told}")
        await talk.send_as_it_is(b"")
        told = await talk.told("EMPTY_FRAME")
        lab.require("кадр" in told["message"] and "Присылайте" in told["advice"], f"not in Russian: {told}")
    async with live(lab, language="ru") as talk:
        await talk.send_as_it_is('{"type": "keepalive"}')
        told = await talk.told("SESSION_EXPECTED")
        lab.require("первое" in told["message"], f"not in Russian: {told}")
        await talk.end(4400, "SESSION_EXPECTED")
