"""`callannotate graph`: the graph as it really is, drawn from its declaration."""

import click


@click.command(
    help="""Draw the graph that a call goes through, as text or as Mermaid.

\b
Examples:
  callannotate graph
  callannotate graph --format mermaid --engine pyannote
""",
)
@click.option("--format", "kind", type=click.Choice(["text", "mermaid"]), default="text", show_default=True)
@click.option("--engine", type=click.Choice(["onnx", "pyannote"]), default="onnx", show_default=True)
@click.option("--no-preprocess", is_flag=True, help="Without the stage that cleans the signal.")
def graph(kind: str, engine: str, no_preprocess: bool) -> None:
    """Declare the graph without loading a network."""
    from contracts.options import AnnotateOptions
    from runtime.drawing import draw_mermaid, draw_text
    from runtime.engine import outline
    from runtime.pipeline import annotation_flow

    flow = annotation_flow(outline(engine), AnnotateOptions(preprocess=not no_preprocess))
    click.echo(draw_mermaid(flow) if kind == "mermaid" else draw_text(flow), nl=False)
