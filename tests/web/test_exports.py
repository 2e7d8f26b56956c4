"""Every format is read back by somebody else's parser: srt, webvtt-py, and the fields that NIST gives to RTTM."""

import csv
import html
import io
import json
import re
from datetime import timedelta
from itertools import pairwise
from typing import Final

import msgspec
import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from contracts.annotation import Annotation, Metadata, ProcessingStages, Segment, Speaker, Turn, Word
from contracts.options import Format
from web.cues import LINE, LONGEST, PAUSE, SILENCE, columns, cues
from web.exports import render

LINES: Final[tuple[Format, ...]] = ("json", "srt", "vtt", "txt", "tsv", "rttm")
"""Formats that are read line by line; the others are in test_tiers.py and test_printed.py."""


def rendered(annotation: Annotation, kind: Format, name: str) -> str:
    return render(annotation, kind, name).decode()


def segment(text: str, start: float = 0.0, pace: float = 0.3, language: str = "en", joint: str = " ") -> Segment:
    """Words of `pace` seconds each, without pauses."""
    parts = text.split()
    words = tuple(
        Word(part, round(start + number * pace, 3), round(start + (number + 1) * pace, 3), 0.9)
        for number, part in enumerate(parts)
    )
    return Segment(words[0].start_time, words[-1].end_time, joint.join(parts), 0.9, language, words)


def annotation(*speakers: Speaker, turns: tuple[Turn, ...] = (), duration: float = 3600.0) -> Annotation:
    words = sum(len(part.words) for speaker in speakers for part in speaker.segments)
    metadata = Metadata(
        duration, len(speakers), words, 0.9, ProcessingStages(), ("en",), "mono", "onnx", (), 1.0, 0.1, "0.1"
    )
    return Annotation(speakers, turns, metadata)


DIALOGUE = annotation(
    Speaker("speaker_1", (segment("Good morning, Smith & Sons.", 1.25), segment("5 < 6 --> true.", 62.345))),
    Speaker("speaker_2", (segment("Доброе утро!", 2.0, language="ru"),), identified_as="unknown"),
    turns=(Turn("speaker_1", 1.25, 2.45), Turn("speaker_2", 2.0, 2.601), Turn("speaker_1", 62.345, 64.145)),
)


def seconds(time: timedelta) -> float:
    return time.total_seconds()


def captions(text: str) -> list[webvtt.Caption]:
    return webvtt.from_string(text).captions


def test_json_is_the_annotation_itself() -> None:
    text = rendered(DIALOGUE, "json", "call")
    assert msgspec.json.decode(text, type=Annotation, strict=True) == DIALOGUE
    assert json.loads(text)["turns"][1] == {"speaker_id": "speaker_2", "start_time": 2.0, "end_time": 2.601}
    assert '\n  "speakers": [\n' in text
    assert "Доброе" in text


def test_srt_names_the_speaker_in_front_of_the_text() -> None:
    subtitles = list(srt.parse(rendered(DIALOGUE, "srt", "call")))
    assert [subtitle.index for subtitle in subtitles] == [1, 2, 3]
    assert [subtitle.content for subtitle in subtitles] == [
        "speaker_1: Good morning, Smith & Sons.",
        "speaker_2: Доброе утро!",
        "speaker_1: 5 < 6 -> true.",
    ]
    assert [(seconds(subtitle.start), seconds(subtitle.end)) for subtitle in subtitles] == [
        (1.25, 2.75),
        (2.0, 3.353),
        (62.345, 63.874),
    ]


def test_vtt_has_a_voice_for_each_speaker_and_escapes_markup() -> None:
    text = rendered(DIALOGUE, "vtt", "call")
    found = captions(text)
    assert [caption.voice for caption in found] == ["speaker_1", "speaker_2", "speaker_1"]
    assert [html.unescape(caption.text) for caption in found] == [
        "Good morning, Smith & Sons.",
        "Доброе утро!",
        "5 < 6 --> true.",
    ]
    assert [(caption.start, caption.end) for caption in found][2] == ("00:01:02.345", "00:01:03.845")
    assert "<v speaker_1>5 &lt; 6 --&gt; true.</v>" in text


