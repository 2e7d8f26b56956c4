"""`callannotate annotate`, run as users run it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
import soundfile

from contracts.annotation import Annotation
from contracts.errors import CATALOGUE, INTERRUPTED, CallAnnotateError
from contracts.options import Format

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "web.cli", "annotate")


def run(
    *arguments: str | Path, stdout: int | None = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, timeout=200,
        env={**os.environ, **environment},
    )  # fmt: skip


def assert_failed(done: subprocess.CompletedProcess[str], code: str) -> None:
    assert done.returncode == CATALOGUE[code].exit_code, done.stderr
    assert not done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("callannotate: ")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, sample_call: Path) -> Path:
    folder = tmp_path_factory.mktemp("results")
    formats = [option for kind in get_args(Format) for option in ("--format", kind)]
    done = run("--output", folder, "--progress", "json", *formats, sample_call)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    (folder / "progress.jsonl").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def annotation(results: Path) -> Annotation:
    return msgspec.json.decode((results / "sample.json").read_bytes(), type=Annotation)


def test_the_sample_call_has_its_two_speakers_with_their_words(annotation: Annotation, sample_call: Path) -> None:
    reference = json.loads(sample_call.with_suffix(".json").read_text())
    assert annotation.metadata.speaker_count == len({turn["speaker"] for turn in reference}) == 2
    assert set(annotation.metadata.languages) == {turn["language"] for turn in reference}
    said = {
        word.word.strip(".,!?").lower() for speaker in annotation.speakers for s in speaker.segments for word in s.words
    }
    english = " ".join(turn["text"] for turn in reference if turn["language"] == "en").lower()
    expected = {word.strip(".,!?") for word in english.split()}
    assert len(expected & said) > 0.9 * len(expected)


def test_the_result_says_what_made_it(annotation: Annotation, sample_call: Path) -> None:
    metadata = annotation.metadata
    assert metadata.total_duration == pytest.approx(soundfile.info(sample_call).duration, abs=0.01)
    assert {model.kind for model in metadata.models} == {"segmentation", "voiceprint", "transcription"}
    assert all(len(model.sha256) == 64 for model in metadata.models)
    assert metadata.real_time_factor == pytest.approx(metadata.processing_time / metadata.total_duration, abs=0.001)
    assert metadata.word_count == sum(len(s.words) for speaker in annotation.speakers for s in speaker.segments)
    assert metadata.warnings == ()


def test_every_word_lies_within_its_segment_and_every_segment_within_the_call(annotation: Annotation) -> None:
    for speaker in annotation.speakers:
        for segment in speaker.segments:
            assert segment.start_time == segment.words[0].start_time
            assert segment.end_time == segment.words[-1].end_time
            times = [time for word in segment.words for time in (word.start_time, word.end_time)]
            assert times == sorted(times)
            assert 0 <= segment.start_time < segment.end_time <= annotation.metadata.total_duration + 0.05
            assert all(0 <= word.confidence <= 1 for word in segment.words)


def test_every_format_is_written_under_the_name_of_the_recording_and_nothing_else(results: Path) -> None:
    names = sorted(path.name for path in results.iterdir())
    endings = ("TextGrid", "docx", "eaf", "json", "rttm", "srt", "tsv", "txt", "vtt")
    assert names == ["progress.jsonl", *(f"sample.{ending}" for ending in endings)]
    assert (results / "sample.vtt").read_text().startswith("WEBVTT")
    assert all(line.startswith("SPEAKER sample 1 ") for line in (results / "sample.rttm").read_text().splitlines())


def test_progress_as_json_grows_to_one_and_names_every_stage(results: Path) -> None:
    lines = [json.loads(line) for line in (results / "progress.jsonl").read_text().splitlines()]
    progress = [line for line in lines if "stages" in line]
    fractions = [line["fraction"] for line in progress]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(fractions) > 3
    stages = [stage["stage"] for stage in progress[0]["stages"]]
    assert stages == ["decode", "preprocess", "segment", "transcribe", "embed", "diarize", "annotate"]


def test_text_goes_to_standard_output_and_nothing_else_is_printed(sample_call: Path, annotation: Annotation) -> None:
    done = run(sample_call)
    assert done.returncode == 0
    assert not done.stderr
    assert len(done.stdout.splitlines()) == sum(len(speaker.segments) for speaker in annotation.speakers)


def test_several_recordings_are_all_tried_and_the_first_problem_decides(tmp_path: Path, sample_call: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    done = run("--output", tmp_path / "out", tmp_path / "missing.wav", empty, sample_call)
    assert done.returncode == CATALOGUE["FILE_NOT_FOUND"].exit_code
    assert len(done.stderr.splitlines()) == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sample.json"]


def write(path: Path, samples: np.ndarray, rate: int = 8000, subtype: str = "PCM_16") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype, format="WAV")
    return path


def test_a_recording_without_a_sound_gives_an_empty_transcript_and_a_warning(tmp_path: Path) -> None:
    done = run("--format", "json", write(tmp_path / "still.wav", np.zeros(16000)))
    assert done.returncode == CATALOGUE["NO_SIGNAL"].exit_code
    annotation = msgspec.json.decode(done.stdout, type=Annotation)
    assert annotation.speakers == ()
    assert [notice.code for notice in annotation.metadata.warnings] == ["NO_SIGNAL"]


def test_a_recording_that_breaks_off_is_annotated_as_far_as_it_goes(tmp_path: Path, sample_call: Path) -> None:
    broken = tmp_path / "broken.flac"
    broken.write_bytes(sample_call.read_bytes()[: sample_call.stat().st_size // 3])
    done = run("--format", "json", broken)
    assert done.returncode == CATALOGUE["TRUNCATED"].exit_code
    annotation = msgspec.json.decode(done.stdout, type=Annotation)
    assert annotation.metadata.word_count > 10
    assert [notice.code for notice in annotation.metadata.warnings] == ["TRUNCATED"]


NOISE = np.random.default_rng(0).normal(0, 0.1, 16000)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("FILE_NOT_FOUND", "missing.wav"),
        ("NOT_A_FILE", "folder"),
        ("FILE_EMPTY", "empty.wav"),
        ("UNSUPPORTED_FORMAT", "text.wav"),
        ("NO_AUDIO", "none.wav"),
        ("TOO_MANY_CHANNELS", "hundred.wav"),
        ("UNSUPPORTED_SAMPLE_RATE", "slow.wav"),
        ("UNSUPPORTED_SAMPLE_RATE", "fast.wav"),
        ("INVALID_SAMPLES", "nan.wav"),
        ("INVALID_SAMPLES", "infinite.wav"),
        ("AUDIO_TOO_SHORT", "short.wav"),
    ],
)
def test_a_recording_that_cannot_be_used_is_one_clear_line_and_its_exit_code(
    tmp_path: Path, code: str, name: str
) -> None:
    path = tmp_path / name
    odd = NOISE.copy()
    odd[8000] = np.nan if name == "nan.wav" else np.inf
    match name:
        case "folder":
            path.mkdir()
        case "empty.wav":
            path.touch()
        case "text.wav":
            path.write_text("This is not a recording.\n" * 100)
        case "none.wav":
            write(path, NOISE[:0])
        case "hundred.wav":
            write(path, np.tile(NOISE[:800, None], (1, 100)))
        case "slow.wav" | "fast.wav":
            write(path, NOISE, rate=4000 if name == "slow.wav" else 192_000)
        case "nan.wav" | "infinite.wav":
            write(path, odd, subtype="FLOAT")
        case "short.wav":
            write(path, NOISE[:80])
    done = run("--format", "json", path)
    assert_failed(done, code)
    assert name in done.stderr


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("UNKNOWN_LANGUAGE", ["--language", "klingon"]),
        ("UNKNOWN_MODEL", ["--model", "whisper-of-the-wind"]),
        ("INVALID_OPTION", ["--speakers", "2", "--max-speakers", "3"]),
        ("INVALID_OPTION", ["--min-speakers", "3", "--max-speakers", "2"]),
        ("INVALID_OPTION", ["--format", "json", "--format", "srt"]),
        ("INVALID_OPTION", ["--pipeline", "somebody/something"]),
        ("INVALID_OPTION", ["--channels", "two-sided"]),
        ("ENGINE_UNAVAILABLE", ["--engine", "pyannote"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_wrong_choice_is_one_clear_line_and_its_exit_code(
    sample_call: Path, code: str, arguments: Sequence[str]
) -> None:
    assert_failed(run(*arguments, sample_call), code)


def test_two_recordings_of_one_name_do_not_overwrite_each_other(tmp_path: Path, sample_call: Path) -> None:
    twin = tmp_path / "sample.flac"
    twin.write_bytes(sample_call.read_bytes())
    assert_failed(run("--output", tmp_path / "out", sample_call, twin), "INVALID_OPTION")


def test_an_output_folder_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, sample_call: Path) -> None:
    (tmp_path / "file").touch()
    assert_failed(run("--output", tmp_path / "file", sample_call), "OUTPUT_UNWRITABLE")


def test_a_full_disk_is_one_clear_line(sample_call: Path) -> None:
    with Path("/dev/full").open("w") as full:
        assert_failed(run(sample_call, stdout=full.fileno()), "DISK_FULL")


def test_weights_that_are_missing_while_offline_are_told_by_name(tmp_path: Path, sample_call: Path) -> None:
    done = run(sample_call, CALLANNOTATE_MODELS=str(tmp_path), PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert_failed(done, "WEIGHTS_MISSING")
    assert "segmentation-3.0" in done.stderr


FAULT = """
import sys
from web.start import main
from stages.embed import Embed
async def broken(self, receive, send):
    async for region in receive:
        raise RuntimeError("injected")
