"""Pictures of a declared graph: Mermaid for a page, and text for a terminal."""

from collections.abc import Iterator
from typing import Final, Never

from runtime.graph import Flow
from runtime.stage import Node

WIDTH: Final = 100
"""Columns that a drawing in text has at most."""


def draw_mermaid(flow: Flow[Never, object]) -> str:
    """A Mermaid flowchart; every arrow names the type of message and the buffer of the joint that it goes into."""
    identity = {node: f"n{number}" for number, node in enumerate(flow.nodes)}
    lines = ["---", f"title: {flow.name}", "---", "flowchart TD"]
    for node in flow.nodes:
        opening, closing = ("[", "]") if node.stage is not None else ("([", "])")
        lines.append(f'    {identity[node]}{opening}"{node.name}"{closing}')
    for node in flow.nodes:
        for producer in node.producers:
            label = f"{producer.sends}, buffer {node.buffer}".replace('"', "#quot;")
            lines.append(f'    {identity[producer]} -- "{label}" --> {identity[node]}')
    return "\n".join(lines) + "\n"


def draw_text(flow: Flow[Never, object]) -> str:
    """The graph as rails that part and meet, one stage a line, with the joint in front of it; at most WIDTH columns."""
    rows = list(_rows(flow.nodes))
    rails = max(len(rail) for rail, _ in rows)
    names = max(len(node.name) for node in flow.nodes)
    types = max(len(node.receives) for node in flow.nodes)
    buffers = max(len(str(node.buffer)) for node in flow.nodes)
    room = WIDTH - (rails + 2 + names + 2 + len("buffer ") + buffers + 2)
    lines = [flow.name, ""]
    for rail, node in rows:
        if node is None:
            lines.append(rail)
        elif not node.producers:
            lines.append(f"{rail:{rails}}  {node.name}")
        else:
            joint = f"buffer {node.buffer:>{buffers}}  {_shortened(node.receives, min(types, room))}"
            lines.append(f"{rail:{rails}}  {node.name:{names}}  {joint}")
    return "\n".join(line.rstrip()[:WIDTH] for line in lines) + "\n"


def _shortened(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)] + "…"


def _rows(nodes: tuple[Node, ...]) -> Iterator[tuple[str, Node | None]]:
    """Lines of rails, with the node that stands on each or None for the lines between."""
    rails: list[Node | None] = []
    """Where each column's rail leads; None for a free column."""
    parted = False
    for node in nodes:
        incoming = [column for column, target in enumerate(rails) if target is node]
        if not incoming:
            incoming = [0]
            rails.append(node)
        elif len(incoming) > 1 or not parted:
            yield _joined(rails, incoming, "╯"), None
        here = incoming[0]
        for column in incoming[1:]:
            rails[column] = None
        taken = [target is not None for target in rails]
        yield "".join(_at(column == here, "●" if node.stage is not None else "◆", on) for column, on in
                      enumerate(taken)).rstrip(), node  # fmt: skip
        readers = [reader for reader in nodes if node in reader.producers]
        rails[here] = readers[0] if readers else None
        outgoing = [here]
        for reader in readers[1:]:
            free = [column for column, target in enumerate(rails) if target is None and column > here]
            if not free:
                rails.append(None)
                free = [len(rails) - 1]
            rails[free[0]] = reader
            outgoing.append(free[0])
        parted = len(outgoing) > 1
        if parted:
            yield _joined(rails, outgoing, "╮"), None


def _at(chosen: bool, mark: str, rail: bool) -> str:
    """One column of a stage's line, two characters wide."""
    return (mark if chosen else "│" if rail else " ") + " "


def _joined(rails: list[Node | None], columns: list[int], corner: str) -> str:
    """A line on which the rails of the columns part from the first, or meet it; others run on."""
    line = ""
    for column, target in enumerate(rails):
        across = columns[0] <= column < columns[-1] and len(columns) > 1
        if column == columns[0]:
            mark = "├" if across else "│"
        elif column == columns[-1]:
            mark = corner
        elif column in columns:
            mark = "┬" if corner == "╮" else "┴"
        elif across:
            mark = "┼" if target is not None else "─"
        else:
            mark = "│" if target is not None else " "
        line += mark + ("─" if across else " ")
    return line.rstrip()
