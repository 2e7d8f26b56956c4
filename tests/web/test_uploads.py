"""Recordings that arrive damaged, too large, too slowly, twice or not at all: each with the documented error."""

import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from anyio import fail_after

from runtime.engine import Engine
from runtime.upload import BUFFER, Upload
from tests.web.raw import BOUNDARY, END, chunk, head, part, read_all, send_form, wire
from tests.web.serving import Server, next_json, serving, wav
from tests.web.test_rest import assert_error

LIMIT = 1_000_000
"""Bytes of a recording."""


@pytest.fixture(scope="module")
async def server(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    volume = tmp_path_factory.mktemp("volume")
    async with serving(volume, engine, max_file_size=LIMIT, max_duration=60.0, upload_stall_timeout=0.5) as running:
        yield running


@pytest.fixture(autouse=True)
async def nothing_kept(server: Server) -> AsyncIterator[None]:
    """Whatever happens, no upload is left on the disk."""
    yield
    with fail_after(10):
        while left := uploads(server):
            assert left
            await anyio.lowlevel.checkpoint()


def uploads(server: Server) -> list[str]:
    return [path.name for path in (server.service.settings.volume_path / "incoming" / ".uploads").iterdir()]


async def total(server: Server) -> int:
    count: int = (await server.http.get("/api/v1/jobs?limit=1")).json()["total"]
    return count


def file_part(content: bytes, name: str = "call.wav") -> bytes:
    return part(f'name="file"; filename="{name}"', content, "Content-Type: audio/wav")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (part('name="metadata"', b"{}") + END, "MISSING_FILE"),
        (END, "MISSING_FILE"),
        (part('name="audio"; filename="a.wav"', wav()) + END, "MISSING_FILE"),
        (file_part(wav()) + file_part(wav()) + END, "SEVERAL_FILES"),
        (part('name="other"; filename="b.wav"', b"x") + file_part(wav()) + END, "SEVERAL_FILES"),
        (file_part(wav()), "MALFORMED_UPLOAD"),
        (file_part(wav())[:-300], "MALFORMED_UPLOAD"),
        (b"no form at all", "MALFORMED_UPLOAD"),
        (b"", "MALFORMED_UPLOAD"),
        (f"--{BOUNDARY}\r\nNonsense: yes\r\n\r\nx\r\n".encode() + END, "MALFORMED_UPLOAD"),
        (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\xff".encode("latin1") + b"\r\n\r\nx\r\n" + END,
         "MALFORMED_UPLOAD"),
        (f"--{BOUNDARY}\r\nX: ".encode() + b"y" * 1_100_000, "MALFORMED_UPLOAD"),
        (part('name="metadata"', b"{}") * 2 + file_part(wav()) + END, "INVALID_FIELD"),
        (part('name="metadata"', b"[" * 100_000) + file_part(wav()) + END, "INVALID_FIELD"),
        (part('name="metadata"', b"{broken") + file_part(wav()) + END, "INVALID_JSON"),
        (part('name="metadata"', b"") + file_part(wav()) + END, "INVALID_JSON"),
        (part('name="metadata"', b"[1, 2]") + file_part(wav()) + END, "INVALID_JSON"),
        (part('name="metadata"', b'{"description": "\xff\xfe"}') + file_part(wav()) + END, "INVALID_JSON"),
        (file_part(b"") + END, "FILE_EMPTY"),
        (file_part(b"GIF89a, not a recording, whatever it is called") + END, "UNSUPPORTED_FORMAT"),
    ],
)  # fmt: skip
async def test_a_form_that_is_not_right_is_refused(server: Server, form: bytes, code: str) -> None:
    before = await total(server)
    assert_error(await send_form(server, form), code)
    assert await total(server) == before


@pytest.mark.parametrize(
    ("metadata", "code", "field"),
    [
        ({"description": "x" * 1001}, "INVALID_FIELD", "description"),
        ({"priority": 10}, "INVALID_FIELD", "priority"),
        ({"priority": "high"}, "INVALID_FIELD", "priority"),
        ({"speakers": 0}, "INVALID_FIELD", "speakers"),
        ({"language": "x" * 17}, "INVALID_FIELD", "language"),
        ({"channels": "three"}, "INVALID_FIELD", "channels"),
        ({"speakers": 2, "min_speakers": 1}, "INVALID_FIELD", "speakers"),
    ],
)
async def test_metadata_out_of_bounds_names_the_field(server: Server, metadata: Any, code: str, field: str) -> None:
    details = assert_error(await server.post(wav(), msgspec.json.encode(metadata).decode()), code)
    assert field in details["field"]


