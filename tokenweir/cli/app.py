"""`tokenweir`: the group of commands, and what every command's end means to the shell.

Law of this file: names, exit codes, and errors as one line each. A command's file is imported only
when it is called, so that none pays for what another needs.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import click

from tokenweir.cli.worded import parameters, worded
from tokenweir.pipeline.errors import MisuseError, TokenweirError
from tokenweir.pipeline.visible import visible

COMMANDS: Mapping[str, str] = {
    "demo": "tokenweir.cli.demo:demo",
    "chat": "tokenweir.cli.chat:chat",
    "decode": "tokenweir.cli.decode:decode",
    "models": "tokenweir.cli.models:models",
    "load": "tokenweir.cli.load:load",
    "doctor": "tokenweir.cli.doctor:doctor",
    "serve": "tokenweir.cli.serve:serve",
    "record": "tokenweir.cli.record:record",
    "replay": "tokenweir.cli.replay:replay",
    "simulate": "tokenweir.cli.simulate:simulate",
}
"""Command name -> `module:function`, in the order of `--help`."""

NEEDED: Mapping[str, tuple[str, ...]] = {"serve": ("yaml", "prometheus_client")}
"""Command name -> what it needs beside the extra `cli`."""

COMPLETE, INCOMPLETE, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
READER_LEFT = 141
"""Exit codes. The last one is what a program that dies of SIGPIPE leaves: `| head` took enough."""


class Failed(click.ClickException):
    """What went wrong, as one line on standard error."""

    exit_code = INCOMPLETE

    def __init__(self, message: str) -> None:
        super().__init__(visible(" ".join(message.split())))


class WrongUse(Failed):
    """The same, where another command line is what helps."""

    exit_code = WRONG_USE


class Commands(click.Group):
    """The commands, imported when they are asked for. Each gives back its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, the first to try first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """The command of that name."""
        if any(find_spec(name) is None for name in NEEDED.get(cmd_name, ())):
            return _lacking(cmd_name)
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        found: click.Command | None = getattr(import_module(module), name) if module else None
        return found

    def invoke(self, ctx: click.Context) -> NoReturn:
        """Run the command, and leave with its exit code."""
        ctx.exit(self._run(ctx))

    def _run(self, ctx: click.Context) -> int:
        try:
            code: int = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                click.echo(err=True)  # the line of the terminal's ^C
            return INTERRUPTED
        except MisuseError as wrong:
            raise WrongUse(self._worded(wrong, ctx)) from None
        except (TokenweirError, OSError) as failed:
            if not any(isinstance(fault, BrokenPipeError) for fault in (failed, failed.__cause__)):
                raise Failed(self._worded(failed, ctx)) from None
            _drop_output()
            return READER_LEFT
        return code

    def _worded(self, fault: Exception, ctx: click.Context) -> str:
        """What the library said of it, in the words of the command that was called."""
        return worded(str(fault), parameters(self.get_command(ctx, ctx.invoked_subcommand or "")))


def _lacking(name: str) -> click.Command:
    """In place of a command that lacks what it needs: it says so, and `--help` still lists it."""

    def say(**_: object) -> NoReturn:
        raise WrongUse(f"`tokenweir {name}` needs an extra: pip install 'tokenweir[gateway]'")

    rest = click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)
    settings: dict[str, Any] = {"ignore_unknown_options": True, "help_option_names": []}
    hint = "Needs an extra: pip install 'tokenweir[gateway]'."
    return click.Command(name, settings, say, [rest], short_help=hint)


def _drop_output() -> None:
    """Nobody reads: what is still buffered must not fail once more when the interpreter exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def tokenweir() -> None:
    """One clean stream of token events from any LLM backend."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, by default with `sys.argv`; the exit code."""
    try:
        tokenweir.main(arguments, prog_name="tokenweir")
    except SystemExit as over:
        return over.code if isinstance(over.code, int) else INCOMPLETE
