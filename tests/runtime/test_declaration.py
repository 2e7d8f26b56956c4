"""A graph that cannot work is refused when it is declared, by mypy or by a GraphError."""

import textwrap
from pathlib import Path

import mypy.api
import pytest

from runtime.graph import Flow, Graph, GraphError, Stage
from tests.runtime.parts import Collect, Stamp, Tick, Tock, ToTock


def test_a_graph_is_data_and_opens_nothing() -> None:
    graph = Graph("two")
    ticks = graph.source(Tick)
    flow = graph.flow(ticks, ticks.then("stamp", Stamp("stamp"), buffer=3), buffer=1)
    assert flow.name == "two"
    assert [node.name for node in flow.nodes] == ["source", "stamp", "result"]
    assert [node.joint for node in flow.nodes[1:]] == ["source -> stamp", "stamp -> result"]
    assert [node.buffer for node in flow.nodes[1:]] == [3, 1]


def test_a_merged_joint_is_named_after_all_its_senders() -> None:
    graph = Graph("merge")
    ticks = graph.source(Tick)
    first = ticks.then("first", Stamp("first"), buffer=1)
    second = ticks.then("second", ToTock(), buffer=1)
    flow = graph.flow(ticks, first | second, buffer=4)
    assert flow.nodes[-1].joint == "first | second -> result"
    assert flow.nodes[-1].receives == "Tick | Tock"


def test_a_name_is_used_once() -> None:
    graph = Graph("g")
    ticks = graph.source(Tick)
    ticks.then("stamp", Stamp("stamp"), buffer=1)
    with pytest.raises(GraphError, match="there is a stage called stamp already"):
        ticks.then("stamp", Stamp("stamp"), buffer=1)


@pytest.mark.parametrize("name", ["", "Stamp", "two words", "a->b", "1st"])
def test_a_name_that_cannot_be_read_in_an_error_is_refused(name: str) -> None:
    with pytest.raises(GraphError, match="is no name for a stage"):
        Graph("g").source(Tick).then(name, Stamp("stamp"), buffer=1)


def test_the_name_of_the_result_is_kept() -> None:
    with pytest.raises(GraphError, match="'result' belongs to the reader of the result"):
        Graph("g").source(Tick).then("result", Stamp("stamp"), buffer=1)


@pytest.mark.parametrize("buffer", [-1, float("inf"), True, None, "8"])
def test_a_buffer_must_be_a_finite_number_of_messages(buffer: int) -> None:
    graph = Graph("g")
    ticks = graph.source(Tick)
    with pytest.raises(GraphError, match="the buffer before stamp must be a number of messages"):
        ticks.then("stamp", Stamp("stamp"), buffer=buffer)
    with pytest.raises(GraphError, match="the buffer before result must be a number of messages"):
        graph.flow(ticks, ticks, buffer=buffer)


def test_a_handle_that_nobody_reads_is_named() -> None:
    graph = Graph("g")
    ticks = graph.source(Tick)
    used = ticks.then("used", Stamp("used"), buffer=1)
    used.then("lost", Stamp("lost"), buffer=1)
    ticks.then("forgotten", Collect(), buffer=1)
    with pytest.raises(GraphError, match=r"^g: nobody reads what is sent by lost, forgotten$"):
        graph.flow(ticks, used, buffer=1)


def test_a_result_of_another_graph_is_refused() -> None:
    graph, other = Graph("g"), Graph("other")
    ticks = graph.source(Tick)
    with pytest.raises(GraphError, match="the result is a stream of another graph, 'other'"):
        graph.flow(ticks, other.source(Tick), buffer=1)


def test_streams_of_two_graphs_do_not_merge() -> None:
    with pytest.raises(GraphError, match="a stream of graph 'a' cannot merge one of 'b'"):
        Graph("a").source(Tick) | Graph("b").source(Tick)


def test_the_source_of_another_graph_is_refused() -> None:
    graph, other = Graph("g"), Graph("other")
    stamped = graph.source(Tick).then("stamp", Stamp("stamp"), buffer=1)
    for wrong in (other.source(Tick), stamped):
        with pytest.raises(GraphError, match="must be the one that source"):
            graph.flow(wrong, stamped, buffer=1)


def test_a_stream_is_not_merged_with_itself() -> None:
    ticks = Graph("g").source(Tick)
    stamped = ticks.then("stamp", Stamp("stamp"), buffer=1)
    with pytest.raises(GraphError, match="stamp would come in twice"):
        (ticks | stamped) | stamped


def test_there_is_one_source() -> None:
    graph = Graph("g")
    graph.source(Tick)
    with pytest.raises(GraphError, match="there is a source already, source"):
        graph.source(Tock, "second")


def test_a_complete_graph_takes_no_more_stages() -> None:
    graph = Graph("g")
    ticks = graph.source(Tick)
    graph.flow(ticks, ticks, buffer=1)
    with pytest.raises(GraphError, match="the graph is complete, late cannot be added"):
        ticks.then("late", Stamp("late"), buffer=1)


def test_something_without_run_is_no_stage() -> None:
    not_a_stage: Stage[Tick, Tick] = object()  # type: ignore[assignment]
    with pytest.raises(GraphError, match=r"stamp is no stage: .* has no method run"):
        Graph("g").source(Tick).then("stamp", not_a_stage, buffer=1)


MYPY_CACHE = Path(__file__).parents[2] / ".mypy_cache"
"""The one of `make check`, so that anyio is not analysed again for each line below."""

PREFACE = """
from runtime.graph import Flow, Graph
from tests.runtime.parts import Count, Stamp, Tick, Tock, ToTock

graph = Graph("typed")
ticks = graph.source(Tick)
"""


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('flow: Flow[Tick, Tock] = graph.flow(ticks, ticks.then("t", ToTock(), buffer=1), buffer=1)', None),
        ('b = ticks | ticks.then("t", ToTock(), buffer=1); graph.flow(ticks, b, buffer=1)', None),
        ('ticks.then("t", ToTock(), buffer=1).then("s", Stamp("s"), buffer=1)', "arg-type"),
        ('(ticks | ticks.then("t", ToTock(), buffer=1)).then("s", Stamp("s"), buffer=1)', "arg-type"),
        ('ticks.then("s", Stamp("s"))', "call-arg"),
        ('flow: Flow[Tick, Tick] = graph.flow(ticks, ticks.then("t", ToTock(), buffer=1), buffer=1)', "arg-type"),
        ('graph.flow(ticks, ticks, buffer=1).open(Count(3))', None),
        ('g = Graph("g"); t = g.source(Tock); g.flow(t, t, buffer=1).open(Count(3))', "arg-type"),
    ],
)  # fmt: skip
def test_mypy_refuses_a_wrong_joint(line: str, error: str | None, tmp_path: Path) -> None:
    snippet = tmp_path / "snippet.py"
    snippet.write_text(textwrap.dedent(PREFACE) + line + "\n", encoding="utf-8")
    report, complaint, _ = mypy.api.run(["--strict", "--cache-dir", str(MYPY_CACHE), str(snippet)])
    assert not complaint
    if error is None:
        assert "Success" in report
    else:
        assert f"[{error}]" in report
        assert "Found 1 error" in report


def test_a_flow_can_be_typed_by_what_goes_in_and_comes_out() -> None:
    graph = Graph("typed")
    ticks = graph.source(Tick)
    flow: Flow[Tick, Tock] = graph.flow(ticks, ticks.then("tock", ToTock(), buffer=1), buffer=1)
    assert flow.nodes[-1].receives == "Tock"
