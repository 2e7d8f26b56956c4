"""Makes docs/commands.md from the command line itself; `callannotate contracts` writes it."""

import re
from collections.abc import Iterator
from typing import Final

import click

from web.cli import COMMANDS, cli

HEAD: Final = """# Commands

Made from the commands themselves by `callannotate contracts`; do not edit by hand. `callannotate COMMAND --help` prints
the same.

What was asked for goes to standard output, everything else (progress, warnings, errors) to standard error, so that
output can be piped. A failure is one line that says what was wrong, where, what is allowed and what to do, and the exit
code tells a script which one it was: [errors and exit codes](errors.md). `CALLANNOTATE_MODELS` says where the weights
lie ([models](models.md)), `CALLANNOTATE_KEY` is the [API key](access.md) for commands with `--url`, and
`CALLANNOTATE_DEBUG=1` shows the traceback of a mistake of ours. Commands that work on a volume and the server itself
take [settings](settings.md) from the environment and from the file that `CONFIG_PATH` names.

"""
Found = tuple[click.Context, click.Command]


def page() -> str:
    """The page as Markdown: a list, then a section for each command."""
    found = list(commands())
    listed = "".join(
        f"| [`{context.command_path}`](#{context.command_path.replace(' ', '-')}) | {_line(context, command)} |\n"
        for context, command in found
    )
    return f"{HEAD}| command | |\n|---|---|\n{listed}" + "".join(
        _section(context, command) for context, command in found
    )


def commands() -> Iterator[Found]:
    """Every command and every group, each with its context, in the order of the help."""
    root = click.Context(cli, info_name="callannotate")
    for name in COMMANDS:
        command = cli.get_command(root, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=root)
        yield context, command
        for under, below in command.commands.items() if isinstance(command, click.Group) else ():
            yield click.Context(below, info_name=under, parent=context), below


def examples(command: click.Command) -> list[str]:
    """The lines of the examples in its help."""
    return [line for title, lines in _blocks(command.help or "") if title.startswith("Example") for line in lines]


def _line(context: click.Context, command: click.Command) -> str:
    top = context.parent is not None and context.parent.parent is None
    return COMMANDS[str(context.info_name)][1] if top else command.get_short_help_str(limit=200)


def _section(context: click.Context, command: click.Command) -> str:
    """Usage, what the help says, the options."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [f"\n## {context.command_path}\n", f"`{usage}`\n"]
    for title, lines in _blocks(f"{command.help or ''}\n\n{command.epilog or ''}"):
        if title.startswith("Example"):
            parts.append("\n".join(["```sh", *lines, "```\n"]))
        elif title:
            parts.append("\n".join(["```text", title, *(f"  {line}" for line in lines), "```\n"]))
        else:
            parts.append("\n".join(lines) + "\n")
    records = [parameter.get_help_record(context) for parameter in command.params]
    rows = [f"| `{_cell(record[0])}` | {_cell(record[1])} |" for record in records if record and record[1]]
    if rows:
        parts.append("\n".join(["| option | |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    r"""Paragraphs of a help; those that click is not to wrap (\b) with their first line as their title."""
    for paragraph in re.split(r"\n[ \t]*\n", text.strip()):
        lines = [line.strip() for line in paragraph.splitlines() if line.strip()]
        if lines[:1] == ["\b"]:
            yield lines[1], lines[2:]
        elif lines:
            yield "", lines


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