Embed.run = broken
sys.argv[1:] = {arguments!r}
main()
"""


def test_a_stage_that_raises_is_one_clear_line_and_leaves_no_file(tmp_path: Path, sample_call: Path) -> None:
    arguments = ["annotate", "--output", str(tmp_path), str(sample_call)]
    done = subprocess.run(
        [sys.executable, "-c", FAULT.format(arguments=arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert_failed(done, "STAGE_FAILED")
    assert "embed" in done.stderr
    assert "injected" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9])
def test_an_interrupt_at_any_moment_is_one_clear_line_and_leaves_nothing_half_written(
    tmp_path: Path, sample_call: Path, share: float
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    with subprocess.Popen(
        [*COMMAND, "--output", str(folder), "--progress", "json", str(sample_call)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if json.loads(line).get("fraction", 0) >= share:
                break
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    lines = [line for line in stderr.splitlines() if not line.startswith("{")]
    assert process.returncode == CATALOGUE["INTERRUPTED"].exit_code, stderr
    assert lines == [f"callannotate: {CallAnnotateError(INTERRUPTED)}"]
    assert not stdout
    for whole in folder.iterdir():  # the signal may come after the last write
        msgspec.json.decode(whole.read_bytes(), type=Annotation)


def test_an_interrupt_before_the_command_line_is_imported_is_the_same_clear_line() -> None:
    code = "import os, signal, web.start; os.kill(os.getpid(), signal.SIGINT)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == INTERRUPTED.exit_code
    assert done.stderr.splitlines() == [f"callannotate: {CallAnnotateError(INTERRUPTED)}"]
