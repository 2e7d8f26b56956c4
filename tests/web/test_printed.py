"""The document is read back by another library: docx2python."""

from io import BytesIO
from zipfile import ZipFile

from docx2python import docx2python

from contracts.annotation import Speaker
from tests.web.test_exports import DIALOGUE, annotation, segment
from web.exports import render


def lines(content: bytes) -> list[str]:
    with docx2python(BytesIO(content)) as document:
        return [line for line in document.text.splitlines() if line]


def test_a_document_has_every_segment_with_its_time_and_speaker() -> None:
    found = lines(render(DIALOGUE, "docx", "monday"))
    assert found[0] == "monday"
    assert "01:00:00" in found
    assert "speaker_1, speaker_2" in found
    assert found[-3:] == [
        "00:00:01  speaker_1: Good morning, Smith & Sons.",
        "00:00:02  speaker_2: Доброе утро!",
        "00:01:02  speaker_1: 5 < 6 --> true.",
    ]


def test_a_document_of_a_known_voice_calls_it_by_its_name() -> None:
    known = annotation(Speaker("speaker_1", (segment("Hello."),), identified_as="Anna <&> Co\n", confidence=0.9))
    assert lines(render(known, "docx", "call"))[-1] == "00:00:00  Anna <&> Co: Hello."


def test_the_same_call_makes_the_same_document_and_an_empty_one_is_valid() -> None:
    made = render(DIALOGUE, "docx", "call")
    assert made == render(DIALOGUE, "docx", "call")
    with ZipFile(BytesIO(made)) as package:
        assert {entry.date_time for entry in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert lines(render(annotation(duration=0.0), "docx", ""))[0] == "call"
