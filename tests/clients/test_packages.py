"""The client packages stand by themselves: what they need is what they say they need."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.clients.javascript import PACKAGE, ROOT

PYTHON = ROOT / "clients" / "python"


def test_the_wheel_is_the_package_with_its_types_and_imports_nothing_of_the_application(tmp_path: Path) -> None:
    shutil.copytree(PYTHON, tmp_path / "source", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps",
         "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path), str(tmp_path / "source")],
        check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("callannotate_client-*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = [name for name in file.namelist() if ".dist-info/" not in name]
        assert {name.split("/")[0] for name in names} == {"callannotate_client"}
        assert "callannotate_client/py.typed" in names
        file.extractall(tmp_path / "site")
    code = (
        "import sys\n"
        # Without the way by which a source tree that is installed to be edited is found.
        "sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()]\n"
        f"sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import callannotate_client\n"
        f"assert callannotate_client.__file__.startswith({str(tmp_path)!r})\n"
        "print(sorted({'contracts', 'models', 'stages', 'runtime', 'web', 'asyncapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_all_that_is_imported_in_python_is_a_dependency_that_is_declared() -> None:
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[<>=]", requirement)[0] for requirement in project["dependencies"]}
    imported = {
        name.split(".")[0]
        for path in (PYTHON / "callannotate_client").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported - set(sys.stdlib_module_names) - {"callannotate_client"} == declared


def test_the_package_for_javascript_needs_nothing_and_says_its_types() -> None:
    package = json.loads((PACKAGE / "package.json").read_text())
    assert not package.get("dependencies")
    assert package["peerDependenciesMeta"] == {"ws": {"optional": True}}
    for path in package["exports"]["."].values():
        assert (PACKAGE / path).exists(), "the client is not built: `make clients/js/dist/.built`"
    for source in (PACKAGE / "src").glob("*.ts"):
        for target in re.findall(r'from "([^"]+)"', source.read_text()):
            assert target.startswith("./"), f"{source.name} imports {target}"


def test_both_packages_have_the_version_of_the_application() -> None:
    application = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    python = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]["version"]
    javascript = json.loads((PACKAGE / "package.json").read_text())["version"]
    assert python == javascript == application


def test_both_packages_bring_their_licence() -> None:
    for package in (PYTHON, PACKAGE):
        assert (package / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
