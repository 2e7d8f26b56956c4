"""`python -m benchmarks.contacts`, with few contacts."""

from click.testing import CliRunner

from benchmarks.contacts import main


def test_it_looks_everybody_up_and_prints_the_figure() -> None:
    done = CliRunner().invoke(main, ["--contacts", "20"])
    assert done.exit_code == 0, done.output
    assert "among 20 contacts, median of 20" in done.output
    assert "at most 10 ms" in done.output
