"""`callannotate contracts`."""

from pathlib import Path

from click.testing import CliRunner

from web.cli.contracts import contracts, documents


def test_it_writes_every_document_and_then_finds_them_up_to_date(tmp_path: Path) -> None:
    written = CliRunner().invoke(contracts, ["--output", str(tmp_path)])
    assert written.exit_code == 0, written.output
    for name, build in documents().items():
        assert f"written: {name}\n" in written.output
        assert (tmp_path / name).read_text(encoding="utf-8") == build()
    checked = CliRunner().invoke(contracts, ["--check", "--output", str(tmp_path)])
    assert (checked.exit_code, checked.output) == (0, "All documents are up to date.\n")


def test_a_check_names_what_is_out_of_date_and_changes_nothing(tmp_path: Path) -> None:
    CliRunner().invoke(contracts, ["--output", str(tmp_path)])
    changed = tmp_path / "contracts" / "openapi.yaml"
    changed.write_text("openapi: 3.1.0\n", encoding="utf-8")
    checked = CliRunner().invoke(contracts, ["--check", "--output", str(tmp_path)])
    assert checked.exit_code == 1
    assert "out of date: contracts/openapi.yaml; run `callannotate contracts`" in checked.output
    assert changed.read_text(encoding="utf-8") == "openapi: 3.1.0\n"


def test_the_help_shows_examples() -> None:
    shown = CliRunner().invoke(contracts, ["--help"])
    assert "callannotate contracts --check" in shown.output
