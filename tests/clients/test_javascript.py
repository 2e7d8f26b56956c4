"""The client in JavaScript, in Node.js: recordings, jobs, live sessions and voices, over a network that fails."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import soundfile
from anyio import fail_after

from contracts.job_messages import JobMessage, ResultMessage
from contracts.jobs import JobResult
from contracts.live import LiveServerMessage, SessionEnded
from tests.clients.cutter import Cutter
from tests.clients.full_server import full_server
from tests.clients.javascript import drive
from tests.voice_recordings import allison
from tests.web.serving import Server, wav


@pytest.fixture(scope="module")
def samples(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The talk without a header."""
    path = tmp_path_factory.mktemp("talk") / "talk.pcm"
    path.write_bytes(soundfile.read(talk, dtype="int16")[0].tobytes())
    return path


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav(60.0))
    return path


def url(server: Server) -> str:
    return f"http://{server.host}:{server.port}"


def numbers(messages: list[Any]) -> list[int]:
    return [message["seq"] for message in messages]


def told(messages: list[Any]) -> list[tuple[str, int, str]]:
    """The finals."""
    return [(m["segment_id"], m["start_ms"], m["text"]) for m in messages if m["type"] == "transcript.final"]


async def test_a_recording_becomes_a_result_and_files_and_is_deleted(server: Server, talk: Path) -> None:
    seen = await drive("jobs", url(server), talk)
    size = talk.stat().st_size  # noqa: ASYNC240 - of a file that was just written
    assert seen["sent"][-1] == [size, size]
    assert seen["job"]["file_info"]["filename"] == talk.name
    assert seen["job"]["metadata"]["mine"] == [1]
    messages = msgspec.convert(seen["messages"], list[JobMessage], strict=False)
    assert numbers(seen["messages"]) == list(range(messages[0].seq, messages[0].seq + len(messages)))
    result = msgspec.convert(seen["result"], JobResult, strict=False)
    assert isinstance(messages[-1], ResultMessage)
    assert messages[-1].result == result.result
    assert result.result.speakers
    assert seen["srt"].startswith("1\n00:00:")
    assert seen["same"]
    assert [job["job_id"] for job in seen["page"]["jobs"]] == [result.job_id]
    assert (seen["queue"]["queue_length"], seen["health"]["status"]) == (0, "healthy")
    assert seen["info"]["service"] == "CallAnnotate"
    assert (seen["gone"]["code"], seen["gone"]["status"], seen["gone"]["retryable"]) == ("JOB_NOT_FOUND", 404, False)
    assert seen["gone"]["advice"]


@pytest.mark.parametrize("limit", [{"up": 300_000}, {"down": 1}], ids=["in the middle", "before the answer"])
async def test_an_upload_that_is_cut_is_sent_again_and_is_one_job(
    server: Server, cutter: Cutter, limit: dict[str, int], tone: Path
) -> None:
    before = (await server.http.get("/api/v1/jobs")).json()["total"]
    cutter.limits.update(limit)  # type: ignore[arg-type]
    seen = await drive("upload", cutter.url, tone)
    assert cutter.cuts == 1
    assert seen["sent"].count(min(seen["sent"])) == 2
    assert (await server.http.get("/api/v1/jobs")).json()["total"] == before + 1


async def test_a_job_is_followed_over_lost_connections_without_a_gap(
    server: Server, cutter: Cutter, recording: bytes
) -> None:
    cutter.every, cutter.times = 2000, 3
    job = await server.submit(recording)
    seen = await drive("watch", cutter.url, job["job_id"])
    assert cutter.cuts >= 2
    assert seen["messages"] == list(range(seen["messages"][0], seen["messages"][0] + len(seen["messages"])))


