"""A graph can be drawn: Mermaid for a page, rails for a terminal of a hundred columns."""

import re
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING

from anyio.abc import ObjectReceiveStream, ObjectSendStream
from hypothesis import given

from runtime.drawing import WIDTH, draw_mermaid, draw_text
from runtime.graph import Flow, Graph
from tests.runtime.parts import Stamp, Tick, Tock, ToTock
from tests.runtime.test_properties import Plan, build, plans

if TYPE_CHECKING:
    from decimal import Decimal


@dataclass(frozen=True)
class Both:
    async def run(self, receive: ObjectReceiveStream[Tick | Tock], send: ObjectSendStream[Tick]) -> None: ...


@dataclass(frozen=True)
class Unknowable:
    """Its message type exists for the type checker only."""

    async def run(self, receive: ObjectReceiveStream[Tick], send: "ObjectSendStream[Decimal]") -> None: ...


def diamond() -> Flow[Tick, Tick]:
    graph = Graph("diamond")
    ticks = graph.source(Tick, "decode")
    clean = ticks.then("clean", Stamp("clean"), buffer=8)
    left = clean.then("left", Stamp("left"), buffer=2)
    right = clean.then("right", Stamp("right"), buffer=4).then("far_right", ToTock(), buffer=4)
    return graph.flow(ticks, (left | right).then("join", Both(), buffer=16), buffer=1)


def test_text_shows_stages_joints_buffers_and_messages() -> None:
    expected = """\
        diamond

        ◆    decode
        │
        ●    clean      buffer  8  Tick
        ├─╮
        ● │  left       buffer  2  Tick
        │ │
        │ ●  right      buffer  4  Tick
        │ │
        │ ●  far_right  buffer  4  Tick
        ├─╯
        ●    join       buffer 16  Tick | Tock
        │
        ◆    result     buffer  1  Tick
        """
    assert draw_text(diamond()) == dedent(expected)


def test_mermaid_shows_stages_joints_buffers_and_messages() -> None:
    expected = """\
        ---
        title: diamond
        ---
        flowchart TD
            n0(["decode"])
            n1["clean"]
            n2["left"]
            n3["right"]
            n4["far_right"]
            n5["join"]
            n6(["result"])
            n0 -- "Tick, buffer 8" --> n1
            n1 -- "Tick, buffer 2" --> n2
            n1 -- "Tick, buffer 4" --> n3
            n3 -- "Tick, buffer 4" --> n4
            n2 -- "Tick, buffer 16" --> n5
            n4 -- "Tock, buffer 16" --> n5
            n5 -- "Tick, buffer 1" --> n6
        """
    assert draw_mermaid(diamond()) == dedent(expected)


def test_a_message_type_that_cannot_be_told_is_a_question_mark() -> None:
    graph = Graph("g")
    ticks = graph.source(Tick)
    flow = graph.flow(ticks, ticks.then("odd", Unknowable(), buffer=1), buffer=1)
    assert draw_text(flow).endswith("result  buffer 1  ?\n")


def test_a_long_name_is_cut_at_the_edge() -> None:
    message: type[Tick] = type("Message" * 20, (Tick,), {})
    graph = Graph("g")
    ticks = graph.source(message)
    flow = graph.flow(ticks, ticks.then("a", Stamp("a"), buffer=1), buffer=1)
    line = draw_text(flow).splitlines()[4]
    assert len(line) == WIDTH
    assert "MessageMessage" in line
    assert line.endswith("…")


@given(plan=plans())
def test_any_graph_fits_and_its_rails_meet_at_every_stage(plan: Plan) -> None:
    flow = build(plan)
    lines = draw_text(flow).splitlines()[2:]
    assert all(len(line) <= WIDTH for line in lines)
    drawn = [match[1] for line in lines if (match := re.search(r"[●◆][ │]*(\w+)", line))]
    assert drawn == [node.name for node in flow.nodes]
    for above, below in pairwise(lines):
        for column, mark in enumerate(rail(above)):
            goes_down = mark in "│├┼┬╮●◆"
            comes_up = rail(below).ljust(len(above))[column] in "│├┼┴╯●◆"
            assert goes_down == comes_up, f"{above}\n{below}"


def rail(line: str) -> str:
    """The part of a line that is drawn, without names."""
    return re.split(r"\w", line, maxsplit=1)[0]


@given(plan=plans())
def test_mermaid_draws_one_arrow_for_each_sender_of_each_joint(plan: Plan) -> None:
    flow = build(plan)
    arrows = re.findall(r'^    n(\d+) -- "Tick, buffer (\d+)" --> n(\d+)$', draw_mermaid(flow), re.MULTILINE)
    number = {node: index for index, node in enumerate(flow.nodes)}
    expected = [
        (str(number[producer]), str(node.buffer), str(number[node]))
        for node in flow.nodes
        for producer in node.producers
    ]
    assert arrows == expected
