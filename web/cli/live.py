"""`callannotate live`: a call while it goes on."""

from pathlib import Path
from typing import get_args

import click

from contracts.errors import INVALID_OPTION, CallAnnotateError
from contracts.live_audio import Encoding
from contracts.options import ChannelMode, Format
from web.cli.output import wanted_formats

EXIT_CODES = """
\b
Exit codes:
  0       the call was annotated to its end   2      wrong use of an option
  10-19   the audio can't be used             20-26  models, of a server of its own
  30-31   an output can't be written          60-66  settings, volume
  70-73   the server, the session, the microphone
  50-59   annotated, with a warning           130    given up
All of them, one by one: docs/errors.md. The protocol: docs/live.md.
"""


@click.command(
    epilog=EXIT_CODES,
    help="""Transcribe a call while it goes on: a recording, played at its own speed, standard input, or the microphone.

What is said is shown on standard error as it is said; the transcript of the whole call goes to standard output in the
end. Ctrl-C ends the audio and waits for the transcript; a second one gives up. Without --url a server is started
for this call alone.

\b
Examples:
  callannotate live call.wav
  callannotate live --microphone --language ru --format srt > talk.srt
  callannotate live --url ws://calls.example:8000 --save call.wav
  arecord -f S16_LE -r 16000 | callannotate live -
  ffmpeg -i rtsp://camera -f s16le -ar 16000 -ac 1 - | callannotate live -
  callannotate live --as-fast-as-possible --progress json call.wav 2> messages.jsonl
""",
)
@click.argument("file", required=False, metavar="FILE|-")
@click.option("--microphone", is_flag=True, help="Listen to the microphone; needs callannotate[microphone].")
@click.option("--device", help="Microphone by number or name; `python -m sounddevice` lists them.")
@click.option("--url", metavar="URL", help="Server, such as ws://127.0.0.1:8000.  [default: one of its own]")
@click.option("--language", default="auto", show_default=True, help="Language code such as en or ru.")
@click.option(
    "--channels",
    type=click.Choice(get_args(ChannelMode)),
    default="auto",
    show_default=True,
    help="Stereo: a side each, a mix, or what the signal says.",
)
@click.option("--vocabulary", multiple=True, metavar="WORD", help="A name or term to expect; repeat for several.")
@click.option("--no-partials", is_flag=True, help="Only what is final.")
@click.option("--no-diarize", is_flag=True, help="Do not tell voices apart.")
@click.option("--save", is_flag=True, help="Keep the call as a job of the server, with its audio.")
@click.option("--speed", type=click.FloatRange(0.1, 100), help="Times real time, where the server allows it.")
@click.option("--as-fast-as-possible", is_flag=True, help="As fast as the server takes it, where it allows that.")
@click.option(
    "--encoding", type=click.Choice(get_args(Encoding)), default="pcm_s16le", show_default=True,
    help="Of samples without a header on standard input.",
)  # fmt: skip
@click.option(
    "--sample-rate", type=click.IntRange(8000, 48_000), default=16_000, show_default=True, help="Of the same, in Hz."
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(get_args(Format)),
    help="Repeat for several.  [default: txt; json with --output]",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write DIR/<name>.<format> instead.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "json", "none"]),
    default="auto",
    show_default=True,
    help="auto: text as it is said; json: every message of the server as a line.",
)
def live(
    file: str | None,
    microphone: bool,
    device: str | None,
    url: str | None,
    language: str,
    channels: ChannelMode,
    vocabulary: tuple[str, ...],
    no_partials: bool,
    no_diarize: bool,
    save: bool,
    speed: float | None,
    as_fast_as_possible: bool,
    encoding: Encoding,
    sample_rate: int,
    formats: tuple[Format, ...],
    output: Path | None,
    progress: str,
) -> None:
    """Check the options, then hand over to the runner, which imports the rest."""
    if (file is None) != microphone:
        raise CallAnnotateError(
            INVALID_OPTION, option="FILE", problem="there is no audio, or too much", allowed="FILE, -, or --microphone"
        )
    if as_fast_as_possible and (speed is not None or file in {None, "-"}):
        raise CallAnnotateError(
            INVALID_OPTION, option="--as-fast-as-possible", problem="does not go with the others",
            allowed="with FILE and without --speed",
        )  # fmt: skip
    wanted = wanted_formats(formats, output)
    from web.cli.live_run import LiveOptions, run_live

    run_live(
        LiveOptions(
            file=file,
            device=device,
            url=url,
            language=None if language == "auto" else language,
            channels=channels,
            vocabulary=vocabulary,
            partials=not no_partials,
            diarize=not no_diarize,
            save=save,
            speed=None if as_fast_as_possible else speed or 1.0,
            encoding=encoding,
            sample_rate=sample_rate,
            formats=wanted,
            output=output,
            progress=progress,
        )
    )
