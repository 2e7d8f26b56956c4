"""What people do with a recording, from the upload to the export, in both languages."""

import json
from pathlib import Path

import httpx
from playwright.sync_api import expect

from tests.ui.visitor import Visitor

EXPORTS = {
    "JSON": "json",
    "SubRip (SRT)": "srt",
    "WebVTT": "vtt",
    "Table (TSV)": "tsv",
    "RTTM": "rttm",
    "ELAN (EAF)": "eaf",
    "Praat TextGrid": "TextGrid",
    "Word (DOCX)": "docx",
}
"""The ending of each, beside plain text."""


def test_a_recording_is_uploaded_watched_heard_corrected_and_exported(visitor: Visitor, sample_call: Path) -> None:
    visitor.go()
    visitor.shoot("1-calls")
    job_id = visitor.upload(sample_call)
    visitor.shoot("2-done")
    visitor.open_call(job_id)
    visitor.shoot("3-call")
    hear_a_word(visitor)
    rename(visitor, job_id)
    correct_a_word(visitor, job_id)
    change_the_speaker(visitor, job_id)
    name_another_speaker(visitor, job_id)
    compare_versions(visitor)
    find(visitor)
    enrol(visitor)
    export(visitor)
    visitor.shoot("4-corrected")
    take_back(visitor, job_id)


def hear_a_word(visitor: Visitor) -> None:
    """A click on a word plays from there, and the transcript follows."""
    word = visitor.page.locator(".word").nth(12)
    word.click()
    expect(visitor.page.locator(".word.now")).to_be_visible()
    visitor.page.locator(".row.said").wait_for()
    visitor.button("pause").click()
    expect(visitor.button("play")).to_be_visible()


def rename(visitor: Visitor, job_id: str) -> None:
    """A speaker gets a name, here and in every line."""
    name = visitor.text("speaker_n", n=1)
    visitor.button("rename", name=name).click()
    field = visitor.page.get_by_role("textbox", name=visitor.text("rename", name=name))
    field.fill("Анна Orlova")
    field.press("Enter")
    expect(visitor.page.locator(".row .who").first).to_contain_text("Анна Orlova")
    assert visitor.corrections(job_id)["speakers"] == [{"speaker_id": "speaker_1", "name": "Анна Orlova"}]


def correct_a_word(visitor: Visitor, job_id: str) -> None:
    """By the keyboard: to the second word of the first line, and another word in its place."""
    visitor.page.locator(".row").first.focus()
    visitor.page.keyboard.press("ArrowRight")
    visitor.page.keyboard.press("F2")
    field = visitor.page.locator("input.editor")
    expect(field).to_be_focused()
    field.fill("feature-set")
    field.press("Enter")
    expect(visitor.page.locator(".word.fixed")).to_have_text("feature-set")
    assert visitor.corrections(job_id)["words"][0]["text"] == "feature-set"


def change_the_speaker(visitor: Visitor, job_id: str) -> None:
    """The second line was said by the first speaker."""
    visitor.page.locator(".row").nth(1).locator(".who button").first.click()
    visitor.page.locator(".panel").get_by_role("button", name="Анна Orlova").click()
    expect(visitor.page.locator(".row").nth(1).locator(".who")).to_contain_text("Анна Orlova")
    assert visitor.corrections(job_id)["segments"][0]["said_by"] == "speaker_1"


def name_another_speaker(visitor: Visitor, job_id: str) -> None:
    """The third line was said by somebody whom the machine did not tell apart; and then it was not, after all."""
    visitor.page.locator(".row").nth(2).locator(".who button").first.click()
    field = visitor.page.locator(".panel").get_by_label(visitor.text("new_speaker"))
    field.fill("Третий")
    field.press("Enter")
    expect(visitor.page.locator(".row").nth(2).locator(".who")).to_contain_text("Третий")
    expect(visitor.page.locator(".person")).to_have_count(3)
    assert visitor.corrections(job_id)["speakers"][-1] == {"speaker_id": "speaker_3", "name": "Третий"}
    visitor.button("undo").click()
    expect(visitor.page.locator(".person")).to_have_count(2)
    assert [one["speaker_id"] for one in visitor.corrections(job_id)["speakers"]] == ["speaker_1"]


