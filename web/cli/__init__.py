"""The command line. Subcommands are imported when they are called, so that --help needs no model library."""

import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click

from contracts.errors import INTERNAL, INTERRUPTED, CallAnnotateError

COMMANDS: Final = {
    "annotate": ("web.cli.annotate:annotate", "Annotate recordings: who spoke when, and what they said."),
    "live": ("web.cli.live:live", "Transcribe a call while it goes on: a file, a pipe or the microphone."),
    "serve": ("web.cli.serve:serve", "Serve the REST and WebSocket interfaces."),
    "health": ("web.cli.health:health", "Ask a server how it feels."),
    "contracts": ("web.cli.contracts:contracts", "Write the OpenAPI and AsyncAPI documents."),
    "graph": ("web.cli.graph:graph", "Draw the graph that a call goes through."),
    "voices": ("web.cli.voices:voices_group", "Enrol, list and remove people whose voices are known."),
    "contacts": ("web.cli.contacts:contacts_group", "Contacts of the CardDAV address books."),
    "webhooks": ("web.cli.webhooks:webhooks_group", "Messages about jobs that have ended."),
    "keys": ("web.cli.keys:keys_group", "API keys: who may use the server."),
    "models": ("web.cli.models:models_group", "List, fetch and remove the weights."),
}
"""Name: where the command is, and its line in the help."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, and not to print the list."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command called `cmd_name`, or None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="callannotate", prog_name="callannotate")
def cli() -> None:
    """Annotated transcripts of telephone calls, on CPU, on your own machine.

    \b
    Examples:
      callannotate annotate call.wav
      callannotate annotate --language ru --speakers 2 --format srt call.mp3
      callannotate annotate --format json --format vtt --output results calls/*.wav
      callannotate live --microphone
      callannotate serve --port 8000
      callannotate models list
    """


def main() -> NoReturn:
    """Run the command line; every failure becomes one line on standard error and its documented exit code."""
    try:
        # Not cli(): click would turn Ctrl-C into an empty line and an Abort of its own.
        with cli.make_context("callannotate", sys.argv[1:]) as context:
            cli.invoke(context)
    except CallAnnotateError as error:
        _fail(error)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _fail(CallAnnotateError(INTERRUPTED))
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); standard output must not be flushed into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(INTERNAL.exit_code)
    except Exception as error:
        if os.environ.get("CALLANNOTATE_DEBUG"):
            raise
        _fail(CallAnnotateError(INTERNAL, stage=type(error).__name__, cause=str(error) or "no message"))
    sys.exit(0)


def _fail(error: CallAnnotateError) -> NoReturn:
    click.echo(f"callannotate: {error}", err=True)
    sys.exit(error.fault.exit_code or INTERNAL.exit_code)
