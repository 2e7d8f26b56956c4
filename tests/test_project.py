"""The project as a whole keeps its promises to whoever installs it."""

import os
import re
import resource
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from models.catalogue import default_catalogue
from web.cli import COMMANDS

ROOT = Path(__file__).parent.parent
PACKAGES = ("asyncapi", "contracts", "models", "stages", "runtime", "web")
HEAVY = ("numpy", "scipy", "onnxruntime", "ctranslate2", "tokenizers", "soundfile", "onnx", "torch", "anyio", "rich")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_top_level_name_belongs_to_this_distribution_alone(package: str) -> None:
    owners = set(packages_distributions().get(package, []))
    assert owners <= {"callannotate"}, f"{package} is also installed by {owners - {'callannotate'}}"
    assert Path(str(sys.modules.get(package, __import__(package)).__file__)).parent == ROOT / package


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([name, "--help"] for name in COMMANDS)],
    ids=" ".join,
)
def test_help_is_quick_and_imports_no_model_library(arguments: list[str]) -> None:
    code = (
        "import sys; sys.argv[0] = 'callannotate'\n"
        "from web.cli import main\n"
        "try:\n    main()\nfinally:\n"
        f"    loaded = sorted(set({HEAVY!r}) & set(sys.modules)); print('loaded:', loaded, file=sys.stderr)\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Usage: callannotate" in done.stdout
    assert "loaded: []" in done.stderr
    # CPU time, not wall time: other processes on the machine do not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3


def test_the_engine_imports_no_torch() -> None:
    code = "import sys, runtime.engine, runtime.pipeline, web.cli.run; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("lock", sorted((ROOT / "locks").glob("*.lock")), ids=lambda lock: lock.stem)
def test_a_lock_has_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?://|file:|--index|--find-links", text)
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[\w.-]+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


def test_make_help_lists_the_documented_targets() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, env=environment)
    for target in ("annotate", "test", "check", "contract", "bench", "test-pyannote", "image-check", "lock", "help"):
        assert f"make {target} " in done.stdout


def test_the_licences_of_the_weights_that_images_have_in_them_go_along() -> None:
    (baked,) = re.findall(r'^ARG MODELS="(.+)"$', (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    licences = {model.name: model.licence for model in default_catalogue().models}
    texts = {"Apache-2.0": ("LICENSE", "Apache License")}
    for name in baked.split():
        file, first = texts.get(licences[name], (f"licenses/{name}.txt", f"{licences[name]} License"))
        assert (ROOT / file).read_text().strip().startswith(first)
        assert f"({file})" in (ROOT / "NOTICE").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"LICENSE", "NOTICE", "licenses/*.txt"} == set(project["license-files"])
