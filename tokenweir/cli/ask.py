"""One question put to a backend, and its answer shown.

Law of this file: what goes to which of the two outputs while an answer comes. The answer has standard
output to itself; everything else is on standard error.
"""

import os
import stat
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import click
from msgspec import Struct
from rich.console import Console

from tokenweir.cli.json_lines import JSONLines, utf8_output
from tokenweir.cli.report import failure_line, stats_line
from tokenweir.cli.stage_option import SinkOption
from tokenweir.cli.status import Beside, Status
from tokenweir.cli.worded import here
from tokenweir.pipeline.assemble import Assembly
from tokenweir.pipeline.errors import SinkError, StreamError
from tokenweir.pipeline.events import Event
from tokenweir.pipeline.request import Messages
from tokenweir.pipeline.run import Pipeline, Report
from tokenweir.pipeline.sink import BranchReport, Sink
from tokenweir.pipeline.sources.base import Source
from tokenweir.pipeline.stage import Stage
from tokenweir.pipeline.visible import visible
from tokenweir.sinks import branch, fanout, stdout
from tokenweir.stages import append_only, token_count


class Ways(Struct, frozen=True):
    """How questions are put and answers shown. `stages` stand behind the source's own; `sinks` get every
    event beside the answer's output."""

    source: Source
    stages: tuple[Stage[Any, Any], ...] = ()
    sinks: tuple[SinkOption, ...] = ()
    as_json: bool = False
    stats: bool = False

    def pipeline(self) -> Pipeline:
        """The source and all stages. Raises MisuseError where they do not fit together."""
        stages = [*self.stages, token_count()]
        if not self.as_json and not sys.stdout.isatty():
            stages.append(append_only())  # what went out cannot be taken back
        return Pipeline(self.source, *stages)

    def made_sinks(self) -> list[tuple[str, Sink]]:
        """The sinks for one answer, with how each was written. Raises MisuseError where one refuses."""
        return [(option.whole, option.make()) for option in self.sinks]


class Kept:
    """The answer's output: it remembers what was shown, and why it failed."""

    def __init__(self, output: Sink, answer: Assembly) -> None:
        self.fault: OSError | None = None
        self._output = output
        self._answer = answer

    async def send(self, batch: Sequence[Event]) -> None:
        """Show a batch."""
        self._answer.feed(batch)
        try:
            await self._output.send(batch)
        except OSError as fault:
            self.fault = fault
            raise

    async def aclose(self) -> None:
        """Close the output."""
        await self._output.aclose()


async def ask(
    ways: Ways, pipeline: Pipeline, messages: Messages, sinks: Sequence[tuple[str, Sink]], answer: Assembly
) -> bool:
    """Ask, and show the answer; whether it is complete and every sink took it.

    `answer` is what was shown, also where this is cancelled. What broke is a line on standard error.
    Raises OSError where standard output fails.
    """
    async with ways.source:
        report, faults = await _run(ways, pipeline, messages, sinks, answer)
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    if ways.stats:
        click.echo(stats_line(report.usage, report.end.stats), err=True)
    return not faults


async def _run(
    ways: Ways, pipeline: Pipeline, messages: Messages, sinks: Sequence[tuple[str, Sink]], answer: Assembly
) -> tuple[Report, list[str]]:
    """The report, and what broke, one line each."""
    faults: list[str] = []
    with _status(ways) as status:
        shown: Sink = JSONLines(utf8_output()) if ways.as_json else stdout()
        kept = Kept(Beside(status, shown) if status else shown, answer)
        try:
            report = await _into(kept, sinks, pipeline, messages, faults)
        except SinkError:  # it is the receiver that failed: there is nobody to report to
            if kept.fault is not None:
                raise kept.fault from None
            raise
        except StreamError as broken:
            report = broken.partial
            faults.insert(0, here(failure_line(broken.failure)))
    return report, faults


async def _into(
    kept: Kept,
    sinks: Sequence[tuple[str, Sink]],
    pipeline: Pipeline,
    messages: Messages,
    faults: list[str],
) -> Report:
    if not sinks:
        return await pipeline.run(messages, into=kept)
    beside = [branch(sink, "wait", name=name, keeps_alive=False) for name, sink in sinks]
    out = fanout(branch(kept, "wait"), *beside)
    try:
        async with out:
            return await pipeline.run(messages, into=out)
    finally:
        faults += [
            _sink_line(one) for one in out.figures[1:] if one.outcome in ("failed", "disconnected", "left")
        ]


def _sink_line(one: BranchReport) -> str:
    said = one.failure.message if one.failure else one.outcome
    return visible(" ".join(f"{one.name}: {said}".split()))


def _status(ways: Ways) -> Status | nullcontext[None]:
    """A status line on standard error, if that is a terminal that can redraw it and nobody else writes there.

    The answer does: at once as JSON, else from its first text on. Not if it goes to a file; but a
    pipe may well lead back to the terminal (`| tee`).
    """
    console = Console(stderr=True)
    apart = _goes_to_a_file()
    taken = any(sink.on_stderr for sink in ways.sinks) or (ways.as_json and not apart)
    if not sys.stderr.isatty() or console.is_dumb_terminal or taken:
        return nullcontext()
    return Status(console, shared=not apart)


def _goes_to_a_file() -> bool:
    try:
        mode = os.fstat(sys.stdout.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not sys.stdout.isatty())
