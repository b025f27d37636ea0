"""`tokenweir chat`: one question and its answer, or a conversation.

Law of this file: the command line into values. How a question is put and its answer shown stands in
ask.py, a conversation in chat_interactive.py.
"""

import sys
from typing import Any

import anyio
import click

from tokenweir import stages
from tokenweir.cli.app import COMPLETE, INCOMPLETE
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.source_option import prompt_of, source_of, source_options
from tokenweir.cli.stage_option import SINKS, sink_of, stage_of
from tokenweir.pipeline.assemble import Assembly

_PART = "NAME[:OPTION=VALUE,...]"


@click.command(short_help="Ask a backend, and see the answer as it comes.")
@source_options
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
        source_of(**options),
        tuple(map(stage_of, stage_spellings)),
        tuple(map(sink_of, sink_spellings)),
        as_json=as_json,
        stats=stats,
    )
    if prompt is None:
        return _converse(ways)
    complete = anyio.run(ask, ways, ways.pipeline(), prompt_of(prompt), ways.made_sinks(), Assembly())
    return COMPLETE if complete else INCOMPLETE


def _converse(ways: Ways) -> int:
    if not sys.stdin.isatty():
        raise click.UsageError("give a PROMPT, or - to read it from standard input, which is no terminal")
    from tokenweir.cli.chat_interactive import converse  # noqa: PLC0415 - it loads readline, which no pipe needs

    return converse(ways)
