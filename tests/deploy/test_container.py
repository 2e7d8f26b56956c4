"""The container's files: held against their schemas, against each other, and against what they promise."""

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft7Validator

from runtime.settings import FIELDS

ROOT = Path(__file__).parents[2]
DOCKERFILES = (ROOT / "Dockerfile", ROOT / "deploy" / "radicale" / "Dockerfile")
MANIFESTS = sorted(path for path in (ROOT / "deploy" / "kubernetes").glob("*.yaml") if path.stem != "kustomization")
KUBERNETES = "1.31"
"""The oldest version that the manifests are meant for."""
UID = 10001


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@cache
def compose() -> Any:
    return read(ROOT / "compose.yaml")


def manifest(name: str) -> Any:
    return read(ROOT / "deploy" / "kubernetes" / f"{name}.yaml")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_hadolint_finds_nothing_in_the_dockerfile(path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "--no-fail", "--format", "json", path], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_a_dockerfile_names_no_address_and_runs_as_a_user_by_number(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"https?://|--index|--extra-index|--trusted-host|curl|wget", text)
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] in (f"{UID}:{UID}", "10002:10002")
    for command in re.findall(r"pip [^\n]*install [^\n&]*", text):
        assert "--require-hashes" in command or "/wheels/" in command, command


def test_the_image_has_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()
    assert compose()["services"]["callannotate"]["image"] == f"callannotate:{version}"
    assert manifest("kustomization")["images"][0]["newTag"] == version


def test_what_the_dockerfile_copies_is_what_gets_into_the_build() -> None:
    copied: set[str] = set()
    for arguments in re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE):
        copied.update(source.rstrip("/") for source in arguments.split()[:-1])
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is left out that is not named"
    named = {rule[1:] for rule in rules if rule.startswith("!")}
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(source == name or source.startswith(f"{name}/") for name in named), f"{source} is left out"
    for name in named:
        assert any(source == name or source.startswith(f"{name}/") for source in copied), f"{name} is not copied"
    assert {"**/__pycache__", "ui/node_modules", "web/static"} <= set(rules)


def test_every_package_of_the_project_gets_into_the_image() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = setuptools.get("package-dir", {})
    text = (ROOT / "Dockerfile").read_text()
    for package in {name.partition(".")[0] for name in setuptools["packages"]}:
        folder = folders.get(package, package)
        assert f"COPY {folder} {folder}\n" in text


def test_compose_follows_its_specification() -> None:
    vendored = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    Draft7Validator(json.loads(vendored.read_text())).validate(compose())


@pytest.mark.parametrize("name", ["callannotate", "contacts"])
def test_a_service_of_compose_has_no_more_rights_than_it_needs(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] not in ("0", "0:0", "root")
    assert {"mem_limit", "cpus", "pids_limit", "healthcheck", "tmpfs"} <= set(service)


def test_compose_publishes_on_loopback_alone() -> None:
    services = compose()["services"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))
    assert services["contacts"]["networks"] == ["back"]
    assert compose()["networks"]["back"] == {"internal": True}


def test_compose_sets_nothing_that_is_no_setting() -> None:
    assert {name.lower() for name in compose()["services"]["callannotate"]["environment"]} <= set(FIELDS)
    assert {name.lower() for name in manifest("configmap")["data"]} <= set(FIELDS)
    assert {name.lower() for name in manifest("secret-example")["stringData"]} <= set(FIELDS)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_a_manifest_follows_the_schema_of_kubernetes(path: Path) -> None:
    kubernetes_validate.validate(read(path), KUBERNETES, strict=True)


def test_kustomize_applies_every_manifest_but_the_example() -> None:
    wanted = {path.name for path in MANIFESTS} - {"secret-example.yaml"}
    assert set(manifest("kustomization")["resources"]) == wanted


def test_the_pod_is_allowed_in_a_restricted_namespace() -> None:
    pod = manifest("statefulset")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == UID
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
    assert manifest("namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_there_is_one_pod_at_most_and_time_for_it_to_stop() -> None:
    spec = manifest("statefulset")["spec"]
    stop = FIELDS["shutdown_timeout"].default
    assert spec["replicas"] == 1
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > stop
    assert int(compose()["services"]["callannotate"]["stop_grace_period"].removesuffix("s")) > stop


def test_the_address_book_is_installed_by_hashes() -> None:
    text = (ROOT / "deploy" / "radicale" / "requirements.lock").read_text()
    assert re.search(r"^radicale==", text, re.MULTILINE)
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement, requirement
