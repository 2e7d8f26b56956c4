"""The page of voices, and what a known voice does to a call."""

from pathlib import Path

import httpx
from playwright.sync_api import expect

from tests.ui.visitor import PATIENCE, Visitor
from tests.voice_recordings import allison, first_half


def test_a_voice_is_added_named_in_a_call_with_its_reasons_and_forgotten(visitor: Visitor, tmp_path: Path) -> None:
    recording, call = tmp_path / "allison.wav", tmp_path / "call.wav"
    recording.write_bytes(allison())
    call.write_bytes(first_half())
    visitor.go("voices")
    add(visitor, recording)
    visitor.go()
    job_id = visitor.upload(call)
    visitor.open_call(job_id)
    speaker = visitor.page.locator(".person", has_text="Алиса Allison")
    speaker.get_by_text(visitor.text("evidence")).click()
    expect(speaker.locator(".evidence li")).to_contain_text(visitor.text("evidence_voice", text="Алиса Allison"))
    visitor.shoot("10-known")
    visitor.go("voices")
    rename(visitor)
    sample(visitor, recording)
    forget(visitor)
    visitor.open_call(job_id)
    expect(visitor.page.locator(".person .name").first).to_contain_text(visitor.text("speaker_n", n=1))
    httpx.delete(f"{visitor.url}/api/v1/jobs/{job_id}", trust_env=False)


def add(visitor: Visitor, recording: Path) -> None:
    """A recording becomes a voice; one that is no recording is refused and nothing is lost of what was written."""
    visitor.button("voice_add").click()
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label(visitor.text("name")).fill("Алиса Allison")
    dialog.get_by_label(visitor.text("note"), exact=True).fill("support")
    dialog.get_by_label(visitor.text("voice_file")).set_input_files(
        {"name": "short.wav", "mimeType": "audio/wav", "buffer": recording.read_bytes()[:8000]}
    )
    dialog.get_by_role("button", name=visitor.text("save")).click()
    expect(dialog.get_by_role("alert")).not_to_be_empty(timeout=PATIENCE)
    visitor.forgive("400")
    dialog.get_by_label(visitor.text("voice_file")).set_input_files(recording)
    visitor.shoot("10-add-voice")
    assert visitor.findings() == []
    dialog.get_by_role("button", name=visitor.text("save")).click()
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    expect(visitor.page.locator(".voice-row")).to_contain_text("Алиса Allison")


def rename(visitor: Visitor) -> None:
    """The voice has another name from now on."""
    choose(visitor, "voice_do_rename")
    field = visitor.page.get_by_role("dialog").get_by_label(visitor.text("name"))
    field.fill("Alice")
    field.press("Enter")
    expect(visitor.page.locator(".voice-row .name").first).to_have_text("Alice")


def sample(visitor: Visitor, recording: Path) -> None:
    """Another sample, which is seen and forgotten again."""
    choose(visitor, "voice_do_add")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label(visitor.text("voice_file")).set_input_files(recording)
    dialog.get_by_role("button", name=visitor.text("save")).click()
    expect(dialog).to_have_count(0, timeout=PATIENCE)
    visitor.page.get_by_text(visitor.text("samples"), exact=True).click()
    samples = visitor.page.locator(".voice-row details li")
    expect(samples).to_have_count(2)
    visitor.shoot("10-voices")
    assert visitor.findings() == []
    samples.last.get_by_role("button").click()
    expect(samples).to_have_count(1)


def forget(visitor: Visitor) -> None:
    """The voice, and its name in the calls that are done."""
    choose(visitor, "voice_do_forget")
    dialog = visitor.page.get_by_role("dialog")
    dialog.get_by_label(visitor.text("voice_forget_results")).check()
    dialog.get_by_role("button", name=visitor.text("voice_do_forget")).click()
    expect(visitor.page.locator(".voice-row")).to_have_count(0)


def choose(visitor: Visitor, action: str) -> None:
    """One of the things that can be done with the only voice."""
    visitor.page.locator(".voice-row .menu > button").click()
    visitor.page.locator(".voice-row .panel").get_by_role("button", name=visitor.text(action)).click()
