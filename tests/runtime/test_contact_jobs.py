"""Jobs, files of the hot folder and live sessions whose results name contacts, and what a dead server does to them."""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from msgspec.structs import replace

from contracts.annotation import Annotation
from runtime.engine import Engine
from runtime.secret import Secret
from runtime.service import JobService
from runtime.settings import Settings
from tests.runtime.conftest import wav
from tests.runtime.dav_servers import PASSWORD, USER, DavServer, card, free_port, running
from tests.runtime.serving import ended, serving, submit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with running("radicale", tmp_path_factory.mktemp("radicale")) as found:
        found.put("ivan", card("ivan", "Иван Петров", "TEL:8 (495) 123-45-67", "ORG:Ромашка"))
        found.put("anna", card("anna", "Anna Smith", "TEL:+44 20 7946 0000", "ORG:Northwind"))
        yield found


@pytest.fixture(scope="module")
def two_sides(sample_call: Path) -> bytes:
    """A two-sided recording: one sentence of the sample call on the left, then one on the right."""
    samples, rate = soundfile.read(sample_call, dtype="float32")
    left, right = samples[round(0.8 * rate) : round(4.4 * rate)], samples[round(27.8 * rate) : round(31.9 * rate)]
    sides = [np.concatenate([left, np.zeros_like(right)]), np.concatenate([np.zeros_like(left), right])]
    return wav(np.stack(sides, axis=1), rate)


def with_books(settings: Settings, url: str) -> Settings:
    return replace(settings, carddav_url=url, carddav_username=USER, carddav_password=Secret(PASSWORD),
                   phone_region="RU")  # fmt: skip


async def result_of(service: JobService, recording: bytes, **more: str) -> Annotation:
    filename = more.pop("filename", "call.wav")
    job = await ended(service, (await submit(service, recording, filename=filename, **more)).job_id)
    assert job.status == "completed"
    assert job.progress.stages_completed[-2:] == ("carddav_lookup", "annotation")
    return (await service.result(job.job_id)).result


async def test_the_result_names_the_contacts_of_the_numbers_of_a_two_sided_call(
    engine: Engine, settings: Settings, server: DavServer, two_sides: bytes
) -> None:
    async with serving(with_books(settings, server.url), engine) as service:
        metadata = {"caller": "Front desk <+7 495 123-45-67>", "callee": "+442079460000", "channels": "two-sided"}
        result = await result_of(service, two_sides, **metadata)
    found = {speaker.channel: speaker for speaker in result.speakers}
    assert result.metadata.processing_stages.carddav_lookup == "completed"
    assert result.metadata.warnings == ()
    assert all(speaker.carddav_search_performed for speaker in result.speakers)
    for channel, name, organisation in ((0, "Иван Петров", "Ромашка"), (1, "Anna Smith", "Northwind")):
        contact = found[channel].contact
        assert contact is not None
        assert (contact.name, contact.organisation) == (name, organisation)
        assert found[channel].identified_as is None
        assert [item.kind for item in found[channel].evidence][:1] == ["number"]


async def test_numbers_in_the_names_of_files_are_suggestions(
    engine: Engine, settings: Settings, server: DavServer, speech: bytes
) -> None:
    async with serving(with_books(settings, server.url), engine) as service:
        result = await result_of(service, speech, filename="2026-11-22_+74951234567.wav")
    contacts = {item.contact.name for speaker in result.speakers for item in speaker.evidence if item.contact}
    assert contacts == {"Иван Петров"}


async def test_with_a_dead_server_the_job_completes_and_says_so(
    engine: Engine, settings: Settings, speech: bytes
) -> None:
    async with serving(with_books(settings, f"http://127.0.0.1:{free_port()}/"), engine) as service:
        result = await result_of(service, speech, caller="+7 495 123-45-67")
        health = await service.health()
    assert result.metadata.processing_stages.carddav_lookup == "failed"
    assert [notice.code for notice in result.metadata.warnings] == ["CONTACTS_UNREACHABLE"]
    assert [speaker.contact for speaker in result.speakers] == [None] * len(result.speakers)
    assert health.status == "healthy"


async def test_with_a_server_that_died_meanwhile_the_last_copy_is_used_and_the_result_says_so(
    engine: Engine, settings: Settings, two_sides: bytes, tmp_path: Path
) -> None:
    with running("radicale", tmp_path / "server") as server:
        server.put("ivan", card("ivan", "Иван Петров", "TEL:8 (495) 123-45-67"))
        async with serving(with_books(settings, server.url), engine) as service:
            await service.contacts.sync()
            server.stop()
            with pytest.raises(Exception, match="CARDDAV_URL"):
                await service.contacts.sync()
            result = await result_of(service, two_sides, caller="+7 495 123-45-67", channels="two-sided")
        server.start()
    assert result.metadata.processing_stages.carddav_lookup == "failed"
    assert [notice.code for notice in result.metadata.warnings] == ["CONTACTS_OUTDATED"]
    assert [speaker.contact.name for speaker in result.speakers if speaker.contact] == ["Иван Петров"]


async def test_without_address_books_the_lookup_is_skipped(engine: Engine, settings: Settings, speech: bytes) -> None:
    async with serving(settings, engine) as service:
        result = await result_of(service, speech, caller="+7 495 123-45-67")
    assert result.metadata.processing_stages.carddav_lookup == "skipped"
    assert not any(speaker.carddav_search_performed for speaker in result.speakers)


async def test_the_password_stands_in_no_file_of_the_volume(
    engine: Engine, settings: Settings, server: DavServer, blip: bytes
) -> None:
    chosen = replace(with_books(settings, server.url), carddav_password=Secret("wr0ng-s3cret"), log_level="DEBUG")
    async with serving(chosen, engine) as service:
        result = await result_of(service, blip, caller="+7 495 123-45-67")
    assert result.metadata.processing_stages.carddav_lookup == "failed"
    assert "wr0ng-s3cret" not in msgspec.json.encode(result).decode()
    assert [name for name, content in files_of(chosen.volume_path) if b"wr0ng-s3cret" in content] == []
    assert [name for name, content in files_of(chosen.volume_path) if b"contacts_away" in content] != []


def files_of(folder: Path) -> list[tuple[str, bytes]]:
    """Names and contents of all files."""
    found = []
    for root, _, names in os.walk(folder):
        found += [(name, (Path(root) / name).read_bytes()) for name in names]
    return found
