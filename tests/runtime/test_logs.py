"""Log lines in JSON."""

import json
import logging
from pathlib import Path

import pytest
import structlog
from msgspec.structs import replace

from contracts.fault import KEY_PREFIX
from runtime.access import new_secret
from runtime.engine import Engine
from runtime.logs import NAME, open_logs
from runtime.settings import Settings
from tests.runtime.serving import ended, serving, submit

log = structlog.get_logger()


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / NAME).read_text().splitlines()]


def test_a_line_has_the_specified_fields_and_what_is_bound(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, settings):
        with structlog.contextvars.bound_contextvars(job_id="j", request_id="req_1"):
            log.info("job_started", file_info={"filename": "\u0437.wav", "size": 10}, path=Path("/x"))
        log.warning("100% of %s", thing=1)
    first, second = lines(tmp_path)
    assert str(first.pop("timestamp")).endswith("Z")
    assert first == {
        "level": "INFO", "service": "callannotate", "event": "job_started", "job_id": "j", "request_id": "req_1",
        "file_info": {"filename": "\u0437.wav", "size": 10}, "path": "/x",
    }  # fmt: skip
    assert (second["level"], second["event"], second["thing"]) == ("WARNING", "100% of %s", 1)


def test_what_libraries_log_takes_the_same_way(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, settings), structlog.contextvars.bound_contextvars(request_id="req_1"):
        logging.getLogger("library").warning("hello %s", "you")
    (line,) = lines(tmp_path)
    assert (line["level"], line["event"], line["request_id"]) == ("WARNING", "hello you", "req_1")


def test_an_exception_is_told_in_its_line(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, settings):
        try:
            raise ValueError("injected")
        except ValueError as error:
            log.error("failed", exc_info=error)
            logging.getLogger("library").exception("failed too")
    for line in lines(tmp_path):
        assert "ValueError: injected" in str(line["exception"])


def test_less_important_lines_are_left_out(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, replace(settings, log_level="WARNING")):
        log.info("no")
        logging.getLogger("library").info("no")
        log.warning("yes")
    assert [line["event"] for line in lines(tmp_path)] == ["yes"]


def test_all_files_together_stay_within_the_bound(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, replace(settings, log_max_bytes=2000, log_files=3)):
        for number in range(500):
            log.info("line", number=number)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {NAME, f"{NAME}.1", f"{NAME}.2"}
    assert sum(sizes.values()) <= 6000
    assert lines(tmp_path)[-1]["number"] == 499


def test_lines_go_to_standard_error_as_well_where_the_setting_says_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_logs(tmp_path, replace(settings, log_console=True)):
        log.info("seen")
    assert json.loads(capsys.readouterr().err)["event"] == "seen"


def test_on_a_full_disk_lines_are_lost_and_nothing_else_happens(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / NAME).symlink_to("/dev/full")
    with open_logs(tmp_path, settings):
        log.info("lost")
    assert capsys.readouterr().err == ""


def test_afterwards_everything_is_as_before(settings: Settings, tmp_path: Path) -> None:
    before = (structlog.get_config(), logging.getLogger().handlers[:], logging.getLogger().level)
    with open_logs(tmp_path, settings):
        pass
    assert (structlog.get_config(), logging.getLogger().handlers, logging.getLogger().level) == before


async def test_every_line_about_a_job_names_it_and_the_request_that_made_it(
    settings: Settings, engine: Engine, blip: bytes
) -> None:
    async with serving(settings, engine) as service:
        with structlog.contextvars.bound_contextvars(request_id="req_7"):
            job = await submit(service, blip)
        await ended(service, job.job_id)
    own = [line for line in lines(settings.volume_path / "logs") if str(line["event"]).startswith(("job", "journal"))]
    assert [line["event"] for line in own] == ["job_created", "job_started", "journal_closed", "job_completed"]
    assert {(line["job_id"], line["request_id"]) for line in own} == {(job.job_id, "req_7")}
    assert own[1]["file_info"] == {"filename": "call.wav", "size": len(blip)}


def test_what_libraries_tell_of_headers_is_left_out_at_every_level(settings: Settings, tmp_path: Path) -> None:
    with open_logs(tmp_path, replace(settings, log_level="DEBUG")):
        logging.getLogger("hpack.hpack").debug("Decoded %s", (b"cookie", b"theirs"))
        logging.getLogger("httpcore2.http11").debug("receive_response_headers.complete return_value=%r", b"Set-Cookie")
        logging.getLogger("library").debug("yes")
    assert [line["event"] for line in lines(tmp_path)] == ["yes"]


def test_a_key_is_cut_down_also_where_a_part_of_it_is_missing_or_its_letters_are_large(
    settings: Settings, tmp_path: Path
) -> None:
    key = new_secret(KEY_PREFIX, "q7k2mzp4")
    with open_logs(tmp_path, settings):
        for text in (key, key[:-1], key.upper(), f"x{key}y", f"['{key[:30]}']"):
            log.info("request_completed", path=text)
    for line in lines(tmp_path):
        assert "q7k2mzp4_..." in str(line["path"]).lower()
        assert key[13:25] not in str(line["path"]).lower()
