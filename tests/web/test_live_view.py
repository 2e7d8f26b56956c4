"""What `callannotate live` shows of the messages of a session."""

import io
import json

import pytest

from contracts.live import (
    AudioAck,
    LiveError,
    LiveServerMessage,
    LiveWarning,
    SpeakerUpdate,
    SpeakerUpdated,
    TranscriptFinal,
    TranscriptPartial,
)
from web.cli.live_view import JsonLines, Lines, Screen, clock


def partial(text: str, segment: int = 1) -> TranscriptPartial:
    return TranscriptPartial(seq=1, segment_id=f"segment_{segment}", revision=1, start_ms=61_500, text=text)


def final(text: str, segment: int = 1) -> TranscriptFinal:
    return TranscriptFinal(
        seq=2, segment_id=f"segment_{segment}", start_ms=61_500, end_ms=63_000, text=text, words=(),
        speaker_id="speaker_1", confidence=0.9, language="en", reason="endpoint",
    )  # fmt: skip


MESSAGES: tuple[LiveServerMessage, ...] = (
    partial("Good"),
    partial("Good morning"),
    final("Good morning."),
    partial("noise", 2),
    final("", 2),
    SpeakerUpdated(seq=3, updates=(SpeakerUpdate(segment_ids=("segment_1",), speaker_id="speaker_2", name="Anna"),)),
    LiveWarning(seq=4, code="partials_off", message="the machine falls behind"),
    LiveError(seq=5, code="EMPTY_FRAME", message="a binary frame is empty", fatal=False),
    LiveError(seq=6, code="WRONG_ORDER", message="audio.end cannot come after audio.end", fatal=False),
)
LINES = [
    "1:01.5  speaker_1: Good morning.",
    "   now speaker_2 (Anna): 1:01.5",
    "callannotate: warning: the machine falls behind",
    "callannotate: a binary frame is empty",
]


def test_what_stays_is_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Lines()
    for message in MESSAGES:
        shown.show(message)
    shown.notice("connected again")
    out, err = capsys.readouterr()
    assert err.splitlines() == [*LINES, "callannotate: connected again"]
    assert not out


def test_on_a_terminal_partials_are_replaced_and_finals_stay() -> None:
    terminal = io.StringIO()
    with Screen(terminal).open() as screen:
        for message in MESSAGES[:2]:
            screen.show(message)
        before = terminal.getvalue()
        for message in MESSAGES[2:]:
            screen.show(message)
        screen.show(AudioAck(seq=7, bytes_received=1, ms_received=1, result_progress=40))
    after = terminal.getvalue()[len(before) :]
    assert "...: Good morning" in before
    assert "\x1b[2K" in after  # the line of the partial is taken back
    assert all(line in after for line in LINES)
    assert "40%" in after


def test_a_program_gets_every_message_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    shown = JsonLines()
    shown.show(MESSAGES[0])
    shown.notice("connected again")
    one, other = map(json.loads, capsys.readouterr().err.splitlines())
    assert (one["type"], one["text"], other) == (
        "transcript.partial", "Good", {"type": "notice", "message": "connected again"},
    )  # fmt: skip


@pytest.mark.parametrize(("milliseconds", "shown"), [(0, "0:00.0"), (61_549, "1:01.5"), (3_723_400, "1:02:03.4")])
def test_times_are_as_on_a_clock(milliseconds: int, shown: str) -> None:
    assert clock(milliseconds) == shown
