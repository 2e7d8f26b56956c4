"""`callannotate annotate`: recordings in, transcripts out."""

from pathlib import Path
from typing import Final, get_args

import click

from contracts.errors import INVALID_OPTION, CallAnnotateError
from contracts.options import AnnotateOptions, ChannelMode, Engine, Format, Task
from web.cli.output import wanted_formats

EXIT_CODES: Final = """
\b
Exit codes:
  0       every call was annotated
  1       our own mistake            2       wrong use of an option
  10-19   a recording can't be used  20-27   a language, a model or weights
  30-31   an output can't be written 40      a stage failed
  50-59   annotated, with a warning  130     interrupted
All of them, one by one: docs/errors.md. With several files all are tried, and the first problem decides.
"""


@click.command(
    epilog=EXIT_CODES,
    help="""Annotate recordings (WAV, MP3, FLAC, Ogg Opus): who spoke when, and what they said.

\b
Examples:
  callannotate annotate call.wav
  callannotate annotate --language ru --speakers 2 --format srt call.mp3
  callannotate annotate --format json --format vtt --output results calls/*.wav
  callannotate annotate --voices people call.wav
  callannotate annotate --task translate --prompt "Anna Smirnova, Moscow" call.wav
  callannotate annotate --progress json call.wav 2> progress.jsonl
""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option(
    "--language", default="auto", show_default=True, help="Language code such as en or ru; auto detects each stretch."
)
@click.option("--speakers", type=click.IntRange(1, 100), help="Exact number of speakers, where it is known.")
@click.option("--min-speakers", type=click.IntRange(1, 100), help="Fewest speakers.")
@click.option("--max-speakers", type=click.IntRange(1, 100), help="Most speakers.")
@click.option(
    "--channels",
    type=click.Choice(get_args(ChannelMode)),
    default="auto",
    show_default=True,
    help="Stereo: a side each, a mix, or what the signal says.",
)
@click.option(
    "--model",
    default="whisper-base",
    show_default=True,
    help="Whisper weights: a name of `callannotate models list`, a hub id, or a folder.",
)
@click.option(
    "--engine",
    type=click.Choice(get_args(Engine)),
    default="onnx",
    show_default=True,
    help="Diarization engine; pyannote needs the extra callannotate[pyannote].",
)
@click.option(
    "--pipeline",
    help="With --engine pyannote: a pipeline's folder or hub id instead of the built-in two networks.",
)
@click.option(
    "--voices",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Name known voices: those of a server's volume, or a folder of .vec and .npy files called after people.",
)
@click.option(
    "--task",
    type=click.Choice(get_args(Task)),
    default="transcribe",
    show_default=True,
    help="translate: the text in English, whatever is spoken.",
)
@click.option("--prompt", default="", help="Words that may be said, such as names, for their spelling.")
@click.option("--no-preprocess", is_flag=True, help="Leave DC, rumble and level as they are.")
@click.option("--threads", type=click.IntRange(1, 256), help="Threads for the networks.  [default: all cores]")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(get_args(Format)),
    help="Repeat for several.  [default: txt; json with --output]",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write DIR/<name>.<format> instead of to standard output.",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "json", "none"]),
    default="auto",
    show_default=True,
    help="auto: a bar on a terminal; json: JSON lines on standard error.",
)
def annotate(
    files: tuple[Path, ...],
    language: str,
    speakers: int | None,
    min_speakers: int | None,
    max_speakers: int | None,
    channels: ChannelMode,
    model: str,
    engine: Engine,
    pipeline: str | None,
    voices: Path | None,
    task: Task,
    prompt: str,
    no_preprocess: bool,
    threads: int | None,
    formats: tuple[Format, ...],
    output: Path | None,
    progress: str,
) -> None:
    """Check the options, then hand over to the runner, which imports the engine."""
    fewest, most = speaker_bounds(speakers, min_speakers, max_speakers)
    wanted = wanted_formats(formats, output)
    if pipeline is not None and engine != "pyannote":
        raise CallAnnotateError(
            INVALID_OPTION, option="--pipeline", problem="needs the other engine", allowed="with --engine pyannote",
        )  # fmt: skip
    options = AnnotateOptions(
        language=None if language == "auto" else language,
        min_speakers=fewest,
        max_speakers=most,
        channels=channels,
        model=model,
        engine=engine,
        pipeline=pipeline,
        preprocess=not no_preprocess,
        task=task,
        prompt=prompt,
    )
    from web.cli.run import annotate_files

    annotate_files(files, options, wanted, output, threads, progress, voices)


def speaker_bounds(exact: int | None, fewest: int | None, most: int | None) -> tuple[int, int | None]:
    """The bounds on the number of speakers; raises INVALID_OPTION where the options contradict each other."""
    if exact is not None and (fewest is not None or most is not None):
        raise CallAnnotateError(
            INVALID_OPTION, option="--speakers", problem="stands beside --min-speakers or --max-speakers",
            allowed="either the exact number, or bounds",
        )  # fmt: skip
    if exact is not None:
        return exact, exact
    if fewest is not None and most is not None and fewest > most:
        raise CallAnnotateError(
            INVALID_OPTION, option="--min-speakers", problem=f"{fewest} is more than --max-speakers {most}",
            allowed="bounds in order",
        )  # fmt: skip
    return fewest or 1, most