def compare_versions(visitor: Visitor) -> None:
    """The machine's version is shown, and the corrected one again."""
    versions = visitor.page.locator(".versions")
    versions.get_by_role("button").first.click()
    versions.get_by_role("button", name=visitor.text("show_machine")).click()
    expect(visitor.page.locator(".word.fixed")).to_have_count(0)
    expect(visitor.page.locator(".row .who").first).to_contain_text(visitor.text("speaker_n", n=1))
    visitor.page.locator(".note").get_by_role("button").click()
    expect(visitor.page.locator(".word.fixed")).to_have_text("feature-set")


def find(visitor: Visitor) -> None:
    """The search marks what it finds, corrected words too."""
    field = visitor.page.get_by_role("searchbox", name=visitor.text("search_words"))
    field.fill("feature-set")
    expect(visitor.page.locator(".search .count")).to_have_text(visitor.text("found", n=1, all=1))
    expect(visitor.page.locator(".word.shown")).to_have_text("feature-set")
    field.fill("")


def enrol(visitor: Visitor) -> None:
    """The voice is remembered under the speaker's name."""
    visitor.button("enrol").first.click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog.get_by_label(visitor.text("name"))).to_have_value("Анна Orlova")
    dialog.get_by_role("button", name=visitor.text("save")).click()
    expect(dialog).to_have_count(0, timeout=60_000)
    voices = httpx.get(f"{visitor.url}/api/v1/voices", trust_env=False).json()["voices"]
    assert [voice["name"] for voice in voices] == ["Анна Orlova"]


def export(visitor: Visitor) -> None:
    """Every format there is; downloads have the corrections, and the machine's version is there as well."""
    for name, suffix in EXPORTS.items():
        visitor.button("export").click()
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("link", name=name, exact=True).click()
        assert download.value.suggested_filename == f"sample.{suffix}"
        assert Path(download.value.path()).stat().st_size > 200
    visitor.button("export").click()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Text (TXT)", exact=True).click()
    assert download.value.suggested_filename == "sample.txt"
    text = Path(download.value.path()).read_text()
    assert "Анна Orlova" in text
    assert "feature-set" in text
    visitor.button("export").click()
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=visitor.text("machine_version")).click()
    machine = json.loads(Path(download.value.path()).read_text())["result"]
    assert "feature-set" not in machine["speakers"][0]["segments"][0]["text"]


def take_back(visitor: Visitor, job_id: str) -> None:
    """Everything is the machine's again, and then the call is gone."""
    versions = visitor.page.locator(".versions")
    versions.get_by_role("button").first.click()
    versions.get_by_role("button", name=visitor.text("undo_all")).click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.text("undo_all")).click()
    expect(visitor.page.locator(".word.fixed")).to_have_count(0)
    assert visitor.corrections(job_id)["words"] == []
    visitor.go()
    visitor.button("remove_named", name="sample.flac").first.click()
    visitor.page.get_by_role("dialog").get_by_role("button", name=visitor.text("remove"), exact=True).click()
    expect(visitor.page.locator(f"[data-job='{job_id}']")).to_have_count(0)


def test_what_is_no_recording_is_refused_in_the_language_of_the_page(visitor: Visitor, tmp_path: Path) -> None:
    visitor.go()
    path = tmp_path / "letter.wav"
    path.write_text("Dear Sir or Madam " * 100)
    visitor.page.locator("input[type=file]").set_input_files(path)
    refusal = visitor.page.locator(".uploads .why")
    expect(refusal).to_contain_text("letter.wav")
    assert bool(set("абвгдежзиклмнопрстуя") & set(refusal.inner_text().lower())) == (visitor.language == "ru")
    visitor.button("close").click()
    expect(visitor.page.locator(".uploads li")).to_have_count(0)
    visitor.forgive("415")


def test_the_other_language_is_a_click_away_and_stays(visitor: Visitor) -> None:
    visitor.go()
    other = {"en": "ru", "ru": "en"}[visitor.language]
    visitor.page.get_by_role("button", name={"en": "EN, English", "ru": "RU, Русский"}[other]).click()
    visitor.language = other
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(visitor.text("calls"))
    assert visitor.page.evaluate("document.documentElement.lang") == other
    visitor.page.reload()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text(visitor.text("calls"))
