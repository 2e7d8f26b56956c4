"""The command `python -m benchmarks`, with a system that only echoes."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import materials, simulator
from benchmarks.figures import Role
from benchmarks.materials import Material
from benchmarks.protocol import Weights
from benchmarks.runner import System
from benchmarks.simulator import Recipe, ReferenceTurn

TURN = ReferenceTurn(0.0, 1.0, "a", "en", "warm-up call")


@pytest.fixture(autouse=True)
def one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of one call, which is there already, and of systems that echo."""
    folder = tmp_path / "calls"
    folder.mkdir()
    soundfile.write(folder / "call.wav", np.zeros(8000), 8000)
    (folder / "call.json").write_bytes(msgspec.json.encode([TURN]))
    (folder / "call.rttm").write_text(simulator.rttm("call", [TURN]))
    monkeypatch.setattr(command, "DATA", tmp_path)
    monkeypatch.setattr(simulator, "RECIPES", (Recipe("call", ("en",), 1, 0),))
    monkeypatch.setattr(materials, "speechless", lambda _folder, _cache: [])
    monkeypatch.setattr(command, "QUICK", ("call",))
    monkeypatch.setattr(command, "shared_weights", lambda: Weights("", "", ""))
    echo = {role: System(role, "tests.benchmarks.echo_side", "light") for role in (Role.DIARIZE, Role.ANNOTATE)}
    monkeypatch.setattr(command, "systems", lambda **_options: echo)
    return tmp_path


def test_a_quick_run_prints_the_page_and_keeps_what_was_measured(one_call: Path) -> None:
    result = CliRunner().invoke(command.main, ["--quick", "--output", str(one_call / "page.md")])

    assert result.exit_code == 0
    assert "| DER of the worst call | at most 8.0% | 100.00% (call) | **no** |" in result.stdout
    assert "CallAnnotate: 1 recordings, 1 s" in result.stderr
    assert (one_call / "page.md").read_text() + "\n" == result.stdout
    kept = msgspec.json.decode((one_call / "results.json").read_bytes())
    assert set(kept["runs"]) == {"CallAnnotate", "CallAnnotate, diarization"}


def test_a_strict_run_fails_where_a_target_is_missed() -> None:
    assert CliRunner().invoke(command.main, ["--quick", "--strict"]).exit_code == 1


def test_an_unknown_call_is_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(command.main, ["--quick", "--calls", "nobody"])

    assert result.exit_code == 2
    assert "nobody; there are call" in result.stderr


def test_a_full_run_without_the_other_environment_says_how_to_get_it(one_call: Path) -> None:
    result = CliRunner().invoke(command.main, ["--pyannote-python", str(one_call / "none")])

    assert result.exit_code == 2
    assert "`make bench` installs it" in result.stderr


def test_folders_of_recordings_are_only_diarized_and_stereo_stays_for_the_whole_annotation(one_call: Path) -> None:
    call, other, noise = (Material(name, one_call / name, 1.0) for name in ("call", "other", "noise"))
    plan = command.Plan((call,), (call,), {"data": (other,)}, (noise,), {}, memory=False, long=False)

    assert [task.name for task in plan.tasks(Role.PYANNOTE)] == ["call", "other"]
    assert [(task.name, task.channels) for task in plan.tasks(Role.ANNOTATE)] == [("call", "auto"), ("noise", "auto")]
    assert {task.channels for task in plan.tasks(Role.DIARIZE)} == {"mono"}