@pytest.mark.parametrize("content_type", ["application/json", "multipart/mixed; boundary=x", "nonsense", "text/plain"])
async def test_another_content_type_is_415(server: Server, content_type: str) -> None:
    assert_error(await send_form(server, file_part(wav()) + END, content_type), "UNSUPPORTED_MEDIA_TYPE")


async def test_a_form_without_a_boundary_is_refused(server: Server) -> None:
    assert_error(await send_form(server, file_part(wav()) + END, "multipart/form-data"), "MALFORMED_UPLOAD")


@pytest.mark.parametrize("declared", ["text/plain", "image/png", "application/x-msdownload"])
async def test_the_content_decides_and_not_the_declared_type_or_the_name(server: Server, declared: str) -> None:
    form = part('name="file"; filename="call.txt"', wav(), f"Content-Type: {declared}") + END
    response = await send_form(server, form)
    assert (response.status_code, response.json()["file_info"]["format"]) == (201, "wav")


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "..\\\\..\\\\boot.ini", "/etc/shadow", "a/b/../../c.wav", "\x01\x02.wav", "x" * 5000, "."],
)
async def test_a_file_name_is_shown_and_never_used_as_a_path(server: Server, name: str) -> None:
    response = await send_form(server, file_part(wav(), name) + END)
    assert response.status_code == 201, response.text
    shown = response.json()["file_info"]["filename"]
    assert not set(shown) & {"/", "\\", "\x01", "\x02"}
    assert 1 <= len(shown) <= 255
    audio = await server.http.get(response.json()["progress_url"] + "/audio")
    assert audio.content == wav()


async def test_a_recording_over_the_limit_is_413_even_to_a_client_that_sends_all_of_it(server: Server) -> None:
    details = assert_error(await server.post(b"\0" * (LIMIT + 1)), "FILE_TOO_LARGE")
    assert details["max_allowed"] == LIMIT
    assert_error(await server.post(b"\0" * (20 * LIMIT)), "FILE_TOO_LARGE")


async def test_a_chunked_upload_past_the_limit_is_413(server: Server) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield part('name="file"; filename="a.wav"', b"")[:-2]
        for _ in range(50):
            yield b"\0" * 100_000
        yield b"\r\n" + END

    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    response = await server.http.post("/api/v1/jobs", content=body(), headers=headers)
    assert_error(response, "FILE_TOO_LARGE")


async def test_a_recording_that_lasts_too_long_is_413(server: Server) -> None:
    details = assert_error(await server.post(wav(61.0)), "AUDIO_TOO_LONG")
    assert details["max_allowed"] == 60


async def test_an_upload_that_stalls_is_408(server: Server) -> None:
    async with wire(server) as stream:
        await stream.send(head(100_000) + file_part(wav())[:5000])
        said = await read_all(stream)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"UPLOAD_STALLED" in said
    assert b"retry-after:" in said


async def test_an_upload_that_trickles_is_taken(server: Server) -> None:
    form = file_part(wav()) + END
    async with wire(server) as stream:
        await stream.send(head(None, "Connection: close"))
        for start in range(0, len(form), 1000):
            await stream.send(chunk(form[start : start + 1000]))
        await stream.send(chunk(b""))
        said = await read_all(stream)
    assert said.startswith(b"HTTP/1.1 201")


async def test_nothing_is_kept_of_a_client_that_goes_away_in_the_middle(server: Server) -> None:
    before = await total(server)
    async with wire(server) as stream:
        await stream.send(head(LIMIT) + file_part(b"\0" * 300_000)[:-2])
        with fail_after(10):
            while not uploads(server):
                await anyio.lowlevel.checkpoint()
    with fail_after(10):
        while uploads(server):
            await anyio.lowlevel.checkpoint()
    assert await total(server) == before


async def test_a_disk_that_fills_up_during_an_upload_is_503(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await total(server)
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 10_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data)

    monkeypatch.setattr("runtime.upload.os.write", full)
    assert_error(await server.post(wav(5.0)), "STORAGE_FULL")
    monkeypatch.undo()
    assert await total(server) == before
    assert (await server.post(wav())).status_code == 201


