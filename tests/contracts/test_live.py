"""The messages of live sessions: what is taken, what is refused, what is told."""

import json
import re
from string import Formatter
from typing import Any, get_args

import msgspec
import pytest

from asyncapi.builder import asyncapi_document
from contracts import live
from contracts.errors import CallAnnotateError, Fault
from contracts.live_audio import FRAME_BYTES_LIMIT, AudioFormat, Encoding
from contracts.live_channel import LIVE_CHANNEL
from contracts.live_errors import EMPTY_FRAME, TOO_FAST, TOO_MANY_SESSIONS
from contracts.live_examples import LIVE_MESSAGES, live_error_example
from contracts.live_notices import LIVE_WARNINGS, live_error, live_warning

START: dict[str, Any] = {
    "type": "session.start",
    "audio": {"encoding": "mulaw", "sample_rate": 8000, "channels": 1},
}


def tags(union: object) -> set[str]:
    return {kind.__struct_config__.tag for kind in get_args(union)}


def test_the_messages_are_those_of_the_protocol() -> None:
    assert tags(live.LiveClientMessage) == {
        "session.start",
        "finalize",
        "pause",
        "resume",
        "config.update",
        "keepalive",
        "session.resume",
        "audio.end",
    }
    assert tags(live.LiveServerMessage) == {
        "session.started",
        "audio.ack",
        "transcript.partial",
        "transcript.final",
        "speaker.updated",
        "speech.started",
        "speech.ended",
        "finalized",
        "paused",
        "resumed",
        "config.updated",
        "keepalive.ack",
        "session.resumed",
        "warning",
        "error",
        "session.closing",
        "session.ended",
    }


def test_every_message_of_the_server_has_a_number_and_room_for_the_id_that_it_answers() -> None:
    for kind in get_args(live.LiveServerMessage):
        assert {"seq", "in_reply_to"} <= set(kind.__struct_fields__), kind


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (live.SessionStarted, {"session_id", "resume_token", "config", "limits", "expires_at"}),
        (live.SessionLimits, {"max_frame_bytes", "max_session_s", "idle_timeout_s", "max_unacked_ms"}),
        (live.AudioAck, {"bytes_received", "ms_received"}),
        (live.TranscriptPartial, {"segment_id", "revision", "text", "speaker_id"}),
        (
            live.TranscriptFinal,
            {
                "segment_id",
                "start_ms",
                "end_ms",
                "text",
                "words",
                "speaker_id",
                "confidence",
                "language",
                "reason",
            },
        ),
        (live.SessionResumed, {"bytes_received"}),
        (
            live.LiveError,
            {"code", "message", "fatal", "retryable", "retry_after_ms", "in_reply_to", "details", "advice"},
        ),
        (
            live.LiveWarning,
            {"code", "message", "fatal", "retryable", "retry_after_ms", "in_reply_to", "details", "advice"},
        ),
        (live.SessionClosing, {"reason", "deadline_ms"}),
        (live.SessionEnded, {"totals", "result"}),
        (live.SessionResume, {"session_id", "resume_token", "last_seq"}),
        (live.AudioEnd, {"bytes_sent"}),
    ],
)
def test_a_message_has_the_fields_of_the_protocol(kind: type[msgspec.Struct], fields: set[str]) -> None:
    assert fields <= set(kind.__struct_fields__)


def test_a_start_needs_nothing_but_its_audio_and_ignores_what_it_does_not_know() -> None:
    message = live.decode_client_message(json.dumps({**START, "colour": "red"}))
    assert isinstance(message, live.SessionStart)
    assert (message.language, message.partials, message.words, message.diarize) == (None, True, True, True)
    assert (message.recognise, message.vocabulary, message.save) == (False, (), False)


@pytest.mark.parametrize(
    "change",
    [
        {"audio": None},
        {"audio": {"encoding": "mp3", "sample_rate": 8000, "channels": 1}},
        {"audio": {"encoding": "mulaw", "sample_rate": 7999, "channels": 1}},
        {"audio": {"encoding": "mulaw", "sample_rate": 48001, "channels": 1}},
        {"audio": {"encoding": "mulaw", "sample_rate": 8000.5, "channels": 1}},
        {"audio": {"encoding": "mulaw", "sample_rate": 8000, "channels": 0}},
        {"audio": {"encoding": "mulaw", "sample_rate": 8000, "channels": 3}},
        {"audio": {"encoding": "mulaw", "sample_rate": 8000}},
        {"id": ""},
        {"id": "x" * 65},
        {"language": ""},
        {"partials": "yes"},
        {"vocabulary": ["x"] * 101},
        {"vocabulary": ["x" * 101]},
        {"vocabulary": [""]},
        {"vocabulary": "x"},
        {"type": "session.begin"},
    ],
)
def test_a_start_with_a_wrong_field_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        live.decode_client_message(json.dumps({**START, **change}))


def test_a_config_update_tells_what_is_left_out_from_what_is_null() -> None:
    left_out = live.decode_client_message('{"type": "config.update"}')
    null = live.decode_client_message('{"type": "config.update", "language": null}')
    assert isinstance(left_out, live.ConfigUpdate)
    assert isinstance(null, live.ConfigUpdate)
    assert (left_out.language, null.language) == (msgspec.UNSET, None)
    assert left_out.audio is left_out.save is msgspec.UNSET


