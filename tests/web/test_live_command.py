"""`callannotate live`, run as users run it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import soundfile

from contracts.annotation import Annotation
from contracts.errors import CATALOGUE
from tests.web.process import ROOT, started

COMMAND = (sys.executable, "-m", "web.cli", "live")


def run(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=ROOT, input=stdin, capture_output=True, check=False, timeout=200
    )


def assert_failed(done: subprocess.CompletedProcess[bytes], code: str) -> None:
    assert done.returncode == CATALOGUE[code].exit_code, done.stderr.decode()
    assert not done.stdout
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("callannotate: ")


def messages(done: subprocess.CompletedProcess[bytes]) -> list[Any]:
    """The lines of --progress json."""
    return [json.loads(line) for line in done.stderr.decode().splitlines()]


@pytest.fixture(scope="module")
def wav(short_call: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the short call."""
    samples, rate = soundfile.read(short_call, dtype="int16")
    path = tmp_path_factory.mktemp("wav") / "talk.wav"
    soundfile.write(path, samples[: 8 * rate], rate, subtype="PCM_16")
    return path


def test_a_recording_is_shown_as_it_goes_on_and_its_transcript_follows(wav: Path) -> None:
    done = run("--as-fast-as-possible", "--language", "en", "--progress", "json", "--format", "json", wav)
    assert done.returncode == 0, done.stderr.decode()
    told = [message for message in messages(done) if "seq" in message]
    assert [message["seq"] for message in told] == list(range(1, len(told) + 1))
    assert {"session.started", "transcript.final", "audio.ack", "session.ended"} <= {m["type"] for m in told}
    annotation = msgspec.json.decode(done.stdout, type=Annotation)
    assert msgspec.convert(told[-1]["result"], Annotation, strict=False) == annotation
    assert annotation.metadata.total_duration == 8.0


def test_a_pipe_is_heard_and_files_are_written_where_that_is_asked_for(wav: Path, tmp_path: Path) -> None:
    done = run("--speed", "20", "--format", "srt", "--format", "txt", "--output", tmp_path, "-", stdin=wav.read_bytes())
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["standard-input.srt", "standard-input.txt"]
    text = (tmp_path / "standard-input.txt").read_text()
    finals = done.stderr.decode().splitlines()
    assert len(finals) >= 1
    assert "speaker_1" in text


def test_the_first_ctrl_c_ends_the_audio_and_the_transcript_follows(wav: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server, speaking(server.ws_url, wav) as process:
        assert process.stderr is not None
        line = await_final(process)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        first = json.loads(line)["words"][0]["word"]
        assert first in stdout


def test_the_second_ctrl_c_gives_up(wav: Path, tmp_path: Path) -> None:
    with started(tmp_path) as server, speaking(server.ws_url, wav) as process:
        assert process.stderr is not None
        await_final(process)
        process.send_signal(signal.SIGINT)
        while "Ctrl-C again" not in process.stderr.readline():
            pass
        os.kill(server.popen.pid, signal.SIGSTOP)  # so that the result never comes
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
        os.kill(server.popen.pid, signal.SIGCONT)
        assert process.returncode == CATALOGUE["INTERRUPTED"].exit_code
        assert "interrupted" in stderr


def speaking(url: str, wav: Path) -> subprocess.Popen[str]:
    """A client that speaks at real time to a server."""
    return subprocess.Popen(
        [*COMMAND, "--url", url, "--language", "en", "--progress", "json", str(wav)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def await_final(process: subprocess.Popen[str]) -> str:
    """The first final as it is told."""
    assert process.stderr is not None
    while '"transcript.final"' not in (line := process.stderr.readline()):
        assert line
    return line


def test_a_call_is_kept_by_the_server_that_was_named(wav: Path, tmp_path: Path) -> None:
    with started(tmp_path, LIVE_SPEED_LIMIT="100") as server:
        done = run("--url", server.url, "--save", "--as-fast-as-possible", "--progress", "none", wav)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout
    assert len(list((tmp_path / "completed").rglob("*.wav"))) == 1


def test_a_call_that_is_longer_than_the_server_takes_fails_once_what_was_heard_is_written(
    wav: Path, tmp_path: Path
) -> None:
    with started(tmp_path, LIVE_MAX_SESSION_S="3") as server:
        done = run("--url", server.url, "--progress", "none", "--format", "json", wav)
    assert done.returncode == CATALOGUE["LIVE_INCOMPLETE"].exit_code, done.stderr.decode()
    assert 0 < msgspec.json.decode(done.stdout, type=Annotation).metadata.total_duration < 8.0
    (line,) = done.stderr.decode().splitlines()
    assert "SESSION_TOO_LONG" in line


def test_samples_that_are_no_numbers_are_left_out_and_told() -> None:
    good = np.zeros(3 * 16_000, "<f4")
    done = run(
        "--encoding", "pcm_f32le", "--progress", "none", "--speed", "20", "-",
        stdin=good.tobytes() + np.full(1600, np.nan, "<f4").tobytes() + good.tobytes(),
    )  # fmt: skip
    assert done.returncode == CATALOGUE["LIVE_INCOMPLETE"].exit_code, done.stderr.decode()
    assert "FRAME_NOT_FINITE" in done.stderr.decode()


def test_a_server_that_is_not_there_is_told(wav: Path) -> None:
    assert_failed(run("--url", "ws://127.0.0.1:1", wav), "LIVE_UNREACHABLE")


def test_a_recording_that_is_not_there_is_told_before_a_server_is_started(tmp_path: Path) -> None:
    assert_failed(run(tmp_path / "missing.wav"), "FILE_NOT_FOUND")


def test_a_missing_microphone_is_told_with_what_to_do() -> None:
    done = run("--microphone", "--device", "no such device")
    assert_failed(done, "MICROPHONE_UNAVAILABLE")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--microphone", "call.wav"),
        ("--as-fast-as-possible", "-"),
        ("--as-fast-as-possible", "--speed", "2", "call.wav"),
        ("--format", "srt", "--format", "txt", "call.wav"),
        ("--url", "ftp://calls.example", "tests/data/sample.flac"),
    ],
)
def test_options_that_contradict_each_other_are_told(arguments: tuple[str, ...]) -> None:
    assert_failed(run(*arguments), "INVALID_OPTION")