def test_txt_has_one_line_for_each_segment_in_time_order() -> None:
    assert rendered(DIALOGUE, "txt", "call").splitlines() == [
        "[00:00:01.250 - 00:00:02.750] speaker_1 (en): Good morning, Smith & Sons.",
        "[00:00:02.000 - 00:00:02.600] speaker_2 (ru): Доброе утро!",
        "[00:01:02.345 - 00:01:03.845] speaker_1 (en): 5 < 6 --> true.",
    ]


def test_tsv_has_the_columns_of_its_first_line_in_milliseconds() -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(DIALOGUE, "tsv", "call")), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert [(row["start"], row["end"], row["speaker"], row["language"], row["text"]) for row in rows] == [
        ("1250", "2750", "speaker_1", "en", "Good morning, Smith & Sons."),
        ("2000", "2600", "speaker_2", "ru", "Доброе утро!"),
        ("62345", "63845", "speaker_1", "en", "5 < 6 --> true."),
    ]


def test_rttm_has_the_ten_fields_of_each_turn() -> None:
    lines = [line.split(" ") for line in rendered(DIALOGUE, "rttm", "call").splitlines()]
    assert [len(fields) for fields in lines] == [10, 10, 10]
    for fields, turn in zip(lines, DIALOGUE.turns, strict=True):
        assert fields[:3] == ["SPEAKER", "call", "1"]
        assert float(fields[3]) == turn.start_time
        assert float(fields[3]) + float(fields[4]) == pytest.approx(turn.end_time, abs=0.001)
        assert fields[5:] == ["<NA>", "<NA>", turn.speaker_id, "<NA>", "<NA>"]


@pytest.mark.parametrize(
    ("name", "field"),
    [("my call", "my_call"), (" a\tb\n c ", "a_b_c"), ("звонок 1", "звонок_1"), ("", "call"), ("a\x00b", "a_b")],
)
def test_rttm_names_a_recording_without_spaces(name: str, field: str) -> None:
    for line in rendered(DIALOGUE, "rttm", name).splitlines():
        assert line.split()[1] == field


def test_rttm_reads_like_the_references_of_the_benchmark() -> None:
    pattern = r"SPEAKER \S+ 1 \d+\.\d{3} \d+\.\d{3} <NA> <NA> speaker_\d+ <NA> <NA>"
    assert all(re.fullmatch(pattern, line) for line in rendered(DIALOGUE, "rttm", "call").splitlines())


def test_an_empty_call_is_valid_in_every_format() -> None:
    empty = annotation(duration=0.0)
    texts = {transcript_format: rendered(empty, transcript_format, "call") for transcript_format in LINES}
    assert msgspec.json.decode(texts["json"], type=Annotation) == empty
    assert captions(texts["vtt"]) == []
    assert list(srt.parse(texts["srt"])) == []
    assert (texts["txt"], texts["rttm"], texts["srt"]) == ("", "", "")


def test_every_file_ends_with_one_line_break() -> None:
    for transcript_format in LINES:
        text = rendered(DIALOGUE, transcript_format, "call")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


def test_a_known_voice_is_called_by_its_name_in_what_people_read() -> None:
    known = annotation(
        Speaker("speaker_1", (segment("Hello."),), identified_as="Anna <&> Co\n", confidence=0.9),
        turns=(Turn("speaker_1", 0.0, 0.3),),
    )
    assert next(iter(srt.parse(rendered(known, "srt", "call")))).content == "Anna <&> Co: Hello."
    assert "<v Anna &lt;&amp;&gt; Co>Hello.</v>" in rendered(known, "vtt", "call")
    assert "] Anna <&> Co (en): Hello." in rendered(known, "txt", "call")
    assert " speaker_1 " in rendered(known, "rttm", "call")


