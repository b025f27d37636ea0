"""`tokenweir decode`: recorded wire bytes, through the same cores as a live stream.

Law of this file: files in, lines out. What a line holds stands in decoded.py, and how a protocol is
told from its bytes in recognise.py.
"""

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import get_args

import click

from tokenweir.cli.app import COMPLETE, INCOMPLETE, WRONG_USE
from tokenweir.cli.decoded import decoded, sse_events
from tokenweir.cli.json_lines import json_line, utf8_output
from tokenweir.cli.recognise import recognise
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.stage import Stage
from tokenweir.stages import cumulative_detect, decode_protocol, delta_extract, sse_decode
from tokenweir.stages.cumulative_detect import Mode
from tokenweir.stages.decode_protocol import PROTOCOLS, decode_frames

AUTO, SSE = "auto", "sse"

MODES: Mapping[str, Mode] = {"openai-chat": "auto", "openai-completions": "auto"}
"""The mode where nobody gives one: a recording does not say who made it. Others send deltas."""


@click.command(short_help="Decode recorded answers into one line of JSON each.")
@click.option(
    "--protocol",
    type=click.Choice([AUTO, *sorted(PROTOCOLS), SSE]),
    default=AUTO,
    show_default=True,
    help=f"What the bytes speak; {SSE} gives the event stream's own events.",
)
@click.option(
    "--mode", type=click.Choice(get_args(Mode)), help="What the chunks hold. By default it is found out."
)
@click.option("--strict-sse", is_flag=True, help="Read the event stream to the letter of the standard.")
@click.option("--chunk", type=click.IntRange(min=1), metavar="N", help="Feed N bytes at a time.")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
def decode(
    protocol: str, mode: Mode | None, *, strict_sse: bool, chunk: int | None, files: tuple[str, ...]
) -> int:
    """Decode recorded response bodies: one line of JSON for each of the FILES ("-": standard input).

    Every file is decoded, whatever became of those before it. The exit code is 0 where every stream
    was complete, else 1; and 2 where the protocol of a file was not recognised.
    """
    out, worst = utf8_output(), COMPLETE

    @cache
    def chain(name: str) -> Stage[bytes, Event]:
        resends = cumulative_detect(mode or MODES.get(name, "delta")) | delta_extract()
        return decode_frames(name, strict=strict_sse) | decode_protocol(name) | resends

    for path in files:
        data, shown = _read(path), click.format_filename(path)
        name = recognise(data) if protocol == AUTO else protocol
        if name is None:
            worst = WRONG_USE
            known = ", ".join([*sorted(PROTOCOLS), SSE])
            click.echo(f"{shown}: its protocol is not recognised; --protocol is one of {known}", err=True)
        elif name == SSE:
            events = sse_events(sse_decode(strict=strict_sse), _cut(data, chunk))
            out.write(json_line({"events": events}))
        else:
            answer = decoded(shown, name, chain(name), _cut(data, chunk))
            out.write(json_line(answer))
            worst = max(worst, COMPLETE if answer.outcome == "complete" else INCOMPLETE)
    return worst


def _read(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


def _cut(data: bytes, chunk: int | None) -> Iterator[bytes]:
    """The data in pieces of `chunk` bytes; None is one piece."""
    size = chunk or max(1, len(data))
    return (data[at : at + size] for at in range(0, len(data), size))
