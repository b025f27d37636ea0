"""`tokenweir chat`: one question and its answer, or a conversation.

Law of this file: the command line into values. How a question is put and its answer shown stands in
ask.py, a conversation in chat_interactive.py.
"""

import os
import sys
from typing import Any, get_args

import anyio
import click

from tokenweir import stages
from tokenweir.cli.app import COMPLETE, INCOMPLETE
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.stage_option import SINKS, sink_of, stage_of
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.sources.connect import SOURCES, connect
from tokenweir.stages.cumulative_detect import Mode

_PART = "NAME[:OPTION=VALUE,...]"


@click.command(short_help="Ask a backend, and see the answer as it comes.")
@click.option("--provider", metavar="P", help=f"Who answers: {', '.join(sorted(SOURCES))}.")
@click.option(
    "--base-url", metavar="U", help="The backend's address, where it is not the provider's usual one."
)
@click.option("--model", metavar="M", help="The model's name, as the backend knows it.")
@click.option("--api-key-env", metavar="VAR", help="The environment variable that holds the key.")
@click.option("--mode", type=click.Choice(get_args(Mode)), help="What the backend's chunks hold.")
@click.option(
    "--stage",
    "stage_spellings",
    multiple=True,
    metavar=_PART,
    help=f"Add a stage behind the source's own; may be repeated. Ours: {', '.join(stages.__all__)}.",
)
@click.option(
    "--sink",
    "sink_spellings",
    multiple=True,
    metavar=_PART,
    help=f"Send the events there too; may be repeated. Ours: {', '.join(SINKS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.option("--stats", is_flag=True, help="End with a line of figures on standard error.")
@click.argument("prompt", required=False)
def chat(
    *,
    prompt: str | None,
    stage_spellings: tuple[str, ...],
    sink_spellings: tuple[str, ...],
    as_json: bool,
    stats: bool,
    **options: Any,
) -> int:
    """Ask PROMPT ("-": standard input) and print the answer as it comes. Without PROMPT, on a terminal,
    begin a conversation.

    The exit code is 0 for a complete answer, 1 for any other end, 2 for wrong use.
    """
    ways = Ways(
        _source(**options),
        tuple(map(stage_of, stage_spellings)),
        tuple(map(sink_of, sink_spellings)),
        as_json=as_json,
        stats=stats,
    )
    if prompt is None:
        return _converse(ways)
    text = _read_prompt() if prompt == "-" else prompt
    complete = anyio.run(ask, ways, ways.pipeline(), text, ways.made_sinks(), Assembly())
    return COMPLETE if complete else INCOMPLETE


def _converse(ways: Ways) -> int:
    if not sys.stdin.isatty():
        raise click.UsageError("give a PROMPT, or - to read it from standard input, which is no terminal")
    from tokenweir.cli.chat_interactive import converse  # noqa: PLC0415 - it loads readline, which no pipe needs

    return converse(ways)


def _read_prompt() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as bad:
        raise click.UsageError(f"standard input is no text: {bad}") from None


def _source(
    provider: str | None, base_url: str | None, model: str | None, api_key_env: str | None, mode: Mode | None
) -> Source:
    """The source that the options name; what was not given is left to it. Raises MisuseError."""
    if provider is None:
        raise click.UsageError(f"--provider is needed; it is one of {', '.join(sorted(SOURCES))}")
    if api_key_env is not None and not os.environ.get(api_key_env):
        raise click.UsageError(
            f"--api-key-env {api_key_env}: there is no such environment variable, or it is empty"
        )
    given = {"model": model, "mode": mode, "api_key": api_key_env and os.environ[api_key_env]}
    return connect(provider, base_url, **{name: value for name, value in given.items() if value is not None})