def test_every_field_of_the_configuration_may_either_change_or_is_known_not_to() -> None:
    assert set(live.SessionConfig.__struct_fields__) | {"id"} == set(live.ConfigUpdate.__struct_fields__)
    assert set(live.SessionConfig.__struct_fields__) | {"id"} == set(live.SessionStart.__struct_fields__)


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_the_largest_frame_is_a_second_in_whole_samples_and_never_above_the_limit(
    encoding: Encoding, channels: int, rate: int
) -> None:
    audio = AudioFormat(encoding=encoding, sample_rate=rate, channels=channels)
    assert audio.max_frame_bytes % audio.bytes_per_frame == 0
    assert audio.max_frame_bytes <= min(audio.bytes_per_second, FRAME_BYTES_LIMIT)
    assert audio.max_frame_bytes + audio.bytes_per_frame > min(audio.bytes_per_second, FRAME_BYTES_LIMIT)
    assert audio.milliseconds(audio.bytes_per_second * 3) == 3000


def test_an_error_is_fatal_where_it_ends_the_connection() -> None:
    told = live_error(CallAnnotateError(EMPTY_FRAME), 7, in_reply_to="m1")
    assert (told.seq, told.in_reply_to, told.code, told.fatal, told.retryable) == (7, "m1", "EMPTY_FRAME", False, False)
    assert live_error(CallAnnotateError(TOO_FAST, ahead_ms=12000, max_allowed=10000), 8).fatal


def test_an_error_says_in_milliseconds_when_it_may_be_tried_again_and_speaks_russian() -> None:
    error = CallAnnotateError(TOO_MANY_SESSIONS, limit=4, retry_after=10)
    told = live_error(error, 1, language="ru")
    assert (told.retry_after_ms, told.retryable) == (10_000, True)
    assert told.message == "живых сеансов открыто уже 4"
    assert live_error(CallAnnotateError(EMPTY_FRAME), 1).retry_after_ms is None


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_every_warning_says_the_same_in_russian_with_the_same_details() -> None:
    assert set(LIVE_WARNINGS) == set(get_args(live.WarningCode)) == set(LIVE_CHANNEL.warnings)
    for code, warned in LIVE_WARNINGS.items():
        message, advice = warned.russian
        assert re.search("[а-яё]", message), code
        assert fields_of(message) == fields_of(warned.message), code
        assert fields_of(advice) == fields_of(warned.advice), code
        assert advice.endswith("."), code
        assert warned.advice.endswith("."), code


def test_a_warning_tells_its_details_and_is_never_fatal() -> None:
    told = live_warning("bytes_mismatch", 9, in_reply_to="e", bytes_sent=10, bytes_received=8)
    assert told.message == "audio.end says 10 bytes, 8 were taken"
    assert (told.details, told.fatal, told.in_reply_to) == ({"bytes_sent": 10, "bytes_received": 8}, False, "e")
    assert "принято 8" in live_warning("bytes_mismatch", 9, language="ru", bytes_sent=10, bytes_received=8).message


def test_every_message_decodes_as_the_type_it_is_an_example_of() -> None:
    for name, examples in LIVE_MESSAGES.items():
        for example in examples.values():
            assert msgspec.json.decode(msgspec.json.encode(example), type=type(example)) == example, name


def told_faults() -> list[Fault]:
    return [*LIVE_CHANNEL.faults, *(fault for close in LIVE_CHANNEL.close_codes for fault in close.faults)]


@pytest.mark.parametrize("fault", told_faults(), ids=lambda fault: fault.code)
def test_an_error_after_which_the_session_goes_on_has_no_close_code_and_the_others_have_theirs(fault: Fault) -> None:
    assert (fault in LIVE_CHANNEL.faults) == (fault.close_code is None)
    assert live_error_example(fault).fatal == (fault.close_code is not None)


def test_a_session_comes_to_its_end_from_every_state_that_it_can_be_in() -> None:
    (machine, *_) = LIVE_CHANNEL.machines
    reached = {"ended"}
    while before := {move.state for move in machine.transitions if move.to in reached} - reached:
        reached |= before
    assert reached == {machine.start, *(move.to for move in machine.transitions)}


def test_the_close_codes_are_those_of_the_protocol_and_of_websocket_itself() -> None:
    documented = {close.code for close in LIVE_CHANNEL.close_codes}
    assert documented == {
        1000,
        1002,
        1003,
        1007,
        1008,
        1009,
        1011,
        1012,
        1013,
        4400,
        4401,
        4404,
        4408,
        4409,
        4410,
        4429,
    }


def test_asyncapi_describes_the_channel_by_its_version_with_errors_that_say_what_to_do() -> None:
    document: Any = asyncapi_document()
    channel = document["channels"]["live"]
    assert channel["address"] == "/v1/ws/transcribe"
    assert "**Versions.**" in channel["description"]
    closing = [code for close in channel["x-close-codes"] for code in close["errors"]]
    for code in (*channel["x-errors"], *closing, *(refusal["error"] for refusal in channel["x-refusals"])):
        assert document["x-errors"][code]["advice"]["en"], code
        assert document["x-errors"][code]["advice"]["ru"], code
    for warning in channel["x-warnings"]:
        assert warning["advice"]["en"], warning["code"]
    assert [warning["code"] for warning in channel["x-warnings"] if warning["reserved"]] == ["version_deprecated"]


def test_the_example_of_a_start_can_be_said_and_every_error_that_goes_on_has_an_example() -> None:
    messages: Any = asyncapi_document()["components"]["messages"]  # type: ignore[index]
    for example in messages["session.start"]["examples"]:
        assert isinstance(live.decode_client_message(json.dumps(example["payload"])), live.SessionStart)
    told = {example["name"] for example in messages["live_error"]["examples"]}
    assert {fault.code for fault in LIVE_CHANNEL.faults} <= told
    assert {example["name"] for example in messages["warning"]["examples"]} == set(LIVE_WARNINGS)
