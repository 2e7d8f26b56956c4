"""Tiers are read back by other people's parsers: ELAN's by speach, Praat's by praatio."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from praatio import textgrid as praat
from speach import elan

from contracts.annotation import Annotation, Segment, Speaker, Word
from tests.web.test_exports import DIALOGUE, annotation, segment
from web.exports import render

Said = list[tuple[int, int, str]]
"""Start and end in milliseconds, and the text."""


def of_elan(content: bytes) -> dict[str, Said]:
    document = elan.parse_string(content.decode())
    return {tier.ID: [(own.from_ts.value, own.to_ts.value, own.value) for own in tier.annotations] for tier in document}


def of_praat(content: bytes, folder: Path) -> dict[str, Said]:
    path = folder / "call.TextGrid"
    path.write_bytes(content)
    grid = praat.openTextgrid(str(path), includeEmptyIntervals=False)
    return {
        tier.name: [(round(own.start * 1000), round(own.end * 1000), own.label) for own in tier.entries]
        for tier in grid.tiers
    }


def expected(call: Annotation) -> dict[str, Said]:
    tiers: dict[str, Said] = {}
    for speaker in call.speakers:
        tiers[speaker.speaker_id] = [in_ms(own.start_time, own.end_time, own.text) for own in speaker.segments]
        tiers[f"{speaker.speaker_id} words"] = [
            in_ms(word.start_time, word.end_time, word.word) for own in speaker.segments for word in own.words
        ]
    return tiers


def in_ms(start: float, end: float, text: str) -> tuple[int, int, str]:
    return round(start * 1000), round(end * 1000), text


def test_elan_finds_every_segment_and_word_of_every_speaker_at_its_time() -> None:
    assert of_elan(render(DIALOGUE, "eaf", "call")) == expected(DIALOGUE)


def test_praat_finds_every_segment_and_word_of_every_speaker_at_its_time(tmp_path: Path) -> None:
    assert of_praat(render(DIALOGUE, "textgrid", "call"), tmp_path) == expected(DIALOGUE)


def test_words_are_below_the_segments_of_their_speaker() -> None:
    root = ElementTree.fromstring(render(DIALOGUE, "eaf", "call"))
    tiers = {tier.get("TIER_ID"): tier for tier in root.iter("TIER")}
    assert tiers["speaker_1 words"].get("PARENT_REF") == "speaker_1"
    assert tiers["speaker_1 words"].get("PARTICIPANT") == "speaker_1"
    kinds = {kind.get("LINGUISTIC_TYPE_ID"): kind for kind in root.iter("LINGUISTIC_TYPE")}
    assert kinds[tiers["speaker_1 words"].get("LINGUISTIC_TYPE_REF")].get("CONSTRAINTS") == "Included_In"


def test_words_of_one_speaker_that_overlap_are_put_one_after_the_other(tmp_path: Path) -> None:
    words = (
        Word("one", 0.0, 0.5, 0.9),
        Word("two", 0.4, 0.9, 0.9),
        Word("in", 0.5, 0.8, 0.9),
        Word("it", 1.0, 1.2, 0.9),
    )
    call = annotation(Speaker("speaker_1", (Segment(0.0, 1.2, "one two in it", 0.9, "en", words),)), duration=2.0)
    apart = [(0, 500, "one"), (500, 900, "two in"), (1000, 1200, "it")]
    assert of_elan(render(call, "eaf", "call"))["speaker_1 words"] == apart
    assert of_praat(render(call, "textgrid", "call"), tmp_path)["speaker_1 words"] == apart


def test_speakers_of_one_name_keep_a_tier_each(tmp_path: Path) -> None:
    call = annotation(
        Speaker("speaker_1", (segment("Hello."),), identified_as='Anna "A" <&> Co', confidence=0.9),
        Speaker("speaker_2", (segment("Hi.", 2.0),), identified_as='Anna "A" <&> Co', confidence=0.9),
    )
    names = ['Anna "A" <&> Co (speaker_1)', 'Anna "A" <&> Co (speaker_2)']
    assert [name for name in of_elan(render(call, "eaf", "call")) if not name.endswith("words")] == names
    found = of_praat(render(call, "textgrid", "call"), tmp_path)
    assert [name.replace('""', '"') for name in found if not name.endswith("words")] == names


@pytest.mark.parametrize("duration", [0.0, 3.0])
def test_a_call_without_speech_is_valid_in_tiers(duration: float, tmp_path: Path) -> None:
    empty = annotation(duration=duration)
    assert [said for said in of_elan(render(empty, "eaf", "call")).values() if said] == []
    path = tmp_path / "empty.TextGrid"
    path.write_bytes(render(empty, "textgrid", "call"))
    assert path.read_text().startswith('File type = "ooTextFile"')
    assert "size = 0" in path.read_text()
