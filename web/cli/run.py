"""Annotates recordings for the command line: all checks first, the networks loaded once, then call after call."""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import click

from contracts.errors import CATALOGUE, CallAnnotateError
from contracts.options import AnnotateOptions, Format
from runtime.call import annotate_call
from runtime.engine import Engine, load_engine
from runtime.voice_folder import read_known
from runtime.voices import voiceprint_model
from stages.audio_file import AudioFile
from stages.decode import open_audio
from stages.matching import KnownVoices
from web.cli.display import display
from web.cli.output import output_name, prepare_folder, write_standard_output, write_whole
from web.cli.pulling import pull_display
from web.exports import render


class Outcome:
    """Problems and warnings so far; the first one decides the exit code."""

    def __init__(self) -> None:
        self.exit_code = 0

    def note(self, line: str, exit_code: int | None) -> None:
        """Print a problem and remember the first one's exit code."""
        click.echo(f"callannotate: {line}", err=True)
        self.exit_code = self.exit_code or exit_code or 1


def annotate_files(
    files: Sequence[Path],
    options: AnnotateOptions,
    formats: Sequence[Format],
    output: Path | None,
    threads: int | None,
    progress: str,
    voices: Path | None = None,
) -> None:
    """Annotate every recording that can be; exits with the code of the first problem. Raises what concerns them all."""
    outcome = Outcome()
    if output is not None:
        prepare_folder(output, files)
    audio: list[AudioFile] = []
    for file in files:
        try:
            audio.append(open_audio(file, options.channels))
        except CallAnnotateError as error:
            outcome.note(str(error), error.fault.exit_code)
    if audio:
        with pull_display(progress) as pulling:
            engine = load_engine(options, threads, pulling)
        engine.check_language(options.language)
        known = None if voices is None else KnownVoices.of(read_known(voices, voiceprint_model(engine)))
        anyio.run(_annotate_all, engine, audio, options, formats, output, progress, outcome, known)
    sys.exit(outcome.exit_code)


async def _annotate_all(
    engine: Engine,
    audio: Sequence[AudioFile],
    options: AnnotateOptions,
    formats: Sequence[Format],
    output: Path | None,
    progress: str,
    outcome: Outcome,
    known: KnownVoices | None,
) -> None:
    for file in audio:
        try:
            with display(file.path.name, progress) as shown:
                annotation = await annotate_call(engine, file, options, shown.show, known=known)
            contents = {kind: render(annotation, kind, file.path.stem) for kind in formats}
            if output is not None:
                write_whole({output / output_name(file.path, kind): content for kind, content in contents.items()})
            for kind, content in contents.items() if output is None else ():
                titled = kind == "txt" and len(audio) > 1
                write_standard_output(b"==> %s <==\n%s\n" % (str(file.path).encode(), content) if titled else content)
        except CallAnnotateError as error:
            outcome.note(str(error), error.fault.exit_code)
            continue
        for notice in annotation.metadata.warnings:
            outcome.note(f"warning: {notice.message}", CATALOGUE[notice.code].exit_code)
