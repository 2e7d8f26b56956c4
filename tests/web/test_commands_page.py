"""docs/commands.md and the help that it is made from."""

import re
import shlex

import click
import pytest

from web.cli import COMMANDS, cli
from web.cli.commands_page import Found, commands, examples, page

ALL = list(commands())
EXAMPLES = sorted({line for _, command in [(None, cli), *ALL] for line in examples(command)})


def test_every_command_has_its_section_and_every_option_its_row() -> None:
    sections = dict(re.findall(r"^## (callannotate .*?)\n(.*?)(?=^## |\Z)", page(), re.DOTALL | re.MULTILINE))
    assert list(sections) == [context.command_path for context, _ in ALL]
    assert {name.split()[1] for name in sections} == set(COMMANDS)
    for context, command in ALL:
        options = [name for option in command.params if isinstance(option, click.Option) for name in option.opts]
        assert [name for name in options if name not in sections[context.command_path]] == []


@pytest.mark.parametrize("found", ALL, ids=lambda found: found[0].command_path)
def test_every_command_says_what_it_does_and_so_does_every_option(found: Found) -> None:
    _, command = found
    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_of_itself(name: str) -> None:
    own = [examples(command) for context, command in ALL if context.command_path.split()[1] == name]
    assert [line for lines in own for line in lines if f"callannotate {name}" in line]


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_is_taken_by_the_command_line(line: str) -> None:
    """Read as far as its options and arguments; nothing is carried out."""
    (words,) = [part for part in _commands_of(line) if "callannotate" in part]
    rest = words[words.index("callannotate") + 1 :]
    context = cli.make_context("callannotate", rest, resilient_parsing=False)
    while isinstance(context.command, click.Group):
        left = [*context._protected_args, *context.args]
        name, command, arguments = context.command.resolve_command(context, left)
        assert command is not None
        context = command.make_context(name, arguments, parent=context)


def _commands_of(line: str) -> list[list[str]]:
    """The words of each command of a line, without what the shell does with files."""
    parts: list[list[str]] = [[]]
    words = iter(shlex.split(line, comments=True))
    for word in words:
        if word in {"|", "&&"}:
            parts.append([])
        elif word in {">", "2>", "<"}:
            next(words)
        else:
            parts[-1].append(word)
    return parts