def test_control_characters_cannot_break_a_format() -> None:
    words = (Word("one\n\n2\n", 0.0, 0.5, 0.9), Word("\x0b\x00", 0.5, 0.6, 0.1), Word("three", 0.6, 1.0, 0.9))
    odd = annotation(Speaker("speaker_1", (Segment(0.0, 1.0, "one\n\n2\n three", 0.9, "en", words),)))
    assert [subtitle.content for subtitle in srt.parse(rendered(odd, "srt", "call"))] == ["speaker_1: one 2 three"]
    assert [caption.text for caption in captions(rendered(odd, "vtt", "call"))] == ["one 2 three"]
    assert rendered(odd, "txt", "call").splitlines() == ["[00:00:00.000 - 00:00:01.000] speaker_1 (en): one 2 three"]


def test_times_beyond_an_hour_are_written_out() -> None:
    late = annotation(Speaker("speaker_1", (segment("Late.", 36_000.0),)), duration=40_000.0)
    assert "10:00:00,000 --> 10:00:01,000" in rendered(late, "srt", "call")


def test_a_subtitle_that_is_spoken_fast_stays_until_it_can_be_read() -> None:
    call = annotation(Speaker("speaker_1", (segment("Seventeen characters a second, no more.", 1.0, pace=0.1),)))
    (shown,) = srt.parse(rendered(call, "srt", "call"))
    assert seconds(shown.end - shown.start) == pytest.approx(sum(map(len, shown.content.splitlines())) / 17, abs=0.001)


def test_a_word_that_would_flash_by_stays_a_second_unless_the_next_one_comes() -> None:
    call = annotation(
        Speaker("speaker_1", (segment("Да.", 1.0, pace=0.2), segment("Да.", 5.0, pace=0.2))),
        Speaker("speaker_2", (segment("Нет.", 1.5, pace=0.2),)),
        duration=5.5,
    )
    shown = [(seconds(one.start), seconds(one.end)) for one in srt.parse(rendered(call, "srt", "call"))]
    assert shown == [(1.0, 1.5), (1.5, 2.5), (5.0, 5.5)]


def test_the_shortest_word_is_shown_for_a_millisecond_at_least() -> None:
    call = annotation(
        Speaker("speaker_1", (segment("Ah", 1.0, pace=0.0002),)), Speaker("speaker_2", (segment("No", 1.0),))
    )
    assert [(one.start, one.end) for one in captions(rendered(call, "vtt", "call"))] == [
        ("00:00:01.000", "00:00:01.001"),
        ("00:00:01.000", "00:00:02.000"),
    ]


def test_subtitles_of_speakers_who_talk_at_once_are_in_time_order() -> None:
    call = annotation(
        Speaker("speaker_1", (segment("This goes on and on and on. " * 8, 0.0),)),
        Speaker("speaker_2", (segment("Wait!", 5.0),)),
    )
    starts = [subtitle.start for subtitle in srt.parse(rendered(call, "srt", "call"), ignore_errors=False)]
    assert len(starts) > 3
    assert starts == sorted(starts)
    assert starts.index(timedelta(seconds=5)) not in (0, len(starts) - 1)


def test_the_speaker_s_name_takes_room_on_the_first_line() -> None:
    spoken = segment("nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine nine")
    assert [columns(line) for cue in cues(spoken) for line in cue.lines] == [39, 39]
    named = cues(spoken, indent=LINE - 9)
    assert all(columns(cue.lines[0]) <= 9 for cue in named)
    assert len(named) == 2


def test_a_long_sentence_is_cut_where_clauses_end() -> None:
    text = (
        "If you know the extension of the person that you want to reach, dial it at any time, "
        "or stay on the line, and somebody will answer your call as soon as possible."
    )
    assert [cue.lines for cue in cues(segment(text, pace=0.25))] == [
        ("If you know the extension of the", "person that you want to reach,"),
        ("dial it at any time, or stay on the line,",),
        ("and somebody will answer your", "call as soon as possible."),
    ]


