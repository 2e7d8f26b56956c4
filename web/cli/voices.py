"""`callannotate voices`: enrol people, list, rename and remove them, on a volume or over a server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

EXIT_CODES: Final = """
\b
Exit codes: 0 done, 2 wrong use, 10-19 the file, 63-66 the volume or its database, 74 the server, 80-83 why a recording
is no good sample, 84-89 voices. All of them, one by one: docs/errors.md.
"""
F = TypeVar("F", bound=Callable[..., Any])


def _place(command: F) -> F:
    """The options that say whose voices they are."""
    url = click.option("--url", help="A running server, such as http://127.0.0.1:8000.")
    volume = click.option(
        "--volume", type=click.Path(path_type=Path), metavar="DIR",
        help="A volume that no server works on.  [default: VOLUME_PATH]",
    )  # fmt: skip
    return url(volume(command))


def _person(command: F) -> F:
    """Who is enrolled with which files, and whose voices they are."""
    name = click.argument("name")
    files = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
    note = click.option("--note", default="", help="For people; never in a result.")
    return name(files(note(_place(command))))


@click.group(
    help="""Enrol people whose voices are to be recognised.

A VOICE is its name or its id. Without --url the command works on the volume itself (VOLUME_PATH, as the server takes
it), and no server may be at work there; with --url it asks that server, with the API key in CALLANNOTATE_KEY where one
is needed.

\b
Examples:
  callannotate voices add "Anna Smirnova" anna-1.wav anna-2.mp3
  callannotate voices list --url http://127.0.0.1:8000
  callannotate voices export "Anna Smirnova" anna.vec
  callannotate voices remove "Anna Smirnova" --forget-results
"""
)
def voices_group() -> None:
    """Hold the commands together."""


@voices_group.command(name="list", epilog=EXIT_CODES, short_help="List the voices.")
@click.option("--name", help="Only voices with this in their names.")
@_place
def list_command(name: str | None, url: str | None, volume: Path | None) -> None:
    """List the voices in the order of their names."""
    from web.cli.voices_run import list_voices

    list_voices(url, volume, name)


@voices_group.command(
    epilog=EXIT_CODES,
    short_help="Enrol a person, or add samples.",
    help="""Enrol the person called NAME with recordings in which nobody else speaks: 30 s of clean speech at best.

Where a voice has this name already, the files are further samples of it. A file may also hold voiceprints (.npy,
.vec); its content decides.

\b
Example:
  callannotate voices add "Anna Smirnova" anna-1.wav anna-2.mp3
""",
)
@_person
def add(name: str, files: tuple[Path, ...], note: str, url: str | None, volume: Path | None) -> None:
    """Enrol recordings or voiceprints."""
    from web.cli.voices_run import add_files

    add_files(url, volume, name, files, note, only_voiceprints=False)


@voices_group.command(
    name="import",
    epilog=EXIT_CODES,
    short_help="Enrol a person by files of voiceprints.",
    help="""Enrol the person called NAME with voiceprints: .npy, or .vec (docs/rest.md says what is in them).

\b
Example:
  callannotate voices import "Anna Smirnova" anna.vec
""",
)
@_person
def import_command(name: str, files: tuple[Path, ...], note: str, url: str | None, volume: Path | None) -> None:
    """Enrol voiceprints, and nothing else."""
    from web.cli.voices_run import add_files

    add_files(url, volume, name, files, note, only_voiceprints=True)


@voices_group.command(
    epilog=EXIT_CODES,
    short_help="Enrol a speaker of a finished job.",
    help="""Enrol a speaker of a finished job as the person called NAME, or as a further sample of that voice.

\b
Example:
  callannotate voices enrol 550e8400-e29b-41d4-a716-446655440000 speaker_1 "Anna Smirnova"
""",
)
@click.argument("job_id", metavar="JOB")
@click.argument("speaker_id", metavar="SPEAKER")
@click.argument("name")
@_place
def enrol(job_id: str, speaker_id: str, name: str, url: str | None, volume: Path | None) -> None:
    """Enrol out of a job's recording."""
    from web.cli.voices_run import enrol_speaker

    enrol_speaker(url, volume, job_id, speaker_id, name)


@voices_group.command(epilog=EXIT_CODES, short_help="Show a voice and its samples.")
@click.argument("voice")
@_place
def show(voice: str, url: str | None, volume: Path | None) -> None:
    """Show a voice and its samples, as JSON."""
    from web.cli.voices_run import show_voice

    show_voice(url, volume, voice)


@voices_group.command(
    epilog=EXIT_CODES,
    short_help="Give a voice another name.",
    help="""Give a voice another name; results that are there already keep the old one.

\b
Example:
  callannotate voices rename "Anna Smirnova" "Anna Petrova"
""",
)
@click.argument("voice")
@click.argument("name")
@click.option("--note", help="For people; as it was where this is not given.")
@_place
def rename(voice: str, name: str, note: str | None, url: str | None, volume: Path | None) -> None:
    """Rename a voice."""
    from web.cli.voices_run import rename_voice

    rename_voice(url, volume, voice, name, note)


@voices_group.command(
    epilog=EXIT_CODES,
    short_help="Delete a voice, or one sample of it.",
    help="""Delete a voice with its samples and voiceprints; nothing of it is left on the volume.

\b
Examples:
  callannotate voices remove "Anna Smirnova"
  callannotate voices remove "Anna Smirnova" --sample 0d9f6c1e-8a3b-4f27-a5d4-6b1c2e3f4a5b
""",
)
@click.argument("voice")
@click.option("--sample", help="Only the sample with this id.")
@click.option("--forget-results", is_flag=True, help="Take the name out of results of finished jobs as well.")
@_place
def remove(voice: str, sample: str | None, forget_results: bool, url: str | None, volume: Path | None) -> None:
    """Delete a voice."""
    from web.cli.voices_run import remove_voice

    remove_voice(url, volume, voice, sample, forget_results=forget_results)


@voices_group.command(
    epilog=EXIT_CODES,
    short_help="Write the voiceprints of a voice to a file.",
    help="""Write the voiceprints of a voice to FILE: .npy, or .vec, which is text. These are biometric data.

\b
Example:
  callannotate voices export "Anna Smirnova" anna.vec
""",
)
@click.argument("voice")
@click.argument("file", type=click.Path(path_type=Path))
@_place
def export(voice: str, file: Path, url: str | None, volume: Path | None) -> None:
    """Export voiceprints."""
    from web.cli.voices_run import export_voice

    export_voice(url, volume, voice, file)


@voices_group.command(
    name="re-enrol",
    epilog=EXIT_CODES,
    short_help="Make voiceprints anew from kept samples.",
    help="""Make voiceprints anew, of one VOICE or of all, from the samples whose audio was kept.

A server does so by itself at its start, where another model made them.

\b
Example:
  callannotate voices re-enrol
""",
)
@click.argument("voice", required=False)
@click.option("--volume", type=click.Path(path_type=Path), metavar="DIR", help="[default: VOLUME_PATH]")
def re_enrol(voice: str | None, volume: Path | None) -> None:
    """Enrol kept samples again."""
    from web.cli.voices_run import renew_voices

    renew_voices(volume, voice)
