"""What people correct in a result, over REST, on a real server with a real result."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from runtime.engine import Engine
from tests.web.serving import Server, serving

UNKNOWN = "550e8400-e29b-41d4-a716-446655440000"
Called = tuple[Server, str]
"""A server and a job of it that is done."""


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("volume"), engine) as started:
        yield started


@pytest.fixture
async def called(server: Server, recording: bytes) -> AsyncIterator[Called]:
    job_id = (await server.submit(recording, '{"language": "en"}', "call.flac"))["job_id"]
    await server.completed(job_id)
    yield server, job_id
    await server.http.delete(f"/api/v1/jobs/{job_id}")


async def patch(called: Called, **update: Any) -> httpx.Response:
    server, job_id = called
    headers = {name: update.pop(name) for name in ("If-Match",) if name in update}
    return await server.http.patch(f"/api/v1/jobs/{job_id}/corrections", json=update, headers=headers)


async def result(called: Called, version: str) -> Any:
    server, job_id = called
    answer = await server.http.get(f"/api/v1/jobs/{job_id}/result", params={"version": version})
    return answer.json()["result"]


async def test_a_corrected_word_stands_beside_the_machines(called: Called) -> None:
    machine = await result(called, "machine")
    answer = await patch(called, words=[{"speaker_id": "speaker_1", "segment": 0, "word": 0, "text": "Such"}])
    assert answer.status_code == 200, answer.text
    corrected = await result(called, "corrected")
    word = corrected["speakers"][0]["segments"][0]["words"][0]
    assert (word["word"], word["confidence"]) == ("Such", 1.0)
    assert corrected["speakers"][0]["segments"][0]["text"].startswith("Such ")
    assert await result(called, "machine") == machine


async def test_an_erased_word_is_gone_from_text_and_count(called: Called) -> None:
    before = await result(called, "machine")
    await patch(called, words=[{"speaker_id": "speaker_1", "segment": 0, "word": 1, "text": ""}])
    after = await result(called, "corrected")
    said = before["speakers"][0]["segments"][0]["words"]
    kept = after["speakers"][0]["segments"][0]["words"]
    assert kept == [said[0], *said[2:]]
    assert after["metadata"]["word_count"] == before["metadata"]["word_count"] - 1


async def test_every_format_has_the_name_of_a_speaker(called: Called) -> None:
    server, job_id = called
    await patch(called, speakers=[{"speaker_id": "speaker_1", "name": "Анна Орлова"}])
    for kind in ("srt", "vtt", "txt"):
        address = f"/api/v1/jobs/{job_id}/result?format={kind}"
        assert "Анна Орлова" in (await server.http.get(f"{address}&version=corrected")).text
        assert "Анна Орлова" not in (await server.http.get(address)).text


async def test_a_segment_and_its_turn_go_to_whoever_said_it(called: Called) -> None:
    before = await result(called, "machine")
    moved = before["speakers"][0]["segments"][0]
    await patch(called, segments=[{"speaker_id": "speaker_1", "segment": 0, "said_by": "speaker_7"}])
    after = await result(called, "corrected")
    speakers = {speaker["speaker_id"]: speaker for speaker in after["speakers"]}
    assert speakers["speaker_7"]["segments"] == [moved]
    assert moved not in speakers["speaker_1"]["segments"]
    own = [turn for turn in after["turns"] if turn["speaker_id"] == "speaker_7"]
    assert own
    assert all(moved["start_time"] <= turn["start_time"] < turn["end_time"] <= moved["end_time"] for turn in own)
    total = [sum(turn["end_time"] - turn["start_time"] for turn in one["turns"]) for one in (before, after)]
    assert total[0] == pytest.approx(total[1])


async def test_a_change_of_other_corrections_than_those_that_were_read_is_refused(called: Called) -> None:
    first = await patch(called, speakers=[{"speaker_id": "speaker_1", "name": "Anna"}])
    etag = first.headers["ETag"]
    second = await patch(called, speakers=[{"speaker_id": "speaker_1", "name": "Boris"}], **{"If-Match": etag})
    assert second.status_code == 200
    third = await patch(called, speakers=[{"speaker_id": "speaker_1", "name": "Vera"}], **{"If-Match": etag})
    assert (third.status_code, third.json()["error"]["code"]) == (412, "CORRECTIONS_CHANGED")
    server, job_id = called
    kept = (await server.http.get(f"/api/v1/jobs/{job_id}/corrections")).json()
    assert kept["speakers"] == [{"speaker_id": "speaker_1", "name": "Boris"}]


async def test_null_and_delete_take_corrections_back(called: Called) -> None:
    server, job_id = called
    machine = await result(called, "machine")
    place = {"speaker_id": "speaker_1", "segment": 0, "word": 0}
    await patch(called, words=[{**place, "text": "Such"}], speakers=[{"speaker_id": "speaker_1", "name": "Anna"}])
    left = (await patch(called, words=[{**place, "text": None}])).json()
    assert (left["words"], len(left["speakers"])) == ([], 1)
    gone = await server.http.delete(f"/api/v1/jobs/{job_id}/corrections")
    assert gone.status_code == 204
    assert await result(called, "corrected") == machine


@pytest.mark.parametrize(
    "update",
    [
        {"words": [{"speaker_id": "speaker_1", "segment": 0, "word": 999, "text": "x"}]},
        {"words": [{"speaker_id": "speaker_9", "segment": 0, "word": 0, "text": "x"}]},
        {"segments": [{"speaker_id": "speaker_1", "segment": 999, "said_by": "speaker_2"}]},
        {"segments": [{"speaker_id": "speaker_1", "segment": 0, "said_by": "Anna"}]},
        {"speakers": [{"speaker_id": "speaker_1", "name": " "}]},
        {"words": [{"speaker_id": "speaker_1", "segment": 0, "word": 0, "text": "a\nb"}]},
        {"sentences": []},
    ],
)
async def test_a_place_or_a_value_that_is_none_changes_nothing(called: Called, update: Any) -> None:
    answer = await patch(called, **update, **({} if "speakers" in update else {"speakers": []}))
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_FIELD")
    server, job_id = called
    assert (await server.http.get(f"/api/v1/jobs/{job_id}/corrections")).json()["revision"] == 0


async def test_corrections_and_peaks_go_with_their_job(server: Server, recording: bytes) -> None:
    job_id = (await server.submit(recording))["job_id"]
    await server.completed(job_id)
    await patch((server, job_id), speakers=[{"speaker_id": "speaker_1", "name": "Anna"}])
    await server.http.get(f"/api/v1/jobs/{job_id}/peaks")
    folder = server.service.settings.volume_path
    assert len(list(folder.rglob(f"{job_id}*.json"))) == 3
    await server.http.delete(f"/api/v1/jobs/{job_id}")
    assert list(folder.rglob(f"*{job_id}*")) == []
    for answer in (
        await server.http.get(f"/api/v1/jobs/{job_id}/corrections"),
        await patch((server, job_id), speakers=[]),
        await server.http.get(f"/api/v1/jobs/{job_id}/peaks"),
    ):
        assert answer.json()["error"]["code"] == "JOB_NOT_FOUND"


async def test_a_job_that_has_no_result_has_nothing_to_correct_or_to_draw(server: Server, recording: bytes) -> None:
    async with server.held():
        job_id = (await server.submit(recording))["job_id"]
        for path in ("corrections", "peaks"):
            answer = await server.http.get(f"/api/v1/jobs/{job_id}/{path}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "WRONG_STATE")
        await server.http.delete(f"/api/v1/jobs/{job_id}")


async def test_the_websocket_corrects_as_rest_does(called: Called) -> None:
    server, job_id = called
    body = {"speakers": [{"speaker_id": "speaker_1", "name": "Anna"}]}
    request = {
        "type": "request",
        "id": "1",
        "operation": "correctResult",
        "parameters": {"job_id": job_id},
        "body": body,
    }
    async with server.socket("/v1/ws") as socket:
        await socket.send(json.dumps(request))
        while (reply := json.loads(await socket.recv()))["type"] != "reply":
            pass
    assert (reply["status"], reply["body"]["speakers"]) == (200, body["speakers"])