async def test_a_fault_while_writing_is_told_without_details(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_upload: Upload, _data: bytes) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Upload, "write", broken)
    response = await server.post(wav())
    assert_error(response, "INTERNAL")
    assert "secret" not in response.text


async def test_a_slow_disk_slows_the_sender_down(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is written, only the buffers' worth of an endless upload is taken from the sender."""
    gate = anyio.Event()
    write = Upload.write

    async def waiting(upload: Upload, data: bytes) -> None:
        await gate.wait()
        await write(upload, data)

    monkeypatch.setattr(Upload, "write", waiting)
    sent = 0
    async with wire(server) as stream:
        await stream.send(head(None) + chunk(file_part(b"")[:-2]))
        with anyio.move_on_after(1.0):
            while sent < 1_000_000_000:
                await stream.send(chunk(bytes(64 * 1024)))
                sent += 64 * 1024
    gate.set()
    assert sent < 20_000_000


async def test_the_same_key_and_upload_give_the_same_job(server: Server) -> None:
    first = await server.post(wav(), '{"a": 1}', **{"Idempotency-Key": "key-1"})
    again = await server.post(wav(), '{"a": 1}', **{"Idempotency-Key": "key-1"})
    other = await server.post(wav(0.7), '{"a": 1}', **{"Idempotency-Key": "key-1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["job_id"] == again.json()["job_id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert_error(other, "IDEMPOTENCY_CONFLICT")


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "\xe9"])
async def test_a_key_that_is_none_is_refused(server: Server, key: str) -> None:
    headers = httpx.Headers([(b"Idempotency-Key", key.encode("latin1"))])
    response = await server.http.post("/api/v1/jobs", files={"file": ("a.wav", wav())}, headers=headers)
    assert assert_error(response, "INVALID_FIELD")["field"] == "Idempotency-Key"


async def test_a_full_queue_is_503_before_anything_is_read(engine: Engine, tmp_path: Path, recording: bytes) -> None:
    async with serving(tmp_path, engine, queue_limit=1) as server, server.held():
        running = await server.submit(recording, name="a.flac")
        async with server.socket(running["websocket_url"]) as socket:
            while (await next_json(socket))["status"] != "processing":
                pass
        key = {"Idempotency-Key": "b"}
        waiting = await server.submit(recording, name="b.flac", **key)
        assert_error(await server.post(recording, name="c.flac"), "QUEUE_FULL")
        # Who never got the answer and asks again waits in the queue already.
        assert (await server.submit(recording, name="b.flac", **key))["job_id"] == waiting["job_id"]
        await server.http.delete(waiting["progress_url"])


async def test_a_full_volume_is_503_before_anything_is_read(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine, min_free_space=2**62) as server:
        assert_error(await server.post(wav()), "STORAGE_FULL")


async def test_an_upload_under_way_is_told_that_the_server_stops(engine: Engine, tmp_path: Path) -> None:
    async with serving(tmp_path, engine) as server, wire(server) as stream:
        await stream.send(head(None) + chunk(file_part(bytes(1000))[:-2]))
        with fail_after(10):
            while not uploads(server):
                await anyio.lowlevel.checkpoint()
        server.service.stopping.set()
        await stream.send(chunk(bytes(1000)))
        said = await read_all(stream)
    assert said.startswith(b"HTTP/1.1 503")
    assert b"SHUTTING_DOWN" in said


async def test_an_upload_that_stalls_while_the_server_stops_is_told_that_it_may_come_again(
    engine: Engine, tmp_path: Path
) -> None:
    async with serving(tmp_path, engine) as server, wire(server) as stream:
        folder = server.service.settings.volume_path / "incoming" / ".uploads"
        await stream.send(head(10_000_000) + file_part(bytes(BUFFER + 1000))[:-2])
        with fail_after(10):
            while not any((folder / name).stat().st_size for name in uploads(server)):
                await anyio.lowlevel.checkpoint()
        # Answered in turn: what was sent has been taken, and the upload waits for more.
        assert (await server.http.get("/health")).status_code == 200
        server.service.stopping.set()
        said = await read_all(stream)
    assert said.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in said
    assert b"SHUTTING_DOWN" in said
