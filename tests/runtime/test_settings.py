"""Settings of the server."""

import re
from pathlib import Path

import pytest

from contracts.errors import CONFIG_UNREADABLE, SETTING_INVALID, SETTING_UNKNOWN, CallAnnotateError, Fault
from runtime.settings import FIELDS, Settings, load_settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| `([a-z_]+)` \| (.*?) \| (.+) \|$", re.MULTILINE)


def test_without_anything_chosen_every_setting_has_its_default() -> None:
    assert load_settings({}) == Settings()


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("port: 9001\nlog_level: DEBUG\nretention_days: 2\nthreads: null\n")
    settings = load_settings({"CONFIG_PATH": str(path), "PORT": "9002", "VOLUME_PATH": "~/calls", "THREADS": "3"})
    assert (settings.port, settings.log_level, settings.retention_days, settings.threads) == (9002, "DEBUG", 2.0, 3)
    assert settings.volume_path == Path.home() / "calls"


def test_a_path_that_is_given_goes_before_the_one_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("port: 9001\n")
    assert load_settings({"CONFIG_PATH": str(tmp_path / "missing.yaml")}, path).port == 9001


def test_an_empty_file_and_empty_variables_choose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.touch()
    assert load_settings({"PORT": ""}, path) == Settings()


def assert_refused(fault: Fault, words: list[str], environ: dict[str, str], path: Path | None = None) -> None:
    with pytest.raises(CallAnnotateError) as caught:
        load_settings(environ, path)
    assert caught.value.fault is fault
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "seventy"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "loud"),
        ("MAX_FILE_SIZE", "0"),
        ("MAX_FILE_SIZE", "1 GB"),
        ("QUEUE_POLL_INTERVAL", "-1"),
        ("QUEUE_POLL_INTERVAL", "nan"),
        ("THREADS", "0"),
        ("ENGINE", "other"),
        ("LOG_FILES", "1"),
        ("LOG_CONSOLE", "perhaps"),
    ],
)
def test_a_value_that_a_setting_cannot_take_is_named_with_what_is_allowed(name: str, value: str) -> None:
    assert_refused(SETTING_INVALID, ["environment", name, value, "Allowed: "], {name: value})


def test_a_key_that_is_no_setting_is_named_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("log_levle: DEBUG\n")
    assert_refused(SETTING_UNKNOWN, [str(path), "'log_levle'", "'log_level'"], {}, path)
    path.write_text("17: DEBUG\n")
    assert_refused(SETTING_UNKNOWN, ["'17'"], {}, path)


def test_a_text_in_the_file_is_not_taken_for_a_number(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text('port: "9001"\n')
    assert_refused(SETTING_INVALID, [str(path), "port"], {}, path)


@pytest.mark.parametrize("content", [b"- port\n", b"port: [1\n", b"\xff\xfe\x00", b"just words\n"])
def test_a_file_that_is_no_mapping_cannot_be_read_as_settings(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    assert_refused(CONFIG_UNREADABLE, [str(path)], {}, path)


def test_a_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "missing.yaml"
    assert_refused(CONFIG_UNREADABLE, [str(path), "CONFIG_PATH"], {"CONFIG_PATH": str(path)})


def test_the_page_of_settings_documents_each_with_its_default_and_nothing_else() -> None:
    rows = {name: (variable, default) for variable, name, default, _ in ROW.findall(PAGE.read_text())}
    assert list(rows) == list(FIELDS)
    for name, (variable, default) in rows.items():
        assert variable == name.upper()
        if name != "volume_path":  # the platform's own
            assert default.strip("`") == shown(getattr(Settings(), name))


def shown(value: object) -> str:
    """A default as YAML has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