def test_a_pause_is_as_good_a_place_to_cut_as_the_end_of_a_sentence() -> None:
    early = segment("the quick brown fox jumps over the", 0.0)
    late = segment("lazy dog and then comes another one who walks around it and sits", early.end_time + PAUSE)
    both = Segment(0.0, late.end_time, f"{early.text} {late.text}", 0.9, "en", early.words + late.words)
    assert [" ".join(cue.lines) for cue in cues(both)] == [early.text, late.text]
    without = segment(both.text)
    assert [" ".join(cue.lines) for cue in cues(without)] != [early.text, late.text]


def test_no_subtitle_stands_through_a_silence() -> None:
    words = (Word("Hold", 0.0, 0.3, 0.9), Word("on", 0.3, 0.5, 0.9), Word("please", 0.5 + SILENCE, 2.5, 0.9))
    found = cues(Segment(0.0, 2.5, "Hold on please", 0.9, "en", words))
    assert [(cue.start_time, cue.end_time, cue.lines) for cue in found] == [
        (0.0, 0.5, ("Hold on",)),
        (0.5 + SILENCE, 2.5, ("please",)),
    ]


def test_words_are_joined_as_the_text_joins_them() -> None:
    found = cues(
        segment(
            "今天 天气 很好 。 我们 去 公园 散步 吧 ， 因为 外面 阳光 明媚 ， 非常 舒服 。", joint="", language="zh"
        )
    )
    assert (
        "".join(line for cue in found for line in cue.lines)
        == "今天天气很好。我们去公园散步吧，因为外面阳光明媚，非常舒服。"
    )
    assert all(columns(line) <= LINE for cue in found for line in cue.lines)
    assert columns("今天") == 4


def test_a_word_wider_than_a_line_is_kept_whole() -> None:
    long = "a" * 100
    assert [cue.lines for cue in cues(segment(f"see {long} now"))] == [("see",), (long,), ("now",)]


WORDS = st.lists(
    st.tuples(
        st.text("abcяж.,?!-&<>'", min_size=1, max_size=15),
        st.sampled_from([0.0, 0.0, 0.0, 0.1, PAUSE, SILENCE]),
        st.floats(0.01, 0.4),
    ),
    min_size=1,
    max_size=60,
)


@given(drawn=WORDS, indent=st.integers(0, 20))
def test_any_speech_is_cut_into_subtitles_within_the_limits(drawn: list[tuple[str, float, float]], indent: int) -> None:
    words, now = [], 0.0
    for text, pause, length in drawn:
        start = now + pause
        now = start + length
        words.append(Word(text, start, now, 0.9))
    spoken = Segment(words[0].start_time, now, " ".join(word.word for word in words), 0.9, "en", tuple(words))
    found = cues(spoken, indent)
    assert " ".join(line for cue in found for line in cue.lines) == spoken.text
    for cue in found:
        assert 1 <= len(cue.lines) <= 2
        assert indent + columns(cue.lines[0]) <= LINE
        assert all(columns(line) <= LINE for line in cue.lines)
        assert cue.end_time - cue.start_time <= LONGEST
    assert all(earlier.end_time <= later.start_time for earlier, later in pairwise(found))
    assert {cue.start_time for cue in found} <= {word.start_time for word in words}
    call = annotation(Speaker("speaker_1", (spoken,)), duration=now)
    parsed = list(srt.parse(rendered(call, "srt", "call")))
    assert all(later.start >= earlier.end - timedelta(milliseconds=1) for earlier, later in pairwise(parsed))
    assert all(subtitle.end > subtitle.start for subtitle in parsed)
    assert all(caption.end > caption.start for caption in captions(rendered(call, "vtt", "call")))