async def test_a_session_over_connections_that_are_cut_says_every_message_once(
    server: Server, cutter: Cutter, samples: Path
) -> None:
    whole = await drive("live", url(server), samples, "0")
    cutter.every, cutter.times = 2500, 3
    torn = await drive("live", cutter.url, samples, "3")
    assert cutter.cuts
    assert torn["resumes"] >= 3
    assert len(torn["notices"]) >= 2 * torn["resumes"]
    assert told(torn["messages"]) == told(whole["messages"])
    for seen in (whole, torn):
        messages = msgspec.convert(seen["messages"], list[LiveServerMessage], strict=False)
        assert [message.seq for message in messages] == list(range(1, len(messages) + 1))
        assert isinstance(messages[-1], SessionEnded)
        assert messages[-1].totals.bytes_received == samples.stat().st_size  # noqa: ASYNC240 - as above
        assert messages[-1].totals.warnings == 0
    assert torn["ended"]["result"]["speakers"] == whole["ended"]["result"]["speakers"]
    (finalized,) = (message for message in whole["messages"] if message["type"] == "finalized")
    assert finalized["in_reply_to"] == "now"


async def test_who_comes_back_does_not_wait_for_room_for_a_new_session() -> None:
    with fail_after(20):
        async with full_server(refusals=2) as address:
            seen = await drive("back", address)
    assert seen["types"] == ["session.started", "session.resumed", "error"]
    assert seen["error"]["code"] == "INTERNAL"


@pytest.mark.parametrize(
    ("fails_at", "between"),
    [
        ([], ["listening"]),
        (["pause"], ["reconnecting", "paused", "listening"]),
        (["resume"], ["listening", "reconnecting", "listening"]),
        (["pause", "pause"], ["reconnecting", "paused", "reconnecting", "paused", "listening"]),
    ],
    ids=["on a network that works", "before the pause", "before its end", "before the pause twice"],
)
async def test_a_microphone_is_paused_at_its_place_in_the_audio_also_where_the_connection_is_lost_then(
    server: Server, samples: Path, fails_at: list[str], between: list[str]
) -> None:
    seen = await drive("microphone", url(server), samples, *fails_at)
    assert seen["phases"] == ["paused", *between, "finishing", "ended"]
    assert "error" not in [message["type"] for message in seen["messages"]]
    ended = msgspec.convert(seen["messages"][-1], SessionEnded, strict=False)
    # What is said during the pause is left out, and is not lost either.
    assert ended.totals.bytes_received == samples.stat().st_size  # noqa: ASYNC240 - of a file that was just written
    assert (ended.totals.warnings, seen["lost"]) == (0, 0)
    reasons = [message["reason"] for message in seen["messages"] if message["type"] == "transcript.final"]
    assert "pause" in reasons


async def test_audio_that_cannot_wait_is_lost_once_there_is_no_room_and_it_is_told_how_much(server: Server) -> None:
    seen = await drive("overrun", url(server))
    assert seen == {"lost": [0, 0, 1, 3], "phase": "ended"}


async def test_what_is_given_up_before_there_is_a_connection_never_begins(server: Server, recording: bytes) -> None:
    job = await server.submit(recording)
    seen = await drive("given", url(server), job["job_id"])
    assert (seen["seen"], seen["phase"], seen["watched"]["code"]) == ([], "ended", "ENOUGH")
    assert (await server.http.get("/health")).json()["live_sessions"] == 0


async def test_errors_have_code_advice_and_status(server: Server) -> None:
    seen = await drive("errors", url(server))
    assert {name: (error["code"], error["status"]) for name, error in seen.items()} == {
        "limit": ("INVALID_FIELD", 400),
        "russian": ("INVALID_FIELD", 400),
        "format": ("UNSUPPORTED_FORMAT", 415),
        "job": ("JOB_NOT_FOUND", None),
        "config": ("INVALID_CONFIG", None),
        "nobody": ("UNREACHABLE", None),
        "noServer": ("UNREACHABLE", None),
        "path": ("ROUTE_NOT_FOUND", 404),
        "address": ("INVALID_ADDRESS", None),
    }
    assert seen["russian"]["advice"] != seen["limit"]["advice"]
    assert all(error["advice"] for error in seen.values())


async def test_voices_are_enrolled_renamed_and_deleted(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "boris.wav"
    path.write_bytes(allison())
    seen = await drive("voices", url(server), path)
    assert seen["voice"]["samples"][0]["filename"] == "boris.wav"
    assert len(seen["more"]["samples"]) == 2
    assert seen["renamed"]["name"] == "Boris Petrov"
    assert [voice["voice_id"] for voice in seen["page"]["voices"]] == [seen["voice"]["voice_id"]]
    assert seen["left"] == 0
