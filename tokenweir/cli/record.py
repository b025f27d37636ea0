"""`tokenweir record`: one question, its answer on the terminal and in a file.

Law of this file: the command line into values. What a recording holds, and what never gets into one,
stands in tokenweir/record.
"""

from pathlib import Path
from typing import Any

import anyio
import click

from tokenweir.cli.app import COMPLETE, INCOMPLETE
from tokenweir.cli.ask import Ways, ask
from tokenweir.cli.source_option import prompt_of, source_of, source_options
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.http import HTTPSource
from tokenweir.record import record as recording


@click.command(short_help="Ask a backend, and keep what it sends in a file.")
@source_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where the recording goes; a file of that name is overwritten.",
)
@click.option("--request", is_flag=True, help="Keep the request's body too, and the prompt with it.")
@click.option("--json", "as_json", is_flag=True, help="Print each event as one line of JSON.")
@click.argument("prompt")
def record(*, prompt: str, output: Path, request: bool, as_json: bool, **options: Any) -> int:
    """Ask PROMPT ("-": standard input), print the answer as it comes, and record it for `replay`: each
    byte, how the network split them, and when they came. Keys and request headers never get in.

    The exit code is 0 for a complete answer, 1 for any other end, 2 for wrong use. Whatever the end, the
    file is a recording of what was so far.
    """
    source = source_of(**options)
    if not isinstance(source, HTTPSource):
        raise MisuseError(f"{source.provider} does not ask over HTTP: there is nothing to record")
    ways = Ways(source, as_json=as_json)
    text = prompt_of(prompt)
    with recording(source, output, request_body=request) as taken:
        complete = anyio.run(ask, ways, ways.pipeline(), text, (), Assembly())
    if taken.hidden:
        shown = click.format_filename(output)
        click.echo(f"{shown}: the backend sent a compressed body: asterisks stand in its place", err=True)
    return COMPLETE if complete else INCOMPLETE
