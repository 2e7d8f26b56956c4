"""`python -m deploy.image_check`: what it can be asked, and what it holds an image against; it builds none here."""

import re
from pathlib import Path

import pytest
import yaml

from contracts.options import AnnotateOptions
from deploy.image_check import TARGETS, parse
from deploy.running import without_a_way
from runtime.settings import FIELDS

ROOT = Path(__file__).parents[2]
SNMP = """\
Ip: Forwarding DefaultTTL OutRequests OutNoRoutes ReasmTimeout
Ip: 2 64 40 {} 0
Icmp: InMsgs OutMsgs
Icmp: 7 7
"""
SNMP6 = "Ip6OutRequests                  \t3\nIp6OutNoRoutes                  \t{}\nIcmp6InMsgs  \t9\n"


def test_the_default_target_is_checked_where_none_is_named() -> None:
    target = parse([]).target
    assert (target.name, target.engine) == ("default", FIELDS["engine"].default)
    assert (target.largest, target.slowest) == (1e9, 5)


def test_the_other_target_is_run_with_the_other_engine_and_without_a_limit_of_its_size() -> None:
    target = parse(["--target", "pyannote"]).target
    assert AnnotateOptions(engine=target.engine).engine == "pyannote"
    assert (target.largest, target.slowest) == (None, None)
    assert target.memory > TARGETS["default"].memory


def test_a_target_that_is_not_in_the_dockerfile_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(["--target", "weights"])
    assert "pyannote" in capsys.readouterr().err


def test_the_targets_end_the_dockerfile_and_the_default_is_what_is_built_without_a_name() -> None:
    stages = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert stages[-1] == "default"
    assert set(stages[-2:]) == set(TARGETS)


def test_compose_and_kubernetes_give_the_default_image_the_memory_that_it_is_checked_in() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["callannotate"]
    pod = yaml.safe_load((ROOT / "deploy" / "kubernetes" / "statefulset.yaml").read_text())["spec"]["template"]["spec"]
    assert TARGETS["default"].memory == 2 * 2**30
    assert service["mem_limit"] == service["memswap_limit"] == "2g"
    assert pod["containers"][0]["resources"]["limits"]["memory"] == "2Gi"


def test_the_page_gives_the_other_image_the_memory_that_it_is_checked_in() -> None:
    page = (ROOT / "docs" / "container.md").read_text()
    override = re.search(r"```yaml\n(.+?)```", page, re.DOTALL)
    assert override is not None
    service = yaml.safe_load(override[1])["services"]["callannotate"]
    target = TARGETS[service["build"]["target"]]
    assert service["environment"] == {"ENGINE": target.engine}
    assert service["mem_limit"] == service["memswap_limit"] == f"{target.memory // 2**30}g"


@pytest.mark.parametrize(("old", "new", "sent"), [(0, 0, 0), (5, 0, 5), (0, 2, 2), (5, 2, 7)])
def test_what_found_no_way_out_is_counted_for_both_versions_of_ip(old: int, new: int, sent: int) -> None:
    assert without_a_way(SNMP.format(old), SNMP6.format(new)) == sent
