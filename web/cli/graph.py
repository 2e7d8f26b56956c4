"""`callannotate graph`: the graph as it really is, drawn from its declaration."""

import click


@click.command(
    help="""Draw the graph that a call goes through, as text or as Mermaid.

\b
Examples:
  callannotate graph
  callannotate graph --format mermaid --engine pyannote
  callannotate graph --live
""",
)
@click.option(
    "--format", "kind", type=click.Choice(["text", "mermaid"]), default="text", show_default=True,
    help="For people, or for a page of Markdown.",
)  # fmt: skip
@click.option(
    "--engine", type=click.Choice(["onnx", "pyannote"]), default="onnx", show_default=True,
    help="Whose graph: the default diarization engine's, or the other one's.",
)  # fmt: skip
@click.option("--no-preprocess", is_flag=True, help="Without the stage that cleans the signal.")
@click.option("--live", is_flag=True, help="The graph that tells a live call at once, beside the other one.")
def graph(kind: str, engine: str, no_preprocess: bool, live: bool) -> None:
    """Declare the graph without loading a network."""
    from contracts.live_speech import LiveOptions
    from contracts.options import AnnotateOptions
    from runtime.drawing import draw_mermaid, draw_text
    from runtime.engine import outline
    from runtime.lane import Lane
    from runtime.pipeline import annotation_flow, live_flow

    networks = outline(engine)
    if live:
        drawing = draw_mermaid if kind == "mermaid" else draw_text
        click.echo(drawing(live_flow(networks, Lane(networks), lambda _second: LiveOptions())), nl=False)
        return
    flow = annotation_flow(networks, AnnotateOptions(preprocess=not no_preprocess))
    click.echo(draw_mermaid(flow) if kind == "mermaid" else draw_text(flow), nl=False)
